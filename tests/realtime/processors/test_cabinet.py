"""The cabinet against SciPy's convolution, filters and resampled responses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.io import wavfile
from scipy.signal import butter, freqz, oaconvolve, sosfilt
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.processors import processor_class
from tonerig.realtime.processors.cabinet import Cabinet
from tonerig.realtime.processors.impulse_response import ImpulseFileError, read_impulse

from ..run import BLOCKS, RATE, Signal, noise, prepared, run, sine

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a float32 WAV of shape (taps,) or (taps, channels); returns its path."""

    def write(samples: ArrayLike, rate: int = int(RATE)) -> Path:
        path = tmp_path / "impulse.wav"
        wavfile.write(path, rate, np.asarray(samples, np.float32))
        return path

    return write


def _response(taps: int, seed: int = 0) -> Signal:
    """A minimum-phase-like response: decaying noise that starts at once."""
    decay = np.exp(-6 * np.arange(taps) / taps)
    response = 0.2 * np.random.default_rng(seed).standard_normal(taps) * decay
    return response.astype(np.float32)


def _convolved(signal: Signal, response: Signal) -> np.ndarray:
    return oaconvolve(signal.astype(np.float64), response.astype(np.float64))[: signal.size]


@pytest.mark.parametrize("taps", [1, 200, 2048, 9000])
def test_equals_scipy_from_the_first_sample_with_the_same_bits_at_every_block_size(
    write: Write, taps: int
) -> None:
    """Within 1e-5 of ``oaconvolve``, no latency; all block sizes agree to the bit."""
    response, signal = _response(taps), noise(0.4)
    cabinet = prepared(Cabinet(impulse=write(response)))
    assert cabinet.latency == 0
    output = run(cabinet, signal)
    assert np.abs(output[0] - _convolved(signal[0], response)).max() < 1e-5
    for block in BLOCKS:
        cabinet.reset()
        assert np.array_equal(run(cabinet, signal, block), output)


