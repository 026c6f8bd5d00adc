"""Streams on a JACK server with the dummy clock: devices, refusals, timing while Python holds the GIL."""

from __future__ import annotations

import ctypes
import time
from dataclasses import replace

import pytest
from tonerig.realtime.bench.gil import busy_threads
from tonerig.realtime.engine.control import Engine, Statistics
from tonerig.realtime.engine.devices import DeviceError, choose
from tonerig.realtime.engine.stream import PortAudioStream, Stream, open_stream
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.neural import Neural

from tests.models import random_model

from .drive import program

pytestmark = pytest.mark.usefixtures("jack_server")

ENOUGH = 150
"""Of 1500 blocks: far more than the ten that a callback that waits for the GIL gets before and after."""


def _stream(rate: float = 48000.0, inputs: int = 1, outputs: int = 2) -> Stream:
    return open_stream(choose(None, "input"), choose(None, "output"), rate, 64, inputs, outputs)


def _run(engine: Engine, blocks: int) -> None:
    """Until so many more were served."""
    end, last = time.monotonic() + 60, engine.statistics.served + blocks
    while engine.statistics.served < last:
        assert time.monotonic() < end, "the server does not go on"
        time.sleep(0.05)
        engine.poll()


def test_jack_devices_are_the_default_and_found_by_name_and_number() -> None:
    """Without a wish the JACK server's device is taken; its name, a part of it and its number find it too."""
    device = choose(None, "input")
    assert device.host.startswith("JACK")
    for wanted in (device.name, device.name[:3].upper(), device.index, str(device.index)):
        assert choose(wanted, "input") == device


def test_the_servers_block_is_known() -> None:
    """The server was started with 64 frames."""
    stream = _stream()
    stream.close()
    assert stream.block == 64


@pytest.mark.parametrize("direction", ["input", "output"])
def test_a_device_that_does_not_exist_is_named(direction: str) -> None:
    """An unknown device gives a sentence with its name and where to look."""
    with pytest.raises(DeviceError, match=f"there is no {direction} device 'Nagra'; 'tonerig devices' lists"):
        choose("Nagra", direction)


def test_a_refused_rate_is_a_sentence() -> None:
    """44.1 kHz on a server at 48 kHz is refused before anything is opened."""
    with pytest.raises(DeviceError, match="does not run at 44100 Hz"):
        _stream(rate=44100)


def test_too_many_channels_are_a_sentence() -> None:
    """Input 7 of a device with two channels is refused with both numbers."""
    with pytest.raises(DeviceError, match="has 2 input channels, asked for 7"):
        _stream(inputs=7)


def test_every_block_is_served_while_the_gil_is_held() -> None:
    """C code that keeps the GIL for two seconds beside two busy threads costs the audio thread no block.

    A machine with other things to do takes some of the 1500 on its own account. The yardstick for that is the
    same sleep with the GIL free, in turn with the other: one of a few runs loses nothing, or no more than the
    worst of those has lost beside it. A callback that waits for the GIL would serve next to none.
    """
    served, lost, lost_anyway = [], [], [0]
    for _ in range(8):
        held = _during_a_sleep(gil_held=True)
        served.append(held.served)
        lost.append(held.missing + held.xruns)
        if min(lost) <= max(lost_anyway) and max(served) >= ENOUGH:
            break
        free = _during_a_sleep(gil_held=False)
        lost_anyway.append(free.missing + free.xruns)
    assert max(served) >= ENOUGH
    assert min(lost) <= max(lost_anyway)


def _during_a_sleep(*, gil_held: bool) -> Statistics:
    """What the audio thread did in the two seconds of a call to C beside busy threads, and no longer."""
    amp = Neural({"normalization": "raw"}, model=random_model("a1_standard", 0))
    engine = Engine(program(Gain(), amp), 2)
    # PyDLL keeps the GIL during the call, CDLL releases it.
    sleep = (ctypes.PyDLL if gil_held else ctypes.CDLL)(None).usleep
    stream = _stream()
    stream.start(engine)
    try:
        with busy_threads(2 if gil_held else 0):
            engine.poll()
            before = replace(engine.statistics)
            sleep(2_000_000)
            engine.poll()
            after = engine.statistics
            missing = max(0, after.missing - before.missing)  # fewer where a burst has made up for some
            return Statistics(after.served - before.served, missing, after.xruns - before.xruns)
    finally:
        stream.close()


def test_the_device_is_given_as_many_frames_as_it_asks_for() -> None:
    """PortAudio adds no buffer of its own: the callback gets the server's 64 frames each time."""
    engine = Engine(program(), 2)
    stream = _stream()
    stream.start(engine)
    _run(engine, 200)
    stream.close()
    assert engine.statistics.block == 64
    assert engine.statistics.frames == 64 * engine.statistics.served


def test_portaudio_calls_the_same_code_without_a_buffer_of_its_own() -> None:
    """The stream for devices that are not JACK's, tried on JACK: 64 frames each time, and nothing after."""
    engine = Engine(program(), 2)
    stream = PortAudioStream(choose(None, "input"), choose(None, "output"), 48000, 64, 2, 2)
    stream.start(engine)
    _run(engine, 200)
    assert stream.active
    stream.close()
    engine.poll()
    assert engine.statistics.served > 100
    assert engine.statistics.frames == 64 * engine.statistics.served
    assert not stream.active


def test_portaudio_refuses_a_rate_in_a_sentence() -> None:
    """A rate that PortAudio's device does not take is refused with the device's name."""
    with pytest.raises(DeviceError, match="system does not run at 44100 Hz with 1 in and 2 out"):
        PortAudioStream(choose(None, "input"), choose(None, "output"), 44100, 64, 1, 2)


def test_devices_of_two_hosts_are_not_mixed() -> None:
    """A JACK input with another host's output is refused before anything is opened."""
    device = choose(None, "input")
    with pytest.raises(DeviceError, match="do not run together"):
        open_stream(device, replace(device, host="ALSA"), 48000, 64, 1, 2)


def test_a_stream_that_is_closed_calls_no_more() -> None:
    """After `close` the count of callbacks stands still, and a new stream goes on with it."""
    engine = Engine(program(), 2)
    for _ in range(2):
        stream = _stream()
        stream.start(engine)
        _run(engine, 120)
        stream.close()
        engine.poll()
        count = engine.statistics.served
        time.sleep(0.1)
        engine.poll()
        assert engine.statistics.served == count > 100


def test_programs_take_over_from_each_other_on_a_running_stream() -> None:
    """Ten programs, one after another, each play alone once their fade is over; the clock goes on."""
    engine = Engine(program(), 2)
    stream = _stream()
    stream.start(engine)
    try:
        for seed in range(10):
            new = program(Neural(model=random_model("lstm_1x16", seed)))
            engine.publish(new)
            assert engine.wait_until_settled(60.0)
            assert engine.playing is new
    finally:
        stream.close()
    engine.poll()
    assert engine.statistics.served > 10 * 15
