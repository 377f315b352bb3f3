"""An answer as one picture: what it saw and heard, and the text whose phrases point there.

This is the only place with colours. Every entity has a colour and a number that stay the same through a
conversation; the number stands wherever the colour does, so that nobody needs to tell colours apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from bubo.types import Answer, Entity, Link, Picture, Region, Sound, Span

Colour = tuple[int, int, int]
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont

# Twelve colours that differ in lightness as well as in hue.
# Source: Okabe and Ito, "Color Universal Design" (2008), and Paul Tol's muted scheme (SRON/EPS/TN/09-002).
SLOTS: tuple[Colour, ...] = (
    (0, 114, 178), (213, 94, 0), (0, 158, 115), (170, 68, 153), (202, 138, 4), (51, 34, 136),
    (204, 102, 119), (68, 150, 200), (117, 112, 28), (136, 34, 85), (40, 140, 130), (120, 84, 60),
)  # fmt: skip
GREY: Colour = (110, 110, 110)
INK: Colour = (28, 28, 30)
PAPER: Colour = (255, 255, 255)
RULE: Colour = (205, 205, 210)
VERDICT_COLOURS: dict[str, Colour] = {
    "match": (0, 120, 90),
    "partly": (160, 105, 0),
    "mismatch": (178, 40, 30),
}

WIDTH = 960
MARGIN = 24
TEXT_SIZE = 24
SMALL_SIZE = 16
PICTURE_HEIGHT = 720
WAVE_HEIGHT = 84
LANE_HEIGHT = 26
TINT = 0.25
OUTLINE = 3


def slot_colour(entity: Entity) -> Colour:
    """The colour of an entity, by its number; grey for what is not there."""
    if entity.status == "absent":
        return GREY
    return SLOTS[(_number(entity) - 1) % len(SLOTS)]


def draw_answer(answer: Answer) -> Image.Image:
    """Draws an answer: pictures with masks, sounds with spans, the text with its phrases, and the verdict.

    Small pictures are enlarged. Of several pictures and sounds those are shown that the answer points to, or
    the last.

    Args:
        answer: Its `pictures` and `sounds` are drawn; spans of a sound that is not there get a bare time
            axis.

    Returns:
        An RGB image of 960 pixels in width.
    """
    parts = [
        *(_draw_picture(answer, number) for number in _shown_pictures(answer)),
        *(_draw_sound(answer, number) for number in _shown_sounds(answer)),
        _draw_text(answer),
    ]
    if answer.verdict is not None:
        parts.append(_draw_verdict(answer.verdict.value, answer.verdict.score, answer.verdict.reason))
    height = sum(part.height for part in parts) + MARGIN * (len(parts) + 1)
    sheet = Image.new("RGB", (WIDTH, height), PAPER)
    y = MARGIN
    for part in parts:
        sheet.paste(part, ((WIDTH - part.width) // 2, y))
        y += part.height + MARGIN
    return sheet


def _number(entity: Entity) -> int:
    digits = entity.id.lstrip("e")
    return int(digits) if digits.isdigit() and int(digits) > 0 else 1


def _font(size: int) -> Font:
    return ImageFont.load_default(size)


def _mixed(colour: Colour, share: float) -> Colour:
    """A colour on white paper at a share of its strength."""
    red, green, blue = (round(255 + (value - 255) * share) for value in colour)
    return red, green, blue


# ---------------------------------------------------------------- pictures


def _shown_pictures(answer: Answer) -> list[int]:
    used = {region.picture for entity in answer.entities for region in entity.regions}
    shown = sorted(number for number in used if number < len(answer.pictures))
    return shown or ([len(answer.pictures) - 1] if answer.pictures else [])


def _draw_picture(answer: Answer, number: int) -> Image.Image:
    picture = answer.pictures[number]
    space = WIDTH - 2 * MARGIN
    scale = min(space / picture.width, PICTURE_HEIGHT / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    smooth = Image.Resampling.BICUBIC if scale > 1 else Image.Resampling.LANCZOS
    canvas = np.asarray(Image.fromarray(picture.pixels).resize(size, smooth)).astype(np.float32)
    badges: list[tuple[float, float, list[Entity]]] = []
    for region, entities in _by_region(answer, number):
        colour = np.array(slot_colour(entities[0]), np.float32)
        mask = _scaled_mask(picture, region.mask, region.box, size)
        line = _outline(mask)
        canvas[mask] = canvas[mask] * (1 - TINT) + colour * TINT
        canvas[_outline(mask | line)] = 255
        canvas[line] = colour
        badges.append((*_badge_place(mask, region.box, scale), entities))
    image = Image.fromarray(canvas.clip(0, 255).astype(np.uint8))
    _draw_badges(image, badges)
    return image


def _by_region(answer: Answer, number: int) -> list[tuple[Region, list[Entity]]]:
    """The regions of one picture, each once, with all entities that have it: a thing and its sound."""
    found: dict[tuple[float, ...], tuple[Region, list[Entity]]] = {}
    for entity in answer.entities:
        for region in entity.regions:
            if region.picture == number:
                found.setdefault(region.box, (region, []))[1].append(entity)
    return list(found.values())


def _named(entities: Sequence[Entity]) -> str:
    """Numbers and names as they stand on a label."""
    return "  ·  ".join(f"{_number(entity)}  {entity.label}" for entity in entities)


def _scaled_mask(
    picture: Picture, mask: NDArray[np.bool_] | None, box: Sequence[float], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """A region's mask at the size (width, height) of the drawing; of a box without a mask, its frame."""
    if mask is None:
        x0, y0, x1, y1 = box
        across, down = size[0] / picture.width, size[1] / picture.height
        filled = np.zeros((size[1], size[0]), dtype=bool)
        filled[round(y0 * down) : round(y1 * down), round(x0 * across) : round(x1 * across)] = True
        return _outline(filled)
    large = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.BILINEAR)
    scaled: NDArray[np.bool_] = np.asarray(large) >= 128
    return scaled


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels around a mask."""
    grown = mask.copy()
    for _ in range(OUTLINE):
        wide = grown.copy()
        wide[1:] |= grown[:-1]
        wide[:-1] |= grown[1:]
        wide[:, 1:] |= grown[:, :-1]
        wide[:, :-1] |= grown[:, 1:]
        grown = wide
    around: NDArray[np.bool_] = grown & ~mask
    return around


def _badge_place(mask: NDArray[np.bool_], box: Sequence[float], scale: float) -> tuple[float, float]:
    """Where a region's label begins: over its top edge, in the middle."""
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return (box[0] + box[2]) / 2 * scale, box[1] * scale
    return (float(columns.min()) + float(columns.max())) / 2, float(rows.min())


