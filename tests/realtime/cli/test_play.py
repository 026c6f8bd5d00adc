"""``tonerig play`` as a person uses it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.realtime.patches import new_patch, save_patch
from tonerig.realtime.wav_writer import write_wav

from ..midi.songs import song_bytes
from ..wav_bytes import tone
from .command import tonerig

NOTES = [(0, b"\x90\x45\x64"), (0, b"\x91\x39\x64"), (240, b"\x80\x45\x00"), (240, b"\x81\x39\x00")]


@pytest.fixture
def folder(tmp_path: Path, user_library: Path) -> Path:
    """A folder with a song on two channels; and a library with two patches."""
    (tmp_path / "song.mid").write_bytes(song_bytes(NOTES))
    for name, synth in (("bell9", "four"), ("bass9", "two")):
        save_patch(new_patch(name, synth, program=(1, 1)), user_library / "patches" / f"{name}.toml")
    return tmp_path


def test_one_patch(folder: Path) -> None:
    """All channels with one patch: what is printed, and what is in the file."""
    found = tonerig("play", folder / "song.mid", "-o", folder / "out.wav", "--patch", "bell9")
    assert found.code == 0, found.err
    assert found.out.startswith(f"{folder}/out.wav: 2 notes, ") and "× real time" in found.out
    rate, y = wavfile.read(folder / "out.wav")
    assert rate == 48000 and y.shape[1] == 2 and np.abs(y).max() > 0.01


def test_a_map(folder: Path) -> None:
    """Each channel with its own patch, as JSON; the channel left out is silent, or has --patch."""
    words = ["play", folder / "song.mid", "--rate", 44100, "--json"]
    sounds = {}
    for name, more in {
        "1": ["--map", "1=bell9"],
        "2": ["--map", "2=bass9"],
        "both": ["--map", "1=bell9,2=bass9"],
        "rest": ["--patch", "bass9", "--map", "1=bell9"],
    }.items():
        found = tonerig(*words, "-o", folder / f"{name}.wav", *more)
        assert found.code == 0, found.err
        (row,) = json.loads(found.out)
        rate, sound = wavfile.read(row["path"])
        sounds[name] = np.pad(sound, ((0, 200_000 - len(sound)), (0, 0)))
        assert (rate, row["notes"], row["seconds"]) == (44100, 2, len(sound) / 44100)
        assert row["times_realtime"] > 0 and row["peak_db"] == pytest.approx(
            20 * np.log10(np.abs(sound).max())
        )
    assert sounds["1"].any() and sounds["2"].any()
    np.testing.assert_allclose(sounds["both"], sounds["1"] + sounds["2"], atol=1e-6)
    np.testing.assert_allclose(sounds["rest"], sounds["both"], atol=1e-6)


def test_the_songs_own_programs(folder: Path) -> None:
    """Without --patch and --map the library's patches play what the song asks for."""
    found = tonerig("play", folder / "song.mid", "-o", folder / "out.wav")
    assert found.code == 0, found.err
    assert wavfile.read(folder / "out.wav")[1].any()


def test_a_broken_patch_that_nobody_chose_silences_no_other(folder: Path, user_library: Path) -> None:
    """A kit of the library without its recording's sound is left out, and refused once it is chosen."""
    (user_library / "patches" / "empty.wav").write_bytes(b"")
    text = 'program = 9\nsynth = "sampler"\n[[samples]]\nfile = "empty.wav"\nkey = 69\n'
    (user_library / "patches" / "kit9.toml").write_text(f'tonerig = 1\nkind = "patch"\nname = "x"\n{text}')
    words = ["play", folder / "song.mid", "-o", folder / "out.wav"]
    found = tonerig(*words)
    assert found.code == 0, found.err
    assert wavfile.read(folder / "out.wav")[1].any()
    found = tonerig(*words, "--patch", "kit9")
    assert found.code == 1 and found.err == "tonerig: empty.wav: is empty\n"


def test_a_guitar_with_it(folder: Path) -> None:
    """A recording through a preset is heard with the song; a preset without one is a usage error."""
    write_wav(folder / "guitar.wav", tone(48_000), 48000)
    (folder / "gain.toml").write_text(
        'tonerig = 1\nname = "x"\n[[chain]]\nprocessor = "gain"\ngain_db = -6\n'
    )
    words = ["play", folder / "song.mid", "-o", folder / "out.wav", "--patch", "bell9"]
    found = tonerig(*words, "--guitar", folder / "guitar.wav", "-p", folder / "gain.toml")
    assert found.code == 0, found.err
    _, y = wavfile.read(folder / "out.wav")
    np.testing.assert_allclose(y[40_000:48_000, 0], tone(48_000)[0, 40_000:] * 10 ** (-6 / 20), atol=1e-5)
    assert tonerig(*words, "-p", folder / "gain.toml").code == 2
    assert tonerig(*words, "--guitar", folder / "guitar.wav", "--rate", 44100).code == 2


