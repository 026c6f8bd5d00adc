"""Every teacher: repeatable, in place, at a sane level, and strict about its settings."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.plucked import riff
from tonerig.training.effects.teachers import (
    TEACHERS,
    Teacher,
    TeacherError,
    find_teacher,
    latency,
    preferred_amp,
    wet_signal,
)
from tonerig.training.signals import dry_signal

RATE = 48000.0


@pytest.fixture(params=TEACHERS)
def teacher(request: pytest.FixtureRequest) -> Teacher:
    """Each teacher; one whose plugin is missing is skipped."""
    found = TEACHERS[request.param]
    if not found.installed:
        pytest.skip(f"{found.plugin} is not installed (Debian package zam-plugins)")
    return find_teacher(found.name)


def _tone(level: float) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 220 * np.arange(24000) / RATE)).astype(np.float32)


def _distortion(wet: np.ndarray) -> float:
    """Overtones of 220 Hz over the fundamental, from the second half of half a second."""
    spectrum = np.abs(np.fft.rfft(wet[12000:] * np.hanning(12000)))
    partials = [spectrum[55 * n - 2 : 55 * n + 3].max() for n in range(1, 12)]
    return float(np.linalg.norm(partials[1:]) / partials[0])


def _level_db(sound: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(sound.astype(np.float64) ** 2)))


def test_the_names_that_presets_are_learnt_from_are_there() -> None:
    """Nine effects and the amp, each with a sentence."""
    names = "distortion fuzz compressor amp lowpass highpass octave chorus delay reverb"
    assert set(names.split()) <= set(TEACHERS)
    assert all(teacher.name == name and teacher.description for name, teacher in TEACHERS.items())


def test_the_same_sound_twice(teacher: Teacher) -> None:
    """Two runs agree within a millionth, whatever was set in between."""
    dry = dry_signal(1.0, RATE, 1)
    first = wet_signal(teacher, dry, RATE, {})
    wet_signal(teacher, dry, RATE, {parameter.name: parameter.minimum for parameter in teacher.parameters})
    np.testing.assert_allclose(wet_signal(teacher, dry, RATE, {}), first, atol=1e-5)
    assert first.dtype == np.float32
    assert first.shape == dry.shape


@pytest.mark.parametrize("rate", [44100.0, 48000.0])
def test_a_guitar_stays_finite_unclipped_and_about_as_loud(teacher: Teacher, rate: float) -> None:
    """The project's own riff at -3 dBFS comes out within 12 dB of its level, below full scale."""
    dry = riff(rate)[: round(3 * rate)]
    dry = (dry * (10 ** (-3 / 20) / np.abs(dry).max())).astype(np.float32)
    wet = wet_signal(teacher, dry, rate, {})
    assert np.isfinite(wet).all()
    assert np.abs(wet).max() < 1.0
    assert abs(_level_db(wet) - _level_db(dry)) < 12.0


def test_the_dry_sound_stays_as_it_was(teacher: Teacher) -> None:
    """No teacher writes into what it is given."""
    dry = dry_signal(0.3, RATE, 2)
    before = dry.copy()
    wet_signal(teacher, dry, RATE, {})
    np.testing.assert_array_equal(dry, before)


@pytest.mark.parametrize("name", ["distortion", "amp", "zamtube"])
def test_it_crunches(name: str) -> None:
    """A quiet note stays nearly clean, a loud one is distorted, and neither goes beyond full scale."""
    if not TEACHERS[name].installed:
        pytest.skip("zam-plugins is not installed")
    quiet, loud = (wet_signal(find_teacher(name), _tone(level), RATE, {}) for level in (0.01, 0.5))
    assert _distortion(quiet) < 0.5 * _distortion(loud)
    assert _distortion(loud) > 0.1
    assert 0.1 < np.abs(loud).max() < 1.0


@pytest.mark.parametrize("teacher", [name for name in TEACHERS if name != "octave"], indirect=True)
def test_no_latency_is_left(teacher: Teacher) -> None:
    """An impulse at frame 100 is answered at frame 100, not before; the amp's filters rise in 3 frames."""
    dry = np.zeros(1000, np.float32)
    silence = wet_signal(teacher, dry, RATE, {})
    dry[100] = 0.5
    answer = np.abs(wet_signal(teacher, dry, RATE, {}) - silence)
    late = np.argmax(answer > 1e-3 * answer.max()) - 100
    assert 0 <= late <= (3 if teacher.name == "amp" else 0)


def test_silence_stays_silent(teacher: Teacher) -> None:
    """From rest, silence gives less than -80 dBFS."""
    assert np.abs(wet_signal(teacher, np.zeros(4800, np.float32), RATE, {})).max() < 1e-4


def test_every_default_can_be_set_and_every_parameter_acts(teacher: Teacher) -> None:
    """Naming the defaults changes nothing; the lower end of each parameter sounds different."""
    dry = dry_signal(1.0, RATE, 5)
    defaults = {parameter.name: parameter.default for parameter in teacher.parameters}
    default = wet_signal(teacher, dry, RATE, {})
    np.testing.assert_allclose(wet_signal(teacher, dry, RATE, defaults), default, atol=1e-5)
    for parameter in teacher.parameters:
        end = parameter.maximum if parameter.default == parameter.minimum else parameter.minimum
        assert np.abs(wet_signal(teacher, dry, RATE, {parameter.name: end}) - default).max() > 1e-3, parameter


def test_an_unreported_delay_is_found_and_taken_out() -> None:
    """A teacher that delays by 37 frames and says nothing is aligned to the frame."""
    late = Teacher("late", "", (), lambda dry, rate, _: np.concatenate((np.zeros(37), dry))[: len(dry)])
    dry = dry_signal(0.2, RATE, 1)
    assert latency(late, RATE, {}) == 37
    np.testing.assert_array_equal(wet_signal(late, dry, RATE, {}), dry)


def test_unknown_names_and_values_are_refused() -> None:
    """A wrong teacher, parameter or value is one sentence with what there is instead."""
    with pytest.raises(
        TeacherError, match=r"no teacher 'plexi'; there are distortion, fuzz, compressor, amp"
    ):
        find_teacher("plexi")
    amp = find_teacher("amp")
    with pytest.raises(TeacherError, match=r"'gain'; it has drive, bass, middle, treble, output_db"):
        amp.settings({"gain": 1.0})
    with pytest.raises(ParameterError, match="drive is 11, expected 0 to 10"):
        amp.settings({"drive": 11.0})


def test_the_preferred_amp_runs() -> None:
    """Whatever is installed, the preferred amp can be found."""
    assert find_teacher(preferred_amp()).installed
