"""The neural processor: levels as its maker measured them, and models of another rate."""

from __future__ import annotations

import ctypes
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import signal as dsp
from tonerig.export.errors import ModelFileError
from tonerig.export.files import save_model
from tonerig.export.model import Convolution, Metadata, NeuralModel, Stack
from tonerig.realtime.compiler.layout import CONTEXT, State
from tonerig.realtime.compiler.unit import compile_units, load
from tonerig.realtime.kernels.resampler import RateError, plan
from tonerig.realtime.processors.neural import Neural

from tests.models import random_model

Signal = NDArray[np.float32]
WIRE = NeuralModel(
    Stack((Convolution(np.ones((1, 1, 1), np.float32)),)),
    metadata=Metadata(loudness_db=-24.0, input_level_dbu=18.0, output_level_dbu=6.0),
)


def _play(processor: Neural, signal: Signal, rate: float = 48000.0, block: int = 64) -> Signal:
    compile_units(processor.units())
    channels = signal.shape[0]
    processor.prepare(rate, 2048, channels)
    context = State(CONTEXT)
    context.record["channels"], context.record["stride"], context.record["rate"] = channels, 2048, rate
    process = load(processor.units()[0]).function("process", *[ctypes.c_int64] * 5)
    source, target = np.zeros((channels, 2048), np.float32), np.zeros((channels, 2048), np.float32)
    output = np.zeros_like(signal)
    for start in range(0, signal.shape[1], block):
        count = min(block, signal.shape[1] - start)
        source[:, :count] = signal[:, start : start + count]
        process(context.address, processor.state.address, source.ctypes.data, target.ctypes.data, count)
        output[:, start : start + count] = target[:, :count]
    return output


def _noise(channels: int = 1, frames: int = 6000) -> Signal:
    return (0.1 * np.random.default_rng(0).standard_normal((channels, frames))).astype(np.float32)


@pytest.mark.parametrize(
    ("values", "gain_db"),
    [
        ({"normalization": "raw"}, 0.0),
        ({"normalization": "raw", "input_db": 3.0, "output_db": -9.0}, -6.0),
        ({"normalization": "normalized"}, -18.0 + 24.0),
        ({"normalization": "calibrated", "interface_dbu": 12.0}, 6.0 - 12.0),
        ({"normalization": "raw", "calibrate_input": "on", "interface_dbu": 12.0}, 12.0 - 18.0),
    ],
)
def test_levels_follow_the_metadata(values: dict[str, object], gain_db: float) -> None:
    """Raw, normalized to -18 dB and calibrated in dBu give the gain that the arithmetic of levels gives."""
    signal = _noise()
    expected = signal * 10 ** (gain_db / 20)
    assert np.abs(_play(Neural(values, model=WIRE), signal) - expected).max() < 1e-6


def test_unknown_levels_change_nothing() -> None:
    """A model that says nothing about its levels plays raw whatever is asked."""
    model = replace(WIRE, metadata=Metadata())
    signal = _noise()
    for normalization in ("normalized", "calibrated"):
        values = {"normalization": normalization, "calibrate_input": "on"}
        assert np.array_equal(_play(Neural(values, model=model), signal), signal)


def test_a_stereo_signal_runs_two_instances() -> None:
    """Left and right each give what a mono instance gives for them."""
    model = random_model("lstm_1x16", 1)
    signal = _noise(2)
    stereo = _play(Neural(model=model), signal)
    for channel in range(2):
        assert np.array_equal(stereo[channel], _play(Neural(model=model), signal[channel : channel + 1])[0])


@pytest.mark.parametrize("rate", [44100.0, 88200.0, 96000.0, 192000.0])
def test_a_wire_of_another_rate_delays_by_the_stated_latency(rate: float) -> None:
    """Resampled there and back, sines up to 15 kHz come out after ``latency`` samples, 70 dB clean."""
    frames = 12000
    time = np.arange(frames) / rate
    tones = sum(np.sin(2 * np.pi * f * time + f) for f in (50.0, 440.0, 3000.0, 9000.0, 15000.0))
    signal = (0.1 * tones).astype(np.float32)[np.newaxis]
    processor = Neural({"normalization": "raw"}, model=WIRE)
    output = _play(processor, signal, rate)[0]
    settled = slice(2000, frames - processor.latency)
    error = output[processor.latency :][settled.start : settled.stop] - signal[0, settled]
    assert np.sqrt(np.mean(error**2) / np.mean(signal[0, settled] ** 2)) < 10 ** (-70 / 20)


def test_a_resampled_model_matches_scipy_around_it() -> None:
    """A WaveNet at 44.1 kHz gives, below 12 kHz, what SciPy's resampling around the 48 kHz output gives."""
    model = random_model("a1_nano", 4)
    signal = dsp.sosfilt(dsp.butter(8, 8000, fs=48000, output="sos"), _noise(frames=48000)[0])
    reference = _play(Neural({"normalization": "raw"}, model=model), signal.astype(np.float32)[np.newaxis])[0]
    window = ("kaiser", 14)
    slow = dsp.resample_poly(signal, 147, 160, window=window).astype(np.float32)
    processor = Neural({"normalization": "raw"}, model=model)
    output = _play(processor, slow[np.newaxis], 44100.0)[0][processor.latency :]
    expected = dsp.resample_poly(reference.astype(np.float64), 147, 160, window=window)[: output.size]
    low = dsp.butter(10, 12000, fs=44100, output="sos")
    error = dsp.sosfiltfilt(low, output - expected)[4000:-4000]
    assert np.mean(error**2) / np.mean(dsp.sosfiltfilt(low, expected)[4000:-4000] ** 2) < 1e-5


def test_block_sizes_change_no_bits_when_resampling() -> None:
    """At a foreign rate too, every block size gives the same bits."""
    model, signal = random_model("a1_nano", 4), _noise()
    output = _play(Neural(model=model), signal, 44100.0, 64)
    for block in (1, 96, 441, 2048):
        assert np.array_equal(_play(Neural(model=model), signal, 44100.0, block), output)


def test_rates_without_a_ratio_are_refused() -> None:
    """48 000 Hz to a prime number of Hz is refused with both rates."""
    with pytest.raises(RateError, match="cannot resample between 48000 Hz and 44101 Hz"):
        plan(48000.0, 44101.0)


def test_a_rate_that_cannot_be_resampled_is_refused_by_the_files_name(tmp_path: Path) -> None:
    """47 999 Hz has no manageable ratio to 48 000: the sentence names the model, on either runtime."""
    path = tmp_path / "odd.onnx"
    save_model(replace(random_model("linear", 0), sample_rate=47999.0), path)
    for processor in (Neural(model=path), Neural(model=path).on_onnxruntime()):
        with pytest.raises(ModelFileError, match=r"^odd\.onnx: .*48000 Hz and 47999 Hz"):
            processor.make_state(48000.0, 64, 1)
