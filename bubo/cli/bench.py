"""`bubo bench`: speed and memory of a model here, beside transformers.generate on the same weights."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bubo.arguments import Parser
from bubo.cli import measurements as m
from bubo.cli.arguments import add_model, verb_parser
from bubo.cli.chat import SAMPLES, sample_path
from bubo.errors import InputError

if TYPE_CHECKING:
    from bubo.assistant import Assistant


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        name: Key in the JSON form.
        meaning: What was measured.
        unit: "s", "ms", "x", "MB" or "tokens/s"; values are kept in s, x, MB or tokens/s.
        aim: What it should not exceed, in the unit of the value; None if there is no aim.
        least: The aim is what it should reach instead.
    """

    name: str
    meaning: str
    unit: str
    aim: float | None = None
    least: bool = False


TABLE: tuple[tuple[str, tuple[Row, ...]], ...] = (
    (
        "loading and memory",
        (
            Row("import_s", "import of the libraries", "s"),
            Row("load_s", "load, imports included", "s", 5.0),
            Row("peak_memory_mb", "peak memory of Bubo's part of this run", "MB", 1500.0),
        ),
    ),
    (
        "answers",
        (
            Row("first_token_media_s", "first token, turn 1 with a picture and a sound", "ms"),
            Row("first_token_turn1_s", "first token, turn 1, text only", "ms"),
            Row("first_token_turn10_s", "first token, turn 10", "ms"),
            Row("turn10_ratio", "turn 10 against turn 1, text only", "x", 1.3),
            Row("tokens_per_s", "tokens per second after the first", "tokens/s"),
        ),
    ),
    (
        "several chats at once, linked answers, media perceived before",
        (
            Row("one_chat_tokens_per_s", "one chat, tokens per second of whole answers", "tokens/s"),
            Row("eight_chats_tokens_per_s", "eight chats at once, all together", "tokens/s"),
            Row("eight_chats_ratio", "eight chats against one", "x", 2.5, least=True),
        ),
    ),
    (
        "transformers.generate, same weights, fed the whole history",
        (
            Row("generate_first_token_media_s", "first token, turn 1 with a picture and a sound", "ms"),
            Row("generate_first_token_turn10_s", "first token, turn 10", "ms"),
            Row("generate_tokens_per_s", "tokens per second after the first", "tokens/s"),
            Row("first_token_media_speedup", "first token of turn 1: Bubo is so many times as fast", "x"),
            Row("first_token_turn10_speedup", "first token of turn 10: Bubo is so many times as fast", "x"),
            Row("tokens_speedup", "tokens after the first: Bubo is so many times as fast", "x"),
        ),
    ),
    (
        "grounding one answer, nothing kept from before",
        (
            Row("tag_s", "tag the picture", "ms"),
            Row("detect_s", "detect", "ms"),
            Row("segment_s", "segment", "ms"),
            Row("listen_s", "listen to the sound", "ms"),
            Row("match_s", "match phrases", "ms"),
            Row("grounding_s", "all of it", "ms"),
        ),
    ),
)


