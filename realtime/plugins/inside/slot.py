"""What runs inside a worker: one plugin that gives, for n samples in, exactly n samples out.

Only worker processes import this. The plugin's sound is put where it belongs in time: ``latency`` samples
late from the first sample to the last, whatever pieces the plugin gives it in. Turned parameters glide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .effect import Effect
from .vst3 import Vst3

Sound: TypeAlias = NDArray[np.float32]
Event: TypeAlias = tuple[int, bytes]

GLIDE_S = 0.02
PIECE = 64
"""Most samples for which a gliding parameter stands still."""
SAME = 1e-6
"""Positions are float32 in plugins."""


@dataclass
class Glide:
    """A parameter on its way between two positions."""

    start: float
    goal: float
    done: int = 0


class Slot:
    """A loaded plugin.

    Parameters
    ----------
    order : what to load::

            {"kind": "vst3", "path", "name", "instrument", "parameters": [{"name", "index"}, …],
             "values": {name: stated value}, "raw_state": base64 or null, "vstpreset": path or null}
            {"kind": "pedalboard", "effect", "parameters": [{"name", "glide"}, …],
             "values": {name: value, of all of these}, "fixed": {name: value that is never turned},
             "files": {"impulse": path, for a convolution}}

        ``glide`` is ``"linear"``, ``"logarithmic"`` or ``"jump"``.

    Attributes
    ----------
    notices : sentences for the person
    outputs : channels that come out, after `prepare`
    latency : samples of delay, after `prepare`
    shortfall : samples that came later than ``latency`` allows; zeros took their place

    Raises
    ------
    PluginError
    """

    outputs: int
    latency: int

    def __init__(self, order: Mapping[str, Any]) -> None:
        self._loaded: Vst3 | Effect = Vst3(order) if order["kind"] == "vst3" else Effect(order)
        self.notices = self._loaded.notices
        self.shortfall = 0
        self._count = len(order["parameters"])
        self._glides: dict[int, Glide] = {}

    def prepare(self, rate: float, max_block: int, channels: int) -> None:
        """Make it ready for a stream, as fresh as when loaded; may be called again.

        Parameters
        ----------
        rate : in Hz
        max_block : most samples of a block
        channels : of the blocks, 1 or 2; an instrument does not hear them

        Raises
        ------
        PluginError
            if the plugin does not take that.
        """
        self._finish()
        self._loaded.prepare(rate, max_block, channels)
        self._rate, self._max_block = rate, max_block
        self._glide_frames = max(1, round(GLIDE_S * rate))
        self.outputs, self.latency = self._loaded.outputs, self._loaded.latency
        self._start()

    def _start(self) -> None:
        # what an instrument gives is late by itself, pedalboard drops nothing of it
        count = 0 if self._loaded.instrument else self.latency
        self._waiting = np.zeros((self.outputs, count), np.float32)
        self._fresh = True
        self._settle()

    def _settle(self) -> None:
        """Choose how the next block goes: through the plugin and nothing else, or by way of all the rest."""
        busy = self._glides or self._waiting.shape[1]
        self._direct = None if busy else self._loaded.direct

    def process(self, block: Sound, events: Sequence[Event] = ()) -> Sound:
        """Run a block through.

        Parameters
        ----------
        block : shape (channels, n), n up to ``max_block``
        events : notes for an instrument: sample of the block, MIDI message

        Returns
        -------
        ndarray, shape (outputs, n)
            Over all blocks ``latency`` zeros, then everything that the plugin gives.
        """
        self._fresh = False
        frames = block.shape[1]
        if self._direct is not None:
            sound = self._direct(block, self._rate, self._max_block, False)
            if sound.shape[1] == frames:
                return sound
        elif self._glides:
            sound = self._glide(block, events)
        else:
            sound = self._loaded.run(block, events)
        if self._waiting.shape[1] or sound.shape[1] != frames:
            sound = self._align(sound, frames)
        self._settle()
        return sound

    def _align(self, sound: Sound, frames: int) -> Sound:
        """Put sound behind what waits, and take as many samples as a block needs from the front."""
        queue = np.concatenate((self._waiting, sound), axis=1)
        self._waiting = queue[:, frames:]
        missing = max(0, frames - queue.shape[1])
        self.shortfall += missing
        return np.pad(queue, ((0, 0), (0, missing))) if missing else queue[:, :frames]

    def _glide(self, block: Sound, events: Sequence[Event]) -> Sound:
        """A block in pieces, gliding parameters moved on before each."""
        parts, start, frames = [], 0, block.shape[1]
        while start < frames:
            end = min(frames, start + PIECE) if self._glides else frames
            for index, glide in list(self._glides.items()):
                glide.done += end - start
                share = glide.done / self._glide_frames
                if share >= 1.0:
                    del self._glides[index]
                    share = 1.0
                self._loaded.put(index, glide.start * (1.0 - share) + glide.goal * share)
            inside = [(frame - start, message) for frame, message in events if start <= frame < end]
            parts.append(self._loaded.run(np.ascontiguousarray(block[:, start:end]), inside))
            start = end
        return np.concatenate(parts, axis=1)

    def turn(self, index: int, value: float) -> None:
        """Set a parameter, from the next block on.

        Parameters
        ----------
        index : in the order's ``parameters``
        value : in its unit
        """
        loaded = self._loaded
        goal, present = loaded.position(index, value), loaded.get(index)
        self._glides.pop(index, None)
        if math.isclose(goal, present, rel_tol=SAME, abs_tol=SAME):
            pass
        elif self._fresh or loaded.jumps(index):
            loaded.put(index, goal)
        else:
            self._glides[index] = Glide(present, goal)
        self._settle()

    def values(self) -> list[float]:
        """The parameters' values in their units; of a gliding one where it goes."""
        loaded = self._loaded
        goals = {index: glide.goal for index, glide in self._glides.items()}
        return [loaded.value(k, goals[k] if k in goals else loaded.get(k)) for k in range(self._count)]

    @property
    def raw_state(self) -> bytes | None:
        """The plugin's whole state; pedalboard's effects have their values alone."""
        return self._loaded.raw_state

    def reset(self) -> None:
        """Back to the state after `prepare`, present parameter values kept."""
        self._finish()
        self._loaded.begin()
        self._start()

    def _finish(self) -> None:
        """Parameters jump to where they were gliding."""
        for index, glide in self._glides.items():
            self._loaded.put(index, glide.goal)
        self._glides.clear()
