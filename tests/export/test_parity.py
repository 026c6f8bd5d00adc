"""Tests of the parity checks themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from tonerig.export.errors import ModelFileError
from tonerig.export.parity import Parity, check_parity, compare, excitation, is_recurrent, verify_file
from tonerig.export.reference import evaluate
from tonerig.export.streaming import to_onnx, write_onnx

from tests.models import KINDS, random_model


def test_error_and_esr_by_hand() -> None:
    """The largest difference, and Σ(a - b)² / Σb²."""
    assert compare([1.0, 2.0, 4.0], [1.0, 2.0, 2.0]) == Parity(2.0, 4.0 / 9.0)
    assert compare([0.0], [0.0]) == Parity(0.0, 0.0)
    with pytest.raises(ValueError, match="shape"):
        compare([1.0], [1.0, 2.0])


def test_what_holds() -> None:
    """1e-5 for feed-forward networks; 1e-4 and an ESR of 1e-8 for recurrent ones."""
    feedforward, recurrent = (random_model(kind, 0).network for kind in ("a1_nano", "chain"))
    assert not is_recurrent(feedforward) and is_recurrent(recurrent)
    assert Parity(9e-6, 1.0).holds(feedforward) and not Parity(2e-5, 0.0).holds(feedforward)
    assert Parity(9e-5, 1e-9).holds(recurrent)
    assert not Parity(9e-5, 1e-7).holds(recurrent) and not Parity(2e-4, 0.0).holds(recurrent)


def test_a_model_agrees_with_itself_and_not_with_another() -> None:
    """The check finds a different network."""
    signal = excitation(500)
    model, other = random_model("a1_nano", 0), random_model("a1_nano", 1)
    reference = evaluate(model, signal)
    assert check_parity(model, signal, reference) == Parity(0.0, 0.0)
    assert not check_parity(other, signal, reference).holds(model.network)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "a2"])
def test_written_files_are_verified(kind: str, tmp_path: Path) -> None:
    """onnxruntime plays every architecture as its description says."""
    model = random_model(kind, 3)
    write_onnx(model, tmp_path / "model.onnx")
    assert verify_file(tmp_path / "model.onnx", (64, 441)).holds(model.network)


def test_a_file_that_plays_something_else_is_found(tmp_path: Path) -> None:
    """A graph that scales its output by another number than its description says."""
    proto = to_onnx(random_model("a1_nano", 0))
    scale = next(tensor for tensor in proto.graph.initializer if tensor.name.startswith("scalar:"))
    scale.CopyFrom(numpy_helper.from_array(np.array(0.03, np.float32), scale.name))
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    assert verify_file(tmp_path / "model.onnx", (64,)).max_error > 1e-4


def test_a_file_that_does_not_run_is_one_sentence(tmp_path: Path) -> None:
    """A graph whose shapes do not fit is reported with the file's name."""
    proto = to_onnx(random_model("linear", 0))
    concat = next(node for node in proto.graph.node if node.op_type == "Concat")
    concat.attribute[0].CopyFrom(onnx.helper.make_attribute("axis", 1))
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ModelFileError, match=r"^model\.onnx: cannot be played by onnxruntime"):
        verify_file(tmp_path / "model.onnx", (64,))
