"""Dry signals: the same for a seed, of the asked length and range, and with the content they promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.signal import find_peaks, spectrogram, welch
from tonerig.training import signals
from tonerig.training.signals import dry_sections, dry_signal


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_length_range_and_repeatability(rate: int) -> None:
    """A signal has round(seconds · rate) float32 samples within ±1, equal for equal seeds only."""
    first, again, other = (dry_signal(1.5, rate, seed) for seed in (3, 3, 4))
    assert first.shape == (round(1.5 * rate),)
    assert first.dtype == np.float32
    assert np.abs(first).max() <= 1.0
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_longer_signal_goes_on_from_a_shorter_one() -> None:
    """Whole sections do not depend on what comes after them."""
    np.testing.assert_array_equal(dry_signal(20.0, 8000, 1)[:80000], dry_signal(10.0, 8000, 1))


def test_sections_go_on_without_end_and_differ() -> None:
    """The 1000th section is made as the first ones are; those before it make up the signal."""
    rate = 8000
    first = list(itertools.islice(dry_sections(rate, 5), 3))
    np.testing.assert_array_equal(np.concatenate(first), dry_signal(30.0, rate, 5))
    assert not np.array_equal(first[0], first[1])
    silent = [np.mean(np.abs(section) < 1e-6) for section in itertools.islice(dry_sections(rate, 6), 12)]
    assert max(silent) > 2 * min(silent)


@pytest.mark.parametrize("kind", ["sine", "square", "saw", "sweep"])
def test_tones_lie_in_the_range_of_a_guitar(kind: str) -> None:
    """The lowest strong partial of a second of tone is at 80 to 1200 Hz all along; of a sweep, it moves."""
    rate, moved = 16000, 0
    for seed in range(6):
        x = signals._KINDS[kind](np.random.default_rng(seed), 1.0, rate)
        x = x - x.mean()
        frequencies, _, power = spectrogram(x, rate, nperseg=2048, noverlap=1024)
        lowest = []
        for column in power.T:
            peaks = find_peaks(column, height=0.2 * column.max())[0]
            lowest.append(frequencies[peaks[0]])
        assert 70 < min(lowest) <= max(lowest) < 1220
        moved += max(lowest) - min(lowest) > 20
    assert (moved > 3) == (kind == "sweep")


def test_ramps_rise_or_fall_by_60_db_and_silence_is_silent() -> None:
    """The two ends of a level ramp lie 50 to 65 dB apart in RMS; silence is zeros."""
    x = signals._KINDS["level ramp"](np.random.default_rng(2), 2.0, 16000)
    first, last = (np.sqrt((part**2).mean()) for part in (x[:800], x[-800:]))
    assert 50 < abs(20 * np.log10(first / last)) < 65
    assert not signals._KINDS["silence"](np.random.default_rng(2), 0.5, 16000).any()


def test_dry_signal_has_loud_and_silent_parts() -> None:
    """Over a minute some tenths of a second are silent, some are loud, and levels lie between."""
    x = dry_signal(60.0, 16000, 1)
    level = np.sqrt((x.reshape(-1, 1600) ** 2).mean(axis=1))
    assert (level == 0).any()
    assert level.max() > 0.2
    assert ((level > 0.003) & (level < 0.03)).mean() > 0.1


def test_energy_lies_where_a_guitar_has_it() -> None:
    """Most of the energy is between 50 Hz and 2.4 kHz, but the treble is not empty."""
    frequency, power = welch(dry_signal(60.0, 48000, 2).astype(np.float64), 48000, nperseg=8192)
    guitar = power[(frequency > 50) & (frequency < 2400)].sum() / power.sum()
    treble = power[frequency > 5000].sum() / power.sum()
    assert guitar > 0.8
    assert treble > 1e-5


@pytest.mark.parametrize("pitch_hz", [82.41, 196.0, 659.26])
def test_a_string_has_its_pitch(pitch_hz: float) -> None:
    """The autocorrelation of a plucked string peaks within ten cents of the asked period."""
    rate = 48000
    x = signals._string(np.random.default_rng(0), pitch_hz, 1.0, rate)[4800:28800]
    spectrum = np.abs(np.fft.rfft(x - x.mean(), 2 * len(x))) ** 2
    correlation = np.fft.irfft(spectrum)
    low, high = int(rate / pitch_hz * 0.8), int(rate / pitch_hz * 1.2) + 1
    lag = low + int(np.argmax(correlation[low:high]))
    before, at, after = correlation[lag - 1 : lag + 2]
    period = lag + 0.5 * (before - after) / (before - 2 * at + after)
    assert abs(1200 * np.log2(rate / period / pitch_hz)) < 10


def test_a_string_decays() -> None:
    """The last tenth of a two-second note is quieter than the first."""
    x = signals._string(np.random.default_rng(1), 220.0, 2.0, 48000)
    tenth = len(x) // 10
    assert np.abs(x[-tenth:]).max() < 0.5 * np.abs(x[:tenth]).max()


@pytest.mark.parametrize(("seconds", "rate"), [(0.0, 48000), (-1.0, 48000), (1.0, 4000), (1.0, float("nan"))])
def test_bad_lengths_and_rates_are_refused(seconds: float, rate: float) -> None:
    """No length or a rate too low for the highest notes raises an error that names both."""
    with pytest.raises(ValueError, match="needs more than 0 s"):
        dry_signal(seconds, rate, 1)
