"""pedalboard's effects in a worker: those that hold sound back, those that lose it, and how knobs move."""

from __future__ import annotations

import numpy as np
import pedalboard
import pytest
from tonerig.realtime.plugins.errors import PluginError
from tonerig.realtime.plugins.inside.effect import Effect
from tonerig.realtime.plugins.inside.slot import Slot

from ..hosts import noise
from .slots import RATE, effect, ready, through


@pytest.mark.parametrize("name", ["Chorus", "Reverb", "Delay", "Bitcrush", "HighpassFilter", "LadderFilter"])
def test_blocks_may_have_any_lengths(name: str) -> None:
    """A block longer than those before it starts nothing anew, and two channels of two samples are two."""
    slot, signal = ready(effect(name), 2), noise(2, 6000)
    whole = through(slot, signal, 512)
    slot.reset()
    np.testing.assert_allclose(through(slot, signal, 1, 2, 16, 512, 3, 441), whole, atol=1e-6)


@pytest.mark.parametrize("name", ["Resample", "MP3Compressor", "BrickwallLimiter"])
@pytest.mark.parametrize("max_block", [64, 512])
def test_effects_that_hold_sound_back_are_never_late(name: str, max_block: int) -> None:
    """Whatever the lengths of blocks, one sample of two channels included."""
    slot, signal = ready(effect(name), 2, max_block), noise(2, 20000)
    for sizes in ((16,), (1, max_block), (max_block, 16, 2), (63, 1, 5)):
        slot.reset()
        sound = through(slot, signal, *sizes)
        assert slot.shortfall == 0
        assert np.abs(sound[:, -1000:]).max() > 0.05


def test_the_latency_of_an_effect_is_what_it_holds_back() -> None:
    """To the sample where it is the same for all lengths of blocks: a limiter that looks 5 ms ahead."""
    for rate, latency in ((44100.0, 220), (48000.0, 240), (96000.0, 480)):
        assert ready(effect("BrickwallLimiter"), rate=rate).latency == latency
    impulse = np.zeros((1, 4096), np.float32)
    impulse[0, 100] = 0.5
    sound = through(ready(effect("BrickwallLimiter")), impulse, 64)
    assert np.flatnonzero(sound).tolist() == [340]


@pytest.mark.parametrize("name", ["PitchShift", "GSMFullRateCompressor"])
def test_an_effect_that_forgets_is_refused(name: str) -> None:
    """pedalboard gives silence or gaps for sound in blocks, which is no part of a chain."""
    signal, whole = noise(1, 2 * 48000), getattr(pedalboard, name)()
    assert np.abs(whole(signal, RATE)[:, 48000:50000]).max() > 0.1
    with pytest.raises(PluginError, match=f"{name} forgets its sound from block to block"):
        ready(effect(name))


def test_a_rate_that_an_effect_does_not_know() -> None:
    """MP3 has no 96 kHz; the sentence says so."""
    with pytest.raises(PluginError, match=r"MP3Compressor does not run at 96000 Hz: .*48kHz"):
        ready(effect("MP3Compressor"), rate=96000.0)


def test_bad_orders_are_refused() -> None:
    """An effect that pedalboard has not, and a value that it does not take."""
    with pytest.raises(PluginError, match="this pedalboard has no effect Wobble"):
        Slot(effect("Wobble"))
    with pytest.raises(PluginError, match="pedalboard's Reverb cannot be made: Room Size"):
        Slot(effect("Reverb", room_size=7.0))


def test_a_frequency_glides_in_octaves() -> None:
    """Halfway through its glide a cutoff is at the geometric mean, at the end at its goal."""
    ways = {"cutoff_frequency_hz": "logarithmic"}
    slot = ready(effect("LowpassFilter", ways, cutoff_frequency_hz=100.0), max_block=480)
    ones, loaded = np.ones((1, 480), np.float32), slot._loaded
    assert isinstance(loaded, Effect)
    slot.process(ones)
    slot.turn(0, 6400.0)
    assert slot.values() == [6400.0]
    slot.process(ones)
    assert loaded._plugin.cutoff_frequency_hz == pytest.approx(800.0, rel=1e-5)
    slot.process(ones)
    assert loaded._plugin.cutoff_frequency_hz == pytest.approx(6400.0, rel=1e-5)


def test_a_gain_glides_without_clicks() -> None:
    """20 dB less in 15 steps of 64 samples, and not all at once; one that has not begun to play jumps."""
    slot = ready(effect("Gain", gain_db=0.0), max_block=960)
    slot.turn(0, 20.0)
    ones = np.ones((1, 960), np.float32)
    np.testing.assert_allclose(slot.process(ones), 10.0, rtol=1e-6)
    slot.turn(0, 0.0)
    decibels = 20 * np.log10(np.concatenate((slot.process(ones), slot.process(ones)), axis=1)[0])
    steps = 20.0 - 20.0 / 15 * (1 + np.arange(960) // 64)
    np.testing.assert_allclose(decibels[:960], steps, atol=1e-4)
    np.testing.assert_allclose(decibels[960:], 0.0, atol=1e-6)


def test_switches_and_enumerations_jump() -> None:
    """They are given by their places."""
    slot = ready(effect("LadderFilter", {"mode": "jump"}, mode=0.0, cutoff_hz=1000.0))
    loaded = slot._loaded
    assert isinstance(loaded, Effect)
    slot.process(np.zeros((1, 64), np.float32))
    slot.turn(0, 4.0)
    assert loaded._plugin.mode == pedalboard.LadderFilter.HPF24
    assert slot.values() == [4.0, 1000.0]
    assert slot.raw_state is None
