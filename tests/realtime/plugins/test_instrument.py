"""An instrument in a worker: its notes to the sample, beside a guitar that is not touched."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.plugins.layout import EVENTS
from tonerig.realtime.processors.gain import Gain

from .hosts import PERIOD, RATE, Live, Pipe, Signal, Trouble, in_pieces, live, needs_made, noise, offline
from .test_exchange import DECAY, FADE, delayed, stopped

pytestmark = needs_made

RELEASE = round(0.005 * RATE)
Message = tuple[int, int, int, int]
"""Frame, status, two data bytes."""


def records(*messages: Message) -> NDArray[np.void]:
    """`EVENT` records of messages in order."""
    return np.array(
        [(*message, 2 if message[1] & 0xF0 in (0xC0, 0xD0) else 3) for message in messages], EVENT
    )


def sines(frames: int, *notes: tuple[int, int, int, int], volume_db: float = 0.0) -> Signal:
    """What Pipe plays, by its formula, see ``tests/plugins/pipe.cpp``.

    Parameters
    ----------
    notes : first frame, frame of the end, key, velocity
    """
    n = np.arange(frames)
    sound = np.zeros(frames)
    for start, end, key, velocity in notes:
        tone = np.sin(2 * np.pi * 440 * 2 ** ((key - 69) / 12) * (n - start) / RATE)
        envelope = np.where(n < start, 0.0, np.clip(1 - (n - end) / RELEASE, 0.0, 1.0))
        sound += 0.2 * velocity / 127 * envelope * tone
    return np.tile(10 ** (volume_db / 20) * sound, (2, 1)).astype(np.float32)


FRAMES = 12_800
SONG: tuple[Message, ...] = (
    (10, 0x90, 69, 127),
    (700, 0x93, 52, 64),
    (701, 0x90, 76, 1),
    (3000, 0x80, 69, 0),
    (3000, 0x90, 57, 100),
    (6399, 0x93, 52, 0),  # a note-on of velocity 0
    (6400, 0x90, 57, 50),  # struck again
    (9000, 0x82, 57, 64),
    (9001, 0x90, 76, 0),
)
NOTES = (
    (10, 3000, 69, 127),
    (700, 6399, 52, 64),
    (701, 9001, 76, 1),
    (3000, 6400, 57, 100),
    (6400, 9000, 57, 50),
)


def played(program: Program, guitar: Signal, events: NDArray[np.void], *sizes: int) -> Signal:
    """What an offline program makes of a guitar and notes in blocks of these sizes."""
    runner, parts, start = Runner(program), [], 0
    for part in in_pieces(guitar, *sizes):
        due = events[(events["frame"] >= start) & (events["frame"] < start + part.shape[1])].copy()
        due["frame"] -= start
        parts.append(runner.process(part, due))
        start += part.shape[1]
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("sizes", [(512,), (64,), (FRAMES,), (1, 7, 512, 64, 1000, 333)])
def test_notes_are_where_they_belong(sizes: tuple[int, ...]) -> None:
    """Offline every note begins and ends at its sample, added to the guitar, which is not delayed."""
    pipe = Pipe({"volume_db": -6.0})
    program = offline(pipe)
    assert (program.latency, program.outputs, pipe.problem) == (0, 2, None)
    guitar = noise(1, FRAMES)
    output = played(program, guitar, records(*SONG), *sizes)
    np.testing.assert_allclose(output, guitar + sines(FRAMES, *NOTES, volume_db=-6.0), atol=1e-6)


def test_live_the_notes_are_a_period_late_and_the_guitar_is_not() -> None:
    """With all the time it takes the worker's sound is 64 samples late; what comes in passes at once."""
    pipe = Pipe()
    program = live(pipe, inputs=2)
    assert program.latency == 0
    guitar = noise(2, FRAMES)
    output = Live(program, pipe).play(guitar, records(*SONG))
    np.testing.assert_allclose(output, guitar + delayed(sines(FRAMES, *NOTES), PERIOD), atol=1e-6)
    assert pipe.blocks == (FRAMES // PERIOD, 0)


def test_live_a_block_that_is_cut_keeps_its_notes_in_place() -> None:
    """Blocks shorter than the period: still 64 samples late, each note at its sample."""
    pipe = Pipe()
    player = Live(live(pipe, inputs=2), pipe)
    events, parts, start = records(*SONG), [], 0
    silence = np.zeros((2, FRAMES), np.float32)
    for part in in_pieces(silence, 64, 10, 54, 1, 63):
        due = events[(events["frame"] >= start) & (events["frame"] < start + part.shape[1])].copy()
        due["frame"] -= start
        parts.append(player.play(part, due))
        start += part.shape[1]
    output = np.concatenate(parts, axis=1)
    np.testing.assert_allclose(output, delayed(sines(FRAMES, *NOTES), PERIOD), atol=1e-6)


def test_a_reset_ends_all_notes_and_plays_the_same_again() -> None:
    """In the middle of a chord: silence, then the same song."""
    program = offline(Pipe())
    silence = np.zeros((1, FRAMES), np.float32)
    played(program, silence[:, :5000], records(*SONG[:5]), 512)
    program.reset()
    assert np.abs(played(program, silence[:, :2000], records(), 512)).max() < 1e-4
    program.reset()
    output = played(program, silence, records(*SONG), 512)
    np.testing.assert_allclose(output, sines(FRAMES, *NOTES), atol=1e-4)


def test_a_turned_knob_moves_the_notes() -> None:
    """The volume's goal arrives like an effect's."""
    pipe = Pipe()
    program = offline(pipe)
    silence = np.zeros((1, 4800), np.float32)
    played(program, silence, records((0, 0x90, 69, 127)), 512)
    pipe.state.record["volume_db"] = -12.0
    output = played(program, silence, records(), 512)
    expected = sines(9600, (0, 10**6, 69, 127), volume_db=-12.0)[:, 4800:]
    np.testing.assert_allclose(output[:, 2000:], expected[:, 2000:], atol=1e-6)


def test_only_its_channels_play_it() -> None:
    """A note of another channel is not heard, whatever ends it may well be."""
    pipe = Pipe()
    pipe.play_on([2, 3])
    program = offline(pipe)
    song = records(
        (0, 0x90, 60, 127), (0, 0x91, 69, 100), (100, 0x92, 76, 50), (200, 0x93, 50, 127), (900, 0x80, 69, 0)
    )
    output = played(program, np.zeros((1, 2000), np.float32), song, 512)
    expected = sines(2000, (0, 900, 69, 100), (100, 10**6, 76, 50))
    np.testing.assert_allclose(output, expected, atol=1e-6)


def test_program_changes_move_channels_between_instruments() -> None:
    """Notes begin on the one that the channel plays; those begun before are ended where they sound."""
    loud, soft = Pipe(), Pipe({"volume_db": -20.0})
    programs = [(0, 3, 0), (4, 7, 1)]
    loud.play_on([1], follow=[1], programs=programs, owner=0)
    soft.play_on([], follow=[1], programs=programs, owner=1)
    song = records(
        (100, 0x90, 69, 127),
        (300, 0xC0, 5, 0),
        (301, 0x90, 76, 127),
        (1000, 0x80, 69, 0),  # begun on the first one
        (1500, 0xC0, 2, 0),
        (1501, 0x90, 57, 127),
        (2000, 0xC0, 99, 0),  # nobody's: it changes nothing
        (2001, 0x90, 45, 127),
        (2500, 0x80, 76, 0),
        (2600, 0x80, 57, 0),
        (2600, 0x80, 45, 0),
    )
    output = played(offline(loud, soft), np.zeros((1, 4000), np.float32), song, 512)
    first = sines(4000, (100, 1000, 69, 127), (1501, 2600, 57, 127), (2001, 2600, 45, 127))
    second = sines(4000, (301, 2500, 76, 127), volume_db=-20.0)
    np.testing.assert_allclose(output, first + second, atol=1e-6)


def test_the_patchs_effects_are_heard_on_its_sound_alone() -> None:
    """A gain among its effects halves the notes and leaves the guitar alone."""
    guitar = noise(1, FRAMES)
    program = offline(Pipe(effects=[Gain({"gain_db": -6.0}), Gain({"gain_db": -6.0})]))
    output = played(program, guitar, records(*SONG), 512)
    np.testing.assert_allclose(output, guitar + sines(FRAMES, *NOTES, volume_db=-12.0), atol=1e-6)


def test_a_plugin_among_the_patchs_effects() -> None:
    """Clipped by a worker of its own: offline in its place, live another period late."""
    guitar = noise(2, FRAMES)
    clipped = np.clip(sines(FRAMES, *NOTES, volume_db=10.0), -0.25, 0.25)
    assert np.abs(clipped).max() == 0.25
    pipe = Pipe({"volume_db": 10.0}, effects=[Trouble({"voicing": 2})])
    output = played(offline(pipe, inputs=2), guitar, records(*SONG), 512, 100)
    np.testing.assert_allclose(output, guitar + clipped, atol=2e-6)
    inner = Trouble({"voicing": 2})
    pipe = Pipe({"volume_db": 10.0}, effects=[inner])
    output = Live(live(pipe, inputs=2), pipe, inner).play(guitar, records(*SONG))
    np.testing.assert_allclose(output, guitar + delayed(clipped, 2 * PERIOD), atol=2e-6)


def test_a_worker_that_stands_still_costs_its_own_sound_alone() -> None:
    """The guitar goes on to the bit; the notes die away, are played all the same, and fade back in."""
    pipe = Pipe()
    player = Live(live(pipe, inputs=2), pipe)
    guitar = np.zeros((2, 300 * PERIOD), np.float32)
    guitar[:] = noise(1, guitar.shape[1], level=0.01)
    events = records((0, 0x90, 69, 127), (90 * PERIOD + 5, 0x90, 76, 127), (150 * PERIOD, 0x80, 69, 0))

    def take(first: int, last: int, *, wait: bool = True) -> Signal:
        start, end = first * PERIOD, last * PERIOD
        due = events[(events["frame"] >= start) & (events["frame"] < end)].copy()
        due["frame"] -= start
        return player.play(guitar[:, start:end], due, wait=wait) - guitar[:, start:end]

    before = take(0, 51)
    with stopped(pipe):
        during = take(51, 200, wait=False)
    after = take(200, 300)
    expected = delayed(
        sines(300 * PERIOD, (0, 150 * PERIOD, 69, 127), (90 * PERIOD + 5, 10**6, 76, 127)), PERIOD
    )
    np.testing.assert_allclose(before, expected[:, : 51 * PERIOD], atol=1e-6)
    last = during[:, PERIOD - 1 : PERIOD]
    fading = last * DECAY ** np.arange(during.shape[1] - PERIOD)
    np.testing.assert_allclose(during[:, PERIOD:], fading, atol=1e-6)
    share = np.minimum(np.arange(1, after.shape[1] + 1) / FADE, 1.0)
    np.testing.assert_allclose(after, share * expected[:, 200 * PERIOD :], atol=1e-5)


def test_releases_arrive_after_a_flood() -> None:
    """More notes than there is room for while the worker stands still: in the end none of them hangs."""
    pipe = Pipe()
    player = Live(live(pipe, inputs=2), pipe)
    silence = np.zeros((2, PERIOD), np.float32)
    with stopped(pipe):
        for k in range(EVENTS // 8):
            keys = [(0, 0x90, 20 + (16 * k + j) % 60, 100) for j in range(16)]
            player.play(silence, records(*keys), wait=False)
        for key in range(128):
            player.play(silence, records((0, 0x80, key, 0)), wait=False)
    player.play(np.zeros((2, 50 * PERIOD), np.float32))
    assert not player.play(np.zeros((2, 50 * PERIOD), np.float32)).any()


def test_notes_of_blocks_that_found_no_room_keep_their_order() -> None:
    """Struck late in a block and released early in the next one, both never played: it does not hang."""
    pipe = Pipe()
    player = Live(live(pipe, inputs=2), pipe)
    assert pipe.hosting is not None
    blocks = pipe.hosting.capacity // PERIOD + 100
    struck, released = records((10 * PERIOD + 60, 0x90, 69, 100), (11 * PERIOD + 3, 0x80, 69, 0))
    with stopped(pipe):
        player.play(np.zeros((2, blocks * PERIOD), np.float32), np.array([struck, released]), wait=False)
    player.play(np.zeros((2, 50 * PERIOD), np.float32))
    assert not player.play(np.zeros((2, 50 * PERIOD), np.float32)).any()


def test_an_instrument_that_cannot_be_loaded_lets_the_guitar_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says why; two channels come out all the same."""

    class Gone(Pipe):
        def order(self) -> dict[str, object]:
            return {**super().order(), "path": "/nowhere/Gone.vst3"}

    pipe = Gone()
    guitar = noise(1, 2000)
    output = played(offline(pipe), guitar, records((0, 0x90, 69, 127)), 512)
    np.testing.assert_array_equal(output, np.repeat(guitar, 2, axis=0))
    assert pipe.problem is not None
    assert "Gone" in pipe.problem


def silent(messages: Sequence[Message]) -> bool:
    """Whether nothing sounds in the end."""
    program = offline(Pipe())
    silence = np.zeros((1, 4096), np.float32)
    played(program, silence, records(*messages), 512)
    return not played(program, silence, records(), 512)[:, 2048:].any()


def test_all_notes_off_ends_them_from_any_channel() -> None:
    """Controllers 120 and 123, which a player sends who has lost his keyboard, reach the plugin."""
    chord = [(0, 0x90, key, 100) for key in (60, 64, 67)]
    assert not silent(chord)
    assert silent([*chord, (512, 0xB0, 123, 0)])
    assert silent([*chord, (512, 0xB5, 120, 0)])
