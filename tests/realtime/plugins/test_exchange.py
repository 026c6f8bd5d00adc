"""The audio thread's side of a live plugin: on time, late, and back again, sample by sample."""

from __future__ import annotations

import os
import signal as signals
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.plugins.hosted import Hosted
from tonerig.realtime.plugins.layout import HOLD_S, TURNS
from tonerig.realtime.processors.parallel import Parallel

from .hosts import (
    PERIOD,
    RATE,
    Live,
    Signal,
    Trouble,
    ZamVerb,
    caught_up,
    in_pieces,
    live,
    needs_made,
    needs_zam,
    noise,
    offline,
    pid_of,
    rendered,
    wait_until,
)

pytestmark = needs_made

FADE = 480  # 10 ms
DECAY = np.exp(-1 / (HOLD_S * RATE))
HALF_DB, HALF = {"gain_db": -6.0}, 10 ** (-6 / 20)
"""A plugin that is not to be mistaken for the dry sound."""


def sine(frames: int, frequency_hz: float = 170.0, level: float = 0.5) -> Signal:
    """Two channels of a sine, the right one upside down."""
    one = level * np.sin(2 * np.pi * frequency_hz * np.arange(frames) / RATE)
    return np.stack([one, -one]).astype(np.float32)


def delayed(signal: NDArray[Any], frames: int) -> NDArray[Any]:
    """A signal that begins later, as long as before."""
    return np.pad(signal, ((0, 0), (frames, 0)))[:, : signal.shape[1]]


def largest_step(signal: NDArray[Any]) -> float:
    """Between neighbouring samples."""
    return float(np.abs(np.diff(signal.astype(np.float64))).max())


def stop(hosted: Hosted) -> None:
    """Let the worker stand still."""
    os.kill(pid_of(hosted), signals.SIGSTOP)
    status = Path(f"/proc/{pid_of(hosted)}/stat")
    wait_until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T")


def resume(hosted: Hosted) -> None:
    """Let it go on, and catch up."""
    os.kill(pid_of(hosted), signals.SIGCONT)
    wait_until(lambda: caught_up(hosted))


@contextmanager
def stopped(hosted: Hosted) -> Iterator[None]:
    """A time in which the worker stands still."""
    stop(hosted)
    try:
        yield
    finally:
        resume(hosted)


@pytest.mark.parametrize("sizes", [(PERIOD,), (1,), (16, 48), (1, 63, 40, 24)])
def test_a_block_comes_back_a_period_later(sizes: tuple[int, ...]) -> None:
    """Into whatever pieces the device's are cut, each sample is heard 64 samples later, and none is late."""
    hosted = Trouble()
    player = Live(live(hosted, inputs=2), hosted)
    x = noise(2, 1280 if sizes == (1,) else 12_800)
    parts, start = [], 0
    while start < x.shape[1]:
        for size in sizes:
            if start < x.shape[1]:
                parts.append(player.play(x[:, start : start + size]))
                start += parts[-1].shape[1]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), delayed(x, PERIOD))
    assert hosted.blocks == (len(parts), 0)


def test_one_that_begins_amid_a_block_of_the_device() -> None:
    """It is in step from the device's next block on: a single one is late, and the worker hears all."""
    hosted = Trouble()
    player = Live(live(hosted, inputs=2), hosted)
    x = noise(2, 6400)
    parts = [player.play(x[:, :23]), *(player.play(part) for part in in_pieces(x[:, 23:], PERIOD))]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), delayed(x, PERIOD))
    assert hosted.blocks[1] == 1


@pytest.mark.parametrize("sizes", [(PERIOD,), (16, 48), (5, 7, 52)])
def test_a_plugin_gets_whole_blocks(sizes: tuple[int, ...]) -> None:
    """However a block is cut, the worker is handed blocks of the length that it was prepared for."""
    hosted = Trouble()
    player = Live(live(hosted, inputs=2), hosted)
    for part in in_pieces(noise(2, 20 * PERIOD), *sizes):
        player.play(part)
    assert hosted.hosting is not None
    blocks = hosted.hosting.record["blocks"][: hosted.hosting["submitted"]]
    assert blocks["frames"].tolist() == [PERIOD] * 20
    assert blocks["position"].tolist() == list(range(0, 20 * PERIOD, PERIOD))


