"""Rendering: the engine's own output, aligned, with its tail, at the loudness asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.io import wavfile
from tonerig.export.files import save_model
from tonerig.export.reference import evaluate
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.presets import Link, Preset, model_preset
from tonerig.realtime.render import (
    Finish,
    RenderError,
    expand,
    outputs,
    process,
    render_file,
)
from tonerig.realtime.wav_writer import write_wav

from ..models import random_model
from .wav_bytes import tone

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "nam"
BARE = Finish(tail=False)


def noise(frames: int, channels: int = 1, level: float = 0.1) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, level, (channels, frames)).astype(np.float32)


def chain(*links: Link) -> Preset:
    return Preset("test", links)


def test_a_model_is_its_reference_sample_for_sample(tmp_path: Path) -> None:
    """The bare model's output has the input's length and is the float64 evaluation within 1e-5."""
    model = random_model("a1_nano", 3)
    save_model(model, tmp_path / "m.nam")
    x = noise(6000)
    write_wav(tmp_path / "x.wav", x, 48000)
    result = render_file(tmp_path / "x.wav", tmp_path / "y.wav", model_preset(tmp_path / "m.nam"), BARE)
    rate, y = wavfile.read(tmp_path / "y.wav")
    assert (rate, y.dtype, y.shape, result.latency) == (48000, np.dtype(np.float32), (6000,), 0)
    np.testing.assert_allclose(y, evaluate(model, x[0]), atol=1e-5)


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
@pytest.mark.parametrize("name", ["wavenet_a1_standard", "BossWN-nano", "A2", "BossLSTM-1x16", "lstm"])
def test_captures_sound_as_in_the_reference_player(tmp_path: Path, name: str) -> None:
    """The C++ reference's output for each capture: 1e-5 per sample, recurrent ones 1e-4."""
    model = model_preset(SHARED / f"{name}.nam")
    render_file(SHARED / "input.wav", tmp_path / "y.wav", model, BARE)
    found, expected = wavfile.read(tmp_path / "y.wav")[1], wavfile.read(SHARED / f"{name}.output.wav")[1]
    assert found.shape == expected.shape
    tolerance = 1e-4 if "lstm" in name.lower() else 1e-5
    np.testing.assert_allclose(found, expected, atol=tolerance)


def test_render_is_the_engine(tmp_path: Path) -> None:
    """A whole chain's file holds the very bits that the engine gives for blocks of 64."""
    preset = chain(Link("overdrive"), Link("tone_stack"), Link("stereo", {"pan": 30.0}), Link("delay"))
    x = noise(20_000)
    write_wav(tmp_path / "x.wav", x, 44100)
    render_file(tmp_path / "x.wav", tmp_path / "y.wav", preset, BARE)
    program = Program(preset.build(), 44100, 64, 1)
    runner = Runner(program)
    heard = np.pad(x, ((0, 0), (0, program.latency)))
    blocks = [runner.process(heard[:, k : k + 64]) for k in range(0, heard.shape[1], 64)]
    _, y = wavfile.read(tmp_path / "y.wav")
    np.testing.assert_array_equal(y.T, np.concatenate(blocks, axis=1)[:, program.latency :])


def test_latency_is_taken_out(tmp_path: Path) -> None:
    """Through a limiter that does nothing, with its look-ahead, the output is the input in its place."""
    x = noise(5000, level=0.05)
    write_wav(tmp_path / "x.wav", x, 48000)
    result = render_file(
        tmp_path / "x.wav", tmp_path / "y.wav", chain(Link("limiter", {"look_ahead_ms": 10.0})), BARE
    )
    assert result.latency > 400
    _, y = wavfile.read(tmp_path / "y.wav")
    assert y.shape == (5000,)
    np.testing.assert_allclose(y, x[0], atol=1e-6)


class Delayed:
    """A runner whose whole program is known: a delay and an echo."""

    def __init__(self, latency: int, echo: int) -> None:
        self.heard, self.latency, self.echo = np.zeros(0, np.float32), latency, echo

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        start = len(self.heard)
        self.heard = np.concatenate([self.heard, block[0]])
        padded = np.concatenate([np.zeros(self.latency + self.echo, np.float32), self.heard])
        direct = padded[self.echo : self.echo + len(self.heard)]
        return (direct + np.float32(0.5) * padded[: len(self.heard)])[None, start:]