def _draw_badges(image: Image.Image, badges: Sequence[tuple[float, float, list[Entity]]]) -> None:
    """Labels with numbers over their regions, moved down where they would cover each other."""
    draw = ImageDraw.Draw(image)
    font = _font(SMALL_SIZE)
    height = SMALL_SIZE + 8
    taken: list[tuple[float, float, float, float]] = []
    for x, y, entities in sorted(badges, key=lambda badge: (badge[1], badge[0])):
        text = _named(entities)
        width = font.getlength(text) + 14
        left = min(max(x - width / 2, 0), max(image.width - width - 1, 0))
        top = min(max(y - height - 2, 0), max(image.height - height - 1, 0))
        while any(
            left < x1 and left + width > x0 and top < y1 and top + height > y0 for x0, y0, x1, y1 in taken
        ):
            top += height + 1
        if top + height > image.height:
            continue
        taken.append((left, top, left + width, top + height))
        draw.rounded_rectangle((left, top, left + width, top + height), 6, slot_colour(entities[0]), PAPER)
        draw.text((left + 7, top + height / 2), text, PAPER, font, anchor="lm")


# ---------------------------------------------------------------- sounds


def _shown_sounds(answer: Answer) -> list[int]:
    used = {span.sound for entity in answer.entities for span in entity.spans}
    return sorted(used) or ([len(answer.sounds) - 1] if answer.sounds else [])


