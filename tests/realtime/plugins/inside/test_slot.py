"""A plugin in its slot: pedalboard's samples in their places, as many out as in, knobs that glide."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tonerig.realtime.plugins.inside.slot import GLIDE_S, PIECE

from ..hosts import MADE, ZAM, Trouble, needs_made, needs_zam, noise
from .slots import RATE, STATED, UNCERTAIN, WIDTHS, alone, order, pipe, ready, through, trouble, zam


@needs_zam
@pytest.mark.parametrize("block", [64, 512])
@pytest.mark.parametrize("name", STATED)
def test_gives_pedalboards_samples(name: str, block: int) -> None:
    """After the latency's zeros every sample is as without a slot, and again after a reset."""
    signal = noise(WIDTHS.get(name, 1), 20000)
    slot = ready(zam(name, **STATED[name]), len(signal), block)
    expected = alone(ZAM / f"{name}.vst3", signal, block, **STATED[name])
    for _ in range(2):
        sound = through(slot, signal, block)
        assert not sound[:, : slot.latency].any()
        delayed = expected[:, : 20000 - slot.latency]
        np.testing.assert_allclose(sound[:, slot.latency :], delayed, rtol=0, atol=UNCERTAIN.get(name, 0))
        slot.reset()
    assert slot.latency == (480 if name == "ZaMaximX2" else 0)
    assert slot.shortfall == 0


@needs_zam
@pytest.mark.parametrize("name", ["ZamComp", "ZaMaximX2", "ZamGEQ31"])
def test_blocks_may_have_any_lengths(name: str) -> None:
    """A block longer than those before it starts nothing anew, and two channels of two samples are two."""
    signal = noise(WIDTHS.get(name, 1), 6000)
    slot = ready(zam(name, **STATED[name]), len(signal))
    whole = through(slot, signal, 512)
    slot.reset()
    np.testing.assert_array_equal(through(slot, signal, 1, 2, 16, 512, 3, 441), whole)


@needs_made
def test_a_latency_that_is_reported_is_waited_for() -> None:
    """A plugin that is 100 samples late and says so is in its place; one that only says so is early."""
    signal = noise(2, 2000)
    for late_by in (100, 0):
        slot = ready(trouble(late_by=late_by, says_late_by=100), 2)
        assert slot.latency == 100
        sound = through(slot, signal, 64)
        assert not sound[:, :100].any()
        skipped = 100 - late_by
        np.testing.assert_allclose(sound[:, 100:], signal[:, skipped : skipped + 1900], atol=1e-6)


def test_what_comes_later_than_it_may_is_counted() -> None:
    """An MP3 encoder that is set anew while it plays keeps sound back once more; zeros come in between."""
    slot = ready(
        {
            "kind": "pedalboard",
            "effect": "MP3Compressor",
            "parameters": [{"name": "vbr_quality", "glide": "jump"}],
            "values": {"vbr_quality": 2.0},
        }
    )
    signal = np.full((1, 20 * 512), 0.5, np.float32)
    through(slot, signal, 512)
    assert slot.shortfall == 0
    slot.turn(0, 5.0)
    sound = through(slot, np.tile(signal, 2), 512)
    assert 1000 < slot.shortfall < 2 * slot.latency
    assert 1000 < np.sum(sound == 0.0) <= slot.shortfall + slot.latency
    np.testing.assert_allclose(sound[0, -4096:], 0.5, atol=0.05)


@needs_zam
def test_a_turned_knob_glides() -> None:
    """12 dB more make no step in a sine larger than one of the glide's, which ends at its goal."""
    slot = ready(zam("ZamComp", "makeup_db", threshold_db=0.0), max_block=256)
    time = np.arange(4800) / RATE
    sine = (0.1 * np.sin(2 * np.pi * 100.0 * time)).astype(np.float32)[None]
    before = through(slot, sine[:, :2400], 64)
    names = [row["name"] for row in zam("ZamComp", "makeup_db", threshold_db=0.0)["parameters"]]
    slot.turn(names.index("makeup_db"), 12.0)
    assert slot.values()[names.index("makeup_db")] == 12.0
    after = through(slot, sine[:, 2400:], 256, 64, 100)
    gain = 10.0 ** (12.0 / 20.0)
    sound = np.concatenate((before, after), axis=1)[0]
    steps = math.ceil(GLIDE_S * RATE / PIECE)
    slope = 2 * np.pi * 100.0 / RATE * 0.1 * gain
    one_step = 0.1 * gain * (1.0 - 10.0 ** (-12.0 / 20.0 / steps))
    assert np.abs(np.diff(sound)).max() < slope + 1.3 * one_step
    np.testing.assert_allclose(sound[2400 + 960 :], gain * sine[0, 2400 + 960 :], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(sound[:2400], sine[0, :2400], rtol=2e-3, atol=1e-5)


@needs_made
def test_a_gain_glides_along_a_line() -> None:
    """A gain in dB is linear in its position: after half the time half of the decibels are there."""
    slot = ready(trouble(), 2)
    ones = np.ones((2, 480), np.float32)
    slot.process(ones)
    slot.turn(0, -20.0)
    halfway, end = slot.process(ones), slot.process(ones)
    assert 20 * math.log10(halfway[0, -1]) == pytest.approx(-10.0, abs=0.05)
    assert 20 * math.log10(end[0, -1]) == pytest.approx(-20.0, abs=0.01)
    slot.turn(list(Trouble.places).index("voicing"), 2.0)
    np.testing.assert_allclose(slot.process(10 * ones), 0.25)


@needs_made
def test_notes_keep_their_frames_while_a_knob_glides() -> None:
    """A block in pieces takes each note in the piece that it belongs to."""
    slot = ready(order(MADE / "Pipe.vst3", "volume_db", volume_db=-20.0))
    block, notes = np.zeros((1, 512), np.float32), [(0, 50), (63, 60), (64, 70), (300, 80)]
    slot.process(block)
    slot.turn(0, 0.0)
    slot.process(block)
    slot.process(block)
    slot.turn(0, 0.1)
    sound = slot.process(block, [(frame, bytes((0x90, key, 100))) for frame, key in notes])
    np.testing.assert_allclose(sound, pipe(notes, 512, RATE), atol=0.02)
