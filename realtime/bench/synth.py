"""What the four-oscillator synth costs, beside Faust and synthax, which take turns with it on one core."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

from .one_core import Worker, WorkerError

PATCH = {
    "sine_frequency_hz": 440.0,
    "sine_modulation_hz": 5.0,
    "sine_amplitude": 0.5,
    "sine_depth_hz": 20.0,
    "saw_frequency_hz": 440.0,
    "saw_modulation_hz": 3.0,
    "saw_amplitude": 0.5,
    "saw_depth_hz": 10.0,
    "triangle_frequency_hz": 659.26,
    "triangle_modulation_hz": 4.0,
    "triangle_amplitude": 0.4,
    "triangle_depth_hz": 15.0,
    "square_frequency_hz": 440.0,
    "square_modulation_hz": 6.0,
    "square_amplitude": 0.3,
    "square_depth_hz": 5.0,
    "attack_s": 0.01,
    "decay_s": 0.2,
    "sustain": 0.7,
    "release_s": 0.2,
    "cutoff_hz": 2500.0,
    "resonance": 2.0,
    "gate_hz": 4.0,
}
"""All four oscillators sound and are modulated."""
PLAYED = {"gater": "on", "velocity": 0.0}
KEYS = list(range(61, 77))
MANY_KEYS = list(range(36, 100))
"""Sixteen and 64 held notes."""
LEAST_ROUNDS = 3


def synth_cost(seconds: float, report: Callable[[str], None]) -> dict[str, float | None]:
    """Measure ours and theirs in turn for ``seconds`` after all are compiled; medians.

    Parameters
    ----------
    seconds : three rounds are the least
    report : told in one sentence why a figure of another package is missing

    Returns
    -------
    dict
        ``voices`` (16 held) and ``voices_of_64`` (64 held) of our synth in real time at 48 kHz, blocks of 64;
        ``faust_voices`` (16 in one program) and ``faust_polyphony_voices`` (16 in DawDreamer's polyphony);
        ``dataset_x_realtime`` and ``synthax_x_realtime``, seconds of sound a second at 16 384 Hz. None where
        the other package is not installed.

    Raises
    ------
    WorkerError
        when our own synth cannot be measured.
    """
    package = __package__
    with ExitStack() as stack:
        ours = stack.enter_context(
            Worker(f"{package}.voices", {"patch": PATCH | PLAYED, "keys": [KEYS, MANY_KEYS]})
        )
        workers = {"ours": ours}
        for name, setup in (("faust", {"patch": PATCH, "keys": KEYS}), ("synthax", {})):
            try:
                workers[name] = stack.enter_context(Worker(f"{package}.{name}", setup))
            except WorkerError as error:
                report(f"{name} is not measured ({error}); pip install 'tonerig[bench]' brings it")
        found: dict[tuple[str, str], list[float]] = {}
        end, rounds = time.monotonic() + seconds, 0
        while rounds < LEAST_ROUNDS or time.monotonic() < end:
            for name, worker in workers.items():
                for figure, value in worker.measure().items():
                    found.setdefault((name, figure), []).append(value)
            rounds += 1

    def median(name: str, figure: str) -> float | None:
        values = found.get((name, figure))
        return None if values is None else round(statistics.median(values), 1)

    return {
        "voices": median("ours", f"voices_{len(KEYS)}"),
        "voices_of_64": median("ours", f"voices_{len(MANY_KEYS)}"),
        "faust_voices": median("faust", "blocks"),
        "faust_polyphony_voices": median("faust", "polyphony"),
        "dataset_x_realtime": median("ours", "dataset"),
        "synthax_x_realtime": median("synthax", "dataset"),
    }
