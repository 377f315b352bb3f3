"""Which entity a thing is: the same one keeps its id through all turns of a conversation."""

from collections.abc import Sequence

from bubo.geometry import box_iou
from bubo.types import Entity, Region, Span, Turn

SAME_IOU = 0.5


class EntityBook:
    """The entities of a conversation, and those that the answer at hand speaks of.

    Args:
        known: The entities so far. None is changed; one that is met again is replaced under its id.
    """

    def __init__(self, known: Sequence[Entity] = ()):
        self._all: dict[str, Entity] = {entity.id: entity for entity in known}
        self._touched: dict[str, None] = {}
        numbers = [int(id_[1:]) for id_ in self._all if id_[:1] == "e" and id_[1:].isdigit()]
        self._next = max(numbers, default=0) + 1

    def __getitem__(self, id_: str) -> Entity:
        return self._all[id_]

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The entities that the answer speaks of, in the order in which they were entered."""
        return tuple(self._all[id_] for id_ in self._touched)

    def enter(
        self,
        label: str,
        status: str,
        score: float,
        regions: Sequence[Region] = (),
        spans: Sequence[Span] = (),
        *,
        by_spans: bool = False,
    ) -> str:
        """Enters a thing and gives its id: that of the entity it already is, or a new one.

        Args:
            label: Its name.
            status: As of `Entity`; made "both" where the known entity adds what is missing. A doubt that
                this answer has raised stays, with the lower score.
            score: As of `Entity`.
            regions: Where it is seen.
            spans: When it is heard.
            by_spans: Tell it by when it is heard, even if it is seen too (for sounds, whose source may
                change).
        """
        regions, spans = tuple(regions), tuple(spans)
        old = self._find(label, regions, spans, by_spans)
        if old is None:
            id_ = f"e{self._next}"
            self._next += 1
        else:
            id_ = old.id
            regions, spans = regions or old.regions, spans or old.spans
            if status == "seen" and spans or status == "heard" and regions:
                status = "both"
            if id_ in self._touched and old.status == "unsure" and status != "absent":
                status, score = "unsure", min(score, old.score)
        self._all[id_] = Entity(id_, label, status, round(min(max(score, 0.0), 1.0), 4), regions, spans)
        self._touched[id_] = None
        return id_

    def leave(self, id_: str) -> None:
        """The answer does not speak of an entity after all."""
        self._touched.pop(id_, None)

    def _find(
        self, label: str, regions: tuple[Region, ...], spans: tuple[Span, ...], by_spans: bool
    ) -> Entity | None:
        for entity in self._all.values():
            if entity.label != label:
                continue
            if spans and entity.spans and (by_spans or not (regions and entity.regions)):
                if same_spans(spans, entity.spans):
                    return entity
            elif regions and entity.regions:
                if not by_spans and same_regions(regions, entity.regions):
                    return entity
            elif not (regions or spans or entity.regions or entity.spans):
                return entity
        return None


def same_regions(a: Sequence[Region], b: Sequence[Region]) -> bool:
    """Whether two sets of regions are the same places: as many, paired with IoU of one half."""
    if len(a) != len(b):
        return False
    rest = list(b)
    for region in a:
        best = max(rest, key=lambda other: _iou(region, other))
        if _iou(region, best) < SAME_IOU:
            return False
        rest.remove(best)
    return True


def same_spans(a: Sequence[Span], b: Sequence[Span]) -> bool:
    """Whether two sets of spans are the same stretches: as many, paired with IoU of one half."""
    if len(a) != len(b):
        return False
    rest = list(b)
    for span in a:
        best = max(rest, key=lambda other: span_iou(span, other))
        if span_iou(span, best) < SAME_IOU:
            return False
        rest.remove(best)
    return True


def _iou(a: Region, b: Region) -> float:
    if a.picture != b.picture:
        return 0.0
    if a.box == b.box:
        return 1.0
    return float(box_iou([a.box], [b.box])[0, 0])


def span_iou(a: Span, b: Span) -> float:
    """Intersection over union in time of two spans; 0 in different sounds."""
    if a.sound != b.sound:
        return 0.0
    if (a.start_s, a.end_s) == (b.start_s, b.end_s):
        return 1.0
    shared = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    whole = max(a.end_s, b.end_s) - min(a.start_s, b.start_s)
    return max(0.0, shared) / whole if whole > 0 else 0.0


def known_entities(turns: Sequence[Turn]) -> list[Entity]:
    """The entities of earlier answers as they were last, the one spoken of last at the end."""
    known: dict[str, Entity] = {}
    for turn in turns:
        if turn.answer is None:
            continue
        for entity in turn.answer.entities:
            known[entity.id] = entity
        for link in sorted(turn.answer.links, key=lambda link: link.start):
            known[link.entity] = known.pop(link.entity)
    return list(known.values())
