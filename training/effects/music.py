"""A folder of a person's own recordings as dry sound, mixed with the generated one."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from ...realtime.audio_files import SUFFIXES, AudioFileError, AudioReader, read_audio

Array: TypeAlias = NDArray[np.float32]
Notify: TypeAlias = Callable[[str], None]

EXCERPT_S = 5.0
SEED = 11
"""Apart from the seeds of all other random things of a training."""
QUIETEST = 1e-3
"""Peak of an excerpt that counts as sound."""
TRIES = 50
"""Silent excerpts in a row after which the folder counts as silent."""
LEVELS_DB = -18.0, 0.0
FADE_S = 0.005
FINEST_RATIO = 1000
HELD_OUT_NAMES = "guit_*.flac"
HELD_OUT = {
    263356: "333c4e5326711e5881b23a3cd7ee90cfe13e762b74146155cdf32f836b65ba8f",  # guit_e_fifths
    190741: "67080baba0081cd4b91884514a621715e96c4de24aa63ba0f8d17a616e1627bc",  # guit_e_slide
    439768: "2933acd04cae468f25d28c4359459080998408bf6d2657365219a4f908b12ea5",  # guit_em9
    155773: "21de705ab6380b40de1bec6f8ee2532cd90dcb991547dbc9edd97711a507a93f",  # guit_harmonics
}
"""Frames of the guitars of sonic-pi-samples and the SHA-256 of their 16-bit samples as int32, planar."""


class MusicError(ValueError):
    """A folder of music that nothing can be learnt from."""


@dataclass(frozen=True)
class Recording:
    """A sound file that can be read; ``rate`` in Hz."""

    path: Path
    frames: int
    rate: float

    @property
    def seconds(self) -> float:
        return self.frames / self.rate


def find_music(folder: Path, notify: Notify = warnings.warn) -> list[Recording]:
    """The recordings of a folder and of those within it, in the order of their names.

    Parameters
    ----------
    folder : with sound files of any of the formats in `SUFFIXES`; other files count for nothing
    notify : gets a sentence for every file that cannot be read, and for every one that is a recording on
        which models are compared, wherever it lies and whatever it is called

    Raises
    ------
    MusicError
        If the folder is not there or nothing is left.
    """
    if not folder.is_dir():
        raise MusicError(f"{folder}: is no folder; give a folder with sound files to --music")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise MusicError(f"{folder}: has no sound file ({', '.join(SUFFIXES)}); choose another folder")
    recordings = []
    for path in paths:
        try:
            with AudioReader(path) as reader:
                found = Recording(path, reader.frames, reader.rate)
            if _is_held_out(found):
                notify(
                    f"{path}: is a recording that models are compared on, so it is not learnt from; "
                    "take it out of the folder"
                )
            else:
                recordings.append(found)
        except AudioFileError as error:
            notify(
                f"{error}; it is left out" if path.name in str(error) else f"{path}: {error}; it is left out"
            )
    if not recordings:
        raise MusicError(
            f"{folder}: none of its {len(paths)} sound files can be learnt from; put other recordings there"
        )
    return recordings


def excerpts(recordings: list[Recording], seconds: float, rate: float, seed: int) -> Iterator[Array]:
    """Endless random excerpts, mono, faded at both ends, at levels of their own.

    Parameters
    ----------
    recordings : see `find_music`; the longer one, the likelier
    seconds : of each excerpt; a recording that is shorter is followed by silence
    rate : sample rate in Hz of the excerpts
    seed : the same one gives the same excerpts of the same recordings

    Yields
    ------
    ndarray, shape (round(seconds * rate),)
        With peaks between -18 dB and full scale.

    Raises
    ------
    MusicError
        If the recordings are silent, or one cannot be read any more.
    """
    lengths = np.array([recording.seconds for recording in recordings])
    generator = np.random.default_rng((seed, SEED))
    silent = 0
    while silent < TRIES:
        recording = recordings[generator.choice(len(recordings), p=lengths / lengths.sum())]
        start = generator.random() * max(0.0, recording.seconds - seconds)
        level = 10.0 ** (generator.uniform(*LEVELS_DB) / 20)
        sound = _excerpt(recording, start, seconds, rate)
        peak = float(np.abs(sound).max(initial=0.0))
        if peak < QUIETEST:
            silent += 1
            continue
        silent = 0
        yield np.asarray(_faded(sound, rate) * (level / peak), np.float32)
    folder = recordings[0].path.parent
    raise MusicError(f"{folder}: {TRIES} excerpts in a row were silent; put recordings with sound there")


def mix_music(
    generated: Array,
    folder: Path,
    rate: float,
    seed: int,
    share: float = 0.5,
    notify: Notify = warnings.warn,
) -> Array:
    """A dry sound with excerpts of recordings in place of some of it, evenly spread.

    Parameters
    ----------
    generated : shape (frames,), within ±1
    folder : see `find_music`
    rate : sample rate in Hz
    seed : of the excerpts
    share : of the time that is music, 0 to 1, in pieces of `EXCERPT_S` seconds
    notify : see `find_music`

    Returns
    -------
    ndarray, shape (frames,)

    Raises
    ------
    MusicError
        As `find_music` and `excerpts`, and for a share outside its range.
    """
    if not 0.0 <= share <= 1.0:
        raise MusicError(f"the share of music is {share}, expected 0 to 1")
    music = excerpts(find_music(folder, notify), EXCERPT_S, rate, seed)
    mixed = np.array(generated, np.float32)
    length = round(EXCERPT_S * rate)
    for number, start in enumerate(range(0, len(mixed), length)):
        if int((number + 1) * share) > int(number * share):
            piece = mixed[start : start + length]
            piece[:] = next(music)[: len(piece)]
    return mixed


def _is_held_out(recording: Recording) -> bool:
    if recording.path.match(HELD_OUT_NAMES):
        return True
    expected = HELD_OUT.get(recording.frames)
    if expected is None:
        return False
    samples = np.rint(read_audio(recording.path)[0] * 32768.0).astype("<i4")
    return hashlib.sha256(samples.tobytes()).hexdigest() == expected


def _excerpt(recording: Recording, start_s: float, seconds: float, rate: float) -> Array:
    """Some seconds of a recording, mono, at ``rate``; what is not finite becomes 0."""
    from pedalboard.io import AudioFile

    try:
        with AudioFile(str(recording.path)) as file:
            file.seek(min(round(start_s * recording.rate), recording.frames - 1))
            samples = np.asarray(file.read(round(seconds * recording.rate)), np.float64)
    except (OSError, RuntimeError, ValueError) as error:
        raise MusicError(f"{recording.path}: could not be read on the way: {error}; take it out") from None
    mono = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).mean(axis=0)
    ratio = Fraction(rate / recording.rate).limit_denominator(FINEST_RATIO)
    resampled = resample_poly(mono, ratio.numerator, ratio.denominator) if ratio != 1 else mono
    sound = np.zeros(round(seconds * rate), np.float32)
    kept = min(len(sound), len(resampled))
    sound[:kept] = resampled[:kept]
    return sound


def _faded(sound: Array, rate: float) -> Array:
    edge = min(round(FADE_S * rate), len(sound) // 2)
    ramp = np.linspace(0.0, 1.0, edge, dtype=np.float32)
    sound[:edge] *= ramp
    sound[len(sound) - edge :] *= ramp[::-1]
    return sound
