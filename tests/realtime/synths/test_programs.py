"""Program changes: which synth of a program a channel plays, and what goes on sounding."""

from __future__ import annotations

from collections.abc import Sequence

from tonerig.realtime.synths.layout import DRUM_BANK, DRUM_CHANNEL

from .play import RATE, Player, control, four, note, note_off, note_on, program_change

SECOND = round(RATE)


def band_of_two(follow: Sequence[int] = (1, 2, 10)) -> Player:
    """One synth is program 1, the other 5 to 8 and drums; channels 1 and 3 start with the first."""
    programs = [(0, 0, 0), (4, 7, 1), (3 * 128 + 2, 3 * 128 + 2, 1), (DRUM_BANK, DRUM_BANK, 1)]
    synths = [four(), four(release_s=0.5)]
    synths[0].play_on([1, 3], follow=follow, programs=programs, owner=0)
    synths[1].play_on([DRUM_CHANNEL], follow=follow, programs=programs, owner=1)
    return Player(*synths)


def playing(band: Player, channel: int) -> list[int]:
    """The synths that play a channel's next note."""
    band.play([note_on(0, 60, channel=channel)], 480)
    owners = [index for index in (0, 1) if band.sounding(index)]
    band.play([note_off(0, 60, channel=channel)], SECOND)
    return owners


def test_program_changes_move_channels_between_synths() -> None:
    """A program that another synth has moves the channel to it; one that nobody has moves it nowhere."""
    band = band_of_two()
    assert [playing(band, channel) for channel in (1, 2, 3, 10)] == [[0], [], [0], [1]]
    for program, owner in ((5, [1]), (30, [1]), (0, [0]), (7, [1]), (4, [1])):
        band.play([program_change(0, program)], 480)
        assert playing(band, 1) == owner
    band.play([program_change(0, 5, 3), program_change(0, 0, 2)], 480)
    assert playing(band, 3) == [0] and playing(band, 2) == [0]


def test_a_bank_counts_with_the_next_program() -> None:
    """Controllers 0 and 32 change nothing by themselves, then the program is looked for in their bank."""
    band = band_of_two()
    band.play([control(0, 0, 0), control(0, 32, 3)], 480)
    assert playing(band, 1) == [0]
    band.play([program_change(0, 2)], 480)
    assert playing(band, 1) == [1]
    band.play([control(0, 32, 0)], 480)
    assert playing(band, 1) == [1]
    band.play([program_change(1, 0)], 480)
    assert playing(band, 1) == [0]


def test_a_program_that_its_bank_lacks_is_that_of_bank_0() -> None:
    """As in `play`; but a kit of drums that there is none of changes nothing."""
    band = band_of_two()
    band.play([control(0, 0, 121), control(0, 32, 1), program_change(1, 6)], 480)
    assert playing(band, 1) == [1]
    band.play([control(0, 0, 8), program_change(1, 0)], 480)
    assert playing(band, 1) == [0]
    band.play([control(0, 0, 120), control(0, 32, 9), program_change(1, 5)], 480)
    assert playing(band, 1) == [0]


def test_drums_stay_drums() -> None:
    """Channel 10 is in the bank of drums, also where a song sets its bank to 0."""
    band = band_of_two()
    band.play([control(0, 0, 0, 10), program_change(1, 5, 10), program_change(2, 0, 10)], 480)
    assert playing(band, 10) == [1]


def test_notes_held_across_a_program_change() -> None:
    """They sound on in the synth that began them, under its pedal, until their key and the pedal are up."""
    band = band_of_two()
    band.play([control(0, 64, 127), note_on(0, 60), note_on(0, 64), program_change(100, 5)], 480)
    band.play([note_on(0, 67), note_off(10, 60)], 480)
    assert (band.held(0), band.held(1)) == ([60, 64], [67])
    band.play([control(0, 64, 0)], 480)
    assert (band.held(0), band.held(1)) == ([64], [67])
    band.play([note_off(0, 64), note_off(0, 67)], SECOND)
    assert band.sounding(0) == band.sounding(1) == 0


def test_controllers_are_heard_before_the_program_comes() -> None:
    """A synth that a channel moves to knows the controllers that came before."""
    band = band_of_two()
    band.play([control(0, 64, 127), control(0, 7, 0), program_change(1, 5)], 480)
    x = band.play(note(0, 60, 100), 4800)
    assert band.held(1) == [60] and not x.any()
