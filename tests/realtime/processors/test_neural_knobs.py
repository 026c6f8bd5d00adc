"""The knobs of a neural model as the parameters of its processor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tonerig.export.errors import ModelFileError
from tonerig.export.files import load_model, save_model
from tonerig.export.model import NeuralModel
from tonerig.export.reference import evaluate
from tonerig.realtime.engine.control import Engine
from tonerig.realtime.engine.knobs import Knob
from tonerig.realtime.engine.program import Program
from tonerig.realtime.midi.events import EVENT
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.processors.neural import Neural, Runtime

from tests.models import random_model

from ..engine.drive import MAX_BLOCK, serve
from ..kernels.knobbed import CUTOFF, DRIVE, knobbed
from ..run import RATE, noise, prepared, run

Signal = NDArray[np.float32]
TURNED = {"drive": 7.5, "cutoff_hz": 300.0}
RAW = {"normalization": "raw"}


def _expected(model: NeuralModel, signal: Signal, values: Mapping[str, float]) -> NDArray[np.float64]:
    """What the reference gives after silence heard with the knobs already there."""
    heard = np.concatenate([np.zeros(model.prewarm, np.float32), signal])
    return evaluate(model, heard, knobs=values)[model.prewarm :]


def test_knobs_are_parameters_beside_its_own() -> None:
    """They come first, with their ranges, units, curves and defaults; a model without has none."""
    kind = type(Neural(model=knobbed("gain", 1)))
    drive, cutoff, *others = kind.parameters
    assert (drive.name, drive.minimum, drive.maximum, drive.default) == ("drive", 0, 10, 5)
    assert (cutoff.unit, cutoff.curve, cutoff.range_text()) == ("Hz", "logarithmic", "200 to 8000 Hz")
    assert tuple(others) == Neural.parameters
    assert type(Neural(model=knobbed("gain", 2))) is kind and kind is not Neural
    assert type(Neural(model=random_model("lstm_1x16", 0))) is Neural
    with pytest.raises(ParameterError, match="expected 0 to 10"):
        Neural({"drive": 11}, model=knobbed("gain", 1))
    with pytest.raises(ParameterError, match="neural has no parameter drive; it has input_db"):
        Neural({"drive": 5}, model=random_model("lstm_1x16", 0))


@pytest.mark.parametrize("runtime", ["kernel", "onnxruntime"])
@pytest.mark.parametrize("values", [{}, TURNED])
def test_both_runtimes_hear_them(runtime: Runtime, values: dict[str, float], tmp_path: Path) -> None:
    """From a file, with stated knobs and with their defaults: the reference's output within 1e-5."""
    model, signal = knobbed("chain", 3), noise(0.03)
    save_model(model, tmp_path / "model.onnx")
    processor = Neural({**RAW, **values}, model=tmp_path / "model.onnx", runtime=runtime)
    assert processor.on_kernel is (runtime == "kernel")
    # The part with a memory without end starts as the file has it settled, at the defaults.
    output, late = run(prepared(processor), signal)[0], 600
    assert np.abs(output - _expected(model, signal[0], values))[late:].max() < 1e-5


def test_stereo_runs_two_and_another_rate_is_resampled_around() -> None:
    """Both channels turn as one channel alone does, at 44.1 kHz too."""
    model, signal = knobbed("lstm", 3), noise(0.05, 2)
    for rate in (RATE, 44100.0):
        changes: dict[int, dict[str, float]] = {500: TURNED, 700: {"drive": 0.0}}
        both = run(prepared(Neural(RAW, model=model), 2, rate), signal, rate=rate, changes=changes)
        for channel in range(2):
            alone = run(
                prepared(Neural(RAW, model=model), 1, rate), signal[channel], rate=rate, changes=changes
            )
            assert np.array_equal(both[channel], alone[0])
        assert np.abs(both[:, :500]).max() > 0


@pytest.mark.parametrize("rate", [RATE, 44100.0])
def test_turns_give_the_same_bits_at_every_block_size(rate: float) -> None:
    """A change at a sample is heard from the same sample on, whatever the blocks are."""
    model, signal = knobbed("wavenet", 1), noise(0.06)
    changes: dict[int, dict[str, float]] = {500: TURNED, 777: {"drive": 0.0, "input_db": 6.0}}
    output = run(prepared(Neural(RAW, model=model), 1, rate), signal, 64, rate=rate, changes=changes)
    for block in (1, 17, 512):
        other = run(prepared(Neural(RAW, model=model), 1, rate), signal, block, rate=rate, changes=changes)
        assert np.array_equal(other, output)


