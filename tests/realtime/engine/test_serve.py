"""The audio thread, driven without a device: routing, fades, switches, guards, tap."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.layout import FADE_S, SWITCH_S
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.neural import Neural

from tests.models import random_model

from .drive import RATE, noise, program, rendered, serve

FADE = round(FADE_S * RATE)
UNEVEN = (64, 1, 257, 16, 1000, 441)


def _amp(seed: int) -> Neural:
    return Neural({"normalization": "raw"}, model=random_model("lstm_1x16", seed))


@pytest.mark.parametrize("blocks", [(64,), (1,), (960,), UNEVEN])
def test_live_gives_the_bits_that_render_gives(blocks: tuple[int, ...]) -> None:
    """Whatever block sizes the device asks for, the output is that of the offline run, bit for bit."""
    signal = noise(1, 6000)
    output = serve(Engine(program(_amp(1), Gain({"gain_db": 3.0})), 1), signal, *blocks)
    assert np.array_equal(output, rendered(program(_amp(1), Gain({"gain_db": 3.0})), signal))


@pytest.mark.parametrize("blocks", [(64,), (7,), UNEVEN])
def test_a_swap_is_the_crossfade_of_the_two_offline_renders(blocks: tuple[int, ...]) -> None:
    """After publishing, the output is (1 - g) old + g new, g = (n + 1) / N, the new one starting there."""
    signal = noise(1, 9000)
    engine = Engine(program(_amp(1)), 1)
    engine.block = MANY
    swapped: list[int] = []

    def publish(start: int) -> None:
        if start >= 3000 and not swapped:
            swapped.append(start)
            engine.publish(program(_amp(2)))

    output = serve(engine, signal, *blocks, before=publish)
    start = swapped[0]
    g = np.minimum((np.arange(signal.shape[1] - start) + 1) / FADE, 1.0)
    old, new = rendered(program(_amp(1)), signal), rendered(program(_amp(2)), signal[:, start:])
    assert np.array_equal(output[:, :start], old[:, :start])
    assert np.abs(output[:, start:] - ((1 - g) * old[:, start:] + g * new)).max() < 1e-6
    assert np.array_equal(output[:, start + FADE :], new[:, FADE:])
    assert engine.wait_until_settled(0.1)


MANY = 10**7
"""A block so long that any two programs can run together in it."""


@pytest.mark.parametrize("blocks", [(64,), (7,), UNEVEN])
def test_two_heavy_programs_never_run_together(blocks: tuple[int, ...]) -> None:
    """Where both would take over 80 % of the block the old one fades out, and then the new one starts."""
    signal = noise(1, 9000)
    engine = Engine(program(_amp(1)), 1)
    engine.block = 0
    swapped: list[int] = []

    def publish(start: int) -> None:
        if start >= 3000 and not swapped:
            swapped.append(start)
            engine.publish(program(_amp(2)))

    output = serve(engine, signal, *blocks, before=publish)
    start = swapped[0]
    g = (np.arange(FADE) + 1) / FADE
    old, new = rendered(program(_amp(1)), signal), rendered(program(_amp(2)), signal[:, start + FADE :])
    middle, end = start + FADE, start + 2 * FADE
    assert np.abs(output[:, start:middle] - (1 - g) * old[:, start:middle]).max() < 1e-6
    assert np.abs(output[:, middle:end] - g * new[:, :FADE]).max() < 1e-6
    assert np.array_equal(output[:, end:], new[:, FADE:])


def test_of_several_waiting_programs_the_last_one_is_heard() -> None:
    """While a fade lasts one more program waits; a later one takes its place, and none is lost for good."""
    signal = noise(1, 20000)
    engine = Engine(program(_amp(1)), 1)
    last = _amp(4)

    def publish(start: int) -> None:
        if start == 640:
            for seed in (2, 3):
                engine.publish(program(_amp(seed)))
            engine.publish(program(last))
        engine.poll()

    serve(engine, signal, 64, before=publish)
    engine.poll()
    assert engine.playing.chain[0] is last
    assert not engine.is_fading()


def test_mono_is_heard_on_both_sides_and_stereo_is_summed_for_one() -> None:
    """One channel goes to both outputs; two channels on a mono device are their mean."""
    mono, stereo = noise(1, 500), noise(2, 500)
    output = serve(Engine(program(), 2), mono)
    assert np.array_equal(output, np.repeat(mono, 2, axis=0))
    output = serve(Engine(program(inputs=2), 1), stereo)
    assert np.abs(output[0] - stereo.mean(axis=0)).max() < 1e-7


def test_a_chosen_channel_of_the_device_is_heard() -> None:
    """Channel 3 of four, and the pair 4 and 2, reach the chain in the order asked for."""
    signal = noise(4, 500)
    assert np.array_equal(serve(Engine(program(), 1, route=[2]), signal)[0], signal[2])
    output = serve(Engine(program(inputs=2), 2, route=[3, 1]), signal)
    assert np.array_equal(output, signal[[3, 1]])


def test_what_is_not_finite_becomes_silence() -> None:
    """NaN and Inf at the input count and become 0; what follows sounds as if they had been 0."""
    signal = noise(1, 3000)
    dirty = signal.copy()
    dirty[0, [5, 900, 2000]] = np.nan, np.inf, -np.inf
    clean = np.where(np.isfinite(dirty), dirty, 0).astype(np.float32)
    engine = Engine(program(_amp(1)), 1)
    assert np.array_equal(serve(engine, dirty), rendered(program(_amp(1)), clean))
    engine.poll()
    assert engine.statistics.cleaned == 3


def test_a_processor_that_breaks_is_silenced_and_named() -> None:
    """A gain whose knob is NaN puts out NaN: its row is muted, the output is 0 and the control side knows."""
    engine = Engine(program(Gain(), Gain()), 1)
    engine.playing.chain[1].state.record["gain_db"] = np.nan
    output = serve(engine, noise(1, 640))
    engine.poll()
    assert not output.any()
    assert engine.muted_rows == [1]


def test_mute_is_a_straight_line_and_reaches_zero() -> None:
    """Mute takes 20 ms on a straight line, ends in silence, and its end brings back the same bits."""
    engine = Engine(program(), 1)
    steps = round(SWITCH_S * RATE)
    ones = np.ones((1, 6400), np.float32)

    def switch(start: int) -> None:
        if start in (640, 3200):
            engine.set_mute(start == 640)

    output = serve(engine, ones, 64, before=switch)[0]
    assert np.abs(output[640 : 640 + steps] - (1 - (np.arange(steps) + 1) / steps)).max() < 1e-4
    assert not output[640 + steps + 1 : 3200].any()
    assert np.array_equal(output[3200 + steps + 1 :], ones[0, 3200 + steps + 1 :])


def test_bypass_lets_the_input_through() -> None:
    """Bypass moves to the input on a straight line, exactly, and back to the chain's bits."""
    signal = noise(1, 9600)
    engine = Engine(program(_amp(1)), 1)
    steps = round(SWITCH_S * RATE) + 1

    def switch(start: int) -> None:
        if start in (640, 3200):
            engine.set_bypass(start == 640)

    output = serve(engine, signal, 64, before=switch)
    assert np.array_equal(output[:, 640 + steps : 3200], signal[:, 640 + steps : 3200])
    wet = rendered(program(_amp(1)), signal)
    assert np.array_equal(output[:, 3200 + steps :], wet[:, 3200 + steps :])


