"""`bubo train CONFIG [KEY=VALUE ...]`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from bubo.arguments import Parser
from bubo.errors import ConfigError

from . import config as configs


def main(argv: Sequence[str] | None = None) -> int:
    """Run one stage.

    Returns:
        0 when the stage is finished, 130 when it was stopped.

    Raises:
        BuboError: What `bubo` turns into one line and exit code 2.
    """
    arguments = _parser().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(message)s")
    logging.getLogger("bubo").setLevel(logging.WARNING if arguments.quiet else logging.INFO)
    try:
        config = configs.load(_find(arguments.config), arguments.override)
        from .run import RunInterrupted, build_job, count_parameters, run  # torch is imported only now

        try:
            if arguments.dry_run:
                configs.check_inputs(config)
                total, trained = count_parameters(build_job(config))
                sys.stdout.write(f"{config.to_yaml()}# parameters: {total:,}, trained: {trained:,}\n")
            else:
                run(config, restart=arguments.restart, progress=not arguments.quiet)
        except RunInterrupted as stopped:
            sys.stderr.write(f"{stopped}\n")
            return 130
    except KeyboardInterrupt:
        sys.stderr.write("stopped at once; the same command goes on from the last checkpoint\n")
        return 130
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="bubo train",
        description="Train one stage. Run again after a stop or a kill to go on from the last checkpoint.",
    )
    parser.add_argument(
        "config",
        metavar="STAGE",
        help="YAML file of a stage, or a name in the shipped configs (nano/eyes)",
    )
    parser.add_argument(
        "override",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="replaces one value of the file, such as optim.lr=3e-4",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the resolved config and the parameter counts"
    )
    parser.add_argument(
        "--restart", action="store_true", help="delete an earlier run in output_dir, then train"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress")
    return parser


def _find(name: str) -> Path:
    """The file `name`, or the shipped `configs/train/name.yaml`."""
    if Path(name).is_file():
        return Path(name)
    shipped = Path(str(resources.files("bubo.configs"))) / "train"
    if (shipped / f"{name}.yaml").is_file():
        return shipped / f"{name}.yaml"
    known = sorted(str(path.relative_to(shipped).with_suffix("")) for path in shipped.rglob("*.yaml"))
    raise ConfigError(
        f"there is no file {name}; expected a YAML file or one of the shipped stages: {', '.join(known)}"
    )