def test_the_plugins_own_latency_comes_on_top() -> None:
    """A plugin 100 samples late that says so is heard after 164, and so is the dry sound in its place."""
    hosted = Trouble({"late_by": 100.0, "says_late_by": 100.0})
    program = live(hosted, inputs=2)
    player = Live(program, hosted)
    assert program.latency == PERIOD + 100
    x = noise(2, 200 * PERIOD)
    first = player.play(x[:, : 50 * PERIOD])
    with stopped(hosted):
        second = player.play(x[:, 50 * PERIOD : 150 * PERIOD], wait=False)
    third = player.play(x[:, 150 * PERIOD :])
    assert hosted.blocks == (200, 99)
    expected = delayed(x, 164)
    np.testing.assert_array_equal(first, expected[:, : 50 * PERIOD])
    np.testing.assert_array_equal(second[:, 3200:], expected[:, 100 * PERIOD : 150 * PERIOD])
    np.testing.assert_allclose(third, expected[:, 150 * PERIOD :], atol=1e-7)


def test_a_gap_is_bridged_from_the_last_sample() -> None:
    """In place of what is missing: the dry sound, and the difference to the last sample as it dies away."""
    hosted = Trouble(HALF_DB)
    player = Live(live(hosted, inputs=2), hosted)
    x = sine(100 * PERIOD)
    before = player.play(x[:, : 10 * PERIOD])
    with stopped(hosted):
        during = player.play(x[:, 10 * PERIOD : 60 * PERIOD], wait=False)
        assert hosted.blocks == (60, 49)  # the first block while it stood still was done before
    heard = np.concatenate([before, during], axis=1).astype(np.float64)
    dry = delayed(x, PERIOD)[:, : 60 * PERIOD].astype(np.float64)
    gap = 11 * PERIOD
    np.testing.assert_allclose(heard[:, :gap], HALF * dry[:, :gap], rtol=1e-6, atol=1e-8)
    held = heard[:, gap - 1] - dry[:, gap]
    assert np.abs(held).min() > 0.1
    bridge = dry[:, gap:] + held[:, np.newaxis] * DECAY ** np.arange(dry.shape[1] - gap)
    np.testing.assert_allclose(heard[:, gap:], bridge, atol=1e-6)
    np.testing.assert_array_equal(heard[:, -PERIOD:], dry[:, -PERIOD:])
    assert largest_step(heard) <= largest_step(x) + np.abs(held).max() * (1 - DECAY) + 1e-6


def test_a_gap_of_a_stereo_plugin_on_a_mono_sound() -> None:
    """The one channel that went in is what is heard on both sides."""
    hosted = Trouble(HALF_DB)
    player = Live(live(hosted), hosted)
    x = sine(100 * PERIOD)[:1]
    player.play(x[:, : 10 * PERIOD])
    with stopped(hosted):
        during = player.play(x[:, 10 * PERIOD :], wait=False)
    dry = delayed(x, PERIOD)[:, 60 * PERIOD :]
    np.testing.assert_array_equal(during[:, 50 * PERIOD :], np.repeat(dry, 2, axis=0))


def test_a_gap_can_be_silence() -> None:
    """With ``late`` at silence the last sample dies away to nothing."""
    hosted = Trouble({**HALF_DB, "late": 1})
    player = Live(live(hosted, inputs=2), hosted)
    x = sine(200 * PERIOD)
    player.play(x[:, : 13 * PERIOD])
    with stopped(hosted):
        during = player.play(x[:, 13 * PERIOD :], wait=False)
    last = during[:, PERIOD - 1]
    assert np.abs(last).min() > 0.05
    np.testing.assert_allclose(
        during[:, PERIOD:],
        last[:, np.newaxis] * DECAY ** np.arange(during.shape[1] - PERIOD),
        atol=1e-6,
    )
    assert not during[:, -PERIOD:].any()


