"""How near the shipped effects come to their teachers on a real guitar, and what they cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...export.files import load_model
from ...export.model import NeuralModel
from ...realtime.library import shipped_library
from ..compare.distances import error_to_signal, log_mel_distance
from . import data
from .play import BLOCK, model_runner, play_model
from .teachers import TEACHERS, Settings, sample_settings, wet_signal

Array: TypeAlias = NDArray[np.float32]

RATE = 48000.0
KNOBS_SEED = 20
TIMED_BLOCKS, TIMED_ROUNDS = 200, 31


class ShippedError(ValueError):
    """An effect that is not shipped, or no sound to try the shipped ones on."""


@dataclass(frozen=True)
class Target:
    """How near a shipped effect must come: an ESR, or a share of the dry sound's log-mel distance."""

    esr: float | None = None
    logmel_share: float | None = None

    def text(self) -> str:
        """``"0.002"``, or ``"log-mel 0.25 × dry"``."""
        return f"{self.esr:g}" if self.esr is not None else f"log-mel {self.logmel_share:g} × dry"


TARGETS: dict[str, Target] = {
    "lowpass": Target(esr=0.0005),
    "highpass": Target(esr=0.0005),
    "distortion": Target(esr=0.005),
    "fuzz": Target(esr=0.01),
    "compressor": Target(esr=0.003),
    "amp": Target(esr=0.002),
    "octave": Target(logmel_share=0.25),
    "chorus": Target(esr=0.03),
    "delay": Target(esr=0.002),
    "reverb": Target(esr=0.02),
}
"""The shipped effects by name, each a teacher's. The octave's waveform depends on where its windows lie."""


@dataclass(frozen=True)
class Nearness:
    """Distances from the wet sound.

    Attributes
    ----------
    esr, esr_dry : error-to-signal ratio of the model's output, and of the dry sound
    logmel, logmel_dry : log-mel distance in dB, likewise
    """

    esr: float
    esr_dry: float
    logmel: float
    logmel_dry: float

    @property
    def closer_in_waveform(self) -> bool:
        """Whether the model's output is nearer than the dry sound, in ESR."""
        return self.esr < self.esr_dry

    @property
    def closer_in_logmel(self) -> bool:
        """Whether the model's output is nearer than the dry sound, in log-mel distance."""
        return self.logmel < self.logmel_dry

    def as_json(self) -> dict[str, Any]:
        """Its figures and what follows from them."""
        return asdict(self) | {
            "closer_in_waveform": self.closer_in_waveform,
            "closer_in_logmel": self.closer_in_logmel,
        }


@dataclass(frozen=True)
class KnobsError:
    """Error-to-signal ratios over settings of a model's knobs drawn by chance."""

    median: float
    worst: float
    worst_at: dict[str, float]
    settings: int


@dataclass(frozen=True)
class Figures:
    """What was measured of one shipped effect.

    Attributes
    ----------
    effect : its name
    network : the kind of its model
    overall : all recordings together: ratios of their energies, means of their distances by length
    recordings : each by its file's name
    block_us : median time of one block of 64 frames at 48 kHz, on one thread
    size_bytes : of its file
    knobs_esr : of a model with knobs
    """

    effect: str
    network: str
    overall: Nearness
    recordings: dict[str, Nearness]
    block_us: float
    size_bytes: int
    knobs_esr: KnobsError | None

    @property
    def budget_us(self) -> float:
        """Time that a block may take, in microseconds."""
        return BLOCK / RATE * 1e6

    @property
    def holds(self) -> bool:
        """Whether it is as near as its target says."""
        target = TARGETS[self.effect]
        if target.esr is not None:
            return self.overall.esr <= target.esr
        assert target.logmel_share is not None
        return self.overall.logmel <= target.logmel_share * self.overall.logmel_dry

    def as_json(self) -> dict[str, Any]:
        """One object of ``tonerig evaluate effects --json``."""
        return {
            "effect": self.effect,
            "network": self.network,
            **self.overall.as_json(),
            "block_us": self.block_us,
            "bytes": self.size_bytes,
            "target": asdict(TARGETS[self.effect]),
            "holds": self.holds,
            "knobs_esr": None if self.knobs_esr is None else asdict(self.knobs_esr),
            "recordings": {name: one.as_json() for name, one in self.recordings.items()},
        }


def model_file(effect: str) -> Path:
    """Where the shipped model of an effect is, or would be."""
    return shipped_library() / "models" / f"{effect}.onnx"


def shipped_effects() -> list[str]:
    """The names of `TARGETS` whose models are there."""
    return [effect for effect in TARGETS if model_file(effect).is_file()]


