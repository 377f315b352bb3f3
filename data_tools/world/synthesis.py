"""Which synthesis makes which sound class, and how long its events are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from . import synthesis_animals as animals
from . import synthesis_instruments as instruments
from . import synthesis_machines as machines
from . import synthesis_signals as signals
from . import synthesis_surroundings as surroundings
from .oscillators import Rng, Wave


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one class is made.

    Attributes:
        make: (rng, duration in seconds) to a wave at 16 kHz.
        shortest_s: Shortest event in which the class can be recognised.
        longest_s: Longest event; infinite for sounds that may last for the whole clip.
    """

    make: Callable[[Rng, float], Wave]
    shortest_s: float = 0.7
    longest_s: float = 5.0


_FOREVER = float("inf")

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "barking": Recipe(animals.barking),
        "meowing": Recipe(animals.meowing),
        "mooing": Recipe(animals.mooing, 1.0),
        "neighing": Recipe(animals.neighing, 0.9, 4.0),
        "oinking": Recipe(animals.oinking),
        "bleating": Recipe(animals.bleating),
        "crowing": Recipe(animals.crowing, 1.2, 4.5),
        "quacking": Recipe(animals.quacking),
        "chirping": Recipe(animals.chirping),
        "hooting": Recipe(animals.hooting, 0.9),
        "croaking": Recipe(animals.croaking),
        "buzzing": Recipe(animals.buzzing, 0.8),
        "roaring": Recipe(animals.roaring, 1.0, 4.5),
        "howling": Recipe(animals.howling, 1.3),
        "elephant call": Recipe(animals.elephant_call, 0.8, 4.0),
        "whale song": Recipe(animals.whale_song, 1.4),
        "hissing": Recipe(animals.hissing),
        "cricket song": Recipe(animals.cricket_song, 0.8, _FOREVER),
        "chattering": Recipe(animals.chattering),
        "piano music": Recipe(instruments.piano, 1.0),
        "guitar music": Recipe(instruments.guitar, 1.0),
        "violin music": Recipe(instruments.violin, 1.0),
        "trumpet music": Recipe(instruments.trumpet, 1.0),
        "drumming": Recipe(instruments.drums, 1.0),
        "saxophone music": Recipe(instruments.saxophone, 1.0),
        "accordion music": Recipe(instruments.accordion, 1.0),
        "bell ringing": Recipe(signals.bell, 1.0),
        "siren": Recipe(signals.siren, 1.2),
        "engine noise": Recipe(machines.engine, 1.0, _FOREVER),
        "motorcycle roar": Recipe(machines.motorcycle, 1.0),
        "train whistle": Recipe(signals.train_whistle, 0.8, 4.0),
        "helicopter noise": Recipe(machines.helicopter, 1.0, _FOREVER),
        "airplane noise": Recipe(machines.airplane, 1.5, _FOREVER),
        "ship horn": Recipe(signals.ship_horn, 1.0),
        "bicycle bell": Recipe(signals.bicycle_bell, 0.7, 3.0),
        "alarm ringing": Recipe(signals.alarm, 0.8),
        "phone ringing": Recipe(signals.phone, 0.8),
        "typing": Recipe(signals.typing, 0.8),
        "camera click": Recipe(signals.camera, 0.8, 3.0),
        "hammering": Recipe(machines.hammering, 0.8),
        "sawing": Recipe(machines.sawing, 0.9),
        "rocket blast": Recipe(machines.rocket, 1.5),
        "rain": Recipe(surroundings.rain, 1.2, _FOREVER),
        "thunder": Recipe(surroundings.thunder, 1.4),
        "wind": Recipe(surroundings.wind, 1.5, _FOREVER),
        "waves": Recipe(surroundings.waves, 2.0, _FOREVER),
        "fire crackling": Recipe(surroundings.fire, 1.2, _FOREVER),
        "water flowing": Recipe(surroundings.water, 1.2, _FOREVER),
        "fireworks": Recipe(surroundings.fireworks, 1.4),
        "applause": Recipe(surroundings.applause, 1.2, _FOREVER),
        "crowd chatter": Recipe(surroundings.crowd, 1.5, _FOREVER),
        "baby crying": Recipe(surroundings.baby, 0.9),
        "laughter": Recipe(surroundings.laughter, 0.9),
    }
)
"""One recipe for every name of `sound_classes.SOUND_CLASSES`."""
