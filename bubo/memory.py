"""How much memory there is to load a model into."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bubo.errors import ModelError

__all__ = ["Room", "free_ram_bytes", "room_on"]

# A container's limit and use, on Linux.
_LIMIT = Path("/sys/fs/cgroup/memory.max")
_USED = Path("/sys/fs/cgroup/memory.current")


@dataclass(frozen=True)
class Room:
    """A device and its free memory.

    Attributes:
        device: "cpu", or a GPU as torch names it.
        free_bytes: Free there.
        spare_bytes: Free in main memory besides, where a part of a model can be laid; 0 for the CPU.
        beside_bytes: Free on further GPUs, over which a model can be spread; 0 where one GPU was asked for.
    """

    device: str
    free_bytes: int
    spare_bytes: int = 0
    beside_bytes: int = 0

    @property
    def words(self) -> str:
        """The device for a message."""
        if self.device == "cpu":
            return "main memory"
        others = f", other GPUs: {self.beside_bytes / 1e9:.1f} GB" if self.beside_bytes else ""
        return (
            f"{self.device}: {self.free_bytes / 1e9:.1f} GB{others}, "
            f"main memory: {self.spare_bytes / 1e9:.1f} GB"
        )


def room_on(device: str | None = None) -> Room:
    """The memory of a device; by default of a GPU if there is one.

    Raises:
        ModelError: If there is no such device.
    """
    import torch

    wanted = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        kind = torch.device(wanted)
    except RuntimeError as error:
        raise ModelError(
            f"There is no device {wanted!r}; name one as torch does: cpu, cuda, cuda:1."
        ) from error
    if kind.type == "cpu":
        return Room("cpu", free_ram_bytes())
    if kind.type == "cuda" and (
        not torch.cuda.is_available() or (kind.index or 0) >= torch.cuda.device_count()
    ):
        there = torch.cuda.device_count() if torch.cuda.is_available() else 0
        raise ModelError(f"There is no device {wanted!r}: torch sees {there} GPUs. Use device='cpu'.")
    if kind.type != "cuda":  # memory that it shares with the CPU
        return Room(wanted, free_ram_bytes())
    free, _ = torch.cuda.mem_get_info(kind)
    beside = 0
    if kind.index is None:
        first = torch.cuda.current_device()
        others = [number for number in range(torch.cuda.device_count()) if number != first]
        beside = sum(int(torch.cuda.mem_get_info(number)[0]) for number in others)
    return Room(wanted, int(free), free_ram_bytes(), beside)


def free_ram_bytes() -> int:
    """Main memory that can still be taken, within a container's limit."""
    import psutil

    memory: Any = psutil.virtual_memory()
    free = int(memory.available)
    try:
        return min(free, max(int(_LIMIT.read_text()) - int(_USED.read_text()), 0))
    except (OSError, ValueError):  # no container, or no limit
        return free
