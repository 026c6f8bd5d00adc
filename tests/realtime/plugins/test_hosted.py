"""A plugin as a link of a chain, offline: its very samples, in their places, in every shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.plugins.hosted import HOSTING, Hosted
from tonerig.realtime.processors.gain import Gain
from tonerig.realtime.processors.parallel import Parallel
from tonerig.realtime.processors.processor import Processor, problems

from .hosts import (
    MADE,
    MAX_BLOCK,
    PERIOD,
    Ordered,
    Trouble,
    TroubleMono,
    ZaMaximX2,
    ZamComp,
    ZamTube,
    by_pedalboard,
    live,
    needs_made,
    needs_zam,
    noise,
    offline,
    pid_of,
    rendered,
)

FRAMES = 20_480
UNEVEN = (1, 7, 512, 64, 1000, 333)


@needs_zam
@pytest.mark.parametrize(
    ("kind", "channels", "values", "block", "apart"),
    [
        (ZamComp, 1, {"threshold_db": -30.0, "ratio": 8.0}, 512, 0.0),
        (ZamComp, 1, {"threshold_db": -30.0, "ratio": 8.0}, 4096, 0.0),
        (ZaMaximX2, 2, {"threshold_db": -10.0}, 512, 0.0),
        (ZamTube, 1, {"tube_drive": 5.0}, 512, 2e-4),  # one time in ten it does not start from the same state
    ],
)
def test_a_plugin_sounds_as_pedalboard_plays_it(
    kind: type[Ordered],
    channels: int,
    values: dict[str, float],
    block: int,
    apart: float,
    tmp_path: Path,
) -> None:
    """Sample for sample, once the latency is taken off, at the same block size."""
    signal = noise(channels, FRAMES)
    hosted = kind(values)
    output = rendered(offline(hosted, inputs=channels, max_block=block), signal)
    direct = by_pedalboard(kind.bundle, signal, tmp_path, block=block, turns=list(values.items()))
    assert hosted.problem is None
    assert not np.allclose(direct, signal, atol=1e-3)
    assert output.shape == direct.shape
    assert np.abs(output - direct).max() <= apart


@needs_zam
def test_the_latency_is_a_block_and_the_plugins_own() -> None:
    """Offline the worker is a block behind; ZaMaximX2 looks 480 samples ahead."""
    assert offline(ZaMaximX2(), inputs=2).latency == MAX_BLOCK + 480
    assert live(ZaMaximX2(), inputs=2).latency == PERIOD + 480


@needs_made
@pytest.mark.parametrize("sizes", [(MAX_BLOCK,), (64,), (1,), UNEVEN, (FRAMES,)])
def test_what_a_plugin_says_of_its_latency_is_taken_off(sizes: tuple[int, ...]) -> None:
    """A plugin that delays by 1000 samples and says so is a wire, whatever the blocks' lengths."""
    frames = 3000 if sizes == (1,) else FRAMES
    signal = noise(2, frames)
    program = offline(Trouble({"late_by": 1000.0, "says_late_by": 1000.0}), inputs=2)
    assert program.latency == MAX_BLOCK + 1000
    np.testing.assert_array_equal(rendered(program, signal, *sizes), signal)


@needs_made
def test_a_long_sound_goes_round_the_rings() -> None:
    """Blocks that end where the memory does, and go on at its beginning."""
    signal = noise(2, 300_000)
    hosted = Trouble({"late_by": 100.0, "says_late_by": 100.0})
    program = offline(hosted, inputs=2)
    assert hosted.hosting is not None
    assert hosted.hosting.capacity % 333
    np.testing.assert_array_equal(rendered(program, signal, 333), signal)
    assert hosted.hosting["position"] > 2 * hosted.hosting.capacity


@needs_made
@pytest.mark.parametrize("late_by", [0.0, 500.0])
def test_a_lie_about_the_latency_shifts_the_sound_and_no_more(late_by: float) -> None:
    """Said to be 300 samples late, a plugin's sound comes ``late_by`` - 300 samples late."""
    signal = noise(2, FRAMES)
    output = rendered(offline(Trouble({"late_by": late_by, "says_late_by": 300.0}), inputs=2), signal)
    shift = round(late_by) - 300
    assert output.shape == signal.shape
    if shift > 0:
        assert not output[:, :shift].any()
        np.testing.assert_array_equal(output[:, shift:], signal[:, :-shift])
    else:
        np.testing.assert_array_equal(output[:, :shift], signal[:, -shift:])


