"""`bubo models`: which presets there are, which are ready, and what the others lack."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bubo.arguments import Parser
from bubo.cli.arguments import verb_parser
from bubo.cli.sizes import size_of
from bubo.errors import InputError

if TYPE_CHECKING:
    from bubo.presets import Preset, Presets


def build_parser() -> Parser:
    """The options of `bubo models`."""
    parser = verb_parser(
        "models",
        "List presets: whether each is ready, what it takes on disk and in memory, and what is missing. "
        "A preset that is not ready shows the command that makes it so. With --remove, take the files of one "
        "away again.",
        "example: bubo models --remove bubogpt-7b",
    )
    parser.add_argument("--json", action="store_true", help="print the list as JSON, for programs")
    parser.add_argument(
        "--remove",
        metavar="NAME",
        help="remove the model folders and downloads of this preset, but not those of its grounder; first "
        "all is listed, and you are asked",
    )
    parser.add_argument("--yes", action="store_true", help="with --remove: do not ask")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo models` and return the exit code."""
    arguments = build_parser().parse_args(argv)
    if arguments.remove is not None:
        return _remove(arguments.remove, arguments.yes)
    entries = entries_of()
    if arguments.json:
        print(json.dumps(entries, ensure_ascii=False))
        return 0
    for entry in entries:
        if entry["error"]:
            print(f"{entry['name']}: broken\n  {entry['error']}")
            continue
        status = "ready" if entry["ready"] else "to be trained" if entry["untrained"] else "not ready"
        free = "" if not entry["non_commercial"] else ", non-commercial"
        print(f"{entry['name']}: {status} ({entry['kind']}, {entry['precision']}{free})")
        print(f"  {entry['summary']}")
        print(f"  memory {size_of(entry['memory_bytes'])}, {_disk(entry)}")
        if not entry["ready"]:
            print(f"  missing: {', '.join(entry['missing']) or 'training'}")
            print(f"  -> {entry['command'] or entry['training']}")
        if entry["unpinned"]:
            print(f"  not pinned, so that others may come one day: {', '.join(entry['unpinned'])}")
    return 0


def _disk(entry: dict[str, Any]) -> str:
    """What of a preset is on disk, and what is still to come."""
    if entry["ready"] or entry["untrained"]:
        return f"on disk {size_of(entry['bytes'])}" if entry["bytes"] else "nothing to pull"
    here = f"{size_of(entry['bytes'])} on disk" if entry["bytes"] else "not pulled"
    sizes = [size_of(entry["fetch_bytes"])] if entry["fetch_bytes"] else []
    if count := entry["fetch_unknown"]:
        sizes.append(f"{count} file{'s' if count > 1 else ''} of unknown size")
    return f"{here}, {' and '.join(sizes)} to fetch" if sizes else f"{here}, nothing more to fetch"


def _remove(name: str, agreed: bool) -> int:
    """List what goes with a preset, ask, and take it away."""
    from bubo.presets import find_preset
    from bubo.pulling import known_presets
    from bubo.removing import removal_of, remove

    presets = known_presets()
    work = removal_of(find_preset(name, presets), presets)
    for place, why in work.left.items():
        print(f"left alone: {place} ({why})")
    if not work.folders and not work.downloads:
        print(f"{name}: nothing of it is here")
        return 0
    for folder, users in work.folders.items():
        print(f"model folder: {folder}" + (f" (a part of {', '.join(users)}, too)" if users else ""))
    for path in work.downloads:
        print(f"download: {path}")
    print(f"to be freed: {size_of(work.bytes)}")
    if not agreed:
        if sys.stdin is None or not sys.stdin.isatty():
            raise InputError(
                f"Nobody can be asked whether to remove this: this is no terminal. If it shall go, say "
                f"bubo models --remove {name} --yes"
            )
        print("Shall all this be removed? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise InputError("Nothing was removed.")
    remove(work)
    print(f"{name}: removed")
    return 0


def entries_of() -> list[dict[str, Any]]:
    """All presets, for --json."""
    from bubo.pulling import known_presets

    presets = known_presets()
    broken = [_NOTHING | {"name": name, "error": problem} for name, problem in presets.broken.items()]
    return [*(_entry(preset, presets) for preset in presets.values()), *broken]


def _entry(preset: "Preset", presets: "Presets") -> dict[str, Any]:
    from bubo.presets import needed_bytes
    from bubo.pulling import plan, state_of

    state = state_of(preset, presets)
    work = plan(preset, presets)
    untrained = state.untrained
    return {
        "name": preset.name,
        "kind": preset.kind,
        "summary": preset.summary,
        "mode": preset.mode,
        "precision": preset.precision,
        "ready": state.ready,
        "untrained": untrained,
        "missing": [*state.missing, *(f"{name} ({why})" for name, why in state.damaged.items())],
        "bytes": state.bytes,
        "fetch_bytes": work.fetch_bytes,
        "fetch_unknown": sum(file.bytes is None for file in work.to_fetch),
        "memory_bytes": needed_bytes(preset, presets),
        "non_commercial": preset.non_commercial or _tools_non_commercial(preset, presets),
        "command": None if state.ready or untrained else f"bubo pull {preset.name}",
        "training": preset.training or None,
        "unpinned": list(dict.fromkeys(file.repo for file in preset.files if file.repo and not file.pinned)),
        "error": None,
    }


#: What an entry says of a preset whose file is broken.
_NOTHING: dict[str, Any] = {
    "kind": None,
    "summary": "",
    "mode": None,
    "precision": None,
    "ready": False,
    "untrained": False,
    "missing": [],
    "bytes": 0,
    "fetch_bytes": 0,
    "fetch_unknown": 0,
    "memory_bytes": 0,
    "non_commercial": False,
    "command": None,
    "training": None,
    "unpinned": [],
}


def _tools_non_commercial(preset: "Preset", presets: "Presets") -> bool:
    return isinstance(preset.grounder, str) and presets[preset.grounder].non_commercial