@given(
    st.lists(st.integers(1, 700), min_size=1, max_size=6),
    st.integers(0, 3000),
    st.integers(1, 9000),
)
def test_alignment_and_tail(sizes: list[int], latency: int, echo: int) -> None:
    """For any latency and block sizes the input's start is the output's, and an echo after it is kept."""
    x = np.random.default_rng(0).uniform(0.1, 1, sum(sizes)).astype(np.float32)
    blocks = [part[None] for part in np.split(x, np.cumsum(sizes)[:-1])]
    rate = 4000.0  # silence for three seconds ends the tail
    done = process(Delayed(latency, echo), blocks, 1, latency, round(30 * rate), rate)
    y = np.concatenate(list(done), axis=1)[0]
    expected = np.zeros(max(len(y), len(x) + echo), np.float32)
    expected[: len(x)] += x
    expected[echo : echo + len(x)] += 0.5 * x
    np.testing.assert_array_equal(y, expected[: len(y)])
    assert np.all(expected[len(y) :] == 0)
    assert len(y) < len(x) + echo + 1024


class Offset:
    """A runner that adds a constant, as a model may have at rest."""

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        return block + np.float32(0.01)


def test_a_steady_offset_is_no_tail() -> None:
    """A chain whose output at rest is not 0 but does not move ends with its input."""
    done = process(Offset(), [noise(500)], 1, 0, 100_000, 8000.0)
    assert sum(block.shape[1] for block in done) == 500


def test_a_tail_ends(tmp_path: Path) -> None:
    """An echo that hardly dies is cut at the longest tail; a chain without echo ends with its input."""
    x = noise(480, level=0.3)
    write_wav(tmp_path / "x.wav", x, 8000)
    forever = chain(Link("delay", {"feedback": 95.0, "time_ms": 500.0, "mix": 50.0, "tone_hz": 20000.0}))
    result = render_file(tmp_path / "x.wav", tmp_path / "y.wav", forever)
    assert 20 * 8000 < result.frames <= 30.1 * 8000
    result = render_file(tmp_path / "x.wav", tmp_path / "y.wav", chain(Link("gain")))
    assert result.frames == 480


def test_normalized_loudness(tmp_path: Path) -> None:
    """pyloudnorm finds the loudness that was asked for, and the sound is the same but for its level."""
    x = noise(48_000 * 3, channels=2, level=0.01)
    write_wav(tmp_path / "x.wav", x, 48000)
    result = render_file(tmp_path / "x.wav", tmp_path / "y.wav", chain(Link("gain")), Finish(normalize=-23))
    _, y = wavfile.read(tmp_path / "y.wav")
    assert pyloudnorm.Meter(48000).integrated_loudness(y) == pytest.approx(-23, abs=0.1)
    assert result.loudness_lufs == pytest.approx(-23, abs=1e-6)
    np.testing.assert_allclose(y.T, x * 10 ** (result.gain_db / 20), rtol=1e-5)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["x.wav", "y.wav"]


def test_normalizing_never_passes_the_ceiling(tmp_path: Path) -> None:
    """Where the loudness would need peaks above -1 dBTP it stays softer, and the result says so."""
    x = np.zeros((1, 96_000), np.float32)
    x[0, 10_000:80_000:7_000] = 0.5
    write_wav(tmp_path / "x.wav", x, 48000)
    result = render_file(tmp_path / "x.wav", tmp_path / "y.wav", chain(Link("gain")), Finish(normalize=-14))
    assert result.true_peak_db == pytest.approx(-1.0, abs=1e-3)
    assert result.loudness_lufs is not None and result.loudness_lufs < -20
    assert np.max(np.abs(wavfile.read(tmp_path / "y.wav")[1])) <= 10 ** (-1 / 20)


def test_kept_loudness(tmp_path: Path) -> None:
    """A chain that makes everything 20 dB softer gives a file as loud as its input."""
    x = tone(96_000)
    write_wav(tmp_path / "x.wav", x, 48000)
    softer = chain(Link("gain", {"gain_db": -20.0}))
    result = render_file(tmp_path / "x.wav", tmp_path / "y.wav", softer, Finish(keep_loudness=True))
    assert result.gain_db == pytest.approx(20.0, abs=0.01)
    np.testing.assert_allclose(wavfile.read(tmp_path / "y.wav")[1], x[0], atol=1e-3)


def test_silence_has_no_loudness_to_set(tmp_path: Path) -> None:
    """Digital silence stays what it is, whatever loudness is asked for."""
    write_wav(tmp_path / "x.wav", np.zeros((1, 48_000), np.float32), 48000)
    result = render_file(tmp_path / "x.wav", tmp_path / "y.wav", chain(Link("gain")), Finish(normalize=-14))
    assert result.gain_db == 0.0 and result.loudness_lufs is None
    assert np.all(wavfile.read(tmp_path / "y.wav")[1] == 0)


