"""Latencies of known delays through gear of all kinds, with markers and without."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pedalboard
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tonerig.training.capture.alignment import find_arrivals, rough_latency, windows_of_sound
from tonerig.training.capture.markers import find_markers
from tonerig.training.capture.signal import test_signal as make_signal
from tonerig.training.capture.timing import Timing, judge
from tonerig.training.signals import dry_signal

from .gear import delayed, noise

Array = NDArray[np.float32]

RATE = 48000
MARKED = make_signal(0.25, RATE)
SMALL = make_signal(0.25, 8000)
PLAIN = 0.8 * dry_signal(12.0, RATE, 5)


def board(*plugins: pedalboard.Plugin) -> Callable[[Array], Array]:
    """A chain of pedalboard's effects as gear."""
    return lambda sound: pedalboard.Pedalboard(list(plugins))(sound, RATE)


GEAR: dict[str, tuple[Callable[[Array], Array], float]] = {
    "wire": (lambda sound: sound, 0.02),
    "upside down, quiet": (lambda sound: np.float32(-0.05) * sound, 0.02),
    "tanh": (lambda sound: 0.5 * np.tanh(8 * sound), 0.2),
    "hard clipping": (lambda sound: np.clip(100 * sound, -0.3, 0.3), 0.2),
    "rectifier": (np.abs, 0.2),
    "noise": (lambda sound: sound + noise(len(sound), -50), 0.1),
    "reverb": (board(pedalboard.Reverb(0.8, wet_level=0.5, dry_level=0.5)), 0.1),
    "compressor": (board(pedalboard.Compressor(-30, 8)), 0.2),
    "high-pass": (board(pedalboard.HighpassFilter(1000)), 1.5),
    "low-pass": (board(pedalboard.LowpassFilter(200)), 1.0),
    "delay, louder than the sound": (board(pedalboard.Delay(0.4, 0.4, 0.7)), 0.3),
}


def timing_of(dry: Array, wet: Array, rate: float = RATE) -> Timing:
    """What the whole search finds."""
    markers = find_markers(dry, rate)
    windows = markers or windows_of_sound(dry, rate)
    return judge(find_arrivals(dry, wet, rate, windows), len(windows), len(dry), bool(markers))


@pytest.mark.parametrize("name", GEAR)
def test_latency_behind_gear(name: str) -> None:
    """A delay of 1234.37 samples is found behind every gear, at all markers, without spread or drift."""
    gear, near = GEAR[name]
    found = timing_of(MARKED, delayed(gear(MARKED), 1234.37))
    assert found.clear == found.places == 6
    assert found.latency == pytest.approx(1234.37, abs=near)
    assert found.spread < 0.1 and abs(found.drifted) < 0.1 and not found.jumps


def test_four_poles_begin_late_by_few() -> None:
    """A steep low-pass rises so slowly that its beginning is seen late, but before a fifth of its rise."""
    gear = board(pedalboard.LadderFilter(pedalboard.LadderFilter.Mode.LPF24, cutoff_hz=300))
    found = timing_of(MARKED, delayed(gear(MARKED), 500.0))
    assert 500 <= found.latency < 520  # it is at its peak 100 samples after the beginning


@pytest.mark.parametrize("name", ["wire", "upside down, quiet", "tanh", "noise", "compressor"])
def test_latency_without_markers(name: str) -> None:
    """Any sound will do, to a sample or two."""
    found = timing_of(PLAIN, delayed(GEAR[name][0](PLAIN), 1234.37))
    assert not found.markers and found.found
    assert found.latency == pytest.approx(1234.37, abs=1.0)


def test_polarity() -> None:
    """What is upside down is told, with markers and without."""
    for dry in (MARKED, PLAIN):
        assert timing_of(dry, -0.3 * delayed(dry, 700.0)).upside_down
        assert not timing_of(dry, 0.3 * delayed(dry, 700.0)).upside_down


@settings(max_examples=20, deadline=None)
@given(latency=st.integers(0, 8000), gain=st.floats(0.01, 1.0), drive=st.sampled_from([0.0, 3.0]))
def test_every_latency_to_the_sample(latency: int, gain: float, drive: float) -> None:
    """At 8 kHz, up to a second: to the sample, whatever the level and with distortion."""
    sound = np.tanh(drive * SMALL) if drive else SMALL
    wet = np.concatenate([np.zeros(latency, np.float32), np.float32(gain) * sound])
    found = timing_of(SMALL, wet, 8000)
    assert round(found.latency) == latency


def test_recording_that_began_late() -> None:
    """A wet sound without its first tenth of a second has a negative latency."""
    assert timing_of(MARKED, MARKED[4800:]).latency == pytest.approx(-4800, abs=0.02)


def test_latency_of_seconds() -> None:
    """A recording that was started five seconds before is found as well."""
    wet = np.concatenate([noise(5 * RATE, -70), MARKED])
    assert timing_of(MARKED, wet).latency == pytest.approx(5 * RATE, abs=0.1)


@pytest.mark.parametrize("dry", [MARKED, PLAIN], ids=["markers", "none"])
def test_what_is_unrelated_is_not_found(dry: Array) -> None:
    """Other music, noise and silence have no latency."""
    frames = len(dry)
    for wet in (0.8 * dry_signal(frames / RATE, RATE, 99), noise(frames, -20), np.zeros(frames, np.float32)):
        assert not timing_of(dry, np.asarray(wet, np.float32)).found


def test_rough_latency_is_within_milliseconds() -> None:
    """The onsets alone come close."""
    assert rough_latency(PLAIN, delayed(PLAIN, 30000.0), RATE) == pytest.approx(30000, abs=0.01 * RATE)


def test_nothing_to_look_for() -> None:
    """Silence has no places to look for."""
    assert windows_of_sound(np.zeros(RATE, np.float32), RATE) == []
    assert windows_of_sound(np.ones(100, np.float32), RATE) == []
