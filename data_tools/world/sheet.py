"""Contact sheet of generated samples: pictures with outlined, named things and waveforms with events."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bubo.errors import InputError

from .truth import Clip, Sample, Scene, Thing

PICTURE_PX = 288
WAVE_PX = 84
CAPTION_PX = 30
GAP_PX = 12
INK = (28, 30, 34)
PAPER = (250, 249, 246)
TONES = (
    (214, 62, 62),
    (38, 118, 196),
    (34, 146, 84),
    (206, 128, 18),
    (142, 76, 190),
    (0, 140, 150),
    (196, 62, 140),
)
_FONT = ImageFont.load_default(size=12)

Tone = tuple[int, int, int]


def _edges(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of a mask that touch its outside."""
    inner = np.pad(mask, 1)
    inner = inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
    return mask & ~inner


def _label(draw: ImageDraw.ImageDraw, x: float, y: float, text: str, tone: Tone) -> None:
    left, top, right, bottom = draw.textbbox((x, y), text, font=_FONT)
    draw.rectangle((left - 2, top - 1, right + 2, bottom + 1), fill=tone)
    draw.text((x, y), text, font=_FONT, fill=PAPER)


def _thing_label(thing: Thing) -> str:
    words = [f"{thing.id}", thing.colour or "", thing.name, f"({thing.size}, {thing.position})"]
    return " ".join(word for word in words if word) + ("*" if thing.new_glyph else "")


def draw_scene(scene: Scene, side_px: int = PICTURE_PX) -> Image.Image:
    """The picture fitted into a square of ``side_px``, visible masks tinted and outlined, things named."""
    height, width = scene.size_hw
    zoom = side_px / max(height, width)
    size = (round(width * zoom), round(height * zoom))
    pixels = np.array(Image.fromarray(scene.pixels).resize(size, Image.Resampling.LANCZOS))
    for thing in scene.things:
        mask = np.asarray(Image.fromarray(thing.mask).resize(size, Image.Resampling.NEAREST))
        tone = np.array(TONES[thing.id % len(TONES)], np.float32)
        pixels[mask] = (0.85 * pixels[mask] + 0.15 * tone).astype(np.uint8)
        pixels[_edges(mask)] = tone.astype(np.uint8)
    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for thing in scene.things:
        x, y = thing.box_xyxy[0] * zoom, thing.box_xyxy[1] * zoom
        text = _thing_label(thing)
        room = size[0] - draw.textlength(text, font=_FONT) - 2
        _label(draw, max(2.0, min(x, room)), max(1.0, y - 14), text, TONES[thing.id % len(TONES)])
    return image


def draw_clip(clip: Clip, width_px: int = PICTURE_PX, height_px: int = WAVE_PX) -> Image.Image:
    """The envelope of the waveform, with one coloured bar per event and its seconds."""
    image = Image.new("RGB", (width_px, height_px), PAPER)
    draw = ImageDraw.Draw(image)
    edges = np.linspace(0, len(clip.samples), width_px + 1).astype(int)
    peak = max(float(np.abs(clip.samples).max(initial=0.0)), 1e-4)
    middle = height_px // 2
    for x in range(width_px):
        piece = clip.samples[edges[x] : max(edges[x + 1], edges[x] + 1)]
        low, high = float(piece.min(initial=0.0)) / peak, float(piece.max(initial=0.0)) / peak
        draw.line((x, middle - high * (middle - 2), x, middle - low * (middle - 2)), fill=(150, 154, 160))
    for number, event in enumerate(clip.events):
        tone = TONES[event.id % len(TONES)]
        x0, x1 = (second / max(clip.duration_s, 1e-6) * width_px for second in (event.start_s, event.end_s))
        y = 2 + (number % 4) * (height_px // 4)
        draw.rectangle((x0, y + 14, x1 - 1, y + 16), fill=tone)
        text = f"{event.name} {event.start_s:.1f}-{event.end_s:.1f} s"
        room = width_px - draw.textlength(text, font=_FONT) - 2
        _label(draw, max(2.0, min(x0, room)), y, text, tone)
    return image


def _caption(sample: Sample) -> str:
    parts = [sample.key]
    if sample.scene is not None:
        parts.append(sample.scene.place or "unlike the world")
    if sample.clip is not None:
        parts.append(f"{sample.clip.duration_s:.1f} s")
    if sample.pair != "none":
        sources = " ".join(
            f"e{event}<-{'+'.join(f't{i}' for i in ids)}" for event, ids in sample.sources.items() if ids
        )
        parts.append(f"{sample.pair} {sources}".strip())
    return " | ".join(parts)


def draw_sheet(samples: Sequence[Sample], columns: int = 6) -> Image.Image:
    """All samples in a grid: picture, waveform, caption; a missing medium leaves its place empty.

    Raises:
        InputError: there are no samples, or ``columns`` is below 1.
    """
    if not samples or columns < 1:
        raise InputError(f"got {len(samples)} samples and {columns} columns, expected at least one of each")
    columns = min(columns, len(samples))
    rows = -(-len(samples) // columns)
    cell_w, cell_h = PICTURE_PX + GAP_PX, PICTURE_PX + WAVE_PX + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * cell_w + GAP_PX, rows * cell_h + GAP_PX), (226, 226, 222))
    draw = ImageDraw.Draw(sheet)
    for number, sample in enumerate(samples):
        x, y = GAP_PX + number % columns * cell_w, GAP_PX + number // columns * cell_h
        if sample.scene is not None:
            image = draw_scene(sample.scene)
            sheet.paste(image, (x + (PICTURE_PX - image.width) // 2, y + (PICTURE_PX - image.height) // 2))
        if sample.clip is not None:
            sheet.paste(draw_clip(sample.clip), (x, y + PICTURE_PX + 2))
        draw.text((x, y + PICTURE_PX + WAVE_PX + 6), _caption(sample), font=_FONT, fill=INK)
    return sheet
