"""All figures of a comparison: how near to the wet sound the model's output is, and the dry sound."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

from .aliasing import Aliasing, Process, measure_aliasing
from .distances import (
    emphasised_error_to_signal,
    error_to_signal,
    log_mel_distance,
    loudness_and_peak,
    spectral_distance,
)
from .sounds import Array, CompareError, Sound, Three

STEPS = 3 + 2 + 1


@dataclass(frozen=True)
class SoundFigures:
    """One of the three files.

    Attributes
    ----------
    file : its name
    channels : of which the mean was measured
    loudness_lufs : integrated (ITU-R BS.1770-5); None where it is silent or shorter than 400 ms
    true_peak_dbtp : between the samples too; None where it is silent
    """

    file: str
    channels: int
    loudness_lufs: float | None
    true_peak_dbtp: float | None


@dataclass(frozen=True)
class Distances:
    """Of a sound from the wet one; 0 is equal. See `distances` for each.

    Attributes
    ----------
    esr, emphasised_esr : ratios of energies
    logmel_db : in dB
    spectral : multi-resolution STFT distance, or None where torch or auraloss is not installed
    """

    esr: float
    emphasised_esr: float
    logmel_db: float
    spectral: float | None


@dataclass(frozen=True)
class Figures:
    """What the report states.

    Attributes
    ----------
    rate : in Hz
    seconds : of each sound
    sounds : by role: dry, wet, model
    model_to_wet, dry_to_wet : distances of the model's output and of the dry sound from the wet one
    closer_in_waveform, closer_in_logmel : whether the model's output is nearer to the wet sound than the dry
        sound is, in ESR and in log-mel distance
    aliasing : of the model itself, which three files cannot tell; None where it was not given
    """

    rate: float
    seconds: float
    sounds: dict[str, SoundFigures]
    model_to_wet: Distances
    dry_to_wet: Distances
    closer_in_waveform: bool
    closer_in_logmel: bool
    aliasing: Aliasing | None

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def measure(
    three: Three,
    process: Process | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Figures:
    """Measure three sounds.

    Parameters
    ----------
    process : the model itself, to measure its aliasing; see `aliasing.measure_aliasing`
    progress : called with the fraction done, 0 to 1

    Raises
    ------
    CompareError
        If librosa is not installed.
    """
    need_librosa()
    sounds = {}
    for role, sound in three.by_role().items():
        sounds[role] = _of_sound(sound)
        progress(len(sounds) / STEPS)
    dry, wet, model = three.dry.mono, three.wet.mono, three.model.mono
    near = _distances(model, wet, three.rate)
    progress(4 / STEPS)
    far = _distances(dry, wet, three.rate)
    progress(5 / STEPS)
    aliasing = None if process is None else measure_aliasing(process, three.rate)
    progress(1.0)
    return Figures(
        rate=three.rate,
        seconds=three.wet.frames / three.rate,
        sounds=sounds,
        model_to_wet=near,
        dry_to_wet=far,
        closer_in_waveform=near.esr < far.esr,
        closer_in_logmel=near.logmel_db < far.logmel_db,
        aliasing=aliasing,
    )


def need_librosa() -> None:
    """Raise unless librosa is there, without which neither figures nor pictures can be made.

    Raises
    ------
    CompareError
    """
    if find_spec("librosa") is None:
        raise CompareError("comparing needs librosa; pip install 'tonerig[training]'")


def has_spectral_distance() -> bool:
    """Whether torch and auraloss are installed, which the multi-resolution STFT distance needs."""
    return find_spec("torch") is not None and find_spec("auraloss") is not None


def _of_sound(sound: Sound) -> SoundFigures:
    loudness, peak = loudness_and_peak(sound.mono, sound.rate)
    return SoundFigures(sound.path.name, len(sound.samples), _finite(loudness), _finite(peak))


def _distances(sound: Array, wet: Array, rate: float) -> Distances:
    return Distances(
        error_to_signal(sound, wet),
        emphasised_error_to_signal(sound, wet),
        log_mel_distance(sound, wet, rate),
        spectral_distance(sound, wet) if has_spectral_distance() else None,
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