@needs_made
def test_two_in_a_row_are_one_after_the_other() -> None:
    """Clipping and then a gain; both latencies add up."""
    signal = noise(2, FRAMES)
    first = Trouble({"voicing": 2, "late_by": 100.0, "says_late_by": 100.0})
    program = offline(first, Trouble({"gain_db": 6.0, "late_by": 4.0, "says_late_by": 4.0}), inputs=2)
    assert program.latency == 2 * MAX_BLOCK + 104
    expected = np.float32(10 ** (6 / 20)) * np.clip(signal, -0.25, 0.25)
    np.testing.assert_allclose(rendered(program, signal, *UNEVEN), expected, rtol=1e-6)


@needs_made
def test_neighbours_that_share_a_worker_give_the_same_sound() -> None:
    """The same bits from one process and one block of delay as from three."""
    signal = noise(2, FRAMES)

    def chain(isolate: int) -> list[Hosted]:
        own = ({"voicing": 1}, {"gain_db": -3.0, "late_by": 40.0, "says_late_by": 40.0}, {"bright": 1})
        return [Trouble({**values, "isolate": isolate}) for values in own]

    apart, together = chain(0), chain(1)
    expected = rendered(offline(*apart, inputs=2), signal)
    program = offline(*together, inputs=2)
    np.testing.assert_array_equal(rendered(program, signal, *UNEVEN), expected)
    assert program.latency == MAX_BLOCK + 40
    assert len({pid_of(hosted) for hosted in apart}) == 3
    assert len({pid_of(hosted) for hosted in together}) == 1


@needs_made
def test_live_each_worker_costs_a_period() -> None:
    """Two in series are two periods late, two that share a worker are one."""
    assert live(Trouble(), Trouble(), inputs=2).latency == 2 * PERIOD
    assert live(Trouble({"isolate": 1}), Trouble({"isolate": 1}), inputs=2).latency == PERIOD
    own = Trouble(), Trouble({"isolate": 1}), Gain(), Trouble({"isolate": 1})
    assert live(*own, inputs=2).latency == 3 * PERIOD


@needs_made
@pytest.mark.parametrize("mix", [0.0, 50.0, 100.0])
def test_the_dry_path_beside_a_plugin_waits_for_it(mix: float) -> None:
    """A plugin that is a wire but late, and a real wire: any mix of both is the signal, to the bit."""
    signal = noise(2, FRAMES)
    wet = Trouble({"late_by": 200.0, "says_late_by": 200.0})
    output = rendered(offline(Parallel({"mix": mix}, a=[wet], b=[]), inputs=2), signal, *UNEVEN)
    np.testing.assert_array_equal(output, signal)


@needs_made
def test_a_reset_plays_the_same_again() -> None:
    """What a plugin, a shared worker and the rings remember is gone: the same sound gives the same bits."""
    signal = noise(2, FRAMES)
    late = {"late_by": 700.0, "says_late_by": 100.0, "bright": 1}
    program = offline(Trouble(late), Trouble({"isolate": 1}), Trouble({**late, "isolate": 1}), inputs=2)
    first = Runner(program).process(signal)
    for _ in range(2):
        program.reset()
        np.testing.assert_array_equal(Runner(program).process(signal), first)


@needs_made
def test_a_reset_keeps_what_was_turned() -> None:
    """A parameter that was turned stands there from the first sample on."""
    signal = noise(2, 4000)
    hosted = Trouble()
    program = offline(hosted, inputs=2)
    Runner(program).process(signal)
    program.set(hosted, "gain_db", 6.0)
    program.reset()
    expected = np.float32(10 ** (6 / 20)) * signal
    np.testing.assert_allclose(rendered(program, signal), expected, rtol=1e-6)


@needs_made
def test_a_mono_plugin_runs_on_each_side_of_a_stereo_sound() -> None:
    """Two channels through a plugin of one are two runs of it, with one set of parameters."""
    signal = noise(2, FRAMES)
    values = {"gain_db": 3.0, "bright": 1, "voicing": 1}
    stereo = rendered(offline(TroubleMono(values), inputs=2), signal)
    sides = [rendered(offline(TroubleMono(values)), signal[side : side + 1]) for side in range(2)]
    np.testing.assert_array_equal(stereo, np.concatenate(sides))
    assert not np.array_equal(stereo[0], stereo[1])


@needs_made
def test_a_stereo_plugin_on_a_mono_sound_gets_it_on_both_sides() -> None:
    """One channel goes into both, and two come out."""
    signal = noise(1, FRAMES)
    program = offline(Trouble({"voicing": 2}))
    assert program.outputs == 2
    expected = np.repeat(np.clip(signal, -0.25, 0.25), 2, axis=0)
    np.testing.assert_array_equal(rendered(program, signal, *UNEVEN), expected)