def test_master_volume_is_in_decibels() -> None:
    """Master volume at -6 dB halves the output (10^(-6/20)) once its ramp is over."""
    engine = Engine(program(), 1)
    engine.set_master(-6.0)
    output = serve(engine, np.ones((1, 4800), np.float32))
    assert np.allclose(output[0, 1000:], 10 ** (-6 / 20), atol=1e-7)


def test_the_tap_carries_dry_and_wet_before_the_master_volume() -> None:
    """The tap's frames are the input and the chain's output, whatever mute and volume do."""
    signal = noise(1, 4000)
    engine = Engine(program(_amp(1)), 2)
    engine.set_recording(True)
    engine.set_mute(True)
    serve(engine, signal, *UNEVEN)
    frames = engine.read_tap()
    wet = rendered(program(_amp(1)), signal)
    assert np.array_equal(frames, np.concatenate([signal, signal, wet, wet]))


def test_a_full_tap_is_counted_and_the_sound_goes_on() -> None:
    """Frames for which the tap has no room are counted, the output misses nothing."""
    signal = noise(1, 4000)
    engine = Engine(program(), 1, tap_s=1000 / RATE)
    engine.set_recording(True)
    assert np.array_equal(serve(engine, signal), signal)
    assert engine.read_tap().shape[1] + engine.tap_lost == 4000
    assert engine.tap_lost == 4000 - 1024


def test_a_parameter_reaches_only_the_program_it_was_meant_for() -> None:
    """A knob turned before a swap is not written into the memory of the program that has gone."""
    engine = Engine(program(Gain()), 1)
    assert engine.set_parameter(engine.playing.chain[0], "gain_db", -20.0) == -20.0
    output = serve(engine, np.ones((1, 9600), np.float32))
    assert np.isclose(output[0, -1], 0.1, atol=1e-5)
    old = engine.playing
    engine.publish(program(Gain()))
    serve(engine, np.ones((1, 4800), np.float32))
    engine.poll()
    engine._command(1, 30.0, old.generation, old.chain[0].state.field_address("gain_db"))
    serve(engine, np.ones((1, 4800), np.float32))
    assert old.chain[0].state.record["gain_db"] == -20.0


def test_denormals_are_flushed_and_the_caller_keeps_its_mode() -> None:
    """A denormal through a gain of 0 dB comes out as 0, and denormals work in Python as before."""
    tiny = np.full((1, 64), 1e-40, np.float32)
    output = serve(Engine(program(Gain({"gain_db": 1.0})), 1), tiny)
    assert not output.any()
    assert np.float32(1e-40) * np.float32(0.5) > 0


def test_peaks_and_loads_are_reported() -> None:
    """After a poll the peaks are the signal's, and each callback has left one load."""
    signal = noise(2, 6400)
    engine = Engine(program(Gain({"gain_db": 6.0}), inputs=2), 2)
    output = serve(engine, signal)
    levels = engine.poll()
    assert np.allclose(levels.input, np.abs(signal).max(axis=1))
    assert np.allclose(levels.output, np.abs(output).max(axis=1))
    assert engine.statistics.served == 100
    assert engine.statistics.load.sum() == 100
