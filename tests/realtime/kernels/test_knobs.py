"""Knobs of models on kernels, against the reference evaluation, and while they turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.export.model import Activation, Dense, NeuralModel, Response, Stack, WaveNet
from tonerig.export.reference import evaluate
from tonerig.realtime.kernels import kernel_for, knobs

from .knobbed import NETWORKS, knobbed, response
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


LOW, HIGH = (0.0, 200.0), (10.0, 8000.0)
TURN_AT, TURNED_BY = 4000, 14000


def _bend(signal: Signal) -> float:
    """The largest second difference once the beginning has died away: large where there is a step."""
    return float(np.abs(np.diff(signal[3000:].astype(np.float64), 2)).max())


@pytest.mark.parametrize(
    ("kind", "least"), [("gain", 100), ("response", 100), ("lstm", 100), ("wavenet", 15)]
)
def test_a_turned_knob_leaves_no_step(kind: str, least: float) -> None:
    """Over both knobs' whole range the output bends far less than where one setting is cut to the other.

    A sine's own bends are allowed for; a WaveNet's weights move in steps, 16 samples apart.
    """
    player, signal = _Turning(knobbed(kind, 1)), _sine(TURNED_BY + 2000)
    before, after = player.turned(signal, LOW), player.turned(signal, HIGH)
    turning = player.turned(signal, LOW, (TURN_AT, HIGH))
    cut = np.concatenate([before[:TURN_AT], after[TURN_AT:]])
    own = max(_bend(before), _bend(after))
    assert _bend(turning) - own < (_bend(cut) - own) / least
    assert np.array_equal(turning[:TURN_AT], before[:TURN_AT])
    assert np.abs(turning[TURNED_BY:] - after[TURNED_BY:]).max() < 1e-6


@pytest.mark.parametrize("kind", ["wavenet", "gru", "gain", "response", "chain"])
def test_turns_at_fixed_samples_give_the_same_bits_at_every_block_size(kind: str) -> None:
    """On and off the grid, before the turns before have settled, whatever the blocks are."""
    player, signal = _Turning(knobbed(kind, 2)), _signal(4000)
    events = ((1000, HIGH), (1033, (2.0, 300.0)), (1040, (2.0, 5000.0)), (2049, LOW))
    output = player.turned(signal, LOW, *events)
    for block in (1, 17, 512):
        assert np.array_equal(player.turned(signal, LOW, *events, block=block), output)


def test_models_that_it_cannot_fold_are_left_to_onnx_runtime() -> None:
    """A response too long to fade, features of other activations or too wide: no kernel takes them."""
    rng = np.random.default_rng(0)
    model = knobbed("lstm", 1)
    assert model.knobs is not None and isinstance(model.network, Stack)
    dense = Dense(np.zeros((5, 2), np.float32), np.zeros(5, np.float32))
    bent = replace(model.knobs, features=Stack((dense, Activation("Hardtanh"))))
    wide = Dense(np.zeros((65, 2), np.float32), np.zeros(65, np.float32))
    narrow = Dense(np.zeros((5, 65), np.float32), np.zeros(5, np.float32))
    for other in (
        replace(model, network=response(rng, 2049)),
        replace(model, knobs=bent),
        replace(model, knobs=replace(bent, features=Stack((wide, narrow)))),
    ):
        assert kernel_for(other) is None


def test_a_film_that_hears_the_sound_is_left_to_onnx_runtime() -> None:
    """Its scale differs from sample to sample: it cannot be folded."""
    model = knobbed("wavenet", 1)
    network = model.network
    assert isinstance(network, WaveNet)
    first = network.arrays[0].layers[0]
    film = first.films["activation_pre_film"]
    weight = film.convolution.weight.copy()
    weight[0, 0] = 1e-3
    hearing = replace(film, convolution=replace(film.convolution, weight=weight))
    layers = (replace(first, films={"activation_pre_film": hearing}), *network.arrays[0].layers[1:])
    arrays = (replace(network.arrays[0], layers=layers), network.arrays[1])
    assert kernel_for(replace(model, network=replace(network, arrays=arrays))) is None


def test_a_response_without_knobs_is_a_convolution() -> None:
    """A filter of one row of taps gives what NumPy's convolution gives."""
    taps, signal = response(np.random.default_rng(3), 700).taps[:1], _signal()
    output = Player(NeuralModel(Response(taps))).play(signal, 64)
    assert np.abs(output - np.convolve(signal, taps[0])[: signal.size]).max() < 1e-5
