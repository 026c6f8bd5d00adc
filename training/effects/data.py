"""Pairs of dry and wet sound: generated ones to learn from, and a real guitar kept out of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import resample_poly
from torch import Tensor

from ...realtime.cluster import Cluster
from ...realtime.plucked import riff
from ..signals import dry_signal
from .config import TrainingConfig, TrainingError
from .passages import Passage, wet_passages
from .quiet import quiet_gain
from .teachers import Settings, Teacher, sample_settings, wet_signal

Array: TypeAlias = NDArray[np.float32]

SETTING_S = 2.5
"""Sound with the knobs at one place."""
HELD_BACK_S, HELD_BACK_SETTINGS = 10.0, 5
HELD_BACK_SEED, KNOBS_SEED = 1000003, 7
"""Seeds of what is held back, and of the knobs' settings, apart from all others."""
GUITAR_FOLDER = Path("/usr/share/sonic-pi/samples")
GUITAR_FILES = ("guit_e_fifths.flac", "guit_e_slide.flac", "guit_em9.flac", "guit_harmonics.flac")


@dataclass(frozen=True)
class Pair:
    """Dry and wet sound, frame for frame; both of shape (frames,), rate in Hz.

    ``turns`` has the knobs that are learnt, 0 to 1 each, as they stood.
    """

    name: str
    dry: Array
    wet: Array
    rate: float
    turns: tuple[float, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """What a run learns from, and what it holds back to see whether it still gets better.

    ``easy`` are the pairs to begin with: those whose tone controls stand at their defaults.
    """

    pairs: list[Pair]
    held_back: list[Pair]
    easy: list[Pair]


def make_lesson(teacher: Teacher, config: TrainingConfig, cluster: Cluster | None = None) -> Lesson:
    """The generated sound of a run and what its teacher makes of it, on a cluster if there is one.

    With knobs, every few seconds have a setting of their own, one in eight the teacher's defaults: what is
    between the settings is learnt from many of them. If some knobs are drives, every other setting turns
    those alone: what distorts is learnt first, and what filters after it then.

    Raises
    ------
    TrainingError
        If the teacher gives silence or samples that are not finite.
    ClusterError
        See `passages.wet_passages`.
    """
    dry = _dry(config)
    held_dry = dry_signal(min(HELD_BACK_S, config.seconds), config.rate, config.seed + HELD_BACK_SEED)
    clips: list[tuple[str, Array, Settings]] = [("generated", dry, {})]
    held: list[tuple[str, Array, Settings]] = [("held back", held_dry, {})]
    drives = config.knobs
    if config.knobs:
        rng = np.random.default_rng((config.seed, KNOBS_SEED))
        length = round(SETTING_S * config.rate)
        drives = tuple(quiet_gain(teacher, config).drives) or config.knobs
        clips = []
        for n, start in enumerate(range(0, len(dry), length)):
            clip = dry[start : start + length]
            if not clip.any():  # a rest in the music
                continue
            names = drives if n % 2 == 0 else config.knobs
            chosen = {} if n % 8 == 0 else sample_settings(teacher, names, rng)
            clips.append((f"setting {n}", clip, chosen))
        settings = [{}, *(sample_settings(teacher, config.knobs, rng) for _ in range(HELD_BACK_SETTINGS))]
        held = [(f"held back {n}", held_dry, chosen) for n, chosen in enumerate(settings)]
    pairs = _knobbed_pairs(teacher, clips + held, config, cluster)
    learnt = pairs[: len(clips)]
    easy = [pair for pair in learnt if _tones_rest(pair, learnt[0], config.knobs, drives)]
    return Lesson(learnt, pairs[len(clips) :], easy)


def _tones_rest(pair: Pair, first: Pair, knobs: Sequence[str], drives: Sequence[str]) -> bool:
    turns = zip(knobs, pair.turns, first.turns, strict=True)
    return all(knob in drives or turn == default for knob, turn, default in turns)


def recorded_lesson(config: TrainingConfig) -> Lesson:
    """What a person played through their own gear, its last tenth held back.

    Raises
    ------
    CaptureError
        If the recording is no good.
    """
    from ..capture.pairs import load_pair

    assert config.dry is not None and config.wet is not None
    dry, wet, rate = load_pair(config.dry, config.wet)
    end = len(dry) - len(dry) // 10
    name = config.wet.name
    learnt = Pair(name, dry[:end], wet[:end], rate)
    return Lesson([learnt], [Pair(f"{name}, its end", dry[end:], wet[end:], rate)], [learnt])


def _knobbed_pairs(
    teacher: Teacher,
    clips: Sequence[tuple[str, Array, Settings]],
    config: TrainingConfig,
    cluster: Cluster | None,
) -> list[Pair]:
    """Names, dry sounds and chosen knobs through the teacher; the knobs stand in the pairs' turns."""
    known = {parameter.name: parameter for parameter in teacher.parameters}
    settings = [{**config.settings, **chosen} for _, _, chosen in clips]
    sounds = zip(clips, settings, strict=True)
    wets = wet_passages([Passage(teacher, dry, config.rate, own) for (_, dry, _), own in sounds], cluster)
    pairs = []
    for (name, dry, _), own, wet in zip(clips, settings, wets, strict=True):
        values = teacher.settings(own)
        turns = tuple(known[knob].to_turn(values[knob]) for knob in config.knobs)
        pairs.append(Pair(name, dry, _checked(teacher, name, wet), config.rate, turns))
    return pairs


def _dry(config: TrainingConfig) -> Array:
    generated = dry_signal(config.seconds, config.rate, config.seed)
    if config.music is None:
        return generated
    from .music import mix_music

    return mix_music(generated, config.music, config.rate, config.seed)


def held_out_pairs(teacher: Teacher, rate: float, settings: Settings) -> list[Pair]:
    """Sound that training never hears, through the same teacher.

    The recordings of a real guitar in Debian's ``sonic-pi-samples``; where they are not installed,
    the project's own phrase, named ``riff``.
    """
    recordings = held_out_guitar(rate) or {"riff": riff(rate)}
    return [
        Pair(name, dry, _checked(teacher, name, wet_signal(teacher, dry, rate, settings)), rate)
        for name, dry in recordings.items()
    ]


def held_out_guitar(rate: float) -> dict[str, Array]:
    """Recordings of a real guitar by file name, mono, at ``rate`` Hz; empty where they are missing."""
    recordings = {}
    for path in (GUITAR_FOLDER / name for name in GUITAR_FILES):
        if not path.exists():
            continue
        from pedalboard.io import AudioFile  # only where it is used: it may be missing when training

        with AudioFile(str(path)) as file:
            samples, recorded_rate = file.read(file.frames), int(file.samplerate)
        resampled = resample_poly(samples.mean(axis=0), round(rate), recorded_rate)
        recordings[path.name] = np.asarray(resampled, np.float32)
    return recordings


def _checked(teacher: Teacher, name: str, wet: Array) -> Array:
    if not np.isfinite(wet).all() or not wet.any():
        raise TrainingError(
            f"the teacher {teacher.name} gave {'silence' if np.isfinite(wet).all() else 'NaN or infinity'} "
            f"for the dry sound {name!r}; check its settings"
        )
    return wet


def levels_of(pairs: Sequence[Pair]) -> Array:
    """RMS levels of the wet sounds, none of them 40 dB or more below the loudest one; shape (pairs,)."""
    levels = np.sqrt([np.mean(pair.wet.astype(np.float64) ** 2) for pair in pairs])
    return np.maximum(levels, max(0.01 * levels.max(), 1e-6)).astype(np.float32)


def batches(
    pairs: Sequence[Pair], size: int, frames: int, seed: int, first: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Endless random segments of pairs, the same for the same seed.

    Parameters
    ----------
    pairs : the longer one, the likelier
    size : segments in a batch
    frames : of each segment
    seed : of the places
    first : number of the first batch, so that a resumed run goes on where it stopped

    Yields
    ------
    tuple of Tensor
        Dry and wet, each of shape (size, frames); the turns of the knobs, shape (size, knobs); the RMS level
        of the whole pair's wet sound, shape (size, 1), so that no setting counts for being loud.

    Raises
    ------
    TrainingError
        If every pair is too short.
    """
    room = np.array([max(0, len(pair.dry) - frames + 1) for pair in pairs], np.float64)
    if not room.any():
        longest = max(pairs, key=lambda pair: len(pair.dry))
        raise TrainingError(
            f"{len(longest.dry) / longest.rate:.2f} s of sound are too short for segments of "
            f"{frames / longest.rate:.2f} s; ask for more seconds"
        )
    levels = levels_of(pairs)
    index = first
    while True:
        rng = np.random.default_rng((seed, index))
        drawn = rng.choice(len(pairs), size, p=room / room.sum())
        chosen = [pairs[n] for n in drawn]
        starts = [int(rng.integers(0, len(pair.dry) - frames + 1)) for pair in chosen]
        dry, wet = (_cut([getattr(pair, side) for pair in chosen], starts, frames) for side in ("dry", "wet"))
        level = torch.from_numpy(levels[drawn][:, None])
        yield dry, wet, torch.tensor([pair.turns for pair in chosen], dtype=torch.float32), level
        index += 1


def _cut(signals: Sequence[Array], starts: Sequence[int], frames: int) -> Tensor:
    cut = [signal[start : start + frames] for signal, start in zip(signals, starts, strict=True)]
    return torch.from_numpy(np.stack(cut))
