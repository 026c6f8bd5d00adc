"""One of pedalboard's own effects in a worker; those that hold sound back are measured for how much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pedalboard
from numpy.typing import NDArray
from pedalboard.io import AudioFile
from pedalboard_native.utils import Chain

from ..errors import PluginError

Sound: TypeAlias = NDArray[np.float32]

SHORT = (16, 441)
"""Lengths of blocks with which it is measured, beside the longest one and blocks of all lengths mixed."""
MEASURED_S = 2.0
"""For so long nothing new may be learnt."""
MARGIN = 50
"""An effect whose latency depends on lengths or on a knob is given a fiftieth more."""
LONGEST_S = 10.0
LEVEL = 0.1
ALIKE = 1e-4
"""Share of the energy in which sound in blocks may differ from sound in one piece."""


class Effect:
    """One of pedalboard's effects.

    A parameter's position is its value, or the logarithm of it.

    Parameters
    ----------
    order : see `slot.Slot`

    Attributes
    ----------
    outputs : channels that come out, after `prepare`
    latency : samples, after `prepare`
    direct : what may be called instead of `run` with ``(block, rate, max_block, False)``, or None
    """

    instrument = False
    raw_state: bytes | None = None
    outputs: int
    latency: int
    direct: Callable[..., Sound] | None

    def __init__(self, order: Mapping[str, Any]) -> None:
        self.name = str(order["effect"])
        self.notices: list[str] = []
        kind = getattr(pedalboard, self.name, None)
        if not (isinstance(kind, type) and issubclass(kind, pedalboard.Plugin)):
            raise PluginError(f"this pedalboard has no effect {self.name}; install a newer one")
        self._kind = kind
        self._names = [row["name"] for row in order["parameters"]]
        self._ways = [row.get("glide", "linear") for row in order["parameters"]]
        self._arguments = self._impulse(order.get("files", {}))
        self._values = {**order.get("fixed", {}), **order["values"]}
        self._plugin = self._new()

    def _impulse(self, files: Mapping[str, str]) -> dict[str, Any]:
        """An impulse response's samples; a file that it cannot read pedalboard takes for a wire."""
        if "impulse" not in files:
            return {}
        path = Path(files["impulse"])
        try:
            with AudioFile(str(path)) as file:
                return {
                    "impulse_response_filename": file.read(file.frames),
                    "sample_rate": float(file.samplerate),
                }
        except (OSError, ValueError, RuntimeError):
            raise PluginError(
                f"{path.name}: is no sound that can be read; expected an impulse response for pedalboard's "
                f"{self.name}"
            ) from None

    def _new(self) -> Any:
        """Another instance with the present values."""
        try:
            plugin = self._kind(**self._arguments)
            for name, value in self._values.items():
                setattr(plugin, name, _native(getattr(plugin, name), value))
        except (ValueError, RuntimeError) as error:
            raise PluginError(f"pedalboard's {self.name} cannot be made: {error}") from None
        return plugin

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        """See `slot.Slot.prepare`."""
        self._rate, self._max_block, self.outputs = rate, max_block, channels
        self._silence = np.zeros((channels, max_block), np.float32)
        try:
            self.latency = 1  # take it for one that holds sound back
            if self._owes([max_block, max_block, *SHORT]) or self._owes([*SHORT, max_block]):
                self._check_memory()
                self.latency = self._measured()
            else:
                self.latency = 0
                self._plugin = self._new()
                self._plugin.process(self._silence, rate, max_block, False)
        except (ValueError, RuntimeError) as error:
            if isinstance(error, PluginError):
                raise
            raise PluginError(f"pedalboard's {self.name} does not run at {rate:g} Hz: {error}") from None
        self.begin()

    def _check_memory(self) -> None:
        """Refuse an effect that forgets sound between blocks; it would be silent, or full of gaps."""
        block = self._max_block
        noise = self._noise(block * math.ceil(MEASURED_S * self._rate / block))
        whole = self._new().process(noise, self._rate, block, False)
        self.begin()
        starts = range(0, noise.shape[1], block)
        parts = np.concatenate([self.run(noise[:, start : start + block]) for start in starts], axis=1)
        frames = min(whole.shape[1], parts.shape[1])
        wrong = parts[:, :frames] - whole[:, :frames]
        if np.sum(wrong**2) > ALIKE * np.sum(whole[:, :frames] ** 2):
            raise PluginError(
                f"pedalboard's {self.name} forgets its sound from block to block (in pedalboard "
                f"{version('pedalboard')}), so it cannot be part of a chain; take it out"
            )

    def _measured(self) -> int:
        """The most samples that it ever owes; it may give nothing for a second, and bursts afterwards."""
        lengths = [self._max_block, *(length for length in SHORT if length < self._max_block)]
        owed = [self._owes(_always(length)) for length in lengths] + [self._owes(self._mixed())]
        worst = max(owed)
        exact = worst == min(owed) and "jump" not in self._ways
        return worst if exact else worst + worst // MARGIN

    def _mixed(self) -> Iterator[int]:
        generator = np.random.default_rng(0)
        while True:
            yield int(generator.integers(1, self._max_block + 1))

    def _noise(self, frames: int) -> Sound:
        noise = np.random.default_rng(1).standard_normal((self.outputs, frames))
        return (LEVEL * noise).astype(np.float32)

    def _owes(self, lengths: Iterator[int] | Sequence[int]) -> int:
        """The most samples that it owes over blocks of these lengths; as long as there is more to learn."""
        self.begin()
        patience = MEASURED_S * self._rate
        noise = self._noise(2 * self._max_block)
        owed = worst = waited = 0
        for length in lengths:
            start = waited % self._max_block
            piece = np.ascontiguousarray(noise[:, start : start + min(length, self._max_block)])
            owed += piece.shape[1] - self.run(piece).shape[1]
            waited += piece.shape[1]
            if owed > worst:
                worst, waited = owed, 0
            if waited > patience:
                break
            if worst > LONGEST_S * self._rate:
                raise PluginError(
                    f"pedalboard's {self.name} gives no sound within {LONGEST_S:g} s; take it out"
                )
        return worst

    def begin(self) -> None:
        """Forget all sound, parameters kept."""
        if self.latency:
            # Their reset does not bring them back to the start, and sometimes forgets for which blocks they
            # were prepared. In a chain, one sample of two channels is not taken for two of one.
            self._plugin = self._new()
            self._process = Chain([self._plugin]).process
            self._started, self._behind, self.direct = False, 0, None
        else:
            # Its reset would forget for which blocks it was prepared; one before a block does not.
            self._plugin.process(self._silence[:, :0], self._rate, self._max_block, True)
            self.direct = self._plugin.process

    def run(self, block: Sound, events: Sequence[tuple[int, bytes]] = ()) -> Sound:
        """A block through the effect, shape (channels, n) -> (channels, n or less)."""
        if self.direct is not None:
            return self.direct(block, self._rate, self._max_block, False)
        if not self._started:
            self._started = True
            if block.shape[1] < self._max_block:
                # It would start anew at each block that is longer than those before: silence comes first.
                given = self._process(self._silence, self._rate, self._max_block, False).shape[1]
                self._behind = self._max_block - given
        sound = self._process(block, self._rate, self._max_block, False)
        if self._behind:
            dropped = min(self._behind, sound.shape[1])
            self._behind -= dropped
            sound = sound[:, dropped:]
        if not self._behind:
            self.direct = self._process
        return sound

    def jumps(self, index: int) -> bool:
        """Whether a parameter goes from one value to another at once."""
        return self._ways[index] == "jump"

    def position(self, index: int, value: float) -> float:
        """Where a parameter's value is."""
        return math.log(value) if self._ways[index] == "logarithmic" else value

    def value(self, index: int, position: float) -> float:
        """A parameter's value at a position."""
        if self._ways[index] != "logarithmic":
            return position
        return float(f"{math.exp(position):.12g}")  # of a logarithm: the value itself, not its neighbour

    def get(self, index: int) -> float:
        """A parameter's present position."""
        return self.position(index, self._values[self._names[index]])

    def put(self, index: int, position: float) -> None:
        """Set a parameter's position."""
        name, plugin = self._names[index], self._plugin
        value = self._values[name] = self.value(index, position)
        setattr(plugin, name, _native(getattr(plugin, name), value))


def _native(present: Any, value: float) -> Any:
    """A value as an attribute of pedalboard takes it: a number, a switch or an enumeration's member."""
    if isinstance(present, bool):
        return bool(value)
    members = getattr(type(present), "__members__", None)
    return value if members is None else list(members.values())[round(value)]


def _always(length: int) -> Iterator[int]:
    while True:
        yield length
