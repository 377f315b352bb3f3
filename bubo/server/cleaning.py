"""Removes what was deleted, now and then: rows, files, and what the engine keeps of them."""

from bubo.server.services import Services

__all__ = ["Cleaner"]

SWEEP_EVERY_S = 3_600.0
#: Emptying the engine's caches costs every running talk some time, so it is not done for each deleted file.
CLEAR_EVERY_S = 60.0


class Cleaner:
    """Keeps a server clean. Not for two threads at once.

    Args:
        parts: The server.
    """

    def __init__(self, parts: Services):
        self._parts = parts
        self._swept = self._cleared = -SWEEP_EVERY_S
        self._removed = parts.media.removed
        self._stale = False

    def tick(self, now: float) -> None:
        """Does what is due.

        Args:
            now: Seconds of a clock that never goes back.
        """
        self.purge()
        media = self._parts.media
        if now - self._swept >= SWEEP_EVERY_S:
            self._swept = now
            media.sweep()
        self._stale |= media.removed != self._removed
        self._removed = media.removed
        if self._stale and now - self._cleared >= CLEAR_EVERY_S:
            self._stale, self._cleared = False, now
            self._parts.engine.clear()

    def purge(self) -> None:
        """Removes conversations whose undo time is over, and the files that only they had."""
        purged = self._parts.conversations.purge()
        self._parts.media.remove_files(purged.media)
        self._stale |= purged.conversations > 0
