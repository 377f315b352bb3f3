"""The words of the world have one reading each, and promised colours hold."""

import colorsys

import numpy as np
import pytest

from bubo.data_tools.world import glyphs, vocabulary
from bubo.data_tools.world.glyphs import find_font, glyph_bitmap
from bubo.data_tools.world.vocabulary import COLOURS, OBJECTS, OBJECTS_BY_NAME, PLACES
from bubo.errors import InputError

SOURCES = [
    "dog",
    "cat",
    "cow",
    "horse",
    "pig",
    "sheep",
    "goat",
    "rooster",
    "duck",
    "bird",
    "owl",
    "frog",
    "bee",
    "lion",
    "wolf",
    "elephant",
    "whale",
    "snake",
    "cricket",
    "monkey",
    "piano",
    "guitar",
    "violin",
    "trumpet",
    "drum",
    "saxophone",
    "accordion",
    "bell",
    "ambulance",
    "car",
    "truck",
    "bus",
    "tractor",
    "motorcycle",
    "train",
    "helicopter",
    "airplane",
    "ship",
    "bicycle",
    "telephone",
    "laptop",
    "camera",
    "hammer",
    "saw",
    "rocket",
    "fire",
    "fountain",
    "baby",
] + ["fire engine", "police car", "alarm clock", "rain cloud", "storm cloud"]


def test_enough_classes_places_and_every_sound_source():
    assert 110 <= len(OBJECTS) <= 125
    assert len(PLACES) >= 12
    assert set(SOURCES) <= set(OBJECTS_BY_NAME)


def test_every_word_means_one_class():
    owner: dict[str, str] = {}
    for item in OBJECTS:
        for word in {item.name, item.plural, *item.synonyms}:
            key = word.lower()
            assert owner.setdefault(key, item.name) == item.name, f"{word!r}: {owner[key]} and {item.name}"
    groups = {word for item in OBJECTS for word in item.hypernyms}
    assert not groups & set(owner)
    assert not set(COLOURS) & set(owner)
    places = [word for place in PLACES for word in (place.name, *place.synonyms)]
    assert len(places) == len(set(places)) and not set(places) & set(owner)


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.name)
def test_each_class_is_well_formed(item):
    assert 1 <= len(item.name.split()) <= 2
    assert 1 <= len(item.synonyms) <= 3
    texts = [glyph.text for glyph in item.glyphs]
    assert len(set(texts)) == len(texts) and all(len(text) == 1 for text in texts)
    assert item.glyphs_for(held_out=False)
    assert len(item.glyphs_for(held_out=True)) == (len(item.glyphs) > 1)  # one of several is kept back
    assert set(item.colours) <= set(COLOURS)


def test_glyphs_render_and_differ():
    seen: dict[bytes, str] = {}
    for item in OBJECTS:
        for glyph in item.glyphs:
            bitmap = glyph_bitmap(glyph.text)
            assert max(bitmap.size) > 90
            assert seen.setdefault(bitmap.tobytes(), glyph.text) == glyph.text


HUES = {"red": (340, 16), "orange": (10, 44), "yellow": (36, 66), "green": (66, 170), "blue": (175, 245)}
HUES |= {"purple": (240, 300), "pink": (300, 30), "brown": (0, 50)}


@pytest.mark.parametrize(
    "glyph",
    [glyph for item in OBJECTS for glyph in item.glyphs if glyph.colour],
    ids=lambda glyph: glyph.text,
)
def test_promised_colours_are_the_main_hue(glyph):
    pixels = np.asarray(glyph_bitmap(glyph.text)).reshape(-1, 4)
    pixels = pixels[pixels[:, 3] > 200][::7, :3] / 255
    hls = np.array([colorsys.rgb_to_hls(*pixel) for pixel in pixels])
    vivid = hls[:, 2] * (1 - np.abs(2 * hls[:, 1] - 1)) > 0.15
    if glyph.colour in ("grey", "black", "white"):
        assert vivid.mean() < 0.5
        return
    low, high = HUES[glyph.colour]
    degrees = hls[vivid, 0] * 360
    inside = (degrees >= low) & (degrees <= high) if low < high else (degrees >= low) | (degrees <= high)
    assert inside.mean() > 0.5


def test_missing_font_is_a_clear_error(monkeypatch, tmp_path):
    monkeypatch.setenv(glyphs.FONT_VARIABLE, str(tmp_path / "none.ttf"))
    with pytest.raises(InputError, match="BUBO_EMOJI_FONT"):
        find_font()
    monkeypatch.delenv(glyphs.FONT_VARIABLE)
    monkeypatch.setattr(glyphs, "FONT_FILES", ())
    with pytest.raises(InputError, match="fonts-noto-color-emoji"):
        find_font()


def test_to_dict_has_the_fields_that_the_lexicon_reads():
    content = vocabulary.to_dict()
    assert set(content) == {"objects", "sounds", "places", "colours"}
    assert {"name", "plural", "synonyms", "hypernyms", "sounds", "colours"} == set(content["objects"][0])
    assert {"name", "phrase", "synonyms", "verb", "sources"} == set(content["sounds"][0])
    assert {"name", "phrase", "synonyms"} == set(content["places"][0])
    by_name = {item["name"]: item for item in content["objects"]}
    assert by_name["dog"]["sounds"] == ["barking"]
    assert all(source in by_name for sound in content["sounds"] for source in sound["sources"])