def test_bad_samples_become_silence(tmp_path: Path) -> None:
    """NaN and Inf in the input are counted, are 0 to the chain, and what comes out is finite."""
    x = tone(4800)
    x[0, [5, 700]] = np.nan, np.inf
    wavfile.write(tmp_path / "x.wav", 48000, x[0])
    result = render_file(tmp_path / "x.wav", tmp_path / "y.wav", chain(Link("delay")), BARE)
    assert result.replaced == 2 and result.muted == ()
    assert np.all(np.isfinite(wavfile.read(tmp_path / "y.wav")[1]))


def test_stereo_runs_a_model_on_each_side(tmp_path: Path) -> None:
    """A stereo file through a mono model is that of each channel alone."""
    save_model(random_model("lstm_1x16", 1), tmp_path / "m.nam")
    model = model_preset(tmp_path / "m.nam")
    x = noise(3000, channels=2)
    for name, part in (("both", x), ("left", x[:1]), ("right", x[1:])):
        write_wav(tmp_path / f"{name}.wav", part, 48000)
        render_file(tmp_path / f"{name}.wav", tmp_path / f"{name}-out.wav", model, BARE)
    both, left, right = (read_audio(tmp_path / f"{n}-out.wav")[0] for n in ("both", "left", "right"))
    np.testing.assert_array_equal(both, np.concatenate([left, right]))


def test_an_input_is_never_overwritten(tmp_path: Path) -> None:
    """By its own name, through a link, or as a name in the output folder: refused, and left as it was."""
    write_wav(tmp_path / "x.wav", tone(), 48000)
    (tmp_path / "link.wav").symlink_to(tmp_path / "x.wav")
    before = (tmp_path / "x.wav").read_bytes()
    with pytest.raises(RenderError, match="is the input"):
        render_file(tmp_path / "x.wav", tmp_path / "link.wav", chain(Link("gain")))
    for target in (tmp_path / "x.wav", tmp_path):
        with pytest.raises(RenderError, match="is an input, which is never overwritten"):
            outputs([tmp_path / "x.wav"], target)
    assert (tmp_path / "x.wav").read_bytes() == before


def test_the_chains_files_are_never_overwritten(tmp_path: Path) -> None:
    """An output in the place of the chain's impulse, by its name or a link, is refused, nothing written."""
    impulse, link = tmp_path / "cab.wav", tmp_path / "link.wav"
    for file in (tmp_path / "x.wav", impulse):
        write_wav(file, tone(), 48000)
    link.symlink_to(impulse)
    before = impulse.read_bytes()
    inner = chain(Link("parallel", chains={"a": (Link("cabinet", files={"impulse": impulse}),)}))
    for target in (impulse, link):
        with pytest.raises(RenderError, match="belongs to the chain"):
            render_file(tmp_path / "x.wav", target, inner)
        with pytest.raises(RenderError, match="belongs to the chain"):
            outputs([tmp_path / "x.wav"], target, inner.files())
    assert impulse.read_bytes() == before


def test_outputs_that_are_no_folder(tmp_path: Path) -> None:
    """A device is said to be no file, and a file that stands where a folder is needed is named."""
    with pytest.raises(RenderError, match=r"^/dev/null: is not a file"):
        outputs([tmp_path / "x.wav"], Path("/dev/null"))
    (tmp_path / "out.wav").write_text("x")
    with pytest.raises(RenderError, match=r"out\.wav: is a file, but a folder is needed"):
        outputs([tmp_path / "x.wav", tmp_path / "y.wav"], tmp_path / "out.wav")
    with pytest.raises(RenderError, match=r"o\\xff\.wav: its name is not UTF-8"):
        outputs([tmp_path / "x.wav"], tmp_path / "o\udcff.wav")


def test_names_of_outputs(tmp_path: Path) -> None:
    """One file goes where it is told; several, or a folder, keep their names; two of one name are refused."""
    a, b = tmp_path / "a" / "x.flac", tmp_path / "b" / "x.wav"
    assert outputs([a], tmp_path / "y.wav") == [tmp_path / "y.wav"]
    assert outputs([a], tmp_path / "out") == [tmp_path / "out" / "x.wav"]
    assert outputs([a, tmp_path / "z.mp3"], tmp_path / "out") == [
        tmp_path / "out" / name for name in ("x.wav", "z.wav")
    ]
    with pytest.raises(RenderError, match=r"would both become .*out/x\.wav"):
        outputs([a, b], tmp_path / "out")


def test_a_folder_stands_for_its_sound_files(tmp_path: Path) -> None:
    """Only sound files are taken, in order; a folder without any is refused."""
    for name in ("b.WAV", "a.flac", "notes.txt"):
        (tmp_path / name).write_text("x")
    assert expand([tmp_path]) == [tmp_path / "a.flac", tmp_path / "b.WAV"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(RenderError, match="has no sound files"):
        expand([tmp_path / "empty"])
