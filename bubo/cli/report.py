"""An answer as lines of text: under it each linked phrase with its status, its places and its seconds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bubo.types import Answer, Entity, Region, Span

STATUS_WORDS = {
    "seen": "seen",
    "heard": "heard",
    "both": "seen and heard",
    "absent": "not there",
    "unsure": "unsure",
}
_ROWS, _COLUMNS = ("top", "", "bottom"), ("left", "", "right")
MAX_PLACES = 4


def evidence_lines(answer: "Answer", before: "Answer | None" = None) -> list[str]:
    """One line per entity, in the order of first mention, then the verdict; phrases padded to one width.

    An entity that no phrase names, but the verdict rests on, stands in brackets. If the answer `before` had
    the same verdict, it is told in short, without such entities.
    """
    told = before is not None and before.verdict is not None and before.verdict == answer.verdict
    rows: list[tuple[str, str]] = []
    for entity in _in_order(answer):
        links = (link for link in answer.links if link.entity == entity.id)
        phrases = dict.fromkeys(answer.text[link.start : link.end] for link in links)
        if told and not phrases:
            continue
        rows.append((", ".join(phrases) or f"({entity.label})", _found(entity, answer)))
    width = min(max((len(name) for name, _ in rows), default=0), 30)
    lines = [f"  {name:<{width}} -> {found}" for name, found in rows]
    if (verdict := answer.verdict) is not None and told:
        lines.append(f"  picture and sound: {verdict.value} ({verdict.score:.2f}), as before")
    elif verdict is not None:
        lines.append(f"  picture and sound: {verdict.value} ({verdict.score:.2f}). {verdict.reason}")
    return [line.rstrip() for line in lines]


def notes(answer: "Answer", before: "Answer | None" = None) -> list[str]:
    """What a reader should know about how the answer came about: cut short, turns left out, a long sound."""
    said = []
    if answer.metadata.get("finish") == "length":
        said.append("the answer was cut at its greatest length")
    if note := answer.metadata.get("note"):
        said.append(str(note))
    told = answer.metadata.get("told")
    if told and (before is None or before.metadata.get("told") != told):
        said.append(f"the speaker takes no sounds and was told: {told}")
    known = before is not None and before.metadata.get("turns_dropped")
    if (dropped := answer.metadata.get("turns_dropped")) and not known:
        said.append(f"{dropped} of the oldest turns no longer fit into the model's context and were left out")
    if sampled_s := answer.metadata.get("sampled_s"):
        said.append(
            f"the model's words rest on samples of the sound of {sampled_s:.0f} s, so times in them do not "
            "hold; those shown with the phrases do"
        )
    return said


def _in_order(answer: "Answer") -> list["Entity"]:
    order = list(dict.fromkeys(link.entity for link in sorted(answer.links, key=lambda link: link.start)))
    rest = [entity.id for entity in answer.entities if entity.id not in order]
    return [answer.entity(id_) for id_ in [*order, *rest]]


def _found(entity: "Entity", answer: "Answer") -> str:
    several_pictures, several_sounds = len(answer.pictures) > 1, len(answer.sounds) > 1
    where = _listed([_place(region, answer, several_pictures) for region in entity.regions])
    when = _listed([_time(span, several_sounds) for span in entity.spans])
    facts = [STATUS_WORDS[entity.status], *filter(None, (where, when))]
    return f"{'; '.join(facts)} ({entity.score:.2f})"


def _listed(parts: Sequence[str]) -> str:
    shown = list(parts[:MAX_PLACES])
    if len(parts) > MAX_PLACES:
        shown.append(f"{len(parts) - MAX_PLACES} more")
    return ", ".join(shown)


def _place(region: "Region", answer: "Answer", several: bool) -> str:
    x0, y0, x1, y1 = region.box
    corners = f"[{x0:.0f} {y0:.0f} {x1:.0f} {y1:.0f}]"
    picture = f"picture {region.picture + 1} " if several else ""
    if region.picture >= len(answer.pictures):
        return picture + corners
    height, width = answer.pictures[region.picture].size_hw
    row, column = (_third((low + high) / 2 / side) for low, high, side in ((y0, y1, height), (x0, x1, width)))
    words = " ".join(filter(None, (_ROWS[row], _COLUMNS[column]))) or "centre"
    return f"{picture}{words} {corners}"


def _third(share: float) -> int:
    return min(2, max(0, int(3 * share)))


def _time(span: "Span", several: bool) -> str:
    sound = f"sound {span.sound + 1} " if several else ""
    return f"{sound}{span.start_s:.1f}-{span.end_s:.1f} s"
