"""Playing songs: the engine's own output, whole, released at the end, and the guitar with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.links import Link
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.midi.files import Song, read_song
from tonerig.realtime.patches import Patch, library_patches, new_patch, save_patch
from tonerig.realtime.play import one_note, patches_for, play_song, sound_of
from tonerig.realtime.presets import Preset
from tonerig.realtime.render import RenderError
from tonerig.realtime.synths.band import band
from tonerig.realtime.synths.layout import DRUM_BANK
from tonerig.realtime.wav_writer import write_wav

from .midi.songs import song_bytes
from .wav_bytes import tone

CHORD = [
    (0, b"\x90\x40\x64"),
    (0, b"\x90\x43\x50"),
    (100, b"\x91\x30\x7f"),
    (480, b"\x80\x40\x00"),
    (480, b"\x80\x43\x00"),
    (700, b"\x81\x30\x00"),
]


@pytest.fixture
def song(tmp_path: Path, user_library: Path) -> Path:
    """Three notes on two channels, 0.73 s."""
    (tmp_path / "song.mid").write_bytes(song_bytes(CHORD))
    return tmp_path / "song.mid"


def four(name: str = "x", **values: float) -> Patch:
    return new_patch(name, "four", {"release_s": 0.05, **values})


def event(frame: int, *message: int) -> tuple[int, ...]:
    return (frame, *message, *[0] * (3 - len(message)), len(message))


def song_of(*events: tuple[int, ...]) -> Song:
    return Song("x", np.array(list(events), EVENT), 1.0, (), 0, 0)


def test_the_file_is_the_engines_output(song: Path, tmp_path: Path) -> None:
    """The sound is what the engine gives for blocks of 64 with each block's events, to the bit."""
    patches = {1: four(), 2: new_patch("y", "two")}
    result = play_song(song, tmp_path / "y.wav", patches)
    rate, y = wavfile.read(tmp_path / "y.wav")
    assert (rate, y.dtype, y.shape[1]) == (48000, np.dtype(np.float32), 2)
    events = read_song(song, 48000).events
    program = Program(band(patches, follow=False), 48000, 64, 1)
    runner = Runner(program)
    blocks = []
    for start in range(0, 48000, 64):
        due = events[(events["frame"] >= start) & (events["frame"] < start + 64)].copy()
        due["frame"] -= start
        blocks.append(runner.process(np.zeros((1, 64), np.float32), due))
    expected = np.concatenate(blocks, axis=1).T
    shared = min(len(y), len(expected))
    assert shared > 0.7 * 48000
    np.testing.assert_array_equal(y[:shared], expected[:shared])
    assert not expected[shared:].any()
    assert (result.notes, result.unended, result.muted) == (3, 0, ())
    assert result.seconds == len(y) / 48000
    assert result.peak_db == pytest.approx(20 * np.log10(float(np.abs(y).max())), abs=1e-6)


def test_guitar_and_synth_are_heard_together(song: Path, tmp_path: Path) -> None:
    """The file is the sum of a guitar through its preset and the synth, whose effects it does not pass."""
    x = 0.5 * tone(20_000)
    write_wav(tmp_path / "guitar.wav", x, 44100)
    chain = Preset("x", (Link("gain", {"gain_db": -6.0}),))
    patch = {0: new_patch("x", "four", {"release_s": 0.05}, effects=[Link("gain", {"gain_db": -12.0})])}
    play_song(song, tmp_path / "both.wav", patch, preset=chain, guitar=tmp_path / "guitar.wav")
    play_song(song, tmp_path / "alone.wav", patch, rate=44100)
    rate, both = wavfile.read(tmp_path / "both.wav")
    _, alone = wavfile.read(tmp_path / "alone.wav")
    assert rate == 44100 and len(both) == len(alone)
    expected = alone.copy()
    expected[:20_000] += (x[0] * 10 ** (-6 / 20))[:, None]
    np.testing.assert_allclose(both, expected, atol=1e-6)


def test_a_guitar_longer_than_the_song(song: Path, tmp_path: Path) -> None:
    """The sound lasts as long as the longer of both."""
    write_wav(tmp_path / "guitar.wav", tone(100_000), 48000)
    play_song(song, tmp_path / "y.wav", {0: four()}, guitar=tmp_path / "guitar.wav")
    _, y = wavfile.read(tmp_path / "y.wav")
    assert len(y) == 100_000
    np.testing.assert_allclose(y[60_000:, 0], tone(100_000)[0, 60_000:], atol=1e-6)


@pytest.mark.parametrize("pedal", [b"", b"\xb0\x40\x7f", b"\xb0\x42\x7f"])
def test_notes_without_ends_end_with_the_song(tmp_path: Path, user_library: Path, pedal: bytes) -> None:
    """A note that nothing ends, pedals down or not, is released where the last track ends."""
    events = [(0, b"\x90\x45\x64"), *([(10, pedal)] if pedal else [])]
    (tmp_path / "song.mid").write_bytes(song_bytes(events, end=480))
    result = play_song(tmp_path / "song.mid", tmp_path / "y.wav", {0: four(release_s=0.1)})
    assert result.unended == 1
    _, y = wavfile.read(tmp_path / "y.wav")
    assert 0.5 <= result.seconds < 0.9
    assert np.abs(y[20_000:24_000]).max() > 0.01
    assert not y[round(0.7 * 48000) :].any()


