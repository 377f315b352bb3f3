"""Everything Bubo raises on purpose.

BuboError
├── InputError (also ValueError)           something handed in cannot be used
│   ├── MediaError                         a picture or sound: file, bytes or array
│   ├── RecordError                        a training record or shard
│   ├── ConversationError                  a saved conversation (.bubo)
│   └── QuestionError                      the question itself: empty or far too long
├── ModelError                             an unknown model name, a broken model folder
├── SpeakerError                           another speaker: not reached, refuses, says nothing
│   └── SoundRefusedError                  it takes no sounds; it can be told what is heard
├── TrainError                             a training run that cannot start or go on
│   └── ConfigError                        a run file with unknown, mistyped or contradicting values
├── StorageError                           a file that cannot be written: disk full, no permission
└── MissingPackageError (also ImportError) an optional package; the message names the extra

Every message says what was given, what was expected and what to do.
"""


class BuboError(Exception):
    """Base of all errors raised on purpose; the command line turns it into one line and exit code 2."""


class InputError(BuboError, ValueError):
    """A value handed in by the caller cannot be used."""


class MediaError(InputError):
    """A picture or sound is missing, broken, hostile or outside the limits."""


class RecordError(InputError):
    """A training record or shard is malformed."""


class ConversationError(InputError):
    """A saved conversation cannot be read, or a conversation is used in an impossible way."""


class QuestionError(InputError):
    """A question is empty or longer than any model here can read."""


class ModelError(BuboError):
    """A model name is unknown, or a model folder is incomplete or wrong."""


class SpeakerError(BuboError):
    """A speaker that is not ours cannot be reached, refuses the question, or ends without a word."""


class SoundRefusedError(SpeakerError):
    """A speaker takes no sounds. It is raised before the first piece of an answer."""


class TrainError(BuboError):
    """A training run cannot start or cannot go on."""


class ConfigError(TrainError):
    """A run configuration holds unknown keys, wrong types or an impossible combination."""


class StorageError(BuboError):
    """A file could not be written; nothing half-written is left behind."""


class MissingPackageError(BuboError, ImportError):
    """An optional package is not installed.

    Args:
        package: Import name of the missing package.
        extra: The extra of this distribution that brings it.
        purpose: What it is needed for, as a noun phrase ("drawing training curves").
    """

    def __init__(self, package: str, extra: str, purpose: str):
        self.package = package
        self.extra = extra
        super().__init__(
            f"The package {package!r} is not installed, and {purpose} needs it: install the extra {extra!r} "
            f'of bubo (in a clone: pip install -e ".[{extra}]").'
        )
