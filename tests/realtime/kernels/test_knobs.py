"""Knobs of models on kernels, against the reference evaluation, and while they turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.export.model import NeuralModel
from tonerig.export.reference import evaluate
from tonerig.realtime.kernels import kernel_for, knobs

from .knobbed import NETWORKS, knobbed
from .play import Player

Signal = NDArray[np.float32]
Turned = tuple[int, Sequence[float]]
SETTINGS = ((5.0, 1000.0), (0.0, 8000.0), (10.0, 200.0), (3.3, 440.0))


def _signal(frames: int = 1500) -> Signal:
    return (0.3 * np.random.default_rng(0).standard_normal(frames)).astype(np.float32)


def _sine(frames: int, frequency: float = 200.0) -> Signal:
    return (0.3 * np.sin(2 * np.pi * frequency / 48000 * np.arange(frames))).astype(np.float32)


class _Turning(Player):
    """A player whose knobs stand and turn where they are told, before the prewarm too."""

    def __init__(self, model: NeuralModel) -> None:
        self.model = replace(model, prewarm=0)
        super().__init__(self.model)
        self._goals = np.zeros(2, np.float32)
        self._state.record["goals"] = self._goals.ctypes.data
        self._state.seal()
        self._silence = np.zeros(model.prewarm, np.float32)

    def turned(self, signal: Signal, first: Sequence[float], *events: Turned, block: int = 64) -> Signal:
        """The output from ``first`` on, with the values of each event from its sample on."""
        self._state.reset()
        self._goals[:] = first
        self._run(self._silence, (64,))
        ends = [*(frame for frame, _ in events), signal.size]
        parts, start = [], 0
        for end, values in zip(ends, [*(values for _, values in events), first], strict=True):
            parts.append(self._run(signal[start:end], (block,)))
            self._goals[:] = values
            start = end
        return np.concatenate(parts)


def _expected(model: NeuralModel, signal: Signal, values: Sequence[float]) -> NDArray[np.float64]:
    """What the reference gives after silence heard with the knobs already there."""
    assert model.knobs is not None
    named = {knob.name: value for knob, value in zip(model.knobs.knobs, values, strict=True)}
    heard = np.concatenate([np.zeros(model.prewarm, np.float32), signal])
    return evaluate(model, heard, knobs=named, prewarm=False)[model.prewarm :]


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_setting_gives_what_the_reference_gives(kind: str, seed: int) -> None:
    """At several settings of both knobs the output is the float64 evaluation's within 1e-5."""
    model = knobbed(kind, seed)
    assert kernel_for(model) is knobs
    player, signal = _Turning(model), _signal()
    outputs = [player.turned(signal, values) for values in SETTINGS]
    for values, output in zip(SETTINGS, outputs, strict=True):
        expected = _expected(model, signal, values)
        assert np.abs(output - expected).max() < 1e-5 * max(1.0, np.abs(expected).max())
    assert np.abs(outputs[1] - outputs[2]).max() > 0.01
