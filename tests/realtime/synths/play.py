"""Play a synth from written events, through the program and the code of the audio thread.

An event is ``(frame, bytes)``; the functions named after MIDI's messages make them, channels counted from 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.processors.processor import Processor
from tonerig.realtime.synths.four import FourOscillators

Signal = NDArray[np.float32]
Event = tuple[int, tuple[int, ...]]
RATE = 48000.0
BLOCKS = (1, 16, 64, 96, 441, 2048)
MAX_BLOCK = 2048


def note_on(frame: int, key: int, velocity: int = 127, channel: int = 1) -> Event:
    return frame, (0x8F + channel, key, velocity)


def note_off(frame: int, key: int, velocity: int = 64, channel: int = 1) -> Event:
    return frame, (0x7F + channel, key, velocity)


def control(frame: int, number: int, value: int, channel: int = 1) -> Event:
    return frame, (0xAF + channel, number, value)


def program_change(frame: int, number: int, channel: int = 1) -> Event:
    """To a program counted from 0, as in the message."""
    return frame, (0xBF + channel, number)


def channel_pressure(frame: int, value: int, channel: int = 1) -> Event:
    return frame, (0xCF + channel, value)


def key_pressure(frame: int, key: int, value: int, channel: int = 1) -> Event:
    return frame, (0x9F + channel, key, value)


def pitch_bend(frame: int, value: int, channel: int = 1) -> Event:
    """From -8192 to 8191."""
    return frame, (0xDF + channel, value + 8192 & 0x7F, value + 8192 >> 7)


def registered(frame: int, number: int, value: int, channel: int = 1) -> list[Event]:
    """A registered parameter chosen and set, coarsely."""
    chosen = ((101, number >> 7), (100, number & 0x7F), (6, value))
    return [control(frame, controller, data, channel) for controller, data in chosen]


def note(frame: int, key: int, frames: int, velocity: int = 127, channel: int = 1) -> list[Event]:
    """A note-on, and its note-off so many frames later."""
    return [note_on(frame, key, velocity, channel), note_off(frame + frames, key, channel=channel)]


def events_of(events: Iterable[Event]) -> NDArray[np.void]:
    """`EVENT` records, sorted by frame; those of one frame stay in order."""
    rows = [
        (frame, *message, *(0,) * (3 - len(message)), len(message))
        for frame, message in sorted(events, key=lambda event: event[0])
    ]
    return np.array(rows, EVENT)


class Player:
    """A program of synths (and of other processors) that plays one stretch after the other.

    Parameters
    ----------
    chain : not yet prepared; compiled here if need be
    inputs : channels of silence that go in
    """

    def __init__(self, *chain: Processor, rate: float = RATE, inputs: int = 1) -> None:
        self.program = Program(chain, rate, MAX_BLOCK, inputs)
        self.rate = rate
        self._runner = Runner(self.program)

    def play(self, events: Iterable[Event], frames: int, blocks: Sequence[int] = (1024,)) -> Signal:
        """The next frames, shape (2, frames), in blocks of these sizes in turn."""
        due = events_of(events)
        output = np.zeros((self.program.outputs, frames), np.float32)
        start, sizes = 0, cycle(blocks)
        while start < frames:
            stop = min(frames, start + next(sizes))
            first, last = np.searchsorted(due["frame"], [start, stop])
            part = due[first:last].copy()
            part["frame"] -= start
            silence = np.zeros((self.program.inputs, stop - start), np.float32)
            output[:, start:stop] = self._runner.process(silence, part)
            start = stop
        return output

    def record(self, index: int = 0) -> Any:
        """The record of a processor's state."""
        return self.program.chain[index].state.record

    def array(self, name: str, index: int = 0) -> NDArray[Any]:
        """An array of a processor's state."""
        return self.program.chain[index].state.arrays[name]

    def sounding(self, index: int = 0) -> int:
        """Voices that sound, those that fade out among them."""
        return int(self.record(index)["sounding"])

    def voices(self, index: int = 0) -> NDArray[np.void]:
        """The records of the voices that sound, the oldest first."""
        records = self.array("voice_records", index)
        active: NDArray[np.void] = records[records["active"] != 0]
        return active[np.argsort(active["order"])]

    def held(self, index: int = 0) -> list[int]:
        """Keys of the voices that are not released, the oldest first."""
        return [int(voice["key"]) for voice in self.voices(index) if not voice["released"]]


def play(
    synth: Processor,
    events: Iterable[Event],
    seconds: float,
    rate: float = RATE,
    blocks: Sequence[int] = (1024,),
) -> Signal:
    """What a synth, not yet prepared, plays for these events from its start: shape (2, frames)."""
    return Player(synth, rate=rate).play(events, round(seconds * rate), blocks)


def four(**values: float | str) -> FourOscillators:
    """A plain sine at the key's pitch and full level, that begins and ends in a millisecond; or as stated.

    Nothing filters it, and velocity does not count.
    """
    plain: dict[str, float | str] = {
        "sine_amplitude": 1.0,
        "saw_amplitude": 0.001,
        "attack_s": 0.001,
        "decay_s": 0.001,
        "sustain": 1.0,
        "release_s": 0.001,
        "volume_db": 0.0,
        "velocity": 0.0,
    }
    return FourOscillators({**plain, **values})


def frequency(signal: Signal, rate: float = RATE) -> float:
    """Of a steady tone, in Hz, from the phase of its analytic signal."""
    from scipy.signal import hilbert

    x = signal.astype(np.float64)
    phase = np.unwrap(np.angle(hilbert(x * np.hanning(x.size))))
    inner = slice(x.size // 4, -x.size // 4)
    slope = np.polyfit(np.arange(x.size)[inner], phase[inner], 1)[0]
    return float(slope * rate / (2 * np.pi))


def semitones(signal: Signal, rate: float = RATE) -> float:
    """The pitch of a steady tone as a key number; 69 is A4."""
    return 69 + 12 * float(np.log2(frequency(signal, rate) / 440))


def level_db(signal: Signal) -> float:
    """RMS level of a tone, 0 dB for a sine of amplitude 1."""
    return float(10 * np.log10(2 * np.mean(signal.astype(np.float64) ** 2)))
