"""What our four-oscillator synth does on one core: voices on the audio thread's path, and training sets."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.program import Program, compile_chain
from ..engine.runner import Runner
from ..midi.events import EVENT
from ..synths.dataset import render_levels
from ..synths.four import ESTIMATED, LEVELS, FourOscillators
from .one_core import Measure, serve

RATE, BLOCK = 48000, 64
PIECE_BLOCKS = 3750
"""Five seconds of sound."""
SOUNDS = 1024
NOTE_ON = 0x90


def player(patch: Mapping[str, object], keys: Sequence[int]) -> Callable[[], NDArray[np.float32]]:
    """A function that plays on for five seconds, in blocks of 64, with the keys held."""
    chain = [FourOscillators(patch)]
    compile_chain(chain)
    runner = Runner(Program(chain, RATE, BLOCK, 1))
    runner.process(np.zeros((1, BLOCK)), _note_ons(keys))
    silence = np.zeros((1, BLOCK * PIECE_BLOCKS), np.float32)
    return lambda: runner.process(silence)


def prepare(setup: Mapping[str, Any]) -> Measure:
    """Compile; each measurement gives voices in real time by the number held, and a dataset's × real time."""
    players = {f"voices_{len(keys)}": (player(setup["patch"], keys), len(keys)) for keys in setup["keys"]}
    levels = np.random.default_rng(0).integers(0, LEVELS, (SOUNDS, len(ESTIMATED)))
    render_levels(levels, threads=1)

    def measure() -> dict[str, float]:
        sound = BLOCK * PIECE_BLOCKS / RATE
        figures = {name: held * sound / _seconds(play) for name, (play, held) in players.items()}
        return {**figures, "dataset": SOUNDS / _seconds(lambda: render_levels(levels, threads=1))}

    return measure


def _note_ons(keys: Sequence[int]) -> NDArray[np.void]:
    events = np.zeros(len(keys), EVENT)
    events["status"], events["data1"], events["data2"], events["size"] = NOTE_ON, keys, 127, 3
    return events


def _seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    serve(prepare)
