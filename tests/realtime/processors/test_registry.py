"""What every processor has to keep, whatever it does to the sound."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.library import shipped_library
from tonerig.realtime.plugins.hosted import Hosted
from tonerig.realtime.processors import PROCESSORS, ProcessorError, processor_class
from tonerig.realtime.processors.processor import Processor

from tests.realtime.run import BLOCKS, noise, prepared, run

KINDS = {name: processor_class(name) for name in PROCESSORS}
HOSTED = [name for name, kind in KINDS.items() if issubclass(kind, Hosted) and not kind.texts]
"""Those whose sound is made in a worker process, plugins left out; they start one each."""
BLOCKWISE = ("convolution", "mp3", "resample")
"""Those whose samples depend on the blocks in pedalboard itself."""
PLAIN = [
    name for name, kind in KINDS.items() if not (kind.files or kind.chains or kind.texts or name in HOSTED)
]
"""Those that need neither a file nor a chain, nor a process."""
CABINET = shipped_library() / "impulses" / "1x12.wav"
CHANGED = 1500


def _moved(kind: type[Processor]) -> dict[str, float]:
    """Every parameter that may move, a third of a turn from its default."""
    return {
        p.name: p.from_turn((p.to_turn(p.default) + 1 / 3) % 1.0)
        for p in kind.parameters
        if p.name not in kind.fixed
    }


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_name_leads_to_the_class_of_that_name(name: str) -> None:
    """The class says of itself the name under which it is registered, and what it does."""
    kind = processor_class(name)
    assert kind.name == name
    assert kind.description


def test_an_unknown_name_is_refused_with_those_that_there_are() -> None:
    """The error names the processor that was asked for and the known ones."""
    with pytest.raises(ProcessorError, match=r"no processor fuzz; there are .*compressor.*tone_stack"):
        processor_class("fuzz")


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", PLAIN)
def test_block_sizes_change_no_bits(name: str, channels: int) -> None:
    """With all parameters changed at one sample, every block size gives the same bits."""
    kind = processor_class(name)
    processor = prepared(kind(), channels)
    signal = noise(0.1, channels)
    changes = {CHANGED: _moved(kind)}
    expected = run(processor, signal, 64, changes=changes)
    for blocks in [*((size,) for size in BLOCKS), (7, 64, 1, 333)]:
        processor.reset()
        assert np.array_equal(run(processor, signal, *blocks, changes=changes), expected), blocks


@pytest.mark.parametrize("level", [1e6, 1e-6, 1e30])
@pytest.mark.parametrize("name", PLAIN)
def test_any_finite_input_gives_a_finite_output(name: str, level: float) -> None:
    """Square-like noise of any level, parameters at their ends and between, never makes a NaN or Inf."""
    kind = processor_class(name)
    processor = prepared(kind(), 2)
    signal = np.clip(noise(0.2, 2, level=1.0), -1, 1) * np.float32(level)
    free = [p for p in kind.parameters if p.name not in kind.fixed]
    changes = {
        2000: {p.name: p.maximum for p in free},
        4000: {p.name: p.minimum for p in free},
        6000: _moved(kind),
    }
    assert np.isfinite(run(processor, signal, changes=changes)).all()


@pytest.mark.parametrize("name", PLAIN)
def test_silence_comes_after_the_tail(name: str) -> None:
    """From silence comes silence, and after a sound the output is exactly 0 in the end."""
    processor = prepared(processor_class(name)(), 2)
    assert not run(processor, np.zeros((2, 4800)), 2048).any()
    run(processor, noise(0.1, 2), 2048)
    run(processor, np.zeros((2, 30 * 48000)), 2048)
    assert not run(processor, np.zeros((2, 4800)), 2048).any()


@pytest.mark.parametrize("name", PLAIN)
def test_a_reset_forgets_the_sound(name: str) -> None:
    """After a reset the same input gives the same bits again."""
    processor = prepared(processor_class(name)(), 2)
    signal = noise(0.1, 2)
    first = run(processor, signal)
    processor.reset()
    assert np.array_equal(run(processor, signal), first)


@pytest.mark.parametrize("name", HOSTED)
def test_a_hosted_processor_keeps_to_the_same(name: str) -> None:
    """While nobody turns it: from silence comes silence; a reset and blocks change no bits; all is finite.

    One that pedalboard runs wrongly is a wire, and says so.
    """
    kind = KINDS[name]
    processor = prepared(kind(**dict.fromkeys(kind.files, CABINET)), 2)
    assert not run(processor, np.zeros((2, 9600)), 2048).any()
    processor.reset()
    signal = noise(0.2, 2)
    expected = run(processor, signal, 64)
    assert expected.any() and np.isfinite(expected).all()
    assert np.array_equal(expected, signal) == (processor.problem is not None)
    for blocks in ((64,), *(() if name in BLOCKWISE else ((2048,), (7, 64, 1, 333)))):
        processor.reset()
        assert np.array_equal(run(processor, signal, *blocks), expected), blocks
