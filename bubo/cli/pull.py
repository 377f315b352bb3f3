"""`bubo pull`: fetch the files of a preset, convert them, verify them."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bubo.arguments import Parser
from bubo.cli.arguments import verb_parser
from bubo.cli.sizes import size_of
from bubo.errors import InputError, ModelError

if TYPE_CHECKING:
    from bubo.downloads import NotReachable
    from bubo.presets import Preset, Presets, SourceFile
    from bubo.pulling import Plan, Supply

_ORIGINS = {
    "there": "here already",
    "given": "from your folder",
    "fetch": "to fetch",
    "nowhere": "TO BE BROUGHT BY YOU",
}


def build_parser() -> Parser:
    """The options of `bubo pull`."""
    parser = verb_parser(
        "pull",
        "Fetch the files of a preset, verify them and convert them to safetensors. What was cut off goes on "
        "where it was. First all files are listed, with sizes and licences; nothing is fetched before you "
        "agree.",
        "Models lie in ~/.cache/bubo/models, or where BUBO_HOME says. For gated files log in with "
        "`hf auth login` or set HF_TOKEN. example: bubo pull bubogpt-7b",
    )
    parser.add_argument("preset", metavar="PRESET", help="its name; `bubo models` lists all")
    parser.add_argument("--yes", action="store_true", help="agree to the licences without being asked")
    parser.add_argument(
        "--from",
        dest="folder",
        metavar="FOLDER",
        help="take files from there that you have already: FOLDER/OWNER/NAME/FILE, or FOLDER/FILE",
    )
    parser.add_argument(
        "--without-grounder",
        action="store_true",
        help="fetch what speaks alone; it is then loaded with --grounder NAME, or used with tools of yours",
    )
    parser.add_argument("--dry-run", action="store_true", help="only list what would be done")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo pull` and return the exit code."""
    arguments = build_parser().parse_args(argv)
    from bubo.downloads import NotReachable
    from bubo.presets import find_preset
    from bubo.pulling import known_presets, plan, pull

    presets = known_presets()
    preset = find_preset(arguments.preset, presets)
    if arguments.without_grounder:
        if preset.kind == "grounder":
            raise InputError(f"{preset.name} is a grounder: leave --without-grounder out.")
        preset = replace(preset, grounder=None)
    folder = None if arguments.folder is None else Path(arguments.folder).expanduser()
    work = plan(preset, presets, folder)
    if not work.steps:
        _end(preset, presets, arguments.without_grounder)
        return 0
    print("\n".join(lines_of(work)))
    if arguments.dry_run:
        return 0
    if not arguments.yes:
        _agree(work)
    progress = _Progress()
    try:
        pull(work, on_task=progress.begin)
    except NotReachable as error:
        progress.end()
        raise _listed(preset.name, error) from error
    finally:
        progress.end()
    _end(preset, presets, arguments.without_grounder)
    return 0


def _listed(name: str, error: "NotReachable") -> ModelError:
    """The error, with its files on lines of their own before it."""
    for file in error.files:
        print(f"  {file.place}  {file.address}", file=sys.stderr)
    return ModelError(
        f"{error.reason}. What has come so far is kept: pull again when there is a network. Or get the "
        f"{len(error.files)} files above elsewhere, put them into a folder by these paths, and say "
        f"bubo pull {name} --from FOLDER"
    )


def _end(preset: "Preset", presets: "Presets", alone: bool) -> None:
    from bubo.pulling import state_of

    if state_of(preset, presets).untrained:
        print(f"{preset.name}: all parts are here. It cannot answer before it is trained: {preset.training}")
    elif alone:
        print(f"{preset.name}: what speaks is ready. Load it with --grounder NAME, a grounder that is here")
    else:
        print(f"{preset.name}: ready")


def lines_of(work: "Plan") -> list[str]:
    """All files by origin, with sizes and licences."""
    unknown = sum(file.bytes is None for file in work.to_fetch)
    total = size_of(work.fetch_bytes)
    if unknown:
        total += f" and {unknown} whose sizes are not known here"
    lines = [f"{work.preset.name}: {work.preset.summary}", ""]
    supplies = sorted(work.supplies, key=lambda supply: _origin(supply.file))
    for origin, group in groupby(supplies, key=lambda supply: _origin(supply.file)):
        files = list(group)
        first = files[0].file
        lines.append(f"{origin}{'  [NON-COMMERCIAL]' if first.non_commercial else ''}")
        lines.append(f"  licence: {first.licence}, {first.licence_url}")
        if first.gated:
            lines.append(f"  gated: accept the terms on https://huggingface.co/{first.repo} first")
        if first.note:
            lines.append(f"  note: {first.note}")
        lines += [f"  {_line(supply)}" for supply in files]
    lines += ["", f"to fetch: {len(work.to_fetch)} files, {total}"]
    if any(supply.file.non_commercial for supply in work.supplies):
        lines.append("Files marked NON-COMMERCIAL, and what is made of them, may not be used commercially.")
    return lines


def _origin(file: "SourceFile") -> str:
    return file.repo or file.url or "(published nowhere)"


def _line(supply: "Supply") -> str:
    file = supply.file
    known = "hash known" if file.sha256 else "hash as the hub tells" if file.repo else "no published hash"
    return f"{file.path}  {size_of(file.bytes)}  {known}  {_ORIGINS[supply.origin]}"


def _agree(work: "Plan") -> None:
    if sys.stdin is None or not sys.stdin.isatty():
        raise InputError(
            f"Nobody can be asked whether the licences are agreed to: this is no terminal. If you agree, say "
            f"bubo pull {work.preset.name} --yes"
        )
    print("Do you agree to these licences, and shall all this be fetched? [y/N] ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise InputError("Nothing was fetched.")


class _Progress:
    """A bar per file on a terminal, a line per file elsewhere."""

    def __init__(self) -> None:
        self.bar: Any = None

    def begin(self, name: str) -> Callable[[int, int | None], None]:
        """Go on to the next file or model."""
        from tqdm import tqdm

        self.end()
        if not sys.stderr.isatty():
            print(name, file=sys.stderr, flush=True)
            return lambda have, total: None
        bar = self.bar = tqdm(desc=name, unit="B", unit_scale=True, file=sys.stderr)

        def show(have: int, total: int | None) -> None:
            bar.total = total
            bar.update(have - bar.n)

        return show

    def end(self) -> None:
        """Close what is open."""
        if self.bar is not None:
            self.bar.close()
        self.bar = None
