"""A conversation by lines of text: questions with what is attached to them, and commands."""

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bubo.cli.arguments import place_of
from bubo.cli.ask import print_stream
from bubo.cli.drawing import write_drawing
from bubo.cli.report import notes
from bubo.errors import BuboError, InputError

if TYPE_CHECKING:
    from bubo.conversation import Conversation
    from bubo.settings import Settings
    from bubo.types import Answer, Picture, Place, Sound

#: Command -> its argument, what it does.
COMMANDS = {
    "/picture": ("PATH", "attach a picture to the next question"),
    "/sound": ("PATH", "attach a sound to the next question"),
    "/at": ("PLACE", "point at x,y or x0,y0,x1,y1, 3s-5s, or a thing such as e2, with the next question"),
    "/draw": ("OUT", "draw the last answer into a picture file"),
    "/save": ("F", "save the conversation with its media (F.bubo)"),
    "/load": ("F", "go on with a saved conversation"),
    "/new": ("", "begin a new conversation"),
    "/help": ("", "list the commands"),
    "/quit": ("", "leave"),
}

_LEGEND = """\
Under an answer stands what each phrase rests on: where it is in the picture (place, and box in pixels),
when it is heard, and how sure that is, from 0 to 1. What stands in brackets was not named, but the verdict
on picture and sound rests on it."""


class Talk:
    """Takes lines, prints answers.

    Args:
        chat: The conversation.
        settings: How to answer.
        pictures: What the first question shows.
        sounds: What it lets hear.
    """

    def __init__(
        self,
        chat: "Conversation",
        settings: "Settings",
        pictures: Sequence["Picture"] = (),
        sounds: Sequence["Sound"] = (),
    ):
        self.chat = chat
        self.settings = settings
        self.pictures = list(pictures)
        self.sounds = list(sounds)
        self.places: list[Place] = []
        self._told: Answer | None = None
        self._commands: dict[str, Callable[[str], None]] = {
            "/picture": self._attach_picture,
            "/sound": self._attach_sound,
            "/at": self._point,
            "/draw": self._draw,
            "/save": self._save,
            "/load": self._load,
            "/new": self._begin,
            "/help": self._help,
        }

    @property
    def model(self) -> str:
        """Name or folder of the model that answers."""
        return self.chat.model

    def load_model(self) -> None:
        """Load the model now instead of at the first question."""
        print(f"loading {self.model} ...", file=sys.stderr)
        _ = self.chat.assistant

    def attachments(self) -> list[str]:
        """What the next question will carry, one line each."""
        lines = [f"picture: {_name(p.source)} ({p.width} x {p.height} pixels)" for p in self.pictures]
        return lines + [f"sound: {_name(s.source)} ({s.duration_s:.1f} s)" for s in self.sounds]

    def take(self, line: str, *, forgiving: bool = False) -> bool:
        """Answer a question or obey a command.

        Args:
            line: What was typed; an empty line does nothing.
            forgiving: Print errors, and let Ctrl-C stop an answer, instead of passing both on.

        Returns:
            False when the talk is over.
        """
        line = line.strip()
        if line.split(maxsplit=1)[:1] == ["/quit"]:
            return False
        try:
            if line.startswith("/"):
                self._obey(line)
            elif line:
                self.ask(line)
        except BuboError as error:
            if not forgiving:
                raise
            print("error:", " ".join(str(error).split()), file=sys.stderr)
        except KeyboardInterrupt:
            if not forgiving:
                raise
            print("\n(stopped)")
        return True

    def ask(self, question: str) -> None:
        """Ask with what is attached, print the linked answer; attachments stay if it fails."""
        events = self.chat.stream(
            question, self.pictures, self.sounds, at=self.places, settings=self.settings
        )
        before = self._told
        self._told = print_stream(events, before)
        for note in notes(self._told, before):
            print(f"note: {note}", file=sys.stderr)
        self.pictures, self.sounds, self.places = [], [], []

    def _obey(self, line: str) -> None:
        name, _, argument = line.partition(" ")
        argument = argument.strip().strip("\"'")
        if name not in self._commands:
            raise InputError(f"There is no command {name}; the commands are {', '.join(COMMANDS)}.")
        wanted = COMMANDS[name][0]
        if wanted and not argument:
            what = "place" if wanted == "PLACE" else "file"
            raise InputError(f"{name} needs a {what}: {name} {wanted}.")
        self._commands[name](os.path.expanduser(argument))

    def _attach_picture(self, path: str) -> None:
        from bubo.media import load_picture

        self.pictures.append(load_picture(path))
        print(self.attachments()[len(self.pictures) - 1])

    def _attach_sound(self, path: str) -> None:
        from bubo.media import load_sound

        self.sounds.append(load_sound(path))
        print(self.attachments()[-1])

    def _point(self, place: str) -> None:
        self.places.append(place_of(place))
        print(f"pointing at: {place}")

    def _draw(self, path: str) -> None:
        if not self.chat.answers:
            raise InputError("There is no answer to draw yet; ask something first.")
        write_drawing(self.chat.answers[-1], path)
        print(f"drawn: {path}")

    def _save(self, path: str) -> None:
        self.chat.save(path)
        print(f"saved: {path}")

    def _load(self, path: str) -> None:
        from bubo.conversation import Conversation

        loaded = Conversation.load(path, loader=self.chat.loader)
        if loaded.model == self.chat.model:  # the model that is in memory already goes on
            loaded = Conversation(
                self.chat.assistant, loaded.turns, model=loaded.model, loader=self.chat.loader
            )
        self._go_on_with(loaded)
        number = len(loaded.answers)
        print(f"loaded: {number} answer{'' if number == 1 else 's'}, model {loaded.model}")

    def _begin(self, _: str) -> None:
        from bubo.conversation import Conversation

        self._go_on_with(Conversation(self.chat.assistant, model=self.chat.model, loader=self.chat.loader))
        print("a new conversation")

    def _go_on_with(self, chat: "Conversation") -> None:
        self.chat, self.pictures, self.sounds, self._told = chat, [], [], None
        self.places = []

    def _help(self, _: str) -> None:
        for name, (argument, meaning) in COMMANDS.items():
            print(f"  {name + ' ' + argument:<14} {meaning}".rstrip())
        print(_LEGEND)


def _name(source: str) -> str:
    return Path(source).name or "from memory"