def test_the_return_is_a_fade_to_the_sound_as_if_nothing_had_been() -> None:
    """Every block of the gap was played once, in order: a plugin with a long memory lacks nothing of it."""
    hosted = Trouble({**HALF_DB, "late_by": 3000.0, "bright": 1})
    player = Live(live(hosted, inputs=2), hosted)
    x = noise(2, 200 * PERIOD)
    player.play(x[:, : 20 * PERIOD])
    with stopped(hosted):
        player.play(x[:, 20 * PERIOD : 60 * PERIOD], wait=False)
    after = player.play(x[:, 60 * PERIOD :])
    assert hosted.blocks == (200, 39)

    loud = HALF * x.astype(np.float64)
    wet = delayed(loud - 0.5 * delayed(loud, 1), 3000 + PERIOD)[:, 60 * PERIOD :]
    dry = delayed(x, PERIOD)[:, 60 * PERIOD :].astype(np.float64)
    share = np.minimum(np.arange(1, wet.shape[1] + 1) / FADE, 1.0)
    np.testing.assert_allclose(after, dry + share * (wet - dry), atol=1e-5)
    np.testing.assert_allclose(after[:, FADE:], wet[:, FADE:], atol=1e-7)


def test_a_gap_during_the_return_is_bridged_too() -> None:
    """Late again before the fade is over: no step larger than the sound's own and the decays'."""
    hosted = Trouble(HALF_DB)
    player = Live(live(hosted, inputs=2), hosted)
    x = sine(400 * PERIOD)
    parts, position = [], 0
    for gap in (8, 2, 3, 1, 5, 2, 2, 2, 9):
        parts.append(player.play(x[:, position : position + 3 * PERIOD]))
        position += 3 * PERIOD
        with stopped(hosted):
            parts.append(player.play(x[:, position : position + gap * PERIOD], wait=False))
        position += gap * PERIOD
    parts.append(player.play(x[:, position:]))
    heard = np.concatenate(parts, axis=1)
    dry = delayed(x, PERIOD)
    assert hosted.blocks[1] == sum(gap - 1 for gap in (8, 2, 3, 1, 5, 2, 2, 2, 9))
    fade = 0.25 / FADE  # wet and dry are never further apart than that
    assert largest_step(heard) <= largest_step(x) + 0.5 * (1 - DECAY) + fade
    np.testing.assert_allclose(heard[:, -6000:], HALF * dry[:, -6000:], rtol=1e-6, atol=1e-8)


def test_a_stop_so_long_that_the_ring_of_sound_is_full() -> None:
    """What is overwritten is not played, later sound is, and nothing else is ever heard."""
    size = PERIOD
    hosted = Trouble(HALF_DB)
    player = Live(live(hosted, inputs=2), hosted)
    assert hosted.hosting is not None
    ahead, count = 32 * size, hosted.hosting.capacity + 80 * size
    x = sine(ahead + count + 6400)
    parts = [player.play(x[:, :ahead])]
    with stopped(hosted):
        parts += [player.play(part, wait=False) for part in in_pieces(x[:, ahead : ahead + count], size)]
        assert hosted.hosting["submitted"] - hosted.hosting["taken"] == count // size
    late = hosted.blocks[1]
    parts += [player.play(part) for part in in_pieces(x[:, ahead + count :], size)]
    heard = np.concatenate(parts, axis=1)
    dry = delayed(x, PERIOD)
    alone = slice(ahead + 4000, ahead + count)
    np.testing.assert_array_equal(heard[:, alone], dry[:, alone])
    assert largest_step(heard) <= largest_step(x) + 0.25 * (1 - DECAY) + 0.25 / FADE
    np.testing.assert_allclose(heard[:, -3200:], HALF * dry[:, -3200:], rtol=1e-6, atol=1e-8)
    assert hosted.blocks[1] - late <= PERIOD // size


