"""``tonerig match`` as a person uses it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
from scipy.io import wavfile
from tonerig.realtime.match.sound import at_rate, read_sound
from tonerig.realtime.match.synths import FOUR

from ..match.constant import write_constant
from ..match.test_sound import SAMPLES, tone, written
from .command import tonerig


@pytest.fixture(scope="module")
def estimator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that knows nothing."""
    return write_constant(tmp_path_factory.mktemp("estimators") / "four.onnx", FOUR)


def test_a_sound_becomes_a_patch_that_plays(tmp_path: Path, estimator: Path) -> None:
    """Pitch, key, parameters and files are told; the patch plays a MIDI file at once, on the note's pitch."""
    sound = written(tmp_path / "d5.wav", tone(44100, frequency_hz=587.33), 44100)
    patch = tmp_path / "patch.toml"
    found = tonerig("match", sound, "-o", patch, "--estimator", estimator, "--top", 2)
    assert found.code == 0, found.err
    assert "D5 +0 cents (587.3 Hz)" in found.out or "D5 -0 cents (587.3 Hz)" in found.out
    assert "press D5 (key 74) to hear it" in found.out
    for parameter in FOUR.parameters:
        (line,) = [line for line in found.out.splitlines() if line.startswith(parameter.name)]
        assert line.endswith("%")
    for name in ("patch.toml", "patch-2.toml", "patch.audition.wav", "patch-2.audition.wav", "patch.png"):
        assert (tmp_path / name).is_file()
    assert f"tonerig live --patch {patch}" in found.out
    song = mido.MidiFile(tracks=[mido.MidiTrack([mido.Message("note_on", note=74, velocity=127)])])
    song.tracks[0].append(mido.Message("note_off", note=74, time=480))
    song.save(tmp_path / "song.mid")
    played = tonerig("play", tmp_path / "song.mid", "-o", tmp_path / "song.wav", "--patch", patch)
    assert played.code == 0, played.err
    rate, heard = wavfile.read(tmp_path / "song.wav")
    spectrum = np.abs(np.fft.rfft(heard[: rate // 2, 0]))
    assert np.argmax(spectrum) * 2 == pytest.approx(587.33, rel=0.02)


def test_as_json(tmp_path: Path, estimator: Path) -> None:
    """One table on stdout, and nothing else; refined, it says where it came from."""
    sound = written(tmp_path / "a.wav", tone(22050), 22050)
    found = tonerig(
        "match", sound, "-o", tmp_path / "a.toml", "--estimator", estimator, "--refine", 0.3, "--json"
    )
    assert found.code == 0, found.err
    table = json.loads(found.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert table["note"] == "A4" and table["key"] == 69 and table["synth"] == "four"
    assert table["matches"][0]["distance"] <= table["estimated_distance"]
    assert table["patches"] == [str(tmp_path / name) for name in ("a.toml", "a-2.toml", "a-3.toml")]
    assert all(Path(path).is_file() for path in (*table["auditions"], table["picture"]))


def test_the_key_that_a_person_gives(tmp_path: Path, estimator: Path) -> None:
    """By name or number."""
    sound = written(tmp_path / "a.wav", tone(22050), 22050)
    for key in ("A3", "57"):
        found = tonerig(
            *("match", sound, "-o", tmp_path / "a.toml", "--estimator", estimator, "--top", 1),
            *("--key", key, "--json"),
        )
        assert found.code == 0, found.err
        assert json.loads(found.out)["key"] == 57
    found = tonerig(
        *("match", sound, "-o", tmp_path / "a.toml", "--estimator", estimator, "--top", 1, "--key", "A3")
    )
    assert found.out.startswith("a.wav: A3 ") and "Hz), as told by --key\n" in found.out


BAD = {
    "silence": (np.zeros(8000), "is silent; give a recording with a sound in it"),
    "dc": (np.full(8000, 0.5), "is a constant of 0.5 and no sound"),
    "nan": (np.full(8000, np.nan), "are no numbers"),
    "short": (np.ones(50), "is 6.2 ms long, expected 10 ms or more"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_matched(name: str, tmp_path: Path, estimator: Path) -> None:
    """A sentence that names the file; nothing is written."""
    samples, said = BAD[name]
    sound = written(tmp_path / f"{name}.wav", samples, 8000)
    found = tonerig("match", sound, "-o", tmp_path / "a.toml", "--estimator", estimator)
    assert found.code == 1 and found.err.startswith(f"tonerig: {name}.wav: ") and said in found.err
    assert found.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.wav"]


def test_a_wrong_command(tmp_path: Path, estimator: Path) -> None:
    """A key that is none, no such file, another synth's estimator, an output that is no patch."""
    sound = written(tmp_path / "a.wav", tone(8000), 8000)
    output = tmp_path / "a.toml"
    for words, code, said in (
        ((sound, "-o", output, "--key", "H2"), 2, "--key"),
        ((tmp_path / "no.wav", "-o", output, "--estimator", estimator), 1, "does not exist; check the path"),
        ((sound, "-o", output, "--synth", "two", "--estimator", estimator), 1, "not of 'two'"),
        ((sound, "-o", tmp_path / "a.wav", "--estimator", estimator), 1, "let the name end in .toml"),
        ((sound, "-o", tmp_path / "x" / "a.toml", "--estimator", estimator), 1, "does not exist; make it"),
        ((sound, "-o", output, "--estimator", sound), 1, "is not an ONNX file"),
        ((sound, "-o", output, "--synth", "three"), 2, "three"),
        ((sound, "-o", output, "--refine", "nan"), 2, "--refine"),
        ((sound, "-o", "/proc/a.toml", "--refine", 3600), 1, "/proc/a.toml: cannot be written"),
    ):
        found = tonerig("match", *words)
        assert found.code == code and said in found.err, found.err
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(
    "kind", ["click", "8 kHz", "192 kHz", "stereo", "10 ms", "loop", "nan inside", "one nan", "clicks"]
)
def test_whatever_is_a_sound_is_answered(kind: str, tmp_path: Path, estimator: Path) -> None:
    """With a patch, and a word for how near it is."""
    click = np.eye(1, 44100, 900)[0]
    bad = tone(22050)
    bad[500 : 501 if kind == "one nan" else 600] = np.inf
    made = {
        "click": (click, 44100),
        "clicks": (click + np.roll(click, 12000) + np.roll(click, 30000), 44100),
        "8 kHz": (tone(8000), 8000),
        "192 kHz": (tone(192000), 192000),
        "stereo": (np.stack([tone(44100), tone(44100, frequency_hz=660)], axis=1), 44100),
        "10 ms": (tone(44100)[:441], 44100),
        "nan inside": (bad, 22050),
        "one nan": (bad, 22050),
    }
    sound = SAMPLES / "loop_amen.flac" if kind == "loop" else written(tmp_path / "a.wav", *made[kind])
    found = tonerig("match", sound, "-o", tmp_path / "p.toml", "--estimator", estimator, "--top", 1)
    assert found.code == 0, found.err
    assert (tmp_path / "p.toml").is_file() and "press " in found.out
    if kind in ("loop", "clicks"):
        assert "unlike" in found.out or "only roughly" in found.out
    assert ("100 samples were no numbers, and count as 0" in found.err) == (kind == "nan inside")
    assert ("1 sample was no number, and counts as 0" in found.err) == (kind == "one nan")


def test_an_audition_sounds_like_the_recording(tmp_path: Path) -> None:
    """As loud, and as high, by the shipped estimator."""
    sound = written(tmp_path / "a.wav", 0.3 * tone(44100, frequency_hz=392.0), 44100)
    tonerig("match", sound, "-o", tmp_path / "p.toml", "--synth", "four", "--top", 1)
    heard = [
        at_rate(read_sound(path), FOUR.rate, FOUR.frames) for path in (sound, tmp_path / "p.audition.wav")
    ]
    spectra = [np.abs(np.fft.rfft(samples)) for samples in heard]
    assert np.argmax(spectra[0]) == pytest.approx(np.argmax(spectra[1]), abs=6)
    levels = [np.sqrt(np.mean(samples**2)) for samples in heard]
    assert 0.5 < levels[0] / levels[1] < 2


def test_without_torch_or_librosa(tmp_path: Path, estimator: Path) -> None:
    """A process of its own imports neither."""
    sound = written(tmp_path / "a.wav", tone(22050), 22050)
    words = ["match", str(sound), "-o", str(tmp_path / "p.toml"), "--estimator", str(estimator), "--top", "1"]
    code = (
        "import sys\n"
        "from tonerig.realtime.cli import main\n"
        f"try: main({words!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(*({'torch', 'librosa', 'sklearn'} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "\n")