def check(effect: str) -> str:
    """The name itself.

    Raises
    ------
    ShippedError
        For an effect that is not shipped.
    """
    if effect not in TARGETS or not model_file(effect).is_file():
        raise ShippedError(
            f"there is no shipped effect {effect!r}; there are {', '.join(shipped_effects()) or 'none'}"
        )
    return effect


def guitar() -> dict[str, Array]:
    """The recordings of a real guitar that nothing was trained on, by file name, at 48 kHz.

    Raises
    ------
    ShippedError
        If one of them is not installed.
    """
    recordings = data.held_out_guitar(RATE)
    missing = [name for name in data.GUITAR_FILES if name not in recordings]
    if missing:
        raise ShippedError(
            f"{data.GUITAR_FOLDER / missing[0]} is not there; install the Debian package sonic-pi-samples, "
            "whose guitar the effects are measured on"
        )
    return recordings


def evaluate_shipped(
    effect: str,
    recordings: Mapping[str, Array],
    settings: int = 0,
    progress: Callable[[float], None] = lambda _: None,
) -> Figures:
    """Play a shipped effect over recordings, and compare it with its teacher at the same settings.

    Parameters
    ----------
    effect : one of `shipped_effects`
    recordings : sounds of shape (frames,) at 48 kHz by name, at least one
    settings : how many settings of the model's knobs are tried, all of them drawn by chance
    progress : told the fraction that is done

    Raises
    ------
    ShippedError
        For an effect that is not shipped.
    """
    loaded = load_model(model_file(check(effect)))
    assert isinstance(loaded, NeuralModel)
    knobs = [] if loaded.knobs is None else [knob.name for knob in loaded.knobs.knobs]
    rounds = settings if knobs else 0
    outputs = [play_model(loaded, dry) for dry in recordings.values()]
    wets = _wets(effect, recordings, {})
    each = [
        _nearness(dry, wet, output)
        for dry, wet, output in zip(recordings.values(), wets, outputs, strict=True)
    ]
    progress(1 / (1 + rounds))
    rng = np.random.default_rng(KNOBS_SEED)
    tried: list[tuple[float, dict[str, float]]] = []
    for n in range(rounds):
        chosen = sample_settings(TEACHERS[effect], knobs, rng)
        played = [play_model(loaded, dry, knobs=chosen) for dry in recordings.values()]
        tried.append((_esr(played, _wets(effect, recordings, chosen)), chosen))
        progress((2 + n) / (1 + rounds))
    return Figures(
        effect,
        type(loaded.network).__name__,
        Nearness(
            _esr(outputs, wets),
            _esr(list(recordings.values()), wets),
            _mean([one.logmel for one in each], wets),
            _mean([one.logmel_dry for one in each], wets),
        ),
        dict(zip(recordings, each, strict=True)),
        block_us(loaded, next(iter(recordings.values()))),
        model_file(effect).stat().st_size,
        _knobs_error(tried) if tried else None,
    )


def block_us(model: NeuralModel, sound: Array) -> float:
    """Median time in microseconds of one block of 64 frames, the engine's whole walk over the chain.

    Measured over 200 blocks at a time, so that work that comes once in several blocks counts.
    """
    runner = model_runner(model)
    signal = np.resize(sound, (1, TIMED_BLOCKS * BLOCK))
    times = []
    for _ in range(TIMED_ROUNDS):
        start = time.perf_counter()
        runner.process(signal)
        times.append((time.perf_counter() - start) / TIMED_BLOCKS)
    return float(np.median(times)) * 1e6


def _wets(effect: str, recordings: Mapping[str, Array], settings: Settings) -> list[Array]:
    return [wet_signal(TEACHERS[effect], dry, RATE, settings) for dry in recordings.values()]


def _nearness(dry: Array, wet: Array, output: Array) -> Nearness:
    return Nearness(
        error_to_signal(output, wet),
        error_to_signal(dry, wet),
        log_mel_distance(output, wet, RATE),
        log_mel_distance(dry, wet, RATE),
    )


def _esr(outputs: Sequence[Array], wets: Sequence[Array]) -> float:
    return error_to_signal(np.concatenate(outputs), np.concatenate(wets))


def _mean(distances: Sequence[float], sounds: Sequence[Array]) -> float:
    return float(np.average(distances, weights=[len(sound) for sound in sounds]))


def _knobs_error(tried: Sequence[tuple[float, dict[str, float]]]) -> KnobsError:
    worst, worst_at = max(tried, key=lambda one: one[0])
    return KnobsError(float(np.median([esr for esr, _ in tried])), worst, worst_at, len(tried))
