"""The yardstick for training sets: the `synthax` package's synth as its README sets it up, compiled by jax.

M. Cherep and N. Singh, *SynthAX: A Fast Modular Synthesizer in JAX* (AES 155, 2023).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from .one_core import Measure, serve

RATE = 16384
BATCHES = (16, 64, 128)
PIECE_S = 0.3
"""Wall time of one measurement, at least."""


def renderer(batch: int) -> Callable[[], None]:
    """A compiled function that renders ``batch`` sounds of a second.

    Raises
    ------
    ImportError
        without synthax or jax.
    """
    jax = import_module("jax")
    config = import_module("synthax.config").SynthConfig(
        batch_size=batch, sample_rate=RATE, buffer_size_seconds=1.0
    )
    synth = import_module("synthax.synth").ParametricSynth(
        config=config, sine=1, square_saw=1, fm_sine=1, fm_square_saw=0
    )
    parameters = synth.init(jax.random.PRNGKey(42))
    apply = jax.jit(synth.apply)

    def render() -> None:
        apply(parameters).block_until_ready()

    render()
    return render


def prepare(setup: Mapping[str, Any]) -> Measure:
    """Take the fastest of a few batch sizes; each measurement gives seconds of sound a second."""
    renderers = {batch: renderer(batch) for batch in BATCHES}
    best = max(BATCHES, key=lambda batch: max(_speed(renderers[batch], batch) for _ in range(3)))
    return lambda: {"dataset": _speed(renderers[best], best)}


def _speed(render: Callable[[], None], batch: int) -> float:
    sounds, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < PIECE_S:
        render()
        sounds += batch
    return sounds / elapsed


if __name__ == "__main__":
    serve(prepare)
