"""Teachers: repeatable, without latency, and strict about their settings."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.parameters import ParameterError
from tonerig.training.signals import dry_signal
from tonerig.training.teachers import (
    TEACHERS,
    Teacher,
    TeacherError,
    find_teacher,
    latency,
    preferred_amp,
    wet_signal,
)

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


def test_the_same_sound_twice(teacher: Teacher) -> None:
    """Two runs agree within a millionth, whatever was set in between."""
    dry = dry_signal(1.0, RATE, 1)
    first = wet_signal(teacher, dry, RATE, {})
    wet_signal(teacher, dry, RATE, {"treble": 9.0, "output_db": 0.0})
    np.testing.assert_allclose(wet_signal(teacher, dry, RATE, {}), first, atol=1e-5)
    assert first.dtype == np.float32
    assert first.shape == dry.shape


def test_it_crunches(teacher: Teacher) -> None:
    """A quiet note stays nearly clean, a loud one is distorted, and neither goes beyond full scale."""
    quiet, loud = (wet_signal(teacher, _tone(level), RATE, {}) for level in (0.01, 0.5))
    assert _distortion(quiet) < 0.5 * _distortion(loud)
    assert _distortion(loud) > 0.1
    assert 0.1 < np.abs(loud).max() < 1.0


def test_no_latency_is_left(teacher: Teacher) -> None:
    """An impulse at frame 100 is answered at frame 100, and not before."""
    dry = np.zeros(1000, np.float32)
    silence = wet_signal(teacher, dry, RATE, {})
    dry[100] = 0.5
    answer = np.abs(wet_signal(teacher, dry, RATE, {}) - silence)
    assert np.argmax(answer > 1e-3 * answer.max()) == 100


def test_silence_stays_silent(teacher: Teacher) -> None:
    """From rest, silence gives less than -80 dBFS."""
    assert np.abs(wet_signal(teacher, np.zeros(4800, np.float32), RATE, {})).max() < 1e-4


def test_every_default_can_be_set_and_every_parameter_acts(teacher: Teacher) -> None:
    """Naming the defaults changes nothing; the lower end of each parameter sounds different."""
    dry = dry_signal(0.2, RATE, 5)
    defaults = {parameter.name: parameter.default for parameter in teacher.parameters}
    default = wet_signal(teacher, dry, RATE, {})
    np.testing.assert_allclose(wet_signal(teacher, dry, RATE, defaults), default, atol=1e-5)
    for parameter in teacher.parameters:
        low = wet_signal(teacher, dry, RATE, {parameter.name: parameter.minimum})
        assert np.abs(low - default).max() > 1e-3, parameter.name


def test_an_unreported_delay_is_found_and_taken_out() -> None:
    """A teacher that delays by 37 frames and says nothing is aligned to the frame."""
    late = Teacher("late", "", (), lambda dry, rate, _: np.concatenate((np.zeros(37), dry))[: len(dry)])
    dry = dry_signal(0.2, RATE, 1)
    assert latency(late, RATE, {}) == 37
    np.testing.assert_array_equal(wet_signal(late, dry, RATE, {}), dry)


def test_built_in_amp_does_not_alias() -> None:
    """A loud 5 kHz tone leaves nothing above -60 dB at the mirror of its overtones."""
    dry = (0.5 * np.sin(2 * np.pi * 5000 * np.arange(48000) / RATE)).astype(np.float32)
    wet = wet_signal(find_teacher("amp"), dry, RATE, {"drive": 4.0})
    spectrum = np.abs(np.fft.rfft(wet * np.blackman(48000)))
    mirrors = [48000 - 5000 * n for n in (6, 7, 8)]
    assert max(spectrum[m - 5 : m + 6].max() for m in mirrors if m % 5000) < 1e-3 * spectrum[5000]


def test_unknown_names_and_values_are_refused() -> None:
    """A wrong teacher, parameter or value is one sentence with what there is instead."""
    with pytest.raises(TeacherError, match=r"no teacher 'plexi'; there are zamtube, amp"):
        find_teacher("plexi")
    amp = find_teacher("amp")
    with pytest.raises(TeacherError, match=r"no parameter 'gain'; it has drive, treble, output_db"):
        amp.settings({"gain": 1.0})
    with pytest.raises(ParameterError, match="drive is 11, expected 0 to 10"):
        amp.settings({"drive": 11.0})


def test_the_preferred_amp_runs() -> None:
    """Whatever is installed, the preferred amp can be found."""
    assert find_teacher(preferred_amp()).installed
