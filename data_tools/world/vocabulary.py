"""Words of the generated world: object classes with their glyphs, places, sounds and colour words.

A glyph list is written as ``"🍎=red 🍏=green 🌷*"``: the colour word after ``=`` is a promise that the
renderer keeps (such a glyph is never tinted), and ``*`` marks a glyph that only the held-out split shows.
Only single code points are used, so the basic text layout of Pillow is enough. No name, synonym or plural
belongs to two classes, and no word for a group ("animal") is the name of a class: every noun has one reading.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white", "grey")
"""All colour words, in the order in which they are written to ``vocabulary.json``."""


@dataclass(frozen=True)
class Glyph:
    """One emoji of a class; ``colour`` is None where no single word is right."""

    text: str
    colour: str | None = None
    held_out: bool = False


@dataclass(frozen=True)
class ObjectClass:
    """A kind of thing that a picture can show. ``hypernyms`` go from the narrowest to the widest."""

    name: str
    plural: str
    synonyms: tuple[str, ...]
    hypernyms: tuple[str, ...]
    glyphs: tuple[Glyph, ...]

    @property
    def colours(self) -> tuple[str, ...]:
        """Colour words that some glyph of the class promises, in the order of `COLOURS`."""
        return tuple(word for word in COLOURS if any(glyph.colour == word for glyph in self.glyphs))

    def glyphs_for(self, *, held_out: bool) -> tuple[Glyph, ...]:
        """The glyphs that training may show, or those that only the held-out split shows (often none)."""
        return tuple(glyph for glyph in self.glyphs if glyph.held_out == held_out)


@dataclass(frozen=True)
class PlaceClass:
    """A kind of background. ``phrase`` carries its preposition: "on a beach"."""

    name: str
    phrase: str
    synonyms: tuple[str, ...]


def _plural(name: str) -> str:
    if name.endswith(("s", "sh", "ch", "x")):
        return name + "es"
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _glyph(text: str) -> Glyph:
    held_out = text.endswith("*")
    sign, _, colour = text.removesuffix("*").partition("=")
    return Glyph(sign, colour or None, held_out)


def _thing(name: str, glyphs: str, synonyms: str, hypernyms: str, plural: str = "") -> ObjectClass:
    return ObjectClass(
        name=name,
        plural=plural or _plural(name),
        synonyms=_words(synonyms),
        hypernyms=_words(hypernyms),
        glyphs=tuple(_glyph(text) for text in glyphs.split()),
    )


OBJECTS: tuple[ObjectClass, ...] = (
    # Animals that can be heard
    _thing("dog", "🐕 🐶 🐩 🦮*", "puppy, hound, doggy", "pet, animal"),
    _thing("cat", "🐈 🐱 😺*", "kitten, kitty, pussycat", "pet, animal"),
    _thing("cow", "🐄 🐮 🐂*", "calf, cattle", "farm animal, animal"),
    _thing("horse", "🐎 🐴 🎠*", "pony, stallion", "farm animal, animal"),
    _thing("pig", "🐖=pink 🐷=pink*", "piglet, hog", "farm animal, animal"),
    _thing("sheep", "🐑 🐏*", "lamb, ram", "farm animal, animal", "sheep"),
    _thing("goat", "🐐", "billy goat", "farm animal, animal"),
    _thing("rooster", "🐓", "cockerel", "farm animal, animal"),
    _thing("duck", "🦆", "mallard", "water animal, animal"),
    _thing("bird", "🐦=blue", "songbird, little bird", "animal"),
    _thing("owl", "🦉=brown", "barn owl", "animal"),
    _thing("frog", "🐸=green", "toad", "water animal, animal"),
    _thing("bee", "🐝", "bumblebee, honeybee", "insect, animal"),
    _thing("lion", "🦁", "male lion", "wild animal, animal"),
    _thing("wolf", "🐺=grey", "grey wolf", "wild animal, animal", "wolves"),
    _thing("elephant", "🐘=grey", "African elephant", "wild animal, animal"),
    _thing("whale", "🐋=blue 🐳=blue*", "blue whale", "sea animal, animal"),
    _thing("snake", "🐍=green", "serpent, viper", "reptile, animal"),
    _thing("cricket", "🦗", "grasshopper", "insect, animal"),
    _thing("monkey", "🐒=brown 🐵=brown 🙊=brown*", "ape, chimp", "wild animal, animal"),
    # Other animals
    _thing("rabbit", "🐇=grey 🐰=grey*", "bunny, hare", "pet, animal"),
    _thing("bear", "🐻=brown", "brown bear", "wild animal, animal"),
    _thing("panda", "🐼", "panda bear", "wild animal, animal"),
    _thing("tiger", "🐅=orange 🐯=orange*", "Bengal tiger", "wild animal, animal"),
    _thing("fox", "🦊=orange", "red fox", "wild animal, animal"),
    _thing("giraffe", "🦒", "tall giraffe", "wild animal, animal"),
    _thing("zebra", "🦓", "plains zebra", "wild animal, animal"),
    _thing("penguin", "🐧", "emperor penguin", "animal"),
    _thing("fish", "🐟=blue 🐠 🐡*", "goldfish", "sea animal, animal", "fish"),
    _thing("octopus", "🐙", "squid", "sea animal, animal", "octopuses"),
    _thing("crab", "🦀=orange", "crayfish", "sea animal, animal"),
    _thing("turtle", "🐢=green", "tortoise", "reptile, animal"),
    _thing("butterfly", "🦋=orange", "moth", "insect, animal"),
    _thing("ladybug", "🐞=red", "ladybird", "insect, animal"),
    _thing("spider", "🕷", "tarantula", "animal"),
    # Vehicles
    _thing("car", "🚗=red 🚙=blue 🚕=yellow 🚘=red*", "automobile, sedan", "vehicle"),
    _thing("truck", "🚚 🚛 🛻*", "lorry, van", "vehicle"),
    _thing("bus", "🚌 🚎 🚍*", "coach, trolleybus", "vehicle"),
    _thing("ambulance", "🚑=white", "rescue van", "emergency vehicle, vehicle"),
    _thing("fire engine", "🚒=red", "fire truck, firetruck", "emergency vehicle, vehicle"),
    _thing("police car", "🚓 🚔*", "patrol car, squad car", "emergency vehicle, vehicle"),
    _thing("tractor", "🚜", "farm tractor", "farm machine, vehicle"),
    _thing("motorcycle", "🏍 🛵*", "motorbike", "vehicle"),
    _thing("bicycle", "🚲", "bike, pushbike", "vehicle"),
    _thing("train", "🚂 🚆 🚄 🚅*", "locomotive, railway train", "vehicle"),
    _thing("helicopter", "🚁", "chopper", "aircraft, vehicle"),
    _thing("airplane", "✈ 🛩 🛬*", "plane, aeroplane, jet", "aircraft, vehicle"),
    _thing("rocket", "🚀", "spaceship", "spacecraft, vehicle"),
    _thing("ship", "🚢 🛳 ⛴*", "ferry, ocean liner", "vessel, vehicle"),
    # Instruments
    _thing("piano", "🎹", "keyboard, grand piano", "instrument"),
    _thing("guitar", "🎸", "electric guitar", "string instrument, instrument"),
    _thing("violin", "🎻=brown", "fiddle", "string instrument, instrument"),
    _thing("trumpet", "🎺=yellow", "cornet", "wind instrument, instrument"),
    _thing("saxophone", "🎷=yellow", "sax", "wind instrument, instrument"),
    _thing("accordion", "🪗", "squeezebox", "instrument"),
    _thing("drum", "🥁 🪘*", "snare drum", "instrument"),
    _thing("bell", "🔔=yellow 🛎=yellow*", "handbell", "instrument"),
    # Things around the house
    _thing("alarm clock", "⏰=red", "clock", "household thing"),
    _thing("telephone", "☎=red 📞 📱*", "phone", "device"),
    _thing("laptop", "💻", "computer, notebook", "device"),
    _thing("camera", "📷 📸*", "photo camera", "device"),
    _thing("television", "📺", "TV, TV set", "device"),
    _thing("chair", "🪑", "seat, stool", "furniture"),
    _thing("sofa", "🛋", "couch, settee", "furniture"),
    _thing("bed", "🛏", "bunk", "furniture"),
    _thing("door", "🚪", "doorway", "household thing"),
    _thing("candle", "🕯", "wax candle", "household thing"),
    _thing("light bulb", "💡=yellow", "bulb, lamp", "household thing"),
    _thing("key", "🔑=yellow 🗝*", "door key", "household thing"),
    _thing("book", "📕=red 📗=green 📘=blue 📙=orange 📔*", "textbook, novel", "household thing"),
    _thing("gift", "🎁", "present, gift box", "household thing"),
    _thing("balloon", "🎈=red", "party balloon", "toy"),
    _thing("umbrella", "☂=purple ☔=purple*", "parasol", "household thing"),
    _thing("cup", "☕ 🍵*", "mug, teacup", "household thing"),
    _thing("crown", "👑=yellow", "tiara", "jewellery"),
    # Tools
    _thing("hammer", "🔨", "claw hammer", "tool"),
    _thing("saw", "🪚", "handsaw", "tool"),
    _thing("ladder", "🪜=brown", "stepladder", "tool"),
    _thing("bucket", "🪣=blue", "pail", "tool"),
    _thing("magnet", "🧲", "horseshoe magnet", "tool"),
    # Fruit, vegetables, food
    _thing("apple", "🍎=red 🍏=green*", "ripe apple", "fruit, food"),
    _thing("banana", "🍌=yellow", "plantain", "fruit, food"),
    _thing("lemon", "🍋=yellow", "citron", "fruit, food"),
    _thing("strawberry", "🍓=red", "ripe strawberry", "fruit, food"),
    _thing("pineapple", "🍍", "ananas", "fruit, food"),
    _thing("watermelon", "🍉", "melon", "fruit, food"),
    _thing("cherry", "🍒=red", "sweet cherry", "fruit, food"),
    _thing("carrot", "🥕=orange", "garden carrot", "vegetable, food"),
    _thing("cake", "🎂 🍰 🧁*", "birthday cake, pie", "dessert, food"),
    _thing("donut", "🍩", "doughnut", "dessert, food"),
    _thing("ice cream", "🍦 🍨 🍧*", "sundae, ice cream cone", "dessert, food"),
    _thing("pizza", "🍕", "pizza slice", "food"),
    _thing("hamburger", "🍔", "burger, cheeseburger", "food"),
    # Plants
    _thing("tree", "🌳=green 🌲=green 🎄=green*", "fir, oak", "plant"),
    _thing("cactus", "🌵=green", "succulent", "plant", "cacti"),
    _thing("flower", "🌸=pink 🌺 🌻 🌼 🌹=red 🌷=pink*", "blossom, bloom", "plant"),
    _thing("mushroom", "🍄", "toadstool", "plant"),
    # Clothes
    _thing("hat", "🎩=black", "top hat", "clothing"),
    _thing("shirt", "👕=blue", "T-shirt, tee", "clothing"),
    _thing("dress", "👗=blue", "gown", "clothing"),
    _thing("shoe", "👟 👞=brown 👠=red 🥿*", "sneaker, boot", "clothing"),
    _thing("backpack", "🎒=red", "rucksack, schoolbag", "bag"),
    # Sky, weather, fire and water
    _thing("rain cloud", "🌧", "raincloud, rainy cloud", "weather sign"),
    _thing("storm cloud", "⛈ 🌩*", "thundercloud", "weather sign"),
    _thing("sun", "☀=yellow 🌞=yellow*", "sunshine", "heavenly body"),
    _thing("moon", "🌙=yellow 🌛=yellow 🌜=yellow*", "crescent moon", "heavenly body"),
    _thing("star", "⭐=yellow 🌟=yellow*", "yellow star", "heavenly body"),
    _thing("rainbow", "🌈", "coloured rainbow", "weather sign"),
    _thing("snowman", "⛄", "snow man", "figure", "snowmen"),
    _thing("fire", "🔥", "flame, campfire", ""),
    _thing("fountain", "⛲", "water fountain", "landmark"),
    # Sport, toys, buildings and the rest
    _thing("football", "⚽", "soccer ball", "ball, toy"),
    _thing("basketball", "🏀=orange", "basket ball", "ball, toy"),
    _thing("kite", "🪁", "paper kite", "toy"),
    _thing("heart", "❤=red 💙=blue 💚=green 💛=yellow 💜=purple 🧡=orange 💖=pink*", "love heart", "symbol"),
    _thing("house", "🏠 🏡*", "home, cottage", "building"),
    _thing("castle", "🏰", "fortress, palace", "building"),
    _thing("tent", "⛺=orange", "camping tent", "building"),
    _thing("robot", "🤖", "android", "machine"),
    _thing("baby", "👶", "infant, newborn", "person"),
)

PLACES: tuple[PlaceClass, ...] = (
    PlaceClass("beach", "on a beach", ("seaside", "sandy shore")),
    PlaceClass("desert", "in a desert", ("dunes", "sandy desert")),
    PlaceClass("meadow", "in a meadow", ("green field", "grassland")),
    PlaceClass("forest", "in a forest", ("woods", "woodland")),
    PlaceClass("city street", "on a city street", ("street", "city", "road")),
    PlaceClass("snow field", "in a snow field", ("snow", "snowy field")),
    PlaceClass("sea", "at sea", ("ocean", "open sea")),
    PlaceClass("living room", "in a living room", ("room", "parlour")),
    PlaceClass("kitchen", "in a kitchen", ("cookroom", "tiled kitchen")),
    PlaceClass("mountains", "in the mountains", ("peaks", "mountain range")),
    PlaceClass("space", "in space", ("outer space", "starry sky")),
    PlaceClass("sunset", "at sunset", ("dusk", "evening sky")),
    PlaceClass("seabed", "under water", ("underwater", "sea floor")),
    PlaceClass("stage", "on a stage", ("theatre", "theatre stage")),
    PlaceClass("wheat field", "in a wheat field", ("cornfield", "farm field")),
)

OBJECTS_BY_NAME = {item.name: item for item in OBJECTS}
PLACES_BY_NAME = {item.name: item for item in PLACES}


def sounds_of(name: str) -> tuple[str, ...]:
    """Names of the sounds that an object of class ``name`` can make, often none."""
    from .sound_classes import SOUND_CLASSES

    return tuple(sound.name for sound in SOUND_CLASSES if name in sound.sources)


def to_dict() -> dict[str, Any]:
    """The content of ``vocabulary.json``: objects, sounds, places and colours as plain lists and strings."""
    from .sound_classes import SOUND_CLASSES

    return {
        "objects": [
            {
                "name": item.name,
                "plural": item.plural,
                "synonyms": list(item.synonyms),
                "hypernyms": list(item.hypernyms),
                "sounds": list(sounds_of(item.name)),
                "colours": list(item.colours),
            }
            for item in OBJECTS
        ],
        "sounds": [
            {
                "name": sound.name,
                "phrase": sound.phrase,
                "synonyms": list(sound.synonyms),
                "verb": sound.verb,
                "sources": list(sound.sources),
            }
            for sound in SOUND_CLASSES
        ],
        "places": [
            {"name": place.name, "phrase": place.phrase, "synonyms": list(place.synonyms)} for place in PLACES
        ],
        "colours": list(COLOURS),
    }
