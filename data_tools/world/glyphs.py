"""Emoji bitmaps: finds the colour font, draws each glyph once per process and keeps it at several sizes."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bubo.errors import InputError

FONT_VARIABLE = "BUBO_EMOJI_FONT"
FONT_FILES = (
    "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
    "/usr/share/fonts/noto/NotoColorEmoji.ttf",
    "/usr/share/fonts/google-noto-emoji/NotoColorEmoji.ttf",
    "/usr/share/fonts/google-noto-color-emoji-fonts/NotoColorEmoji.ttf",
    "/usr/share/fonts/NotoColorEmoji.ttf",
    "/usr/local/share/fonts/NotoColorEmoji.ttf",
    "~/.local/share/fonts/NotoColorEmoji.ttf",
    "~/.fonts/NotoColorEmoji.ttf",
    "~/Library/Fonts/NotoColorEmoji.ttf",
)
STRIKE_PX = 109
"""The one bitmap size that the font holds; FreeType refuses any other."""
LEVELS_PX = (112, 80, 56, 40, 28, 20)
"""Longer sides at which each glyph is kept; an affine step from the next larger one needs no smoothing."""


def find_font() -> Path:
    """The file of Noto Color Emoji.

    Raises:
        InputError: the font is in none of the usual folders, or ``BUBO_EMOJI_FONT`` names no file.
    """
    given = os.environ.get(FONT_VARIABLE)
    if given:
        if Path(given).expanduser().is_file():
            return Path(given).expanduser()
        raise InputError(
            f"{FONT_VARIABLE} is {given!r}, expected the path of NotoColorEmoji.ttf; no such file"
        )
    for name in FONT_FILES:
        path = Path(name).expanduser()
        if path.is_file():
            return path
    raise InputError(
        "the pictures of the world are drawn with the font Noto Color Emoji, which was not found; install it "
        "(Debian and Ubuntu: apt-get install fonts-noto-color-emoji) "
        f"or set {FONT_VARIABLE} to the path of NotoColorEmoji.ttf"
    )


@cache
def _font() -> ImageFont.FreeTypeFont:
    path = find_font()
    try:
        return ImageFont.truetype(str(path), size=STRIKE_PX, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise InputError(
            f"{path} cannot be used as a colour font ({error}); "
            "expected the bitmap build of Noto Color Emoji, for example from Debian's fonts-noto-color-emoji"
        ) from error


@cache
def glyph_bitmap(text: str) -> Image.Image:
    """One glyph as RGBA, cropped to what it covers.

    Raises:
        InputError: the font has no picture for this character (it is too old).
    """
    canvas = Image.new("RGBA", (STRIKE_PX + 51, STRIKE_PX + 51), (0, 0, 0, 0))
    ImageDraw.Draw(canvas).text((12, 12), text, font=_font(), embedded_color=True)
    box = canvas.getchannel("A").getbbox()
    if box is None:
        raise InputError(
            f"the emoji font {find_font()} has no glyph for {text!r}; "
            "expected a version with Unicode 13 or newer"
        )
    return canvas.crop(box)


@cache
def _glyph_level(text: str, level: int, flip: bool) -> Image.Image:
    """Premultiplied bitmap with a longer side of ``level`` pixels and a clear border of one pixel."""
    bitmap = glyph_bitmap(text).convert("RGBa")
    scale = level / max(bitmap.size)
    size = (max(1, round(bitmap.width * scale)), max(1, round(bitmap.height * scale)))
    bitmap = bitmap.resize(size, Image.Resampling.HAMMING if scale < 1 else Image.Resampling.BILINEAR)
    if flip:
        bitmap = bitmap.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    framed = Image.new("RGBa", (size[0] + 2, size[1] + 2))
    framed.paste(bitmap, (1, 1))
    return framed


def glyph_near(text: str, side_px: float, flip: bool) -> Image.Image:
    """The kept premultiplied bitmap whose longer side is at least ``side_px``, or the largest one."""
    level = LEVELS_PX[0]
    for candidate in LEVELS_PX:
        if candidate >= side_px:
            level = candidate
    return _glyph_level(text, level, flip)
