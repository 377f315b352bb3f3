"""Stand-ins for an assistant that know the truth of a data set, and those that only guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bubo.geometry import rle_decode
from bubo.records import Record, RecordTurn, read_shards, read_vocabulary
from bubo.types import Answer, Entity, Link, Picture, Region, Regions, Sound, Span, Spans, Tags, Verdict


class Oracle:
    """Knows the truth: grounder and conversation in one. Its methods are spoilt for those who only guess."""

    new_ids = False

    def __init__(self, folder: Path):
        self.vocabulary = read_vocabulary(folder)
        self.records = list(read_shards(folder))
        self.by_id = {m.id: record for record in self.records for m in (record.picture, record.sound) if m}
        self.grounder = SimpleNamespace(tagger=self, detector=self, segmenter=self, listener=self)

    def tag(self, picture: Picture) -> Tags:
        there = {thing["name"] for thing in self.by_id[picture.id].truth["objects"]}
        names = [entry["name"] for entry in self.vocabulary["objects"]]
        return Tags(tuple(names), np.array([self.score(name in there) for name in names], np.float32))

    def score(self, there: bool) -> float:
        return float(there)

    def detect(self, picture: Picture, names: Sequence[str]) -> Regions:
        things = [thing for thing in self.by_id[picture.id].truth["objects"] if thing["name"] in names]
        boxes = np.array([thing["box"] for thing in things], np.float32).reshape(-1, 4)
        return Regions(tuple(thing["name"] for thing in things), boxes, np.ones(len(things), np.float32))

    def segment(self, picture: Picture, where: Regions) -> Regions:
        masks = [self.mask(thing) for label, box in zip(where.labels, where.boxes, strict=True)
                 for thing in self.by_id[picture.id].truth["objects"]
                 if thing["name"] == label and np.allclose(thing["box"], box)]  # fmt: skip
        return Regions(where.labels, where.boxes, where.scores, np.stack(masks))

    def mask(self, thing: Mapping[str, Any]) -> np.ndarray:
        return rle_decode(thing["mask"])

    def span(self, record: Record, event: Mapping[str, Any]) -> tuple[float, float]:
        return event["start_s"], event["end_s"]

    def listen(self, sound: Sound, names: Sequence[str]) -> Spans:
        record = self.by_id[sound.id]
        there = {event["name"] for event in record.truth["events"]}
        rows = [
            (event["name"], self.span(record, event), self.score(True)) for event in record.truth["events"]
        ]
        rows += [(name, (0.0, 0.0), self.score(False)) for name in names if name not in there]
        return Spans(tuple(r[0] for r in rows), np.array([r[1] for r in rows], np.float32),
                     np.array([r[2] for r in rows], np.float32))  # fmt: skip

    def conversation(self) -> OracleTalk:
        return OracleTalk(self)

    def say(self, record: Record, turn: RecordTurn) -> str:
        return turn.text

    def verdict(self, record: Record) -> str:
        return str(record.truth["pair"])

    def status(self, status: str) -> str:
        return status


class OracleTalk:
    """Finds its dialogue by media and question, and says what stands there."""

    def __init__(self, oracle: Oracle):
        self.oracle = oracle
        self.number = 0
        self.found: list[tuple[Record, Sequence[RecordTurn]]] = []
        self.ids: dict[Any, str] = {}

    def ask(self, text: str, picture: Picture | None = None, sound: Sound | None = None) -> Answer:
        given = ("picture",) * (picture is not None) + ("sound",) * (sound is not None)
        if not self.number:
            medium = picture or sound
            records = [self.oracle.by_id[medium.id]] if medium else self.oracle.records
            self.found = [(record, dialogue) for record in records for dialogue in record.dialogues]
        self.found = [
            (record, turns) for record, turns in self.found
            if [(t.text, t.media) for t in turns[self.number : self.number + 1]] == [(text, given)]
        ]  # fmt: skip
        record, dialogue = self.found[0]
        turn = dialogue[self.number + 1]
        self.number += 2
        if self.oracle.new_ids:
            self.ids = {key: f"x{id_}" for key, id_ in self.ids.items()}
        said = self.oracle.say(record, turn)
        links = turn.links if said == turn.text else ()
        entities = [self.entity(record, turn, link) for link in links]
        value = self.oracle.verdict(record)
        both = record.picture is not None and record.sound is not None
        return Answer(
            said,
            tuple({entity.id: entity for entity in entities}.values()),
            tuple(Link(lk["start"], lk["end"], e.id) for lk, e in zip(links, entities, strict=True)),
            Verdict(value, 1.0) if both and value in ("match", "partly", "mismatch") else None,
        )

    def entity(self, record: Record, turn: RecordTurn, link: Mapping[str, Any]) -> Entity:
        things = [thing for thing in record.truth["objects"] if thing["id"] in link["things"]]
        events = [event for event in record.truth["events"] if event["id"] in link["events"]]
        label = things[0]["name"] if things else events[0]["name"] if events else turn.text[link["start"] :]
        ids = tuple(sorted(link["things"] or link["events"]))  # the same things in any order
        masks = [(thing["box"], self.oracle.mask(thing)) for thing in things]
        spans = [self.oracle.span(record, event) for event in events]
        if not ids and self.oracle.status("absent") != self.oracle.status("seen"):
            masks, spans = [], []
        elif not ids:
            masks, spans = [((0, 0, 9, 9), np.ones((9, 9), bool))], [(0.0, 1.0)]
        id_ = self.ids.setdefault((label, ids), f"e{len(self.ids)}")
        regions = tuple(Region(0, box, mask, 1.0) for box, mask in masks)
        status = self.oracle.status(link["status"])
        return Entity(id_, label, status, 1.0, regions, tuple(Span(0, *span, 1.0) for span in spans))


class Guesser(Oracle):
    """Gives everything one score, the whole picture and the whole sound, and calls all it names absent."""

    def score(self, there: bool) -> float:
        return 0.5

    def mask(self, thing: Mapping[str, Any]) -> np.ndarray:
        return np.ones_like(rle_decode(thing["mask"]))

    def span(self, record: Record, event: Mapping[str, Any]) -> tuple[float, float]:
        return 0.0, record.truth["duration_s"]

    def status(self, status: str) -> str:
        return "absent"

    def verdict(self, record: Record) -> str:
        return "match"


class Yes(Oracle):
    """Says yes to everything, and takes everything for new in every turn."""

    new_ids = True

    def say(self, record: Record, turn: RecordTurn) -> str:
        return "Yes." if turn.kind in ("presence", "presence_sound", "relation") else turn.text
