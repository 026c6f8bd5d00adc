"""The sampler: recordings on keys, chosen by key and velocity, played at any pitch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler.layout import State
from ..compiler.unit import Unit
from ..parameters import Parameter
from ..processors.processor import Processor
from .common import COMMON
from .layout import KEYS, record_of
from .recordings import END, MARGIN, OVERSAMPLING, Recording, laid_out, read_recordings
from .sampler_voice import FIELDS
from .synth import Synth
from .zones import Zone

OPEN_HZ = 20000.0
"""A low-pass as high as this is out of the way."""

PLAYED = (
    Parameter("attack_s", 0.0, 5.0, 0.0, "s", description="from 0 to the recording's own level"),
    Parameter("release_s", 0.001, 10.0, 0.1, "s", description="to 0 when the key is up; not for one-shots"),
    Parameter(
        "cutoff_hz", 20.0, OPEN_HZ, OPEN_HZ, "Hz", "logarithmic", description="of the low-pass; off at 20 kHz"
    ),
    Parameter("resonance", 0.5, 10.0, 0.7, description="Q of the low-pass"),
)
WIDTH = Parameter("width", 0.0, 1.0, 1.0, description="1 is as recorded, 0 is mono")

ZONE = np.dtype(
    [
        ("end", "i8"),  # see sampler_voice.Coefficients
        ("aside", "i8"),
        ("places", "i8"),  # from the first to the end
        ("one_shot", "i8"),
        ("choke", "i8"),
        ("root", "f4"),  # pitch at which it sounds as recorded, semitones
        ("left", "f4"),
        ("right", "f4"),
    ],
    align=True,
)
"""A zone as the audio thread reads it."""

KIT = np.dtype(
    [
        ("zones", "i8"),
        ("samples", "i8"),
        ("chosen", "i2", (KEYS, 128)),  # the zone of each key and velocity; -1: none
    ],
    align=True,
)
"""All zones, and the recordings behind them."""


class Sampler(Synth):
    """Recordings on keys.

    A note plays the first of the zones that its key and velocity fall into, at the pitch of its key. Where a
    zone's key is played untuned and unbent, with everything at its default, what sounds is the recording's
    samples times one gain: of the zone, ``volume_db``, velocity and channel. One that is pitched up
    beyond half the sample rate folds back.

    Parameters
    ----------
    values : parameter values by name
    samples : what is played; none: silence
    effects : processors that only its own sound goes through

    Raises
    ------
    AudioFileError
        If a recording cannot be used, see `read_recordings`.
    """

    name = "sampler"
    description = "recordings on keys"
    parameters = (*PLAYED, *(WIDTH if parameter.name == "width" else parameter for parameter in COMMON))
    record = record_of(FIELDS)

    def __init__(
        self,
        values: Mapping[str, object] | None = None,
        *,
        samples: Sequence[Zone] = (),
        effects: Sequence[Processor] = (),
    ) -> None:
        super().__init__(values, effects=effects)
        self.samples = list(samples)
        self.recordings = read_recordings(zone.file for zone in samples)

    def units(self) -> tuple[Unit, ...]:
        return (Unit.of("synths.sampler_code"), *super().units()[1:])

    def make_state(self, rate: float, max_block: int, channels: int) -> State:
        state = super().make_state(rate, max_block, channels)
        self._kit = kit(self.samples, self.recordings, rate)
        state.record["table"] = self._kit.address
        return state

    def states(self) -> list[State]:
        return [*super().states(), self._kit]


def kit(zones: Sequence[Zone], recordings: Mapping[Any, Recording], rate: float) -> State:
    """Zones and recordings as the audio thread reads them, never written again.

    Parameters
    ----------
    recordings : by the zones' files
    rate : of the stream, in Hz
    """
    sounds = {file: laid_out(recording.at(rate)) for file, recording in recordings.items()}
    total = sum(sound.size for sound in sounds.values())
    state = State(
        KIT, zones=(ZONE, max(1, len(zones))), samples=(np.float32, max(OVERSAMPLING * MARGIN, total))
    )
    starts: dict[Any, int] = {}
    place = 0
    for file, sound in sounds.items():
        state.arrays["samples"][place : place + sound.size] = sound.ravel()
        starts[file] = place
        place += sound.size
    state.record["chosen"] = -1
    for number, zone in reversed(list(enumerate(zones))):
        (low, high), (soft, hard) = zone.keys, zone.velocities
        state.record["chosen"][low : high + 1, soft : hard + 1] = number
        channels, length = sounds[zone.file].shape
        places = length - 2 * OVERSAMPLING * MARGIN + END
        gain = 10 ** (zone.volume_db / 20)
        state.arrays["zones"][number] = (
            starts[zone.file] + OVERSAMPLING * MARGIN + places - 2,  # the first of six places
            length if channels == 2 else 0,
            places,
            zone.one_shot,
            zone.choke,
            zone.key - zone.tune_cents / 100,
            gain * (1 - zone.pan) ** 0.5,
            gain * (1 + zone.pan) ** 0.5,
        )
    return state
