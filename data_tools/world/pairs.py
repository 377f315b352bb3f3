"""Samples of the world: a picture, a sound or both that match, match partly, or do not match."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache

import numpy as np

from bubo.errors import InputError

from .holdout import clip_held_out, names_held_out
from .pictures import render_scene
from .sounds import render_clip
from .strange import render_strange
from .truth import Clip, Pair, Sample, Scene, sample_rng
from .vocabulary import to_dict
from .wording import Words

PARTS = ("picture", "sound", "dialogue")
KIND_SHARES: Mapping[str, float] = {
    "match": 0.29,
    "partly": 0.10,
    "mismatch": 0.21,
    "silent": 0.06,
    "noise": 0.06,
    "offscreen": 0.08,
    "picture": 0.08,
    "strange": 0.04,
    "sound": 0.08,
}
QUIET_SHARE = 0.12
OTHER_MAKER_SHARE = 0.6
UNMADE_EXTRA_SHARE = 0.15
TRIES = 24
Rng = np.random.Generator


@cache
def world_words() -> Words:
    """Return the vocabulary of the world, built once per process."""
    return Words.from_dict(to_dict())


def sample_world(split: str, seed: int, index: int, parts: Collection[str] = PARTS) -> Sample:
    """Make one sample; the same arguments give the same sample in any process.

    Args:
        split: "train", "validation" or "heldout".
        seed: Number of the data set, 0 or more.
        index: Number of the sample in it, 0 or more.
        parts: Which of "picture" and "sound" to make; with only one of them all samples have that one.

    Raises:
        InputError: If a part, the split, the seed or the index is none of these.
    """
    check_parts(parts)
    if seed < 0 or index < 0:
        raise InputError(f"seed is {seed} and index {index}, expected whole numbers from 0 up")
    rng = sample_rng(split, seed, index)
    scene, clip = draw_media(rng, split, parts)
    pair, sources = pair_of(scene, clip)
    return Sample(f"{split}-{seed}-{index:08d}", scene, clip, pair, sources)


def check_parts(parts: Collection[str]) -> None:
    """Refuse parts that are unknown, or that hold neither a picture nor a sound.

    Raises:
        InputError: If so.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown or not {"picture", "sound"} & set(parts):
        raise InputError(
            f"parts is {', '.join(parts) or 'empty'}; expected picture, sound or both, and dialogue if wanted"
        )


def draw_media(rng: Rng, split: str, parts: Collection[str] = PARTS) -> tuple[Scene | None, Clip | None]:
    """Draw the kind of sample and render its picture and sound (None where it has none)."""
    if "sound" not in parts:
        strange = rng.random() < KIND_SHARES["strange"]
        return (render_strange(rng) if strange else render_scene(rng, split=split)), None
    if "picture" not in parts:
        return None, _any_clip(rng, split)
    kind = list(KIND_SHARES)[int(rng.choice(len(KIND_SHARES), p=list(KIND_SHARES.values())))]
    if kind == "strange":
        return render_strange(rng), (_any_clip(rng, split) if rng.random() < 0.4 else None)
    if kind == "picture":
        return render_scene(rng, split=split), None
    if kind == "sound":
        return None, _any_clip(rng, split)
    if kind in ("silent", "noise"):
        quiet = render_clip(rng, split=split, silent=kind == "silent", noise_only=kind == "noise")
        return render_scene(rng, split=split), quiet
    return _draw_pair(rng, split, kind)


def pair_of(scene: Scene | None, clip: Clip | None) -> tuple[Pair, dict[int, tuple[int, ...]]]:
    """Tell from the truth how picture and sound belong together, and which things make which event.

    Returns:
        The kind of pair, and per event id the ids of the things that can make it. Sounds which nothing that
        can be drawn makes (wind) do not count unless there are no others: then the pair is "offscreen".
        Without a picture, without a sound, or with a picture unlike the world, the pair is "none".
    """
    if clip is None or scene is None:
        return "none", {}
    words = world_words()
    sources = {
        event.id: tuple(thing.id for thing in scene.things if thing.name in words.sources[event.name])
        for event in clip.events
    }
    if not scene.place and not scene.things:
        return "none", sources
    if not clip.events:
        return ("noise" if clip.noise else "silent"), sources
    made = [bool(sources[event.id]) for event in clip.events if words.sources[event.name]]
    if not made:
        return "offscreen", sources
    return ("match" if all(made) else "partly" if any(made) else "mismatch"), sources