def build_parser() -> Parser:
    """The options of `bubo bench`."""
    parser = verb_parser(
        "bench",
        "Measure load time, peak memory, time to the first token, tokens per second and the steps of "
        "grounding, with the sample picture and sound, in a conversation of ten turns. "
        "transformers.generate on the same weights is measured beside it.",
    )
    add_model(parser)
    parser.add_argument(
        "--rounds", type=int, default=5, metavar="N", help="repetitions, of which medians are shown"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo bench` and return the exit code."""
    arguments = build_parser().parse_args(argv)
    if not 1 <= arguments.rounds <= 1000:
        raise InputError(f"--rounds is {arguments.rounds}; expected 1 to 1000.")
    _, import_s = m.timed(lambda: [import_module(name) for name in ("torch", "transformers", "bubo.models")])
    from bubo.assistant import load

    assistant, load_s = m.timed(lambda: load(arguments.model))
    figures = {"import_s": import_s, "load_s": import_s + load_s, **run(assistant, arguments.rounds)}
    machine = describe_machine()
    if arguments.json:
        about = {"model": arguments.model, "rounds": arguments.rounds, "machine": machine}
        print(json.dumps({**about, "figures": figures_dict(figures)}))
    else:
        print(f"model {arguments.model}, medians of {arguments.rounds} rounds, {machine}")
        print("\n".join(table_lines(figures)))
    return 0


def run(assistant: "Assistant", rounds: int) -> dict[str, float]:
    """All measurements but loading, by name; what a model cannot do is left out."""
    from bubo.media import load_picture, load_sound
    from bubo.speaker import ModelSpeaker

    picture, sound = load_picture(sample_path(SAMPLES[0])), load_sound(sample_path(SAMPLES[1]))
    media = list(m.variants(picture, sound, 2 * (rounds + 1) + m.NUM_CHATS))
    print("measuring answers ...", file=sys.stderr)
    figures, turns = m.measure_turns(assistant, media[: rounds + 1])
    figures["turn10_ratio"] = figures["first_token_turn10_s"] / max(figures["first_token_turn1_s"], 1e-9)
    print("measuring eight chats at once ...", file=sys.stderr)
    figures |= m.measure_chats(assistant, media[-m.NUM_CHATS :], rounds)
    if assistant.grounder is not None:
        print("measuring grounding ...", file=sys.stderr)
        figures |= m.measure_grounding(assistant.grounder, turns[1].text, media[rounds + 1 : -m.NUM_CHATS])
    memory = m.peak_memory_mb()  # before generate, which is not Bubo's
    if memory is not None:
        figures["peak_memory_mb"] = memory
    if isinstance(assistant.speaker, ModelSpeaker):
        print("measuring transformers.generate ...", file=sys.stderr)
        figures |= m.measure_generate(assistant.speaker, turns, rounds)
        for name in ("first_token_media", "first_token_turn10"):
            figures[f"{name}_speedup"] = figures[f"generate_{name}_s"] / max(figures[f"{name}_s"], 1e-9)
        figures["tokens_speedup"] = figures["tokens_per_s"] / max(figures["generate_tokens_per_s"], 1e-9)
    return figures


def table_lines(figures: Mapping[str, float]) -> list[str]:
    """The measured figures as a table, those with an aim saying whether they met it."""
    lines: list[str] = []
    for title, rows in TABLE:
        shown = [row for row in rows if row.name in figures]
        if shown:
            lines += ["", title, *(_line(row, figures[row.name]) for row in shown)]
    return lines


def figures_dict(figures: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """The measured figures in their JSON form: name -> value, unit, aim; times are in seconds."""
    rows = [row for _, rows in TABLE for row in rows if row.name in figures]
    return {
        row.name: {
            "value": round(figures[row.name], 6),
            "unit": "s" if row.unit == "ms" else row.unit,
            "aim": row.aim,
        }
        for row in rows
    }


def _line(row: Row, value: float) -> str:
    shown = f"{_number(value, row.unit)} {row.unit}"
    aim = ""
    if row.aim is not None:
        met = "met" if (value >= row.aim if row.least else value <= row.aim) else "MISSED"
        bound = f"at {'least' if row.least else 'most'} {_number(row.aim, row.unit).strip()} {row.unit}"
        aim = f"aim: {bound}, {met}"
    return f"  {row.meaning:<48} {shown:<18} {aim}".rstrip()


def _number(value: float, unit: str) -> str:
    scaled, digits = (value * 1000, 1) if unit == "ms" else (value, 0 if unit == "MB" else 2)
    return f"{scaled:>8.{digits}f}"


def describe_machine() -> str:
    """Device, threads and versions in a few words."""
    from bubo.cli.doctor import device_lines

    torch: Any = import_module("torch")
    return f"{device_lines()[0]}, {torch.get_num_threads()} threads, torch {torch.__version__}"