def _draw_sound(answer: Answer, number: int) -> Image.Image:
    """A lane for each thing that is heard, the wave below, and a time axis in seconds."""
    sound = answer.sounds[number] if number < len(answer.sounds) else None
    grouped: dict[tuple[Span, ...], list[Entity]] = {}
    for entity in answer.entities:
        spans = tuple(span for span in entity.spans if span.sound == number)
        if spans:
            grouped.setdefault(spans, []).append(entity)
    lanes = [(entities, spans) for spans, entities in grouped.items()]
    ends = [span.end_s for _, spans in lanes for span in spans]
    duration_s = sound.duration_s if sound is not None else max(ends, default=1.0)
    width = WIDTH - 2 * MARGIN
    wave_top = LANE_HEIGHT * len(lanes) + 6
    image = Image.new("RGB", (width, wave_top + WAVE_HEIGHT + 28), PAPER)
    draw = ImageDraw.Draw(image)
    font = _font(SMALL_SIZE)
    per_second = (width - 1) / duration_s
    for row, (entities, spans) in enumerate(lanes):
        colour, text = slot_colour(entities[0]), _named(entities)
        for span in spans:
            x0, x1 = span.start_s * per_second, max(span.end_s * per_second, span.start_s * per_second + 2)
            top = row * LANE_HEIGHT + 2
            draw.rectangle((x0, wave_top, x1, wave_top + WAVE_HEIGHT), _mixed(colour, 0.18))
            draw.rounded_rectangle((x0, top, x1, top + LANE_HEIGHT - 4), 5, colour)
            inside = font.getlength(text) + 12 < x1 - x0
            beside = min(x1 + 6, width - font.getlength(text) - 2)
            place = (x0 + 6 if inside else beside, top + (LANE_HEIGHT - 4) / 2)
            draw.text(place, text, PAPER if inside else colour, font, anchor="lm")
    if sound is not None:
        _draw_wave(draw, sound, wave_top, width)
    _draw_axis(draw, duration_s, wave_top + WAVE_HEIGHT, width)
    return image


def _draw_wave(draw: ImageDraw.ImageDraw, sound: Sound, top: int, width: int) -> None:
    edges = np.linspace(0, len(sound.samples), width + 1).astype(int)
    loudest = float(np.abs(sound.samples).max()) or 1.0
    middle = top + WAVE_HEIGHT / 2
    for x in range(width):
        part = sound.samples[edges[x] : max(edges[x + 1], edges[x] + 1)]
        if len(part):
            high, low = float(part.max()) / loudest, float(part.min()) / loudest
            half = WAVE_HEIGHT / 2 - 3
            draw.line((x, middle - high * half, x, middle - low * half), (90, 90, 96))


def _draw_axis(draw: ImageDraw.ImageDraw, duration_s: float, top: int, width: int) -> None:
    draw.line((0, top, width, top), RULE, 1)
    font = _font(SMALL_SIZE - 2)
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120)
    step = next((step for step in steps if duration_s / step <= 10), steps[-1])
    for tick in range(int(duration_s / step + 1e-6) + 1):
        x = tick * step / duration_s * (width - 1)
        draw.line((x, top, x, top + 5), GREY, 1)
        anchor = "la" if tick == 0 else "ra" if x > width - 30 else "ma"
        draw.text((x, top + 7), f"{tick * step:g} s", GREY, font, anchor=anchor)


# ---------------------------------------------------------------- text


@dataclass(frozen=True, slots=True)
class _Word:
    """A piece of text that stays on one line, and the number of the link it belongs to (-1: none)."""

    text: str
    link: int