def _any_clip(rng: Rng, split: str) -> Clip:
    quiet = rng.random() < QUIET_SHARE
    silent = quiet and rng.random() < 0.5
    return render_clip(rng, split=split, silent=silent, noise_only=quiet and not silent)


def _draw_pair(rng: Rng, split: str, kind: str) -> tuple[Scene, Clip]:
    """Draw sounds and a picture that fit as `kind` says; again where a held-out combination forbids it."""
    for _ in range(TRIES):
        sounds = _draw_sounds(rng, split, kind)
        wanted, avoid = _DRAW_THINGS[kind](rng, sounds)
        if split != "heldout" and (clip_held_out(sounds) or names_held_out(wanted)):
            continue
        try:
            scene = render_scene(rng, names=wanted or None, avoid=avoid, split=split)
        except InputError:
            continue  # the wanted things have no common place outside the held-out combinations
        clip = render_clip(rng, names=sounds, split=split)
        if pair_of(scene, clip)[0] == kind:
            return scene, clip
    return render_scene(rng, split=split), render_clip(rng, split=split)


def _draw_sounds(rng: Rng, split: str, kind: str) -> list[str]:
    """Draw one to three sound classes: some that can be drawn, or for "offscreen" only others."""
    made, unmade = _sound_names()
    if kind == "offscreen":
        return _pick(rng, unmade, 1 if rng.random() < 0.6 else 2)
    number = int(rng.choice([1, 2, 3], p=[0.55, 0.35, 0.10] if kind != "partly" else [0.0, 0.75, 0.25]))
    sounds = _pick(rng, made, number)
    if split == "heldout" and number > 1:
        partners = [name for name in made if name != sounds[0] and clip_held_out([sounds[0], name])]
        sounds[1:2] = _pick(rng, [name for name in partners if name not in sounds[2:]] or sounds[1:2], 1)
    if kind != "partly" and number < 3 and rng.random() < UNMADE_EXTRA_SHARE:
        sounds += _pick(rng, unmade, 1)
    return sounds


def _things_for_match(rng: Rng, sounds: Sequence[str]) -> tuple[list[str], list[str]]:
    """Want one source per sound, and avoid the other classes that could make it."""
    return _sources_of(rng, sounds)


def _things_for_partly(rng: Rng, sounds: Sequence[str]) -> tuple[list[str], list[str]]:
    """Want the sources of all sounds but one or two, which nothing in the picture makes."""
    shuffled = _pick(rng, sounds, len(sounds))
    number = 1 if len(sounds) == 2 or rng.random() < 0.5 else 2
    wanted, avoid = _sources_of(rng, shuffled[:number])
    return wanted, avoid + [name for sound in shuffled[number:] for name in world_words().sources[sound]]


def _things_for_mismatch(rng: Rng, sounds: Sequence[str]) -> tuple[list[str], list[str]]:
    """Avoid all sources, but often want a thing that makes another sound."""
    words = world_words()
    avoid = [name for sound in sounds for name in words.sources[sound]]
    makers = [name for name in words.object_names if words.objects[name]["sounds"] and name not in avoid]
    return (_pick(rng, makers, 1) if rng.random() < OTHER_MAKER_SHARE else []), avoid


_DRAW_THINGS: Mapping[str, Callable[[Rng, Sequence[str]], tuple[list[str], list[str]]]] = {
    "match": _things_for_match,
    "partly": _things_for_partly,
    "mismatch": _things_for_mismatch,
    "offscreen": _things_for_mismatch,
}


def _sources_of(rng: Rng, sounds: Sequence[str]) -> tuple[list[str], list[str]]:
    wanted: list[str] = []
    avoid: list[str] = []
    for sound in sounds:
        sources = _pick(rng, world_words().sources[sound], len(world_words().sources[sound]))
        wanted += sources[:1]
        avoid += sources[1:]
    return wanted, avoid


@cache
def _sound_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sound classes that some object makes, and those that none makes."""
    sources = world_words().sources
    return tuple(name for name in sources if sources[name]), tuple(
        name for name in sources if not sources[name]
    )


def _pick(rng: Rng, names: Sequence[str], number: int) -> list[str]:
    """Draw `number` different names, in random order."""
    return [names[index] for index in rng.permutation(len(names))[:number]]
