"""Recordings of any kind become the sound that is matched, or a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile
from tonerig.realtime.match.sound import (
    Sound,
    SoundError,
    at_rate,
    constant_offset,
    onset,
    read_sound,
    sound_of,
)
from tonerig.realtime.match.synths import FOUR, SYNTHS, MatchedSynth

SAMPLES = Path("/usr/share/sonic-pi/samples")


def tone(rate: float, seconds: float = 1.0, frequency_hz: float = 440.0) -> NDArray[np.float64]:
    """A decaying sine, peak 0.5."""
    t = np.arange(round(rate * seconds)) / rate
    return 0.5 * np.sin(2 * np.pi * frequency_hz * t) * np.exp(-3 * t)


def written(path: Path, samples: NDArray[np.floating], rate: int) -> Path:
    """A float32 WAV of shape (frames,) or (frames, channels)."""
    wavfile.write(path, rate, np.asarray(samples, np.float32))
    return path


@pytest.mark.parametrize("synth", SYNTHS.values(), ids=SYNTHS)
def test_a_sound_of_the_synth_itself_comes_through_bit_for_bit(synth: MatchedSynth, tmp_path: Path) -> None:
    """Slow attacks, constants of saws and triangles, levels over 1: what was rendered is what is heard.

    But for one in a hundred of ``two``, whose filter opens so late that they begin with near silence.
    """
    sounds = synth.render(synth.values(synth.drawn(1, "test", 0, 300)))
    loud = sounds[np.abs(sounds).max(axis=1) > 1e-3]
    heard = [at_rate(sound_of(sound, synth.rate), synth.rate, synth.frames) for sound in loud]
    same = np.mean([np.array_equal(a, b) for a, b in zip(heard, loud, strict=True)])
    assert same == 1 if synth is FOUR else same > 0.99
    read = read_sound(written(tmp_path / "a.wav", sounds[0], int(synth.rate)))
    np.testing.assert_array_equal(at_rate(read, synth.rate, synth.frames), sounds[0])


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000, 192000, 384000])
def test_any_rate(rate: int) -> None:
    """A tone at any rate is, at the estimator's, the formula's."""
    heard = at_rate(sound_of(tone(rate), rate), FOUR.rate, FOUR.frames)
    expected = tone(FOUR.rate)
    inner = slice(200, -400)
    assert np.abs(heard[inner] - expected[inner]).max() < 2e-3
    assert heard.dtype == np.float32


def test_what_lies_beyond_the_estimators_band_does_not_fold_back() -> None:
    """A tone above half of the estimator's rate is gone, 60 dB down and more."""
    heard = at_rate(sound_of(tone(48000, frequency_hz=10000.0), 48000), FOUR.rate, FOUR.frames)
    assert np.abs(heard[200:-200]).max() < 0.5e-3


@pytest.mark.parametrize("silence", [0.0, 1e-4])
def test_it_starts_where_the_sound_starts(silence: float, tmp_path: Path) -> None:
    """Silence and a noise floor before it are cut off, however long they last."""
    rate = 22050
    noise = silence * np.random.default_rng(0).normal(size=12 * rate)
    for seconds in (0.5, 9.5):
        first = round(seconds * rate)
        samples = np.concatenate([noise[:first], tone(rate)])
        heard = read_sound(written(tmp_path / "late.wav", samples, rate))
        assert 0 <= seconds - heard.start_s < 0.003
        np.testing.assert_allclose(
            heard.samples[round((seconds - heard.start_s) * rate) :][:rate], tone(rate), atol=1e-6
        )


def test_a_slow_beginning_is_no_silence() -> None:
    """A sound that rises over seconds starts at its first sample; one after 50 ms of hiss does not."""
    rate = 16384
    rising = tone(rate) * np.minimum(1, np.arange(rate) / (20 * rate))
    assert onset(rising.astype(np.float32), rate) == 0
    hiss = 1e-4 * np.random.default_rng(0).normal(size=round(0.05 * rate))
    assert onset(np.concatenate([hiss, tone(rate)]).astype(np.float32), rate) > 0.04 * rate