def test_a_worker_that_comes_and_goes() -> None:
    """Stopped and resumed at random while blocks go on: no step, each input once, in the end all is right."""
    hosted = Trouble({**HALF_DB, "late_by": 64.0})
    player = Live(live(hosted, inputs=2), hosted)
    random = np.random.default_rng(3)
    blocks = 1500
    x = sine(blocks * PERIOD)
    parts, standing = [], False
    for k in range(blocks):
        if k < 1400 and random.random() < 0.05:
            os.kill(pid_of(hosted), signals.SIGCONT if standing else signals.SIGSTOP)
            standing = not standing
        elif k == 1400:
            resume(hosted)
        part = x[:, k * PERIOD : (k + 1) * PERIOD]
        # Now and then it catches up, or a busy machine could leave it behind all the time.
        parts.append(player.play(part, wait=k >= 1400 or (k % 4 == 0 and not standing)))
    heard = np.concatenate(parts, axis=1)
    wet = HALF * delayed(x, 2 * PERIOD)
    due, late = hosted.blocks
    assert due == blocks
    assert 0 < late < 1400
    assert largest_step(heard) <= largest_step(x) + (1 - DECAY) + 1.0 / FADE
    np.testing.assert_allclose(heard[:, -5000:], wet[:, -5000:], rtol=1e-6, atol=1e-8)


def test_the_dry_path_beside_a_live_plugin_waits_for_it() -> None:
    """In ``parallel``, both paths are a period late, and their mix is the signal."""
    hosted = Trouble({"late_by": 32.0, "says_late_by": 32.0})
    player = Live(live(Parallel({"mix": 50.0}, a=[hosted], b=[]), inputs=2), hosted)
    x = noise(2, 6400)
    np.testing.assert_array_equal(player.play(x), delayed(x, PERIOD + 32))


def glide(start_db: float, goal_db: float, frames: int) -> Signal:
    """Factors of a gain on its way: 20 ms on a straight line in dB, in pieces of 64 samples."""
    step = np.minimum((np.arange(frames) // 64 + 1) * 64 / (0.02 * RATE), 1.0)
    return (10 ** ((start_db + step * (goal_db - start_db)) / 20)).astype(np.float32)


def test_a_turned_knob_glides_from_the_next_block_on() -> None:
    """A goal written to the state moves the sound over 20 ms, a second one from where the first was."""
    hosted = Trouble({"gain_db": 0.0})
    player = Live(live(hosted, inputs=2), hosted)
    x = noise(2, 100 * PERIOD)
    parts = [player.play(x[:, : 10 * PERIOD])]
    hosted.state.record["gain_db"] = -12.0
    parts.append(player.play(x[:, 10 * PERIOD : 40 * PERIOD]))
    hosted.state.record["gain_db"] = 6.0
    parts.append(player.play(x[:, 40 * PERIOD :]))
    factors = np.ones(x.shape[1], np.float32)
    factors[10 * PERIOD : 40 * PERIOD] = glide(0.0, -12.0, 30 * PERIOD)
    factors[40 * PERIOD :] = glide(-12.0, 6.0, 60 * PERIOD)
    np.testing.assert_allclose(
        np.concatenate(parts, axis=1), delayed(factors * x, PERIOD), rtol=1e-4, atol=1e-7
    )


def test_a_choice_jumps_at_the_block() -> None:
    """A switch and a word are another thing at once, with the first sample of the next block."""
    hosted = Trouble()
    player = Live(live(hosted, inputs=2), hosted)
    x = noise(2, 30 * PERIOD, level=0.5)
    parts = []
    for k, voicing in enumerate((0, 2, 1)):
        hosted.state.record["voicing"] = voicing
        parts.append(player.play(x[:, k * 10 * PERIOD : (k + 1) * 10 * PERIOD]))
    clean, hard, warm = np.split(x, 3, axis=1)
    expected = np.concatenate([clean, np.clip(hard, -0.25, 0.25), np.tanh(warm)], axis=1)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), delayed(expected, PERIOD), atol=1e-7)