class Eight(Ordered):
    """Eight channels in, eight out."""

    name = "eight"
    parameters = HOSTING
    bundle = MADE / "Eight.vst3"


class Source(Eight):
    """Nothing in, two channels out."""

    name = "source"
    bundle = MADE / "Source.vst3"


class CrashAtLoad(Eight):
    """Never gets as far as having channels."""

    name = "crash_at_load"
    bundle = MADE / "CrashAtLoad.vst3"


class HangAtLoad(Eight):
    """Nor does this one."""

    name = "hang_at_load"
    bundle = MADE / "HangAtLoad.vst3"


@needs_made
@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        (Eight, "Eight takes neither one nor two channels; choose another plugin"),
        (Source, "Source takes neither one nor two channels; choose another plugin"),
        (CrashAtLoad, "crash_at_load crashed (SIGSEGV) while it was loaded"),
        (HangAtLoad, "hang_at_load was not loaded within 1 s: the worker does not answer"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_plugin_that_cannot_be_used_is_a_wire_and_says_why(
    kind: type[Ordered], sentence: str, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The chain plays on without it, and a sentence names the plugin and what is wrong."""
    if kind is HangAtLoad:
        monkeypatch.setattr("tonerig.realtime.plugins.hosting.START_S", 1.0)
    signal = noise(channels, 2000)
    chain: list[Processor] = [Gain(), kind(), Gain()]
    program = offline(*chain, inputs=channels)
    assert (program.latency, program.outputs) == (0, channels)
    np.testing.assert_array_equal(rendered(program, signal), signal)
    assert problems(chain) == [f"{sentence}; its place in the chain is a wire"]


@needs_made
def test_a_bundle_that_is_none_is_a_wire_too(broken_plugins: Path) -> None:
    """Each broken bundle has a sentence with its name, and the sound goes through."""
    signal = noise(1, 1000)
    for bundle in sorted(broken_plugins.iterdir()):
        kind = type("Broken", (Eight,), {"__module__": __name__, "bundle": bundle, "name": bundle.stem})
        hosted = kind()
        np.testing.assert_array_equal(rendered(offline(hosted), signal), signal)
        assert hosted.problem is not None
        assert bundle.stem in hosted.problem, hosted.problem


@needs_made
@pytest.mark.parametrize("rate", [44100.0, 96000.0])
def test_other_rates(rate: float) -> None:
    """The plugin hears of the stream's rate: its bundle is a wire there too, and aligned."""
    signal = noise(2, 3000)
    program = Program([Trouble({"late_by": 40.0, "says_late_by": 40.0})], rate, MAX_BLOCK, 2)
    np.testing.assert_array_equal(rendered(program, signal), signal)


@needs_made
def test_values_that_nobody_stated_are_the_plugins_own() -> None:
    """Its state says -6 dB, the link says nothing: -6 dB it is; what the link states counts more."""
    first = Trouble({"gain_db": -6.0, "voicing": 1})
    offline(first, inputs=2)
    assert first.hosting is not None
    answer = first.hosting.request({"request": "state"})
    again = Trouble(raw_state=answer["raw_states"][0])
    offline(again, inputs=2)
    assert again.values["gain_db"] == pytest.approx(-6.0, abs=1e-3)
    assert again.values["voicing"] == 1.0
    louder = Trouble({"gain_db": 6.0}, raw_state=answer["raw_states"][0])
    output = rendered(offline(louder, inputs=2), noise(2, 1000))
    assert (louder.values["gain_db"], louder.values["voicing"]) == (6.0, 1.0)
    np.testing.assert_allclose(output, np.tanh(10 ** (6 / 20) * noise(2, 1000)), atol=1e-6)


@needs_zam
@needs_made
def test_a_state_of_another_plugin_is_told_and_the_sound_goes_on() -> None:
    """It is not taken; the chain says so, and the plugin plays with the stated values."""
    stranger = Trouble()
    offline(stranger, inputs=2)
    assert stranger.hosting is not None
    state = stranger.hosting.request({"request": "state"})["raw_states"][0]
    values = {"threshold_db": -30.0}
    chain = [Parallel({"mix": 0.0}, a=[ZamComp(values, raw_state=state)], b=[])]
    signal = noise(1, 2000)
    np.testing.assert_array_equal(
        rendered(offline(*chain), signal), rendered(offline(ZamComp(values)), signal)
    )
    (sentence,) = problems(chain)
    assert "ZamComp" in sentence
    assert "another plugin" in sentence