@pytest.mark.parametrize(("inputs", "channels"), [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_channels(write: Write, inputs: int, channels: int) -> None:
    """Mono and stereo signals through mono and stereo files, in a program of its own."""
    responses = np.stack([_response(1500, seed) for seed in range(channels)])
    signal = noise(0.2, inputs)
    program = Program([Cabinet(impulse=write(responses.T))], RATE, 64, inputs)
    output = Runner(program).process(signal)
    assert output.shape[0] == max(inputs, channels)
    for c, y in enumerate(output):
        expected = _convolved(signal[c % inputs], responses[c % channels])
        assert np.abs(y - expected).max() < 1e-5


def test_level_and_mix(write: Write) -> None:
    """The sound is (1 - mix) of the signal and mix times gain of its convolution."""
    response, signal = _response(700), noise(0.2)
    cabinet = prepared(Cabinet({"gain_db": -6.0, "mix": 25.0}, impulse=write(response)))
    expected = 0.75 * signal[0] + 0.25 * 10 ** (-6 / 20) * _convolved(signal[0], response)
    assert np.abs(run(cabinet, signal)[0] - expected).max() < 1e-5


def test_cuts_are_butterworth_filters(write: Write) -> None:
    """Low cut at 150 Hz and high cut at 4 kHz filter as SciPy's Butterworth sections do."""
    response, signal = _response(700), noise(0.3)
    cabinet = prepared(Cabinet({"low_cut_hz": 150.0, "high_cut_hz": 4000.0}, impulse=write(response)))
    low, high = (
        butter(2, 150.0, "high", output="sos", fs=RATE),
        butter(2, 4000.0, "low", output="sos", fs=RATE),
    )
    expected = sosfilt(np.concatenate([low, high]), _convolved(signal[0], response))
    assert np.abs(run(cabinet, signal)[0] - expected).max() < 1e-5


@pytest.mark.parametrize(
    ("name", "values"),
    [("gain_db", (0.0, -30.0)), ("mix", (100.0, 0.0)), ("low_cut_hz", (20.0, 900.0)),
     ("high_cut_hz", (20000.0, 1000.0))],
)  # fmt: skip
def test_a_turned_knob_makes_no_click(write: Write, name: str, values: tuple[float, float]) -> None:
    """A jumping parameter bends a sine no more than the corner of a 10 ms exponential does."""
    cabinet = prepared(Cabinet({"gain_db": 0.0}, impulse=write(np.array([0.8, 0.2]))))
    signal = sine(400.0, 0.6)
    changes = {4000: {name: values[1]}, 15000: {name: values[0]}}
    steady = np.abs(np.diff(run(cabinet, signal)[0][2000:], 2)).max()
    cabinet.reset()
    turned = run(cabinet, signal, changes=changes)[0]
    corner = 0.5 / (0.01 * RATE)  # the sine's level over the time constant in samples
    assert np.abs(np.diff(turned[2000:], 2)).max() < steady + 1.2 * corner
    for block in (1, 441):
        cabinet.reset()
        assert np.array_equal(run(cabinet, signal, block, changes=changes)[0], turned)


def test_cuts_switched_off_leave_no_trace(write: Write) -> None:
    """Back at the extremes, the output has the bits of a cabinet whose cuts were never on."""
    path, signal = write(_response(300)), noise(0.6)
    expected = run(prepared(Cabinet(impulse=path)), signal)
    changes = {3000: {"low_cut_hz": 400.0, "high_cut_hz": 3000.0}, 6000: {"low_cut_hz": 20.0}}
    changes[6000]["high_cut_hz"] = 20000.0
    output = run(prepared(Cabinet(impulse=path)), signal, changes=changes)
    assert np.array_equal(output[:, 20000:], expected[:, 20000:])
    assert not np.array_equal(output[:, :6000], expected[:, :6000])


@pytest.mark.parametrize("channels", [1, 2])
def test_loud_input_stays_finite_and_ends_in_exact_silence(write: Write, channels: int) -> None:
    """±1e6 gives finite samples; two seconds after the last one the output is 0."""
    cabinet = prepared(
        Cabinet({"low_cut_hz": 80.0, "high_cut_hz": 5000.0}, impulse=write(_response(4000))), channels
    )
    signal = np.zeros((channels, 110000), np.float32)
    signal[:, :4000] = np.where(noise(4000 / RATE, channels) > 0, 1e6, -1e6)
    output = run(cabinet, signal, 441)
    assert np.isfinite(output).all()
    assert np.abs(output[:, :4000]).max() > 1e5
    assert not output[:, 100000:].any()


@pytest.mark.parametrize("rate", [22050.0, 44100.0, 88200.0, 96000.0, 192000.0])
def test_resampling_keeps_the_response(rate: float) -> None:
    """At another rate the shipped cabinet's gain is within 0.1 dB, up to 0.8 of the lower Nyquist."""
    path = Path(__file__).resolve().parents[3] / "presets" / "impulses" / "1x12.wav"
    original = read_impulse(path)
    resampled = original.at(rate)
    frequencies = np.geomspace(20, 0.8 * min(rate, original.rate) / 2, 300)
    before, after = (
        np.abs(freqz(response.samples[0], 1, frequencies, fs=response.rate)[1])
        for response in (original, resampled)
    )
    assert np.abs(20 * np.log10(after / before)).max() < 0.1
    onset = [np.abs(r.samples[0]).argmax() / r.rate for r in (original, resampled)]
    assert abs(onset[1] - onset[0]) < 2e-4


def test_a_file_of_another_rate_sounds_the_same(write: Write) -> None:
    """A 44.1 kHz response at 48 kHz passes a 1 kHz sine at its own gain."""
    response = _response(1000)
    output = run(prepared(Cabinet(impulse=write(response, 44100))), sine(1000.0, 0.5))[0][9600:]
    gain = np.abs(freqz(response, 1, [1000.0], fs=44100)[1][0])
    measured = np.sqrt(2 * np.mean(output.astype(np.float64) ** 2)) / 0.5
    assert 20 * np.log10(measured / gain) == pytest.approx(0.0, abs=0.01)


def test_trim_leaves_out_leading_silence_of_both_channels_together(write: Write) -> None:
    """What both channels have before their onset goes; what one starts later stays."""
    responses = np.zeros((2, 900), np.float32)
    responses[0, 300:], responses[1, 340:] = _response(600), _response(560, 1)
    responses[0, 300] = responses[1, 340] = 0.5
    responses[:, 100] = 1e-6  # not quite silent
    signal, path = noise(0.1), write(responses.T)
    trimmed = run(prepared(Cabinet({"trim": "on"}, impulse=path)), signal)
    plain = run(prepared(Cabinet(impulse=path)), signal)
    for k in range(2):
        assert np.abs(trimmed[k] - _convolved(signal[0], responses[k, 300:])).max() < 1e-5
        assert np.abs(plain[k] - _convolved(signal[0], responses[k])).max() < 1e-5


def test_length_limits_the_response(write: Write) -> None:
    """With 10 ms, 480 samples of the response are heard, the last tenth fading out."""
    response = _response(3000)
    impulse = np.zeros(4000)
    impulse[0] = 1.0
    output = run(prepared(Cabinet({"length_ms": 10.0}, impulse=write(response))), impulse)[0]
    assert np.abs(output[:432] - response[:432]).max() < 1e-6
    assert np.abs(output[480:]).max() < 1e-6
    assert np.all(np.abs(output[432:480]) <= np.abs(response[432:480]) + 1e-6)
    assert np.abs(output[470:480]).max() < 0.2 * np.abs(response[470:480]).max()


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(500), "silent"),
        (np.zeros(0), "no samples"),
        (np.array([0.1, np.nan]), "NaN"),
        (np.array([0.1, -np.inf]), "NaN or infinite"),
        (np.ones(10 * int(RATE) + 1), "10 s"),
        (np.ones((10, 3)), "3 channels"),
        (np.array([32768.0]), "32768"),
    ],
)  # fmt: skip
def test_unusable_files_are_refused_by_name(write: Write, samples: np.ndarray, words: str) -> None:
    """Silent, empty, not finite, too long, of three channels, absurdly loud."""
    with pytest.raises(ImpulseFileError, match=f"impulse.wav: .*{words}"):
        Cabinet(impulse=write(samples))


@pytest.mark.parametrize("content", [None, b"", b"no sound at all", b"RIFF\x24\0\0\0WAVE"])
def test_unreadable_files_are_refused_by_name(tmp_path: Path, content: bytes | None) -> None:
    """A missing file, an empty one, a text and a header with nothing behind it."""
    path = tmp_path / "broken.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ImpulseFileError, match=r"broken\.wav"):
        Cabinet(impulse=path)


def test_it_is_found_by_name() -> None:
    """Presets ask for ``cabinet``."""
    assert processor_class("cabinet") is Cabinet
    assert Cabinet.files == ("impulse",)
