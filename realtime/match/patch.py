"""From what was found to a patch that plays it: whoever presses the key that is told hears the sound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..patches import Patch, new_patch
from ..processors.processor import Processor
from ..synths.layout import DEFAULT_VOLUME
from .pitch import Pitch
from .synths import MatchedSynth

DIGITS = 5
"""Of values in a patch: a tenth of a cent."""
MOST_TRANSPOSED = 48
CHANNEL_DB = 40 * float(np.log10(DEFAULT_VOLUME))
"""What a channel's volume takes away before a controller moves it."""
HIGHEST_PEAK = 10 ** (-1 / 20)
"""Of a note of the patch: louder sounds are turned down to this."""
VELOCITY = 127


@dataclass(frozen=True)
class Key:
    """Which key plays a matched sound.

    Attributes
    ----------
    number : of MIDI
    transpose_semitones, tune_cents : what the patch adds, so that this key sounds as the synth's own does
        when it is moved by the distance that was found
    """

    number: int
    transpose_semitones: int
    tune_cents: float


def key_of(synth: MatchedSynth, semitones: float, pitch: Pitch | None, wanted: int | None = None) -> Key:
    """The key to press: the wanted one, or the nearest to the sound's pitch, or the one that was rendered.

    Parameters
    ----------
    semitones : by which the candidates' key lay above the synth's own
    wanted : by the person
    """
    whole = round(semitones)
    key = wanted if wanted is not None else pitch.key if pitch is not None else synth.key + whole
    key = min(127, max(0, key))
    transposed = whole - (key - synth.key)
    if abs(transposed) > MOST_TRANSPOSED:
        key = min(127, max(0, synth.key + whole))
        transposed = whole - (key - synth.key)
    return Key(key, transposed, round(100 * (semitones - whole), 1))


def patch_of(
    synth: MatchedSynth,
    values: NDArray[np.float64],
    key: Key,
    *,
    gain: float = 1.0,
    peak: float = 0.0,
    name: str = "Matched",
    description: str = "",
) -> Patch:
    """A patch of values of the estimated parameters.

    Parameters
    ----------
    values : shape (parameters,), in their units
    key : that plays it
    gain : of the recording over the matched sound: the patch is as loud as the recording at full velocity
    peak : highest sample of the matched sound; where the patch would reach beyond full scale it is softer
    """
    settings = dict(synth.fixed) | {
        parameter.name: min(parameter.maximum, max(parameter.minimum, _rounded(float(value))))
        for parameter, value in zip(synth.parameters, values, strict=True)
    }
    if synth.name == "four" and _never_closes(settings["gate_hz"], synth):
        settings["gater"] = 0.0
    settings |= {
        "transpose_semitones": float(key.transpose_semitones),
        "tune_cents": key.tune_cents,
        "volume_db": volume_db(gain, peak),
    }
    return new_patch(name, synth.name, settings, description=description)


def volume_db(gain: float, peak: float) -> float:
    """The patch's volume: the matched sound times ``gain`` comes out, and no sample beyond -1 dBFS."""
    allowed = min(gain, HIGHEST_PEAK / peak) if peak > 0 else gain
    decibels = 20 * float(np.log10(max(allowed, 1e-9))) - CHANNEL_DB
    return round(min(12.0, max(-60.0, decibels)), 2)


def played(patch: Patch, key: int, held_s: float, rate: float) -> NDArray[np.float32]:
    """What the instrument plays, shape (2, frames), its tail included: one note at full velocity."""
    from ..engine.program import Program, compile_chain
    from ..play import one_note, sound_of
    from ..render import MAX_BLOCK

    chain: list[Processor] = [patch.build()]
    compile_chain(chain)
    program = Program(chain, rate, MAX_BLOCK, 1)
    return np.concatenate(list(sound_of(one_note(key, VELOCITY, held_s, rate), program)), axis=1)


def _never_closes(gate_hz: float, synth: MatchedSynth) -> bool:
    """Whether the gater stays open as long as the sound lasts: half of its period."""
    return gate_hz * synth.frames / synth.rate <= 0.5


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