def test_a_tail_that_does_not_end_is_cut(tmp_path: Path, user_library: Path) -> None:
    """An echo that hardly dies is kept for thirty seconds after the song's end."""
    echo = Link("delay", {"feedback": 95.0, "time_ms": 500.0, "mix": 50.0, "tone_hz": 20000.0})
    program = Program([new_patch("x", "four", effects=[echo]).build()], 8000, 4096, 1)
    frames = sum(block.shape[1] for block in sound_of(one_note(69, 100, 0.1, 8000), program))
    assert 20 * 8000 < frames <= 30.2 * 8000


def test_a_song_without_notes_is_silence(tmp_path: Path, user_library: Path) -> None:
    """As long as the song, exactly 0, and without a peak."""
    (tmp_path / "song.mid").write_bytes(song_bytes([(0, b"\xb0\x07\x64")], end=960))
    result = play_song(tmp_path / "song.mid", tmp_path / "y.wav", {0: four()})
    assert (result.notes, result.seconds, result.peak_db) == (0, 1.0, None)
    assert not wavfile.read(tmp_path / "y.wav")[1].any()


def test_progress_ends_at_one(song: Path, tmp_path: Path) -> None:
    """The fraction done rises from above 0 to 1."""
    seen: list[float] = []
    play_song(song, tmp_path / "y.wav", {0: four()}, progress=seen.append)
    assert seen == sorted(seen) and 0 < seen[0] < 1 and seen[-1] == 1.0


def test_what_is_read_is_never_overwritten(song: Path, tmp_path: Path) -> None:
    """A guitar and a link to the song are refused as outputs, and stay as they were."""
    kick = write_wav(tmp_path / "kick.wav", tone(), 48000)
    patch = save_patch(four(), tmp_path / "x.toml")
    (tmp_path / "link.wav").hardlink_to(song)
    before = {path: path.read_bytes() for path in (kick, patch, song)}
    for target in (kick, tmp_path / "link.wav"):
        with pytest.raises(RenderError, match=rf"^{target}: is read for this, and never overwritten"):
            play_song(song, target, {0: four()}, guitar=kick)
    assert {path: path.read_bytes() for path in (kick, patch, song)} == before


def test_the_songs_programs_choose_patches() -> None:
    """A channel's program and bank at its first note name its patch; channel 10 has drums."""
    link = Link("four")
    piano = Patch("piano", link, program=(1, 8))
    bass = Patch("bass", link, program=(33, 40))
    other = Patch("other bass", link, program=(39, 39), bank=129)
    drums = Patch("drums", link, program=(1, 1), bank=DRUM_BANK)
    nameless = Patch("nameless", link)
    song = song_of(
        event(0, 0xC1, 38),
        event(0, 0xB2, 0, 1),
        event(0, 0xB2, 32, 1),
        event(0, 0xC2, 38),
        event(0, 0x90, 60, 100),
        event(1, 0x91, 60, 100),
        event(1, 0x92, 60, 100),
        event(2, 0x99, 36, 100),
        event(3, 0xC0, 38),
        event(4, 0x90, 60, 100),
        event(5, 0x93, 60, 0),
        event(5, 0xB4, 0, 9),
        event(5, 0xC4, 34),
        event(6, 0x94, 60, 1),
    )
    assert patches_for(song, [nameless, piano, bass, other, drums]) == {
        1: piano,
        2: bass,
        3: other,
        5: bass,
        10: drums,
    }


def test_a_program_that_no_patch_has() -> None:
    """The nearest program of bank 0 plays, for drums too; where no patch has one there is a sentence."""
    link = Link("four")
    low, high = Patch("low", link, program=(10, 20)), Patch("high", link, program=(100, 110))
    song = song_of(event(0, 0xC0, 60), event(0, 0x90, 60, 100), event(0, 0x99, 60, 100))
    assert patches_for(song, [low, high]) == {1: high, 10: low}
    with pytest.raises(RenderError, match="choose patches with --patch or --map"):
        patches_for(song, [Patch("nameless", link)])


def test_an_mpe_zone_sounds_by_the_songs_programs(tmp_path: Path, user_library: Path) -> None:
    """The zone's first channel, which has no notes itself, gets the patch of its members."""
    zone = [(0, b"\xb0\x65\x00"), (0, b"\xb0\x64\x06"), (0, b"\xb0\x06\x04")]
    notes = [(10, b"\x91\x40\x64"), (10, b"\x92\x43\x64"), (480, b"\x81\x40\x00"), (480, b"\x82\x43\x00")]
    (tmp_path / "mpe.mid").write_bytes(song_bytes(zone + notes))
    patch = new_patch("z", "four", program=(1, 128))
    chosen = patches_for(read_song(tmp_path / "mpe.mid", 48000), [patch])
    assert chosen == {1: patch, 2: patch, 3: patch}
    result = play_song(tmp_path / "mpe.mid", tmp_path / "mpe.wav", chosen)
    assert result.peak_db is not None
    assert result.peak_db > -40


def test_a_patch_of_ones_own_is_called_before_a_shipped_one(user_library: Path) -> None:
    """Of two that state a program the user's plays, whatever its name."""
    save_patch(new_patch("mine", "four", program=(9, 9)), user_library / "patches" / "zz-mine.toml")
    patches = list(library_patches().values())
    assert patches[0].name == "mine"
    assert patches_for(song_of(event(0, 0xC0, 8), event(1, 0x90, 60, 100)), patches)[1].name == "mine"
    synths = band({}, follow=True)
    first = next(synth for synth in synths if any(low <= 8 <= high for low, high, _ in synth._programs))
    owner = next(owner for low, high, owner in first._programs if low <= 8 <= high)
    assert synths[owner].patch == "zz-mine"
