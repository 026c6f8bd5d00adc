"""Notes go on while another program takes over."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.processor import Processor
from tonerig.realtime.synths.four import FourOscillators
from tonerig.realtime.synths.two import TwoOscillators

from .drive import program, serve

FRAMES = 9600
SWAP_AT = 3000
VALUES = {"sine_depth_hz": 20.0, "square_amplitude": 0.5, "attack_s": 0.2, "width": 0.5}
SILENCE = np.zeros((1, FRAMES), np.float32)


def _four(patch: str = "one", **values: float) -> FourOscillators:
    synth = FourOscillators({**VALUES, **values})
    synth.patch = patch
    return synth


def _played(
    first: list[Processor], second: list[Processor] | None, *blocks: int, heavy: bool = False
) -> object:
    """What a held chord under a moved wheel sounds like while the second chain takes over from the first."""
    engine = Engine(program(*first), 2, block=0 if heavy else 64)
    waiting = [] if second is None else [program(*second)]

    def before(start: int) -> None:
        if start == 0:
            engine.send([b"\xb0\x01\x40", b"\xb0\x07\x50", b"\x90\x3c\x64", b"\x90\x43\x50"])
        if start >= SWAP_AT and waiting:
            engine.publish(waiting.pop())
        engine.poll()

    return serve(engine, SILENCE, *blocks, before=before)


@pytest.mark.parametrize("blocks", [(64,), (1, 77, 256)])
def test_held_notes_sound_on_through_a_crossfade(blocks: tuple[int, ...]) -> None:
    """With the same patches the swap cannot be heard: to rounding, the sound is that of no swap at all."""
    alone = _played([_four()], None, *blocks)
    swapped = _played([_four()], [Gain(), _four()], *blocks)
    assert np.abs(alone).max() > 0.01
    assert np.allclose(swapped, alone, atol=1e-6)


def test_they_sound_on_after_a_fade_out_and_in() -> None:
    """Programs too heavy to run together leave a gap in the sound, and none in the notes."""
    alone = _played([_four()], None, 64)
    swapped = _played([_four()], [_four()], 64, heavy=True)
    again = int(0.041 * 48000) + SWAP_AT
    assert np.abs(swapped[:, again:]).max() > 0.5 * np.abs(alone[:, again:]).max()


def test_a_patch_of_another_name_or_kind_begins_in_silence() -> None:
    """Only the same patch goes on with the notes; its values may be others."""
    for other in (_four("another"), TwoOscillators()):
        swapped = _played([_four()], [other], 64)
        assert not swapped[:, SWAP_AT + 64 + 1100 :].any()
    softer = _played([_four()], [_four(volume_db=-30.0)], 64)
    alone = _played([_four()], None, 64)
    late = slice(FRAMES - 2000, None)
    ratio = np.abs(softer[:, late]).max() / np.abs(alone[:, late]).max()
    assert 20 * np.log10(ratio) == pytest.approx(-18.0, abs=0.2)