def test_turns_keep_their_place_in_the_sound_while_the_worker_stands_still() -> None:
    """Each change is heard in the blocks that came after it, however late they are played."""
    hosted = Trouble({"late_by": 3200.0})
    player = Live(live(hosted, inputs=2), hosted)
    x = noise(2, 140 * PERIOD, level=0.5)
    player.play(x[:, : 10 * PERIOD])
    with stopped(hosted):
        for start, voicing in ((10, 2), (20, 1), (30, 0)):
            hosted.state.record["voicing"] = voicing
            player.play(x[:, start * PERIOD : (start + 10) * PERIOD], wait=False)
    heard = player.play(x[:, 40 * PERIOD :])
    voiced = x.copy()
    voiced[:, 10 * PERIOD : 20 * PERIOD] = np.clip(x[:, 10 * PERIOD : 20 * PERIOD], -0.25, 0.25)
    voiced[:, 20 * PERIOD : 30 * PERIOD] = np.tanh(x[:, 20 * PERIOD : 30 * PERIOD])
    expected = delayed(voiced, 3200 + PERIOD)[:, 40 * PERIOD :]
    np.testing.assert_allclose(heard[:, FADE:], expected[:, FADE:], atol=1e-7)


def test_knobs_of_plugins_that_share_a_worker_are_not_mistaken() -> None:
    """Of three in one process each is turned by its own goal, in order."""
    chain = [Trouble({"isolate": 1}) for _ in range(3)]
    player = Live(live(*chain, inputs=2), chain[0])
    x = noise(2, 40 * PERIOD, level=0.5)
    player.play(x[:, : 10 * PERIOD])
    chain[1].state.record["voicing"] = 2
    chain[2].state.record["gain_db"] = 6.0
    player.play(x[:, 10 * PERIOD : 30 * PERIOD])
    chain[0].state.record["voicing"] = 1
    heard = player.play(x[:, 30 * PERIOD :])
    dry = delayed(x, PERIOD)[:, 30 * PERIOD :].astype(np.float64)
    expected = 10 ** (6 / 20) * np.clip(np.tanh(dry[:, PERIOD:]), -0.25, 0.25)
    np.testing.assert_allclose(heard[:, PERIOD:], expected, atol=1e-6)
    assert [trouble.hosting["submitted"] for trouble in chain if trouble.hosting] == [40] * 3


def test_more_turns_than_there_is_room_for_all_arrive() -> None:
    """One knob turned once, two with each of 2400 blocks, while nobody reads: the last values hold."""
    hosted = Trouble()
    player = Live(live(hosted, inputs=2), hosted)
    x = noise(2, 2600 * PERIOD)
    record = hosted.state.record
    with stopped(hosted):
        record["bright"] = 1
        for k in range(2400):
            record["gain_db"], record["voicing"] = -k / 100, k % 3  # in the end 2, hard
            player.play(x[:, k * PERIOD : (k + 1) * PERIOD], wait=False)
        assert hosted.hosting is not None
        assert hosted.hosting["turns_written"] - hosted.hosting["turns_read"] == TURNS
        record["gain_db"] = 6.0
    heard = player.play(x[:, 2400 * PERIOD :])
    loud = 10 ** (6 / 20) * x.astype(np.float64)
    voiced = np.clip(loud - 0.5 * delayed(loud, 1), -0.25, 0.25)
    expected = delayed(voiced, PERIOD)[:, 2400 * PERIOD :]
    np.testing.assert_allclose(heard[:, -3200:], expected[:, -3200:], atol=1e-5)


@needs_zam
def test_live_a_plugin_is_prepared_for_the_devices_block() -> None:
    """A reverb that is a wire for any other length is heard, as offline in blocks of that length."""
    values = {"wet_dry": 100.0}
    burst = noise(2, 16_000)
    burst[:, 2000:] = 0.0
    hosted = ZamVerb(values)
    heard = Live(live(hosted, inputs=2), hosted).play(burst)
    expected = rendered(offline(ZamVerb(values), inputs=2, max_block=PERIOD), burst)
    assert np.abs(expected[:, 8000:]).max() > 1e-3
    np.testing.assert_allclose(heard, delayed(expected, PERIOD), atol=1e-6)
