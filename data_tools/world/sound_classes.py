"""The sound classes of the generated world: their names, how people say them, and which things make them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SoundClass:
    """One class of sound.

    Attributes:
        name: Canonical noun phrase without article.
        phrase: How one says that one hears it ("a dog barking", "rain").
        synonyms: Other words and phrases for it; never the bare name of a picture class (seen, not heard).
        verb: What its source does, third person singular ("barks").
        sources: Names of the picture classes that can make it; empty if none can be drawn.
    """

    name: str
    phrase: str
    synonyms: tuple[str, ...]
    verb: str
    sources: tuple[str, ...]


def _sound(name: str, phrase: str, synonyms: str, verb: str, *sources: str) -> SoundClass:
    return SoundClass(name, phrase, tuple(synonyms.split("|")), verb, sources)


_ANIMALS = (
    _sound("barking", "a dog barking", "bark|barks|woof|woofing|dog barking", "barks", "dog"),
    _sound("meowing", "a cat meowing", "meow|meows|miaow|mewing|cat meowing", "meows", "cat"),
    _sound("mooing", "a cow mooing", "moo|moos|lowing|cow mooing", "moos", "cow"),
    _sound("neighing", "a horse neighing", "neigh|neighs|whinny|whinnying|horse neighing", "neighs", "horse"),
    _sound("oinking", "a pig oinking", "oink|oinks|grunting|grunts|pig oinking", "oinks", "pig"),
    _sound("bleating", "bleating", "bleat|bleats|baa|baaing", "bleats", "sheep", "goat"),
    _sound(
        "crowing",
        "a rooster crowing",
        "crow of a rooster|crows|cock-a-doodle-doo|rooster crowing",
        "crows",
        "rooster",
    ),
    _sound("quacking", "a duck quacking", "quack|quacks|duck quacking", "quacks", "duck"),
    _sound(
        "chirping",
        "a bird chirping",
        "chirp|chirps|birdsong|tweeting|bird chirping|twittering",
        "chirps",
        "bird",
    ),
    _sound("hooting", "an owl hooting", "hoot|hoots|owl hooting", "hoots", "owl"),
    _sound("croaking", "a frog croaking", "croak|croaks|ribbit|frog croaking", "croaks", "frog"),
    _sound("buzzing", "a bee buzzing", "buzz|buzzes|bee buzzing", "buzzes", "bee"),
    _sound("roaring", "a lion roaring", "roar|roars|lion roaring", "roars", "lion"),
    _sound("howling", "a wolf howling", "howl|howls|wolf howling", "howls", "wolf"),
    _sound(
        "elephant call",
        "an elephant calling",
        "elephant trumpeting|elephant's call|elephant calling",
        "calls",
        "elephant",
    ),
    _sound("whale song", "a whale singing", "whale call|whale singing|song of a whale", "sings", "whale"),
    _sound("hissing", "a snake hissing", "hiss|hisses|snake hissing", "hisses", "snake"),
    _sound(
        "cricket song",
        "a cricket singing",
        "cricket singing|crickets singing|cricket's song|stridulation",
        "sings",
        "cricket",
    ),
    _sound(
        "chattering",
        "a monkey chattering",
        "monkey chatter|chatters|monkey chattering|monkey call",
        "chatters",
        "monkey",
    ),
)

_INSTRUMENTS = (
    _sound("piano music", "a piano playing", "piano playing|piano sound|piano notes", "plays", "piano"),
    _sound("guitar music", "a guitar playing", "guitar playing|strumming|guitar chords", "plays", "guitar"),
    _sound("violin music", "a violin playing", "violin playing|fiddling|violin sound", "plays", "violin"),
    _sound("trumpet music", "a trumpet playing", "trumpet playing|fanfare|trumpet sound", "plays", "trumpet"),
    _sound("drumming", "a drum beating", "drum beat|drumbeat|drum playing|drum beating", "beats", "drum"),
    _sound(
        "saxophone music",
        "a saxophone playing",
        "saxophone playing|sax music|saxophone sound",
        "plays",
        "saxophone",
    ),
    _sound(
        "accordion music",
        "an accordion playing",
        "accordion playing|accordion sound|squeezebox music",
        "plays",
        "accordion",
    ),
)

_MACHINES = (
    _sound(
        "bell ringing", "a bell ringing", "bells ringing|tolling|chiming|ringing of a bell", "rings", "bell"
    ),
    _sound(
        "siren",
        "a siren",
        "sirens|emergency siren|wailing siren",
        "wails",
        "ambulance",
        "fire engine",
        "police car",
    ),
    _sound(
        "engine noise",
        "an engine running",
        "engine|motor|engine running|motor noise",
        "rumbles",
        "car",
        "truck",
        "bus",
        "tractor",
    ),
    _sound(
        "motorcycle roar",
        "a motorcycle revving",
        "motorcycle revving|motorbike noise|motorcycle noise",
        "revs",
        "motorcycle",
    ),
    _sound(
        "train whistle",
        "a train whistling",
        "whistle of a train|train whistling|train horn",
        "whistles",
        "train",
    ),
    _sound(
        "helicopter noise",
        "a helicopter flying",
        "rotor noise|helicopter flying|chopper noise",
        "flies",
        "helicopter",
    ),
    _sound(
        "airplane noise",
        "an airplane flying",
        "jet noise|plane noise|airplane flying",
        "flies",
        "airplane",
    ),
    _sound(
        "ship horn",
        "a ship's horn",
        "foghorn|horn of a ship|boat horn|ship's horn",
        "sounds its horn",
        "ship",
    ),
    _sound("bicycle bell", "a bicycle bell", "bike bell|bell of a bicycle", "rings its bell", "bicycle"),
    _sound("alarm ringing", "an alarm ringing", "alarm|beeping|alarm beeping|beeps", "beeps", "alarm clock"),
    _sound(
        "phone ringing",
        "a phone ringing",
        "telephone ringing|ringing phone|ringtone",
        "rings",
        "telephone",
    ),
    _sound("typing", "typing on a keyboard", "key clicks|keystrokes|keyboard clicks", "clatters", "laptop"),
    _sound(
        "camera click",
        "a camera clicking",
        "shutter click|camera clicking|click of a camera",
        "clicks",
        "camera",
    ),
    _sound("hammering", "a hammer hammering", "hammer blows|knocking|banging", "hammers", "hammer"),
    _sound("sawing", "a saw sawing", "sound of a saw|saw cutting", "saws", "saw"),
    _sound(
        "rocket blast",
        "a rocket blasting off",
        "rocket launch|rocket engine|blast-off",
        "blasts off",
        "rocket",
    ),
)

_SURROUNDINGS = (
    _sound("rain", "rain", "rainfall|raining|rain falling|raindrops", "rains", "rain cloud"),
    _sound("thunder", "thunder", "thunderclap|thundering|thunderstorm", "thunders", "storm cloud"),
    _sound("wind", "wind", "wind blowing|gusts|breeze", "blows"),
    _sound("waves", "waves", "sea waves|surf|ocean waves|waves breaking", "break"),
    _sound(
        "fire crackling",
        "a fire crackling",
        "crackling|crackling fire|fire burning|crackle",
        "crackles",
        "fire",
    ),
    _sound(
        "water flowing",
        "water flowing",
        "running water|flowing water|splashing|gurgling",
        "splashes",
        "fountain",
    ),
    _sound("fireworks", "fireworks", "firework|fireworks exploding|firecrackers", "explode"),
    _sound("applause", "applause", "clapping|people clapping|hand clapping", "claps"),
    _sound(
        "crowd chatter",
        "a crowd chattering",
        "crowd|voices|people talking|chatter of a crowd|babble",
        "talks",
    ),
    _sound("baby crying", "a baby crying", "crying|cries|wailing baby|crying baby", "cries", "baby"),
    _sound("laughter", "laughter", "laughing|laughs|people laughing|someone laughing", "laughs"),
)

SOUND_CLASSES: tuple[SoundClass, ...] = _ANIMALS + _INSTRUMENTS + _MACHINES + _SURROUNDINGS
