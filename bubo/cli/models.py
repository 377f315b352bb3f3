"""`bubo models`: which presets there are, which are ready, and what the others lack."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bubo.arguments import Parser
from bubo.cli.arguments import verb_parser
from bubo.cli.sizes import size_of

if TYPE_CHECKING:
    from bubo.presets import Preset


def build_parser() -> Parser:
    """The options of `bubo models`."""
    parser = verb_parser(
        "models",
        "List presets: whether each is ready, what it takes on disk and in memory, and what is missing. "
        "A preset that is not ready shows the command that makes it so.",
    )
    parser.add_argument("--json", action="store_true", help="print the list as JSON, for programs")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo models` and return the exit code."""
    arguments = build_parser().parse_args(argv)
    entries = entries_of()
    if arguments.json:
        print(json.dumps(entries, ensure_ascii=False))
        return 0
    for entry in entries:
        status = "ready" if entry["ready"] else "to be trained" if entry["untrained"] else "not ready"
        free = "" if not entry["non_commercial"] else ", non-commercial"
        print(f"{entry['name']}: {status} ({entry['kind']}, {entry['precision']}{free})")
        print(f"  {entry['summary']}")
        print(f"  memory {size_of(entry['memory_bytes'])}, on disk {size_of(entry['bytes'])}")
        if not entry["ready"]:
            print(f"  missing: {', '.join(entry['missing']) or 'training'}")
            print(f"  -> {entry['command'] or entry['training']}")
    return 0


def entries_of() -> list[dict[str, Any]]:
    """All presets, for --json."""
    from bubo.pulling import known_presets

    presets = known_presets()
    return [_entry(preset, presets) for preset in presets.values()]


def _entry(preset: "Preset", presets: dict[str, "Preset"]) -> dict[str, Any]:
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
    }


def _tools_non_commercial(preset: "Preset", presets: dict[str, "Preset"]) -> bool:
    return isinstance(preset.grounder, str) and presets[preset.grounder].non_commercial