def _words(answer: Answer, links: Sequence[Link]) -> list[_Word]:
    """The text cut at spaces, line ends and link borders; spaces are pieces of their own."""
    cuts = {0, len(answer.text)} | {link.start for link in links} | {link.end for link in links}
    owner = {place: number for number, link in enumerate(links) for place in range(link.start, link.end)}
    for place, character in enumerate(answer.text):
        if character.isspace() or ord(character) >= 0x2E80:  # scripts without spaces may break anywhere
            cuts |= {place, place + 1}
    places = sorted(cuts)
    return [
        _Word(answer.text[start:end], owner.get(start, -1))
        for start, end in zip(places, places[1:], strict=False)
    ]


def _draw_text(answer: Answer) -> Image.Image:
    """The text, each linked phrase on its colour, underlined and numbered; dashes for what is absent."""
    links: list[Link] = []
    for link in sorted(answer.links, key=lambda link: (link.start, link.end)):
        if not links or link.start >= links[-1].end:
            links.append(link)
    font, small = _font(TEXT_SIZE), _font(SMALL_SIZE - 3)
    entities = {entity.id: entity for entity in answer.entities}
    width, line_height = WIDTH - 2 * MARGIN, round(TEXT_SIZE * 1.9)
    lines: list[list[tuple[float, _Word, bool]]] = [[]]
    x = 0.0
    words = _words(answer, links)
    for number, word in enumerate(words):
        if word.text == "\n":
            lines.append([])
            x = 0.0
            continue
        ends_link = word.link >= 0 and (number + 1 == len(words) or words[number + 1].link != word.link)
        tag = small.getlength(str(_number(entities[links[word.link].entity]))) + 4 if ends_link else 0.0
        length = font.getlength(word.text) + tag
        if x + length > width and x > 0:
            lines.append([])
            x = 0.0
            if word.text.isspace():
                continue
        lines[-1].append((x, word, ends_link))
        x += length
    image = Image.new("RGB", (width, line_height * len(lines)), PAPER)
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        for x, word, ends_link in line:
            entity = entities[links[word.link].entity] if word.link >= 0 else None
            _draw_word(draw, x, row * line_height, word.text, entity, ends_link)
    return image


def _draw_word(
    draw: ImageDraw.ImageDraw, x: float, top: float, text: str, entity: Entity | None, ends_link: bool
) -> None:
    font, small = _font(TEXT_SIZE), _font(SMALL_SIZE - 3)
    baseline = top + TEXT_SIZE * 1.25
    if entity is None:
        draw.text((x, baseline), text, INK, font, anchor="ls")
        return
    colour = slot_colour(entity)
    end = x + font.getlength(text)
    below = baseline + 7
    draw.rectangle((x, top + 4, end, below), _mixed(colour, 0.16))
    if entity.status in ("absent", "unsure"):
        for start in range(int(x), int(end), 9):
            draw.line((start, below, min(start + 5, end), below), colour, 3)
    else:
        draw.line((x, below, end, below), colour, 3)
    if entity.status in ("heard", "both"):  # a second, thin line: it can be heard
        draw.line((x, below + 4, end, below + 4), colour, 1)
    draw.text((x, baseline), text, INK, font, anchor="ls")
    if ends_link:
        draw.text((end + 2, baseline - TEXT_SIZE * 0.55), str(_number(entity)), colour, small, anchor="ls")


def _draw_verdict(value: str, score: float, reason: str) -> Image.Image:
    """One line, or as many as the reason needs: the verdict on its colour, its score, and why."""
    font = _font(SMALL_SIZE)
    colour = VERDICT_COLOURS[value]
    head = f"{value} {score:.2f}"
    indent = font.getlength(head) + 28
    width = WIDTH - 2 * MARGIN
    lines = [""]
    for word in reason.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width - indent:
            lines.append(word)
        else:
            lines[-1] = longer
    height = SMALL_SIZE + 10
    image = Image.new("RGB", (width, height * len(lines)), PAPER)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, indent - 12, height - 2), 6, colour)
    draw.text((8, height / 2 - 1), head, PAPER, font, anchor="lm")
    for row, line in enumerate(lines):
        draw.text((indent, row * height + height / 2 - 1), line, INK, font, anchor="lm")
    return image
