"""The round trip: how long a sound takes from the output, through a cable, back to the input.

The engine plays bursts of a maximum-length sequence, and its tap gives what went out and what came in
side by side; each burst is found again by cross-correlation (D. Rife and J. Vanderkooy,
"Transfer-function measurement with maximum-length sequences", JAES 37, 1989).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engine.devices import DeviceError, choose
from .engine.program import compile_chain
from .live import Session, Setup
from .processors.player import Player

Samples = NDArray[np.float32]

ORDER = 13  # of the sequence: 8191 samples
BURSTS = 8
ENOUGH = 3  # bursts that have to be heard
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
    clarity_db : height of the correlation's peak over its rest, of the worst burst that counts
    bursts : samples, of each burst that was heard clearly
    rate : in Hz
    block : frames that the device asked for at a time
    lost : blocks that were late or missing meanwhile
    """

    samples: float
    milliseconds: float
    spread_samples: float
    clarity_db: float
    bursts: tuple[float, ...]
    rate: float
    block: int
    lost: int


def burst_and_pause(rate: float) -> tuple[Samples, Samples]:
    """One burst alone, and the period that is played: the pause first, then the burst."""
    from scipy.signal import max_len_seq

    burst = (LEVEL * (2.0 * max_len_seq(ORDER)[0] - 1.0)).astype(np.float32)
    return burst, np.concatenate([np.zeros(round(LONGEST_S * rate), np.float32), burst])


def find_starts(played: Samples, burst: Samples) -> list[int]:
    """Where whole bursts start in what was played, shape (frames,): the first sample after each pause."""
    sounding = np.flatnonzero(played)
    if sounding.size == 0:
        return []
    first = sounding[np.diff(sounding, prepend=-len(played)) > 1]
    return [int(k) for k in first if k > 0 and np.array_equal(played[k : k + len(burst)], burst)]


def find_delays(
    heard: Samples, burst: Samples, starts: Sequence[int], longest: int
) -> list[tuple[float, float]]:
    """How many samples after its start each burst is heard, and how clearly in dB.

    Parameters
    ----------
    heard : shape (frames,), in step with what was played
    burst : shape (frames,), as played
    starts : where in ``heard`` a burst without delay would start
    longest : delay that is looked for, in samples
    """
    found = []
    for start in starts:
        part = np.zeros(longest + len(burst))
        there = heard[start : start + len(part)]
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
    rate: float = 48000.0,
    block: int = 64,
    input_device: str | None = None,
    output_device: str | None = None,
    channel: int = 1,
    loop: bool = False,
) -> RoundTrip:
    """Play the bursts on the outputs and listen on an input channel.

    Parameters
    ----------
    rate : in Hz
    block : frames the devices should ask for, where they let one choose
    input_device, output_device : numbers or names; None takes the default ones
    channel : of the input, counted from 1
    loop : with JACK, connect the engine's output to its input, instead of a cable

    Raises
    ------
    DeviceError
        If the devices cannot be opened so.
    RoundTripError
        If too few bursts are heard.
    """
    burst, period = burst_and_pause(rate)
    setup = Setup(rate, block, input_device, output_device, (channel,))
    if loop and not choose(output_device, "output").on_jack:
        raise DeviceError("--loop connects ports of a JACK server, and the output is not on one")
    compile_chain([Player(period)])
    others = set(jack_ports()) if loop else set()
    session = Session(lambda: [Player(period)], setup)
    parts: list[NDArray[np.float32]] = []
    try:
        if loop:
            ours = [port for port in jack_ports() if port not in others]
            connect_ports(_ending(ours, ":out_1"), _ending(ours, f":in_{channel}"))
        session.engine.set_recording(True)
        end = time.monotonic() + (BURSTS + 1.5) * len(period) / rate
        while time.monotonic() < end:
            session.step()
            parts.append(session.engine.read_tap())
            time.sleep(0.02)
    finally:
        report = session.close()
    tap = np.concatenate(parts, axis=1)
    longest = round(LONGEST_S * rate)
    whole = [k for k in find_starts(tap[2], burst) if k + len(burst) + longest <= tap.shape[1]]
    found = find_delays(tap[0], burst, whole, longest)
    clear = [(delay, clarity) for delay, clarity in found if clarity >= CLEAR_DB]
    if len(clear) < ENOUGH:
        raise RoundTripError(
            f"the input hears {len(clear)} of {len(whole)} bursts; "
            "connect a cable from output 1 to the input and turn it up, or with JACK use --loop"
        )
    delays = tuple(round(delay, 2) for delay, _ in clear)
    middle = float(np.median(delays))
    return RoundTrip(
        middle,
        1000 * middle / rate,
        max(delays) - min(delays),
        min(clarity for _, clarity in clear),
        delays,
        rate,
        report.block,
        report.missing + report.xruns,
    )


def _ending(ports: Sequence[str], end: str) -> str:
    for port in ports:
        if port.endswith(end):
            return port
    raise DeviceError(f"the engine has no port {end.removeprefix(':')} on the JACK server")


def jack_ports() -> list[str]:
    """Names of all ports of the JACK server.

    Raises
    ------
    DeviceError
        If none is running.
    """
    jack, client = _open_client()
    try:
        found = jack.jack_get_ports(client, None, None, 0)
        names: list[str] = []
        while found and (name := found[len(names)]) is not None:
            names.append(name.decode())
        jack.jack_free(found)
    finally:
        jack.jack_client_close(client)
    return names


def connect_ports(source: str, target: str) -> None:
    """Connect two JACK ports by name.

    Raises
    ------
    DeviceError
        If one does not exist.
    """
    jack, client = _open_client()
    try:
        if jack.jack_connect(client, source.encode(), target.encode()) not in (0, 17):  # 17: EEXIST
            raise DeviceError(f"JACK did not connect {source} to {target}")
    finally:
        jack.jack_client_close(client)


def _open_client() -> tuple[ctypes.CDLL, ctypes.c_void_p]:
    library = ctypes.util.find_library("jack")
    if library is None:
        raise DeviceError("JACK's library is not installed; apt install libjack-jackd2-0")
    jack = ctypes.CDLL(library)
    jack.jack_client_open.restype = ctypes.c_void_p
    jack.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
    jack.jack_get_ports.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong]
    jack.jack_free.argtypes = [ctypes.c_void_p]
    client = jack.jack_client_open(b"tonerig-connect", 1, None)  # 1: start no server
    if not client:
        raise DeviceError("no JACK server is running; start one first")
    return jack, ctypes.c_void_p(client)
