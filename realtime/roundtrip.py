"""The round trip: how long a sound takes from the output, through a cable, back to the input.

Bursts of a maximum-length sequence are played and recorded by one stream, opened as the engine opens
its own, and found again by cross-correlation (D. Rife and J. Vanderkooy, "Transfer-function
measurement with maximum-length sequences", JAES 37, 1989).
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .engine.devices import Device, DeviceError

Samples = NDArray[np.float32]

ORDER = 13  # of the sequence: 8191 samples
BURSTS = 8
ENOUGH = 3  # bursts without a lost block
LONGEST_S = 0.5  # round trip that can be told
LEVEL = 0.25
CLEAR_DB = 15.0
"""Least height of the correlation's peak over its rest."""


class RoundTripError(RuntimeError):
    """No round trip could be measured."""


@dataclass(frozen=True)
class RoundTrip:
    """A measured round trip.

    Attributes
    ----------
    samples, milliseconds : the middle of all bursts
    spread_samples : between the shortest and the longest
    clarity_db : height of the correlation's peak over its rest, of the worst burst
    bursts : samples, each that no lost block fell into
    rate : in Hz
    block : frames asked for at a time
    """

    samples: float
    milliseconds: float
    spread_samples: float
    clarity_db: float
    bursts: tuple[float, ...]
    rate: float
    block: int


def burst_signal(rate: float) -> tuple[Samples, list[int], Samples]:
    """All bursts with pauses between them, the samples they start at, and one burst alone."""
    from scipy.signal import max_len_seq

    burst = (LEVEL * (2.0 * max_len_seq(ORDER)[0] - 1.0)).astype(np.float32)
    pause = round(LONGEST_S * rate)
    starts = [pause + k * (len(burst) + pause) for k in range(BURSTS)]
    signal = np.zeros(starts[-1] + len(burst) + pause, np.float32)
    for start in starts:
        signal[start : start + len(burst)] = burst
    return signal, starts, burst


def find_delays(
    recorded: Samples, burst: Samples, starts: Sequence[int], longest: int
) -> list[tuple[float, float]]:
    """How many samples after its start each burst is heard, and how clearly in dB.

    Parameters
    ----------
    recorded : shape (frames,), in step with what was played
    burst : shape (frames,), as played
    starts : where in ``recorded`` a burst without delay would start
    longest : delay that is looked for, in samples
    """
    found = []
    for start in starts:
        part = np.zeros(longest + len(burst))
        there = recorded[start : start + len(part)]
        part[: len(there)] = there
        points = 1 << (len(part) + len(burst)).bit_length()
        spectrum = np.fft.rfft(part, points) * np.conj(np.fft.rfft(burst, points))
        likeness = np.abs(np.fft.irfft(spectrum)[: longest + 1])
        k = int(np.argmax(likeness))
        rest = np.delete(likeness, np.s_[max(0, k - 32) : k + 33])
        clarity = 20 * np.log10(max(likeness[k], 1e-12) / max(float(np.sqrt(np.mean(rest**2))), 1e-12))
        shift = 0.0
        if 0 < k < longest:
            left, middle, right = likeness[k - 1 : k + 2]
            shift = float(0.5 * (left - right) / min(left - 2 * middle + right, -1e-12))
        found.append((k + shift, float(clarity)))
    return found


def measure(
    source: Device, target: Device, rate: float, block: int, channel: int = 1, loop: bool = False
) -> RoundTrip:
    """Play the bursts on the first output channel and listen on an input channel.

    Parameters
    ----------
    source, target : to listen and to play on
    block : frames the devices should ask for, where they let one choose
    channel : of the input, counted from 1
    loop : with JACK, connect the stream's output to its input, instead of a cable

    Raises
    ------
    DeviceError
        If the devices cannot be opened so.
    RoundTripError
        If no burst is heard, or blocks were lost.
    """
    import sounddevice

    signal, starts, burst = burst_signal(rate)
    recorded = np.zeros(len(signal), np.float32)
    place = 0
    lost: list[int] = []

    def exchange(incoming: Any, outgoing: Any, frames: int, time: Any, status: Any) -> None:
        nonlocal place
        count = min(frames, len(signal) - place)
        outgoing[:] = 0
        outgoing[:count, 0] = signal[place : place + count]
        recorded[place : place + count] = incoming[:count, channel - 1]
        if status:
            lost.append(place)
        place += count

    try:
        stream = sounddevice.Stream(
            samplerate=rate,
            blocksize=0,
            device=(source.index, target.index),
            channels=(channel, 1),
            latency=block / rate,
            callback=exchange,
        )
    except (sounddevice.PortAudioError, ValueError) as error:
        raise DeviceError(f"{source.name} and {target.name} could not be opened: {error}") from None
    with stream:
        if loop:
            connect_loop(target, channel)
        for _ in range(round(1.5 * len(signal) / rate / 0.05) + 20):
            if place >= len(signal):
                break
            sounddevice.sleep(50)
    if place < len(signal):
        raise RoundTripError(f"{target.name} stopped asking for sound; check the device")
    longest = round(LONGEST_S * rate)
    whole = [s for s in starts if not any(s <= where <= s + len(burst) + longest for where in lost)]
    if len(whole) < ENOUGH:
        raise RoundTripError("too many blocks were lost while measuring; try again with less else running")
    found = find_delays(recorded, burst, whole, longest)
    clarity = min(clear for _, clear in found)
    if clarity < CLEAR_DB:
        raise RoundTripError(
            f"the input does not hear the output (clarity {clarity:.0f} dB, expected {CLEAR_DB:.0f}); "
            "connect a cable from output 1 to the input, or with JACK use --loop"
        )
    delays = tuple(round(delay, 2) for delay, _ in found)
    middle = float(np.median(delays))
    spread = max(delays) - min(delays)
    return RoundTrip(middle, 1000 * middle / rate, spread, clarity, delays, rate, block)


def connect_loop(device: Device, channel: int) -> None:
    """Connect our JACK client's first output to one of its inputs.

    Raises
    ------
    DeviceError
        If the device is none of JACK's, or JACK refuses.
    """
    if not device.host.startswith("JACK"):
        raise DeviceError(f"{device.name} is a device of {device.host}; --loop needs a JACK server")
    client = jack_client_name()
    connect_ports(f"{client}:out_0", f"{client}:in_{channel - 1}")


def jack_client_name() -> str:
    """The name under which PortAudio's stream appears in JACK."""
    library = ctypes.CDLL(ctypes.util.find_library("portaudio"))
    name = ctypes.c_char_p()
    library.PaJack_GetClientName(ctypes.byref(name))
    return (name.value or b"PortAudio").decode()


def connect_ports(source: str, target: str) -> None:
    """Connect two JACK ports by name.

    Raises
    ------
    DeviceError
        If one does not exist.
    """
    library = ctypes.util.find_library("jack")
    if library is None:
        raise DeviceError("JACK's library is not installed; apt install libjack-jackd2-0")
    jack = ctypes.CDLL(library)
    jack.jack_client_open.restype = ctypes.c_void_p
    client = ctypes.c_void_p(jack.jack_client_open(b"tonerig-connect", 1, None))  # 1: start no server
    if not client:
        raise DeviceError("no JACK server is running; start one first")
    try:
        if jack.jack_connect(client, source.encode(), target.encode()) not in (0, 17):  # 17: EEXIST
            raise DeviceError(f"JACK did not connect {source} to {target}")
    finally:
        jack.jack_client_close(client)
