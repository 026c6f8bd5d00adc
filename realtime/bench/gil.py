"""Whether the audio thread keeps its time while Python is busy: ours beside a plain Python callback."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...export.model import (
    Activation,
    Convolution,
    NeuralModel,
    WaveNet,
    WaveNetArray,
    WaveNetLayer,
    receptive_field,
)
from ..engine.control import Engine, Statistics
from ..engine.devices import choose
from ..engine.program import Program, compile_chain
from ..engine.stream import open_stream
from ..library import named
from ..processors import processor_class
from ..processors.neural import Neural
from ..processors.processor import Processor
from .server import dummy_server

FRAMES, RATE = 64, 48000
BUSY_THREADS = 2


def gil(seconds: float) -> dict[str, Any]:
    """Serve JACK's dummy clock with two busy Python threads beside, in turn with both callbacks.

    Parameters
    ----------
    seconds : for each of the two

    Returns
    -------
    dict
        ``due``, ``served``, ``missing`` (gaps in the callback's own clock) and ``xruns`` (PortAudio's flags,
        which include JACK's xruns) of a chain of gate, A1 standard and cabinet; ``load_p50`` and ``load_max``
        of the block's time; ``python_due`` and ``python_served`` of a callback that does one ``np.tanh``.

    Raises
    ------
    NoServerError
        without ``jackd``.
    """
    chain = amp_chain()
    compile_chain(chain)
    with dummy_server(FRAMES, RATE):
        ours = _compiled(chain, seconds)
        python_due, python_served = _interpreted(seconds)
    return {
        "due": ours.due,
        "served": ours.served,
        "missing": ours.missing,
        "xruns": ours.xruns,
        "load_p50": ours.percentile(50),
        "load_max": round(ours.largest_load, 4),
        "python_due": python_due,
        "python_served": python_served,
        "seconds": seconds,
        "busy_threads": BUSY_THREADS,
    }


def amp_chain() -> list[Processor]:
    """Gate, a WaveNet of NAM's "standard" size with random weights, and the shipped cabinet."""
    cabinet: Any = processor_class("cabinet")
    return [
        processor_class("gate")(),
        Neural(model=a1_standard()),
        cabinet(impulse=named("impulses", "1x12")),
    ]


def a1_standard() -> NeuralModel:
    """NAM's "standard" WaveNet, 13 320 multiply-adds a sample, with random weights."""
    random = np.random.default_rng(0)

    def convolution(inputs: int, outputs: int, kernel: int, dilation: int, bias: bool) -> Convolution:
        weights = (inputs * kernel) ** -0.5 * random.standard_normal((outputs, inputs, kernel))
        return Convolution(
            weights.astype(np.float32), np.zeros(outputs, np.float32) if bias else None, dilation
        )

    def array(inputs: int, channels: int, head: int, bias: bool) -> WaveNetArray:
        layers = [
            WaveNetLayer(
                convolution=convolution(channels, channels, 3, 2**n, True),
                mixin=convolution(1, channels, 1, 1, False),
                activation=Activation("Tanh"),
                layer1x1=convolution(channels, channels, 1, 1, True),
            )
            for n in range(10)
        ]
        return WaveNetArray(
            rechannel=convolution(inputs, channels, 1, 1, False),
            layers=tuple(layers),
            head=convolution(channels, head, 1, 1, bias),
        )

    arrays = (array(1, 16, 8, False), array(16, 8, 1, True))
    network = WaveNet(arrays, head_scale=0.02)
    return NeuralModel(network, RATE, prewarm=(receptive_field(network) or 1) - 1)


def _compiled(chain: list[Processor], seconds: float) -> Statistics:
    engine = Engine(Program(chain, RATE, FRAMES, 1), 2, block=FRAMES)
    stream = open_stream(choose(None, "input"), choose(None, "output"), RATE, FRAMES, 1, 2)
    stream.start(engine)
    try:
        with busy_threads():
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                time.sleep(0.1)
                engine.poll()
    finally:
        stream.close()
    engine.poll()
    return engine.statistics


def _interpreted(seconds: float) -> tuple[int, int]:
    import sounddevice

    times: list[float] = []

    def callback(source: Any, target: Any, frames: int, clock: Any, status: Any) -> None:
        np.tanh(source, out=target)
        times.append(time.monotonic())

    devices = (choose(None, "input").index, choose(None, "output").index)
    with (
        sounddevice.Stream(RATE, FRAMES, devices, channels=2, dtype="float32", latency=0, callback=callback),
        busy_threads(),
    ):
        time.sleep(seconds)
    elapsed = times[-1] - times[0] if times else 0.0
    return max(round(elapsed * RATE / FRAMES) + 1, len(times)), len(times)


@contextmanager
def busy_threads(count: int = BUSY_THREADS) -> Iterator[None]:
    """Python threads that never rest."""
    stop = threading.Event()

    def work() -> None:
        total = 0
        while not stop.is_set():
            for k in range(100_000):
                total += k * k

    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()
