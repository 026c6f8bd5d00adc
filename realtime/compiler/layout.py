"""Memory that Python lays out and compiled code reads: the context, and a processor's state.

No numba here: the control side lays memory out without importing the compiler.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

ALIGNMENT = 64  # a cache line, and the widest vector

CONTEXT = np.dtype(
    [
        ("rate", "f8"),  # in Hz
        ("position", "i8"),  # samples since the program's start, of the block's first sample
        ("channels", "i8"),  # of the processor being called: at its input
        ("stride", "i8"),  # samples from one channel of a block to the next
        ("scratch", "i8"),  # address of memory any processor may overwrite, 64-byte aligned
        ("scratch_bytes", "i8"),
        ("events", "i8"),  # address of the block's `midi.events.EVENT` records, sorted by frame
        ("event_count", "i8"),
        # An event is due `frame - event_origin` samples after the block's start: 0 to frames - 1. The
        # records are the caller's own and never copied, so the processor must not write to them.
        ("event_origin", "i8"),
    ],
    align=True,
)
"""What every processor is told beside its own state."""

ROW = np.dtype(
    [
        ("process", "i8"),  # address of the compiled code
        ("state", "i8"),  # address of its memory
        ("inputs", "i8"),  # channels that go in
        ("outputs", "i8"),  # channels that come out
        ("muted", "i8"),  # set by the audio thread when a NaN or Inf came out: silent from then on
    ],
    align=True,
)
"""A row of a program's table: one processor."""


def aligned(size: int) -> NDArray[np.uint8]:
    """Zeroed bytes that start on a cache line, every page written."""
    raw = np.zeros(size + ALIGNMENT, np.uint8)
    raw[::1024] = 0
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size]


class State:
    """A processor's memory: a record, then its arrays, in one piece that never moves.

    Parameters
    ----------
    dtype : structured dtype of the record. A field named in ``arrays`` must be ``i8``: it holds
        the array's address.
    arrays : name -> (dtype, shape) of the arrays behind the record

    Notes
    -----
    `seal` keeps a copy of the present contents; `reset` restores it. Nothing in a state may point
    outside it unless the owner keeps the target alive. ``parts`` are states that this one owns, such as
    those of a chain's models: they are kept alive, sealed, reset and locked with it.
    """

    def __init__(self, dtype: np.dtype[Any], **arrays: tuple[DTypeLike, int | tuple[int, ...]]) -> None:
        offsets: dict[str, int] = {}
        size = _round_up(dtype.itemsize)
        for name, (kind, shape) in arrays.items():
            offsets[name] = size
            size += _round_up(int(np.prod(shape)) * np.dtype(kind).itemsize)
        self.memory = aligned(max(size, ALIGNMENT))
        self.record = np.ndarray((), dtype, self.memory[: dtype.itemsize].data)
        self.arrays: dict[str, NDArray[Any]] = {}
        for name, (kind, shape) in arrays.items():
            start = offsets[name]
            stop = start + int(np.prod(shape)) * np.dtype(kind).itemsize
            self.arrays[name] = np.ndarray(shape, kind, self.memory[start:stop].data)
            self.record[name] = self.address + start
        self.parts: list[State] = []
        self._sealed: NDArray[np.uint8] | None = None

    @property
    def address(self) -> int:
        return self.memory.ctypes.data

    def field_address(self, name: str) -> int:
        """Address of a field of the record."""
        fields = self.record.dtype.fields
        assert fields is not None
        return self.address + fields[name][1]

    def seal(self) -> None:
        """Take the present contents as those that `reset` restores."""
        self._sealed = self.memory.copy()
        for part in self.parts:
            part.seal()

    def reset(self) -> None:
        """Restore the sealed contents. Not while the audio thread uses them."""
        if self._sealed is not None:
            self.memory[:] = self._sealed
        for part in self.parts:
            part.reset()

    def lock(self) -> bool:
        """Keep the memory out of the swap file; False where the system does not allow it."""
        mlock = getattr(ctypes.CDLL(None), "mlock", None)
        locked = mlock is not None and mlock(ctypes.c_void_p(self.address), self.memory.nbytes) == 0
        return all([locked, *(part.lock() for part in self.parts)])


def _round_up(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