@pytest.mark.parametrize(("form", "kind"), [("float32", np.float32), ("24", np.int32), ("16", np.int16)])
def test_sample_formats(folder: Path, form: str, kind: type) -> None:
    """The three formats, as SciPy reads them."""
    words = ["play", folder / "song.mid", "-o", folder / "out.wav", "--patch", "bell9", "--format", form]
    assert tonerig(*words).code == 0
    assert wavfile.read(folder / "out.wav")[1].dtype == kind


def test_several_songs_into_a_folder(folder: Path) -> None:
    """Each song keeps its name; a bad one is told, and the others are written."""
    (folder / "bad.mid").write_bytes(b"MThd")
    (folder / "more.mid").write_bytes(song_bytes(NOTES[:1], end=100))
    songs = [folder / f"{name}.mid" for name in ("song", "bad", "more")]
    found = tonerig("play", *songs, "-o", folder / "out", "--patch", "bell9")
    assert (
        found.code == 1
        and found.err == "tonerig: bad.mid: breaks off in its header, after 4 bytes; get it anew\n"
    )
    assert sorted(path.name for path in (folder / "out").iterdir()) == ["more.wav", "song.wav"]
    assert "1 notes had no end" in found.out


def test_what_cannot_be_played(folder: Path) -> None:
    """Songs, patches and maps that are none, and places that cannot be written: a sentence, and no output."""
    (folder / "bad.toml").write_text(
        'tonerig = 1\nkind = "patch"\nname = "x"\nsynth = "four"\nparameters = {a = 1}'
    )
    before = sorted(folder.iterdir())
    song, out = folder / "song.mid", folder / "out.wav"
    for words, said in (
        ((folder / "no.mid", "-o", out, "--patch", "bell9"), "no.mid: does not exist; check the path"),
        ((song, "-o", out, "--patch", "no"), "there is no patch no; there are "),
        ((song, "-o", out, "--patch", "crunch"), "crunch is a chain"),
        ((song, "-o", out, "--patch", folder / "bad.toml"), "bad.toml, parameters (four): unknown key a"),
        ((song, "-o", out, "--map", "17=bell9"), "the map has '17=bell9'"),
        ((song, "-o", song, "--patch", "bell9"), "is an input, which is never overwritten"),
        ((song, "-o", folder / "bad.toml", "--patch", "bell9"), "let the name end in .wav"),
        ((song, "-o", folder / "no" / "out.wav", "--patch", "bell9"), "does not exist; make it first"),
    ):
        found = tonerig("play", *words)
        assert found.code == 1 and said in found.err and found.err.count("\n") == 1, found.err
        assert sorted(folder.iterdir()) == before


def test_a_patchs_own_file_is_never_the_output(folder: Path) -> None:
    """The recordings of the sampler that plays are refused as an output."""
    kick = write_wav(folder / "kick.wav", tone(), 48000)
    text = '[[samples]]\nfile = "kick.wav"\nkey = 69\nkeys = [0, 127]\n'
    (folder / "kit.toml").write_text(f'tonerig = 1\nkind = "patch"\nname = "x"\nsynth = "sampler"\n{text}')
    before = kick.read_bytes()
    found = tonerig("play", folder / "song.mid", "-o", kick, "--patch", folder / "kit.toml")
    assert found.code == 1 and "belongs to the chain, which is never overwritten" in found.err
    assert kick.read_bytes() == before
    assert (
        tonerig("play", folder / "song.mid", "-o", folder / "out.wav", "--patch", folder / "kit.toml").code
        == 0
    )


def test_a_missing_plugin_is_heard_of(folder: Path, user_library: Path, installed: Path) -> None:
    """Among a patch's effects and in the guitar's chain; the notes are heard all the same."""
    gone = 'processor = "plugin"\nplugin = "Nobody"\n'
    patch = user_library / "patches" / "bell9.toml"
    patch.write_text(patch.read_text() + f"\n[[effects]]\n{gone}")
    (folder / "gone.toml").write_text(f'tonerig = 1\nname = "x"\n[[chain]]\n{gone}'.replace("Nobody", "None"))
    write_wav(folder / "guitar.wav", tone(4800), 48000)
    words = ["play", folder / "song.mid", "-o", folder / "out.wav", "--patch", "bell9"]
    words += ["--guitar", folder / "guitar.wav", "-p", folder / "gone.toml"]
    found = tonerig(*words)
    assert found.code == 0, found.err
    assert "there is no plugin Nobody" in found.out and "there is no plugin None" in found.out
    (row,) = json.loads(tonerig(*words, "--json").out)
    assert [problem.partition(";")[0] for problem in row["problems"]] == [
        "there is no plugin None",
        "there is no plugin Nobody",
    ]
    assert row["peak_db"] > -40
