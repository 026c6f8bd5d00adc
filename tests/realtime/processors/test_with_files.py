"""Processors that need files or chains keep to the same as all others, see ``test_registry``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.realtime.plugins.hosted import Hosted
from tonerig.realtime.processors import PROCESSORS, processor_class
from tonerig.realtime.processors.processor import Processor

from tests.models import random_model
from tests.realtime.run import BLOCKS, RATE, Signal, noise, prepared, run

Make = Callable[..., Processor]
KINDS = {name: processor_class(name) for name in PROCESSORS}
NAMES = [name for name, kind in KINDS.items() if (kind.files or kind.chains) and not issubclass(kind, Hosted)]
"""Hosted ones start a process, see ``test_registry``."""


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """A function ``(name, values) -> Processor`` that knows which files and chains each needs."""
    impulse = tmp_path_factory.mktemp("impulses") / "impulse.wav"
    taps = np.random.default_rng(2).normal(0, 0.05, (3000, 2)) * np.exp(-np.arange(3000) / 400)[:, None]
    wavfile.write(impulse, round(RATE), taps.astype(np.float32))

    def make(name: str, values: Mapping[str, float] | None = None) -> Processor:
        things: dict[str, Any] = dict.fromkeys(processor_class(name).files, impulse)
        if name == "neural":
            things["model"] = random_model("lstm_2x8", 1)
        if name == "parallel":
            things = {"a": [make("gain", {"gain_db": 3.0})], "b": [make("overdrive"), make("stereo")]}
        return processor_class(name)(values, **things)

    return make


def extremes(name: str, seed: int, frames: int, every: int) -> dict[int, dict[str, float]]:
    """Changes that throw all parameters between the ends of their ranges."""
    rng, kind = np.random.default_rng(seed), processor_class(name)
    return {
        place: {
            p.name: float(rng.choice([p.minimum, p.maximum]))
            for p in kind.parameters
            if p.name not in kind.fixed
        }
        for place in range(0, frames, every)
    }


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_block_sizes_change_no_bit(name: str, channels: int, make: Make) -> None:
    """All block sizes give the same bits, while parameters change at fixed samples."""
    sound = noise(0.15, channels, seed=7)
    sound[:, 3000:4000] = 0
    changes = extremes(name, seed=11, frames=5400, every=1777)
    del changes[0]
    processor = prepared(make(name), channels)
    expected: Signal | None = None
    for block in BLOCKS:
        processor.reset()
        output = run(processor, sound, block, changes=changes)
        expected = output if expected is None else expected
        assert output.tobytes() == expected.tobytes(), f"blocks of {block}"
    assert expected is not None and expected.any()


@pytest.mark.parametrize("name", NAMES)
def test_it_stays_finite(name: str, make: Make) -> None:
    """A million times full scale, while parameters are thrown about, leaves a finite output."""
    processor = prepared(make(name), 2)
    sound = np.random.default_rng(3).choice([-1e6, 1e6], (2, 9600))
    assert np.isfinite(run(processor, sound, 96, changes=extremes(name, 5, 9600, 480))).all()
    processor.reset()
    assert np.isfinite(run(processor, noise(0.1, 2))).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "neural"])
def test_silence_follows_the_tail(name: str, make: Make) -> None:
    """A second after the sound every sample is exactly 0: no denormals circle."""
    processor = prepared(make(name), 2)
    run(processor, noise(0.1, 2))
    assert not run(processor, np.zeros((2, 48000)), 2048)[:, -4800:].any()


@pytest.mark.parametrize("name", NAMES)
def test_reset_starts_anew(name: str, make: Make) -> None:
    """After `reset` the same input gives the same output as at first."""
    processor = prepared(make(name), 2)
    sound = noise(0.05, 2)
    first = run(processor, sound)
    processor.reset()
    assert run(processor, sound).tobytes() == first.tobytes()