def test_onnx_runtime_turns_smoothly() -> None:
    """A gain that a knob moves goes from one value to the other over many runs, not in one."""
    model, steady = knobbed("gain", 1), np.full(9600, 0.1, np.float32)
    processor = prepared(Neural({**RAW, "drive": 0.0}, model=model, runtime="onnxruntime"))
    output = run(processor, steady, 32, changes={1600: {"drive": 10.0}})[0]
    low, high = (
        _expected(model, steady[:1], {"drive": 0.0})[0],
        _expected(model, steady[:1], {"drive": 10.0})[0],
    )
    assert abs(output[1599] - low) < 1e-6 and abs(output[-1] - high) < 1e-5
    assert np.abs(np.diff(output)).max() < 0.2 * abs(high - low)


def test_a_reset_begins_again_where_the_knobs_are() -> None:
    """After turns and a reset it plays as one that was made with the present values."""
    model, signal = knobbed("wavenet", 1), noise(0.03)
    for runtime in ("kernel", "onnxruntime"):
        processor = Neural(RAW, model=model, runtime=runtime)
        run(prepared(processor), signal, changes={300: {"drive": 1.0}})
        for name, value in TURNED.items():
            processor.set(name, value)
        processor.reset()
        fresh = prepared(Neural({**RAW, **TURNED}, model=model, runtime=runtime))
        assert np.array_equal(run(processor, signal), run(fresh, signal))


def test_a_controller_and_a_command_turn_them() -> None:
    """Controller 20 at 127 is the knob's end; `Engine.set_parameter` sets it afterwards."""
    model = knobbed("gain", 1)
    amp = Neural(RAW, model=model)
    engine = Engine(Program([amp], RATE, MAX_BLOCK, 1, knobs=[Knob(20, amp, "drive")]), 1)
    steady = np.full((1, 19200), 0.1, np.float32)
    moved = np.zeros(1, EVENT)
    moved[0]["frame"], moved[0]["status"], moved[0]["data1"], moved[0]["data2"] = 100, 0xB0, 20, 127
    turned = serve(engine, steady, events=moved)[0]
    engine.read_knobs()
    assert amp.values["drive"] == 10.0
    assert engine.set_parameter(amp, "cutoff_hz", "300") == 300.0
    commanded = serve(engine, steady)[0]
    for output, values in ((turned, {"drive": 10.0}), (commanded, {"drive": 10.0, "cutoff_hz": 300.0})):
        assert abs(output[-1] - _expected(model, steady[0, :1], values)[0]) < 1e-5


def test_a_file_has_one_class_until_it_changes(tmp_path: Path) -> None:
    """The class is made anew when the file is; other files and none have the plain one."""
    path = tmp_path / "amp.onnx"
    save_model(knobbed("gain", 1), path)
    kind = Neural.variant({}, {"model": path})
    assert [p.name for p in kind.parameters[:2]] == [DRIVE.name, CUTOFF.name]
    assert Neural.variant({}, {"model": path}) is kind
    save_model(random_model("lstm_2x8", 0), path)
    assert Neural.variant({}, {"model": path}) is Neural
    assert Neural.variant({}) is Neural and Neural.variant({}, {"model": tmp_path / "none.onnx"}) is Neural
    with pytest.raises(ModelFileError, match=r"amp.onnx: changed while it was read"):
        kind(model=path)


def test_a_damaged_file_says_what_it_always_said(tmp_path: Path) -> None:
    """The class says it beforehand, and making a processor raises it; a missing file likewise."""
    path = tmp_path / "broken.onnx"
    save_model(knobbed("gain", 1), path)
    path.write_bytes(path.read_bytes()[:-100])
    for file in (path, tmp_path / "none.onnx"):
        with pytest.raises(ModelFileError) as loading:
            load_model(file)
        for kind in (Neural, Neural.variant({}, {"model": file})):
            with pytest.raises(ModelFileError) as making:
                kind({"drive": 3.0}, model=file)
            assert str(making.value) == str(loading.value)
    assert Neural.variant({}, {"model": path}).problem is not None


@pytest.mark.parametrize("name", ["input_db", "model", "latency"])
def test_a_knob_whose_name_is_taken_is_refused(name: str, tmp_path: Path) -> None:
    """One sentence names the file and the knob."""
    model = knobbed("gain", 1)
    assert model.knobs is not None
    clashing = replace(model, knobs=replace(model.knobs, knobs=(replace(DRIVE, name=name), CUTOFF)))
    save_model(clashing, tmp_path / "amp.onnx")
    words = f"has a knob named {name}, which neural means something else by; give it another name"
    with pytest.raises(ModelFileError, match=f"amp.onnx: {words}"):
        Neural.variant({}, {"model": tmp_path / "amp.onnx"})
    with pytest.raises(ModelFileError, match=words):
        Neural(model=clashing)
