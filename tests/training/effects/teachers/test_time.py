"""Chorus, delay, reverb and octave against formulas of what they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import fftconvolve
from tonerig.training.effects.teachers import find_teacher, wet_signal
from tonerig.training.signals import dry_signal

RATE = 48000.0


@pytest.mark.parametrize(("time_s", "feedback", "mix"), [(0.35, 0.45, 0.4), (0.1, 0.8, 1.0)])
def test_delay_is_its_difference_equation(time_s: float, feedback: float, mix: float) -> None:
    """What leaves the line goes back into it times the feedback; the first row has the defaults."""
    dry = dry_signal(2.0, RATE, 2)
    delay, line = round(time_s * RATE), np.zeros(len(dry))
    for start in range(0, len(dry), delay):
        block = slice(start, min(start + delay, len(dry)))
        line[block] = dry[block]
        if start:
            line[block] += feedback * line[start - delay : block.stop - delay]
    late = np.concatenate((np.zeros(delay), line))[: len(dry)]
    settings = {"time_s": time_s, "feedback": feedback, "mix": mix}
    wet = wet_signal(find_teacher("delay"), dry, RATE, settings)
    np.testing.assert_allclose(wet, (1 - mix) * dry + mix * late, atol=1e-5)
    if mix == 0.4:
        np.testing.assert_array_equal(wet, wet_signal(find_teacher("delay"), dry, RATE, {}))


@pytest.mark.parametrize(("rate_hz", "depth", "centre_ms"), [(1.0, 0.25, 7.0), (0.7, 0.5, 9.0)])
def test_chorus_starts_every_sound_at_the_same_phase(rate_hz: float, depth: float, centre_ms: float) -> None:
    """On a ramp, the voice alone shows its delay: the centre less 10 ms of depth times a sine from 0."""
    frames = 96000
    time = np.arange(frames) / RATE
    ramp = (np.arange(frames) / frames).astype(np.float32)
    settings = {"rate_hz": rate_hz, "depth": depth, "centre_delay_ms": centre_ms, "mix": 1.0}
    for _ in range(2):
        wet = wet_signal(find_teacher("chorus"), ramp, RATE, settings)
        delay_ms = 1000 * (time - wet.astype(np.float64) * frames / RATE)
        expected = centre_ms - 10 * depth * np.sin(2 * np.pi * rate_hz * time)
        np.testing.assert_allclose(delay_ms[1000:], expected[1000:], atol=0.03)


def test_chorus_is_the_sound_and_its_moving_echo() -> None:
    """At the defaults a sine comes out as half of it and half of it some milliseconds earlier."""
    time = np.arange(96000) / RATE
    dry = (0.5 * np.sin(2 * np.pi * 330 * time)).astype(np.float32)
    heard = time - 0.007 + 0.0025 * np.sin(2 * np.pi * time)
    expected = 0.5 * dry + 0.25 * np.where(heard > 0, np.sin(2 * np.pi * 330 * heard), 0.0)
    wet = wet_signal(find_teacher("chorus"), dry, RATE, {})
    np.testing.assert_allclose(wet[1000:], expected[1000:], atol=0.01)


def test_reverb_is_linear_and_does_not_change() -> None:
    """Its answer to an impulse, convolved with a sound, is that to the sound; the dry one comes first."""
    teacher = find_teacher("reverb")
    impulse = np.zeros(96000, np.float32)
    impulse[0] = 1.0
    response = wet_signal(teacher, impulse, RATE, {})
    assert response[0] == pytest.approx(0.65)
    dry = dry_signal(2.0, RATE, 7)
    expected = fftconvolve(dry.astype(np.float64), response)[: len(dry)]
    np.testing.assert_allclose(wet_signal(teacher, dry, RATE, {}), expected, atol=1e-5)


def test_reverb_rings_for_about_a_second() -> None:
    """The energy that is left a second after an impulse is 30 to 60 dB below that of the whole tail."""
    impulse = np.zeros(144000, np.float32)
    impulse[0] = 1.0
    tail = wet_signal(find_teacher("reverb"), impulse, RATE, {}).astype(np.float64)[1:] ** 2
    left = 10 * np.log10(tail[48000:].sum() / tail.sum())
    assert -60 < left < -30


@pytest.mark.parametrize("hz", [220.0, 440.0, 660.0])
def test_octave_halves_the_pitch_at_the_same_level_and_time(hz: float) -> None:
    """A second of sine, at the same level, place and length, has its energy around half its frequency."""
    dry = np.zeros(144000, np.float32)
    dry[48000:96000] = 0.5 * np.sin(2 * np.pi * hz * np.arange(48000) / RATE)
    wet = wet_signal(find_teacher("octave"), dry, RATE, {})
    assert wet.shape == dry.shape
    steady = wet[54000:90000]
    power = np.abs(np.fft.rfft(steady * np.hanning(len(steady)))) ** 2
    frequencies = np.fft.rfftfreq(len(steady), 1 / RATE)
    centre = (power * frequencies).sum() / power.sum()
    assert abs(centre - hz / 2) < 20.0
    assert power[frequencies > 0.8 * hz].sum() < 0.02 * power.sum()
    assert abs(20 * np.log10(np.sqrt((steady**2).mean()) / (0.5 / np.sqrt(2)))) < 2.0
    heard = np.flatnonzero(np.abs(wet) > 0.1)
    assert abs(heard[0] - 48000) < 1440
    assert abs(heard[-1] - 96000) < 1440


def test_octave_goes_on_without_gaps() -> None:
    """Three seconds of a note have no tenth of a second whose level is off by more than 3 dB."""
    dry = (0.5 * np.sin(2 * np.pi * 330 * np.arange(144000) / RATE)).astype(np.float32)
    wet = wet_signal(find_teacher("octave"), dry, RATE, {})[4800:-4800]
    levels = 10 * np.log10((wet.reshape(-1, 4800) ** 2).mean(axis=1))
    assert np.ptp(levels) < 3.0
