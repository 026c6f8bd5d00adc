"""Echoes: where they are, how loud, how dull, and what a new time does."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from tonerig.realtime.processors.delay import Delay

from tests.realtime.run import BLOCKS, RATE, noise, prepared, run, sine


@pytest.mark.parametrize(("time_ms", "rate"), [(1.0, 48000.0), (123.4, 44100.0), (40.0, 96000.0)])
def test_echoes_are_where_and_what_the_formula_says(time_ms: float, rate: float) -> None:
    """The output equals SciPy's filter by dry + wet z^-N / (1 - feedback L(z) z^-N)."""
    n, a = round(time_ms * rate / 1000), 1 - np.exp(-2 * np.pi * 3000 / rate)
    values = {"time_ms": time_ms, "feedback": 70, "mix": 40, "tone_hz": 3000}
    impulse = np.zeros(5 * n + 500)
    impulse[0] = 1.0
    pole, denominator = np.array([1.0, a - 1]), np.zeros(n + 2)
    denominator[:2] += pole
    denominator[n] -= 0.7 * a
    numerator = np.concatenate([np.zeros(n), 0.4 * pole])
    expected = 0.6 * impulse + lfilter(numerator, denominator, impulse)
    assert np.abs(run(prepared(Delay(values), rate=rate), impulse, rate=rate)[0] - expected).max() < 1e-6


def test_the_longest_time_is_there() -> None:
    """At 2000 ms the first echo comes after exactly two seconds, and nothing before."""
    impulse = np.zeros(round(2.1 * RATE))
    impulse[0] = 1.0
    output = run(prepared(Delay({"time_ms": 2000, "mix": 100})), impulse, 2048)[0]
    assert np.array_equal(np.flatnonzero(output), [96000])


@pytest.mark.parametrize(("before", "after"), [(100.0, 130.0), (130.0, 100.0), (300.0, 2.0), (20.0, 20.5)])
def test_a_new_time_glides_without_a_click(before: float, after: float) -> None:
    """A 200 Hz sine through a moving line has no step that a sine a fifth higher does not have."""
    changes = {24000: {"time_ms": after}}
    values = {"time_ms": before, "mix": 100, "feedback": 0}
    output = run(prepared(Delay(values)), sine(200, 2.5, level=1.0), changes=changes)[0][20000:]
    assert np.abs(np.diff(output)).max() < 1.02 * 1.5 * 2 * np.pi * 200 / RATE
    assert np.abs(np.diff(output, 2)).max() < 2 * (1.5 * 2 * np.pi * 200 / RATE) ** 2


def test_a_new_time_settles_on_the_exact_sample() -> None:
    """Two seconds after the turn, echoes are the input bit for bit at the new whole distance."""
    delay = prepared(Delay({"time_ms": 50, "mix": 100, "feedback": 0}))
    signal = noise(2.5)
    output = run(delay, signal, changes={1000: {"time_ms": 76.54321}})
    n = round(76.54321e-3 * RATE)
    assert np.array_equal(output[0, 100000:], signal[0, 100000 - n : -n])


def test_turned_knobs_make_no_steps() -> None:
    """Mix and feedback turned over a constant move the output by less than 5 % a sample."""
    values = {"time_ms": 10, "mix": 0, "feedback": 0}
    changes = {5000: {"mix": 100.0}, 10000: {"feedback": 90.0, "tone_hz": 200.0}}
    output = run(prepared(Delay(values)), np.ones(20000), changes=changes)[0]
    assert np.abs(np.diff(output[1000:])).max() < 0.05


def test_channels_are_apart() -> None:
    """Each side of a stereo signal echoes as it would alone."""
    signal = noise(0.5, 2)
    together = run(prepared(Delay({"time_ms": 30}), 2), signal)
    alone = [run(prepared(Delay({"time_ms": 30})), side)[0] for side in signal]
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("block", BLOCKS)
def test_blocks_do_not_matter(block: int) -> None:
    """The same bits in any block size, with the time and the mix on the move."""
    signal = noise(0.3, 2)
    changes = {3333: {"time_ms": 21.0, "mix": 80.0, "tone_hz": 900.0}}
    expected = run(prepared(Delay({"time_ms": 17}), 2), signal, 37, changes=changes)
    assert np.array_equal(run(prepared(Delay({"time_ms": 17}), 2), signal, block, changes=changes), expected)


def test_the_tail_ends_in_silence_and_loud_input_stays_finite() -> None:
    """Noise of a million stays finite, and zeros come out once its echoes are over."""
    delay = prepared(Delay({"time_ms": 1, "feedback": 95, "mix": 100}), 2)
    loud = run(delay, noise(0.2, 2, level=1e6))
    assert np.isfinite(loud).all()
    assert np.abs(loud).max() > 1e6
    assert not run(delay, np.zeros((2, 96000)), 2048)[:, -1000:].any()
    delay.reset()
    assert np.array_equal(run(delay, noise(0.2, 2, level=1e6)), loud)
