"""Text, pictures and sounds -> entities, links and a verdict: the tools in their order, each asked once.

A picture's tags go to the detector in one question. So do, where it knows more than the lexicon, the nouns of
a text that no tag covers: a pass costs it about as much for many phrases as for one. A detector of a closed
vocabulary, which looks once and shares out what it saw, is asked for each noun by itself. What was found is
kept by name: a text that is still being written meets the same findings as the finished one.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from bubo.errors import InputError
from bubo.geometry import box_area
from bubo.grounding.asking import asked_objects, asked_sounds
from bubo.grounding.caption import caption_sounds
from bubo.grounding.detector import Detector
from bubo.grounding.kept import Listened, Seen, instance_of, note_spans, numbered
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.limits import Limits
from bubo.grounding.listener import Listener
from bubo.grounding.matcher import Matcher, match
from bubo.grounding.perception import PRESENT, Heard, Instance, Perception
from bubo.grounding.pointing import Label, Pointed, heard_in, name_region, point, region_at, with_pointed
from bubo.grounding.qualifiers import centre
from bubo.grounding.segmenter import Segmenter
from bubo.grounding.tagger import Tagger
from bubo.grounding.verdict import judge
from bubo.recent import Shared
from bubo.stopping import check_stop
from bubo.types import Entity, Link, Picture, Place, Region, Regions, Sound, Span, Tags, Verdict

_Result = TypeVar("_Result")
# Bytes of masks of earlier pictures that are kept.
MASK_BYTES = 512_000_000
# Bytes of masks that are whole at a time, a byte per pixel; a region keeps a large one as its cutout.
BLOCK_BYTES = 256_000_000


class Grounder:
    """Ties texts to pictures and sounds.

    Threads may share one: the tools may then be asked about different media at once, and about one medium by
    one thread at a time, so that what two want to know is found out once.

    Args:
        tagger: Names what a picture shows; with None there is only what the detector finds for the text.
        detector: Finds boxes for names; with None nothing is seen.
        segmenter: Gives the boxes masks; with None they have none.
        listener: Finds sounds; with None nothing is heard.
        lexicon: What words can mean, and which things make which sound. Tags it does not hold are added.
        limits: Where sure begins.
        num_media: Pictures and sounds whose findings are kept; masks of pictures up to `MASK_BYTES` in all.
        matcher: Ties the phrases of finished texts. Those of texts that are still being written are tied by
            the deterministic `match`, so that a matcher that asks a language model is asked once.
        open_vocabulary: The detector and the listener know more than the lexicon: what a text says is heard
            is listened for even if no sound of it is known, what makes a sound is looked for even if the
            tagger has no word for it, and what the detector gives an empty box is not there.

    Attributes:
        note: What a reader should know of how this thread's latest finished text was matched; normally empty.
        last: Seconds that the steps of this thread's latest `ground` took: "tag_s", "detect_s", "segment_s",
            "listen_s", "match_s"; what was kept from before takes none.
    """

    def __init__(
        self,
        tagger: Tagger | None,
        detector: Detector | None,
        segmenter: Segmenter | None,
        listener: Listener | None,
        lexicon: Lexicon,
        *,
        limits: Limits | None = None,
        num_media: int = 64,
        matcher: Matcher = match,
        open_vocabulary: bool = False,
    ):
        self.matcher = matcher
        self.tagger = tagger
        self.detector = detector
        self.segmenter = segmenter
        self.listener = listener
        self.lexicon = lexicon
        self.limits = limits or Limits()
        self.open_vocabulary = open_vocabulary
        self._told = threading.local()  # what this thread's latest call has left to be read
        self._with_said: tuple[Lexicon, dict[str, tuple[str, ...]], Lexicon] | None = None
        self._seen: Shared[Seen] = Shared(num_media, lambda view: view.mask_bytes, MASK_BYTES)
        self._listened: Shared[Listened] = Shared(num_media)

    @property
    def last(self) -> dict[str, float]:
        """See the class."""
        return getattr(self._told, "last", {})

    @property
    def note(self) -> str:
        """See the class."""
        return getattr(self._told, "note", "")

    def ground(
        self,
        text: str,
        pictures: Sequence[Picture] = (),
        sounds: Sequence[Sound] = (),
        known: Sequence[Entity] = (),
        *,
        question: str = "",
        new_pictures: int | None = None,
        new_sounds: int | None = None,
        finished: bool = True,
        pointed: Sequence[Pointed] = (),
    ) -> tuple[tuple[Entity, ...], tuple[Link, ...], Verdict | None]:
        """Ties the phrases of an answer to pixels, seconds, or the finding that nothing is there.

        Args:
            text: The answer.
            pictures: All pictures of the conversation, in order.
            sounds: All its sounds.
            known: Its entities so far, the ones spoken of last at the end.
            question: What was asked.
            new_pictures: How many pictures at the end the answer is about; None means all.
            new_sounds: The same for sounds.
            finished: False for the beginning of an answer that is still being written: no verdict is given.
            pointed: What the question points at, from `point`.

        Returns:
            The entities that the answer speaks of or the verdict rests on, the links, and the verdict.
        """
        self._told.last = {}
        perception, lexicon = self.perceive(text, pictures, sounds, question, new_pictures, new_sounds)
        started = time.perf_counter()
        if pointed:
            perception = with_pointed(perception, pointed)
        matcher = self.matcher if finished else match
        # nothing is held meanwhile: a matcher may wait for a language model
        matched = matcher(text, lexicon, perception, known, question=question, limits=self.limits)
        self._told.note = matched.note
        verdict = judge(perception, lexicon, matched.book, self.limits) if finished else None
        self._add_time("match_s", started)
        return matched.book.entities, matched.links, verdict

    def perceive(
        self,
        text: str,
        pictures: Sequence[Picture] = (),
        sounds: Sequence[Sound] = (),
        question: str = "",
        new_pictures: int | None = None,
        new_sounds: int | None = None,
    ) -> tuple[Perception, Lexicon]:
        """What the tools find in the media and for the nouns of the texts; and the lexicon with all tags."""
        views = [self._seen.get(picture.id, partial(self._view, picture)) for picture in pictures]
        lexicon = self.lexicon.extended(label for view in views for label in view.tags.labels)
        lexicon, said = self._with_said_sounds(lexicon, question, text)
        names = asked_objects(question, lexicon) | asked_objects(text, lexicon)
        recent = _last(len(pictures), new_pictures)
        instances: list[Instance] = []
        seen_scores: dict[str, float] = {}
        shown_scores: dict[str, float] = {}
        for number, (picture, view) in enumerate(zip(pictures, views, strict=True)):
            with view.lock:
                for asked in self._questions(name for name in names if name not in view.found):
                    view.add(view.found, self._find(picture, asked, view.missed))
                here = list(numbered(view, view.of(names), number))
            instances += here
            scores = [*view.tags.scores_by_label.items(), *((one.name, one.region.score) for one in here)]
            scores += [(name, view.missed[name]) for name in names if name in view.missed]
            for best in (seen_scores, shown_scores) if number in recent else (seen_scores,):
                for name, score in scores:
                    best[name] = max(score, best.get(name, 0.0))
        heard, faint, heard_scores = self._hear(sounds, said)
        backed = {s for one in (*heard, *faint) for s in lexicon.sources_by_sound.get(one.name, ())}
        faint_instances = [
            one
            for number, (picture, view) in enumerate(zip(pictures, views, strict=True))
            for one in self._look_for(picture, view, number, backed - names)
        ]
        perception = Perception(
            tuple(instances),
            tuple(heard),
            seen_scores,
            heard_scores,
            recent,
            _last(len(sounds), new_sounds),
            len(pictures),
            len(sounds),
            sees=self.detector is not None,
            hears=self.listener is not None,
            shown_scores=shown_scores,
            faint_instances=tuple(faint_instances),
            faint_heard=tuple(faint),
        )
        return perception, lexicon

    def segment(self, picture: Picture, place: Place) -> Region | None:
        """The region of the thing at a point or in a box of a picture; None where nothing is known to be."""
        found: Iterable[Instance] = ()
        if not self.open_vocabulary or self.segmenter is None:
            view = self._seen.get(picture.id, partial(self._view, picture))
            with view.lock:
                found = list(numbered(view, view.all(), place.picture or 0))
        return region_at(self.segmenter, picture, place, list(found))

    def name(self, medium: Picture | Sound, where: Region | Span) -> Label | None:
        """What a region of a picture, or some seconds of a sound, are called; None if that is not known."""
        if isinstance(where, Span) and isinstance(medium, Sound):
            heard, _, _ = self._hear([medium], ())
            best = next(iter(heard_in(replace(where, sound=0), heard)), None)
            return None if best is None else Label(best.name, best.span.score)
        if not isinstance(where, Region) or not isinstance(medium, Picture):
            raise InputError("A picture needs a Region to be named, a sound a Span.")

        def find(names: Sequence[str]) -> Iterable[Instance]:
            return [one for group in self._find(medium, names, {}).values() for one in group]

        view = self._seen.get(medium.id, partial(self._view, medium))
        with view.lock:
            found = view.all()
        region = replace(where, picture=0)
        return name_region(medium, region, found, self.tagger, find, self.open_vocabulary)

    def point(
        self,
        places: Sequence[Place],
        pictures: Sequence[Picture] = (),
        sounds: Sequence[Sound] = (),
        known: Sequence[Entity] = (),
    ) -> tuple[tuple[Pointed, ...], Perception]:
        """What is at each place, `places` being settled (see `bubo.places`), and what else is found."""
        perception, _ = self.perceive("", pictures, sounds)
        return point(places, pictures, known, perception, self.segment, self.name), perception

    def caption(self, sounds: Sequence[Sound]) -> tuple[str, ...]:
        """What is heard in each of the sounds of a conversation, in words; without a listener nothing is."""
        self._told.last = {}
        heard, _, _ = self._hear(sounds, ())
        return caption_sounds(heard, self.lexicon, sounds)

    def clear(self) -> None:
        """Forget all findings, and what the tools keep of media."""
        self._seen.clear()
        self._listened.clear()
        for tool in (self.tagger, self.detector, self.segmenter, self.listener):
            if (clear := getattr(tool, "clear", None)) is not None:  # only those that keep something have it
                clear()

    def _with_said_sounds(
        self, lexicon: Lexicon, question: str, text: str
    ) -> tuple[Lexicon, tuple[str, ...]]:
        """The lexicon with the sounds that only the texts name, and their names."""
        if not self.open_vocabulary or self.listener is None:
            return lexicon, ()
        said = {**asked_sounds(question, lexicon), **asked_sounds(text, lexicon)}
        if not said:
            return lexicon, ()
        # asked at every clause; with a tagger's thousands of names a new lexicon takes a third of a second
        kept = self._with_said
        if kept is None or kept[0] is not lexicon or kept[1] != said:
            kept = self._with_said = (lexicon, said, lexicon.extended(said).with_sounds(said))
        return kept[2], tuple(said)

    def _hear(
        self, sounds: Sequence[Sound], said: Sequence[str]
    ) -> tuple[list[Heard], list[Heard], dict[str, float]]:
        """What is heard, what is too faint to be heard by itself, and the best score of each sound name.

        Args:
            sounds: All sounds of the conversation.
            said: Names to listen for beside those of the lexicon.
        """
        known = [word.name for word in self.lexicon.sounds]
        heard: list[Heard] = []
        faint: list[Heard] = []
        best: dict[str, float] = {}
        for number, sound in enumerate(sounds):
            listened = self._listened.get(sound.id, Listened)
            with listened.lock:
                self._listen(sound, known, known, listened)
                for name in said:
                    self._listen(sound, [*known, name], [name], listened)
            stretches = [
                (start, n, end, s) for n in (*known, *said) for start, end, s in listened.stretches.get(n, ())
            ]
            for start, name, end, score in sorted(stretches):
                (heard if score >= PRESENT else faint).append(Heard(name, Span(number, start, end, score)))
            for name in (*known, *said):
                if name in listened.scores:
                    best[name] = max(listened.scores[name], best.get(name, 0.0))
        return heard, faint, best

    def _view(self, picture: Picture) -> Seen:
        tags = Tags((), Regions.empty().scores)
        if self.tagger is not None:
            tagger = self.tagger
            tags = self._timed("tag_s", lambda: tagger.tag(picture))
        tagged = [name for name, score in tags.scores_by_label.items() if score >= PRESENT]
        view = Seen(tags, frozenset(tagged))
        view.add(view.found, self._find(picture, tagged, view.missed))
        return view

    def _look_for(
        self, picture: Picture, view: Seen, number: int, names: Iterable[str]
    ) -> Iterable[Instance]:
        """Things that the sounds make likely and that the tags hint at, or have no word for."""
        scores = view.tags.scores_by_label
        least = self.limits.faint
        hinted = [name for name in names if least <= scores.get(name, 0.0) < PRESENT]
        unknown = [name for name in names if name not in scores] if self.open_vocabulary else []
        found: list[Instance] = []
        with view.lock:
            for asked in self._questions(name for name in (*hinted, *unknown) if name not in view.faint):
                view.add(view.faint, self._find(picture, asked, view.missed))
            for name in sorted(names):
                if scores.get(name, 0.0) < PRESENT:
                    found += numbered(view, view.faint.get(name, ()), number)
        return found

    def _questions(self, names: Iterable[str]) -> list[list[str]]:
        """Names as they are put to the detector, in the same order each time: together, or each alone."""
        wanted = sorted(names)
        return ([wanted] if wanted else []) if self.open_vocabulary else [[name] for name in wanted]

    def _find(
        self, picture: Picture, names: Sequence[str], missed: dict[str, float]
    ) -> dict[str, tuple[Instance, ...]]:
        """The instances of each name in one picture, from left to right; their picture number is 0.

        What the detector says is not there goes into `missed` with its score.
        """
        found: dict[str, tuple[Instance, ...]] = {name: () for name in names}
        if self.detector is None or not names:
            return found
        detector, segmenter = self.detector, self.segmenter
        regions = self._timed("detect_s", lambda: detector.detect(picture, names))
        if self.open_vocabulary:
            there = box_area(regions.boxes) > 0
            missed |= {one.labels[0]: float(one.scores[0]) for one in regions[~there]}
            regions = regions[there]
        block = max(1, BLOCK_BYTES // (picture.height * picture.width))
        for first in range(0, len(regions), block):
            part = regions[first : first + block]
            if segmenter is not None and part.masks is None:
                part = self._timed("segment_s", partial(segmenter.segment, picture, part))
            for number, name in enumerate(part.labels):
                if name in found:
                    found[name] += (instance_of(picture, part, number),)
        return {name: tuple(sorted(group, key=centre)) for name, group in found.items()}

    def _listen(self, sound: Sound, phrases: Sequence[str], names: Sequence[str], listened: Listened) -> None:
        """Listens for phrases, unless these names of them are known, and keeps what is heard of the names."""
        missing = [name for name in names if name not in listened.stretches]
        if self.listener is None or not missing:
            return
        listener = self.listener
        spans = self._timed("listen_s", lambda: listener.listen(sound, phrases))
        note_spans(spans, missing, self.limits.faint, listened)

    def _timed(self, step: str, call: Callable[[], _Result]) -> _Result:
        check_stop()
        started = time.perf_counter()
        result = call()
        self._add_time(step, started)
        return result

    def _add_time(self, step: str, started: float) -> None:
        steps = self._told.__dict__.setdefault("last", {})
        steps[step] = steps.get(step, 0.0) + time.perf_counter() - started


def _last(count: int, new: int | None) -> tuple[int, ...]:
    """Numbers of the last `new` of `count` media, or of all."""
    return tuple(range(max(0, count - new) if new else 0, count))
