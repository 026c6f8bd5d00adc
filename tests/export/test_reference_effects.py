"""Tests of what gains, responses, echoes, modulations, compressions and knobs compute by the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter
from tonerig.export.model import (
    Compression,
    Echo,
    Gain,
    Modulation,
    NeuralModel,
    Response,
    receptive_field,
)
from tonerig.export.reference import evaluate, features_of, run, turns_of
from tonerig.realtime.parameters import Parameter

from tests.export.learnt import KNOBS, LEARNT, echo, gain, knobs, learnt_model, modulation, response

SIGNAL = np.random.default_rng(0).standard_normal(1200)
FEATURES = np.array([0.3, -0.7, 0.2])


def in_blocks(model: NeuralModel, signal: NDArray[np.float64], sizes: list[int]) -> NDArray[np.float64]:
    """The output from zeros, in blocks of the sizes in turn, the knobs at their defaults."""
    state: dict[str, NDArray[np.float64]] = {}
    outputs: list[NDArray[np.float64]] = []
    start, features = 0, features_of(model)
    while start < len(signal):
        block = signal[np.newaxis, start : start + sizes[len(outputs) % len(sizes)]]
        outputs.append(run(model.network, block, state, features=features, sample_rate=model.sample_rate)[0])
        start += block.shape[1]
    return np.concatenate(outputs)


@pytest.mark.parametrize("kind", LEARNT)
@settings(max_examples=8, deadline=None)
@given(sizes=st.lists(st.integers(1, 400), min_size=1, max_size=4))
def test_blocks_sound_as_the_whole(kind: str, sizes: list[int]) -> None:
    """Whatever is heard in a block goes on from the one before."""
    model, signal = learnt_model(kind, 1), SIGNAL[:600]
    whole = evaluate(model, signal, prewarm=False)
    np.testing.assert_allclose(in_blocks(model, signal, sizes), whole, atol=1e-9)


def test_an_echo_against_scipy() -> None:
    """The delay line as a recursive filter of the same order."""
    network = echo(np.random.default_rng(2))
    ahead = np.concatenate([np.zeros(network.delay), network.enter])
    back = np.concatenate([[1.0], np.zeros(network.delay - 1), -network.loop])
    expected = lfilter(network.direct, 1.0, SIGNAL) + lfilter(ahead, back, SIGNAL)
    np.testing.assert_allclose(evaluate(NeuralModel(network), SIGNAL), expected, atol=1e-9)


def test_a_response_against_scipy() -> None:
    """The taps that the features make, as a filter; likewise the gain."""
    rng = np.random.default_rng(2)
    network, factor = response(rng), gain(rng)
    taps = network.taps[0] + FEATURES @ network.taps[1:]
    output = run(network, SIGNAL[np.newaxis], {}, features=FEATURES)[0]
    np.testing.assert_allclose(output, lfilter(taps, 1.0, SIGNAL), atol=1e-9)
    louder = run(factor, SIGNAL[np.newaxis], {}, features=FEATURES)[0]
    exponent = factor.exponent[0] + FEATURES @ factor.exponent[1:]
    np.testing.assert_allclose(louder, SIGNAL * np.exp(exponent), rtol=1e-6)


def test_a_modulation_sample_by_sample() -> None:
    """The formula of `Modulation` as it is written there, one sample and one voice after another."""
    network, rate = modulation(np.random.default_rng(2)), 8000.0
    points = np.linspace(0.0, 1.0, len(network.delay))
    past = np.concatenate([np.zeros(200), SIGNAL])
    voices = np.zeros(len(SIGNAL))
    for n in range(len(SIGNAL)):
        for v in range(network.voices):
            phase = (network.phase + n * network.rate_hz / rate + v / network.voices) % 1.0
            place = 200 + n - np.interp(phase, points, network.delay)
            heard = np.interp(place, np.arange(len(past)), past)
            voices[n] += np.interp(phase, points, network.gain) * heard
    expected = lfilter(network.direct, 1.0, SIGNAL) + lfilter(network.wet, 1.0, voices)
    np.testing.assert_allclose(evaluate(NeuralModel(network, rate), SIGNAL), expected, atol=1e-9)


def test_a_still_modulation_is_a_delay() -> None:
    """One voice that never moves: the sound 10 samples later, at half its level, after the sound itself."""
    one = np.ones(1, np.float32)
    still = Modulation(one, one, np.full(2, 10.0, np.float32), np.full(2, 0.5, np.float32), 1.0)
    expected = SIGNAL + 0.5 * np.concatenate([np.zeros(10), SIGNAL[:-10]])
    np.testing.assert_allclose(evaluate(NeuralModel(still), SIGNAL), expected, atol=1e-12)


def test_a_compression_of_a_step() -> None:
    """With equal times the envelope is one pole; a ratio of 2 above -20 dB is half of what is above in dB."""
    levels, gains = np.array([-20.0, 20.0], np.float32), np.array([0.0, -20.0], np.float32)
    network = Compression(0.99, 0.99, levels, gains, np.ones(1, np.float32))
    loud = np.concatenate([np.full(2000, 0.5), np.full(2000, 0.01)])
    envelope = lfilter([0.01], [1.0, -0.99], np.abs(loud))
    above = np.maximum(20.0 * np.log10(envelope) + 20.0, 0.0)
    expected = loud * 10.0 ** (-0.5 * above / 20.0)
    np.testing.assert_allclose(evaluate(NeuralModel(network), loud), expected, rtol=1e-9)


def test_attack_and_release_follow_the_direction() -> None:
    """No attack and a long release: the envelope is the peak and falls by a thousandth for each sample."""
    levels, gains = np.array([-200.0, 0.0], np.float32), np.array([200.0, 0.0], np.float32)
    network = Compression(0.0, 0.999, levels, gains, np.ones(1, np.float32))
    pulse = np.concatenate([np.zeros(5), [1.0], np.full(500, 1e-9)])
    output = evaluate(NeuralModel(network), pulse)
    envelope = 1e-9 + (1.0 - 1e-9) * 0.999 ** np.arange(501)
    np.testing.assert_allclose(pulse[5:] / output[5:], envelope, rtol=1e-6)


def test_turns_are_those_of_a_parameter() -> None:
    """A knob of a model turns as the knob of a plugin with the same range and curve."""
    model = learnt_model("amp", 0)
    for knob in KNOBS:
        parameter = Parameter(knob.name, knob.minimum, knob.maximum, knob.default, curve=knob.curve)
        for turn in (0.0, 0.25, 0.9, 1.0):
            value = parameter.from_turn(turn)
            assert knob.from_turn(turn) == value
            index = KNOBS.index(knob)
            assert turns_of(model, {knob.name: value})[index] == pytest.approx(parameter.to_turn(value))
    np.testing.assert_allclose(turns_of(model), [0.4, 0.5])


def test_features_are_the_small_network_of_the_turns() -> None:
    """Dense, tanh, dense."""
    model = learnt_model("amp", 0)
    assert model.knobs is not None
    first, _, second = model.knobs.features.layers
    expected = second.weight @ np.tanh(first.weight @ turns_of(model) + first.bias) + second.bias
    np.testing.assert_allclose(features_of(model), expected, atol=1e-7)
    assert model.knobs.count == len(expected) == knobs(np.random.default_rng(0)).count


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"mids": 1.0}, "no knob 'mids'; its knobs are drive, tone_hz"),
        ({"drive": 10.5}, "drive is 10.5, but 0 to 10 is expected"),
        ({"tone_hz": float("nan")}, "tone_hz is nan, but 100 to 6400 Hz is expected"),
    ],
)
def test_a_value_that_no_knob_takes(values: dict[str, float], problem: str) -> None:
    """An unknown name, out of the range, and not a number."""
    with pytest.raises(ValueError, match=problem):
        evaluate(learnt_model("amp", 0), SIGNAL, knobs=values)


@pytest.mark.parametrize("kind", ["amp", "rig", "knobbed_lstm", "modulation"])
def test_the_settled_state_is_that_after_silence(kind: str) -> None:
    """Prewarming is what many zeros do, with the knobs at their defaults."""
    model = learnt_model(kind, 4)
    state: dict[str, NDArray[np.float64]] = {}
    features = features_of(model)
    silence = np.zeros((1, model.prewarm))
    run(model.network, silence, state, features=features, sample_rate=model.sample_rate)
    expected = run(
        model.network, SIGNAL[np.newaxis], state, features=features, sample_rate=model.sample_rate
    )[0]
    np.testing.assert_allclose(evaluate(model, SIGNAL), expected, atol=1e-9)


def test_how_far_back_an_output_hears() -> None:
    """An impulse is heard up to the receptive field; echoes and envelopes have none."""
    rng = np.random.default_rng(0)
    for network in (response(rng), modulation(rng), gain(rng)):
        field = receptive_field(network)
        assert field is not None
        impulse = np.zeros(field + 300)
        impulse[0] = 1.0
        features = FEATURES if isinstance(network, Gain | Response) else np.zeros(0)
        output = run(network, impulse[np.newaxis], {}, features=features)[0]
        assert np.abs(output[field:]).max() < 1e-12
    assert receptive_field(echo(rng)) is None
    assert isinstance(echo(rng), Echo)