def test_only_the_beginning_is_read(tmp_path: Path) -> None:
    """Of a minute no more than some seconds are kept; an end that is no number does not matter."""
    rate = 8000
    samples = np.tile(tone(rate), 60)
    samples[-rate:] = np.nan
    heard = read_sound(written(tmp_path / "long.wav", samples, rate))
    assert heard.seconds < 10 and heard.replaced == 0


def test_stereo(tmp_path: Path) -> None:
    """Two channels become their mean; where they cancel each other, the louder one is heard."""
    rate, left = 22050, tone(22050)
    mean = read_sound(written(tmp_path / "a.wav", np.stack([left, 0.5 * left], axis=1), rate))
    np.testing.assert_allclose(mean.samples, 0.75 * left, atol=1e-6)
    opposed = read_sound(written(tmp_path / "b.wav", np.stack([left, -left], axis=1), rate))
    np.testing.assert_allclose(np.abs(opposed.samples), np.abs(left), atol=1e-6)


def test_a_constant_offset_goes_and_a_mean_of_the_sound_stays() -> None:
    """0.3 added to a recording is found and taken away; a saw from 0 to 1 that decays keeps its mean."""
    rate = 22050
    heard = sound_of(tone(rate) + 0.3, rate)
    assert heard.offset == pytest.approx(0.3, abs=0.003)
    np.testing.assert_allclose(heard.samples, tone(rate), atol=0.003)
    t = np.arange(rate) / rate
    saw = (440 * t % 1) * np.exp(-3 * t)
    assert constant_offset(saw.astype(np.float32), rate) == 0


def test_any_level(tmp_path: Path) -> None:
    """80 dB down and 30 dB over full scale the same sound is heard."""
    for level in (1e-4, 30.0):
        heard = read_sound(written(tmp_path / "a.wav", level * tone(22050), 22050))
        np.testing.assert_allclose(heard.samples / level, tone(22050), atol=1e-5)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(22050), "a.wav: is silent; give a recording with a sound in it"),
        (np.full(22050, 0.3), "a.wav: is a constant of 0.3 and no sound; check how it was recorded"),
        (np.full(22050, np.nan), "a.wav: 22050 of its samples are no numbers (NaN or infinite); export it"),
        (tone(22050)[:200], "a.wav: is 9.1 ms long, expected 10 ms or more; give a longer recording"),
    ],
)
def test_what_cannot_be_matched(samples: NDArray[np.float64], said: str, tmp_path: Path) -> None:
    """One sentence that names the file."""
    with pytest.raises(SoundError) as refused:
        read_sound(written(tmp_path / "a.wav", samples, 22050))
    assert str(refused.value).startswith(said)


def test_a_few_samples_that_are_no_numbers(tmp_path: Path) -> None:
    """They count as 0, and are counted."""
    samples = tone(22050)
    samples[100:150] = np.nan
    heard = read_sound(written(tmp_path / "a.wav", samples, 22050))
    assert heard.replaced == 50 and not heard.samples[100:150].any()
    with pytest.raises(SoundError, match="sound: has samples that are no numbers"):
        sound_of(samples, 22050)


def test_ten_milliseconds(tmp_path: Path) -> None:
    """Enough; the rest is zeros."""
    heard = read_sound(written(tmp_path / "a.wav", tone(22050)[:221], 22050))
    assert not at_rate(heard, FOUR.rate, FOUR.frames)[round(0.015 * FOUR.rate) :].any()


def test_real_one_shots_start_at_once() -> None:
    """Every one-shot of Sonic Pi's is heard from within its first 0.15 s on, finite and not silent."""
    files = sorted(SAMPLES.glob("*.flac"))
    assert len(files) > 100
    for file in files[::6]:
        heard = read_sound(file)
        target = at_rate(heard, FOUR.rate, FOUR.frames)
        assert heard.start_s < 0.15 and np.isfinite(target).all() and np.abs(target).max() > 1e-3, file.name


def test_the_end_of_a_short_recording_is_zeros() -> None:
    """What a recording does not have is silence, at another rate too."""
    short = Sound("a", tone(48000, 0.1).astype(np.float32), 48000.0)
    heard = at_rate(short, FOUR.rate, FOUR.frames)
    assert heard[: round(0.1 * FOUR.rate)].any() and not heard[round(0.102 * FOUR.rate) :].any()
