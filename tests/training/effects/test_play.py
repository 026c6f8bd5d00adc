"""A model over an array by the engine, against SciPy and formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter
from tonerig.export.model import Convolution, Dense, Gain, Knob, Knobs, NeuralModel, Stack
from tonerig.realtime.parameters import ParameterError
from tonerig.training.effects.play import PlayError, play_model

TAPS = np.array([0.7, -0.2, 0.1], np.float32)
FILTER = NeuralModel(Stack((Convolution(TAPS[None, None, ::-1].copy()),)))
EXPONENT = np.array([-1.0, 2.0], np.float32)
TURNED = NeuralModel(
    Gain(EXPONENT),
    knobs=Knobs(
        (Knob("drive", 0.0, 10.0, 5.0),),
        Stack((Dense(np.ones((1, 1), np.float32), np.zeros(1, np.float32)),)),
    ),
)


def noise(frames: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.random.default_rng(0).standard_normal(frames).astype(np.float32)


def test_a_filter_is_scipys() -> None:
    """A convolution plays as `scipy.signal.lfilter` computes it, at its raw level and from rest."""
    dry = noise(1000)
    np.testing.assert_allclose(play_model(FILTER, dry), lfilter(TAPS, [1.0], dry), atol=1e-6)


@pytest.mark.parametrize("block", [1, 17, 4096])
def test_blocks_change_no_bit(block: int) -> None:
    """The output is the same for blocks of any length."""
    dry = noise(777)
    assert np.array_equal(play_model(FILTER, dry, block=block), play_model(FILTER, dry))


@pytest.mark.parametrize("drive", [0.0, 5.0, 9.0])
def test_knobs_stand_where_they_are_put_from_the_first_sample(drive: float) -> None:
    """A gain of exp(-1 + 2 turn) has its value at once; not given, a knob stands at its default."""
    dry = noise(300)
    wanted = dry * np.exp(-1.0 + 2.0 * drive / 10.0)
    np.testing.assert_allclose(play_model(TURNED, dry, knobs={"drive": drive}), wanted, rtol=1e-5)
    if drive == 5.0:
        np.testing.assert_allclose(play_model(TURNED, dry), wanted, rtol=1e-5)


@pytest.mark.parametrize(("knobs", "said"), [({"treble": 3.0}, "treble"), ({"drive": 11.0}, "0 to 10")])
def test_knobs_that_are_not_there(knobs: dict[str, float], said: str) -> None:
    """A name that the model does not have and a value out of range are refused by name."""
    with pytest.raises(ParameterError, match=said):
        play_model(TURNED, noise(10), knobs=knobs)


def test_sounds_of_another_shape_and_outputs_that_are_not_finite() -> None:
    """Two channels are refused; a sum beyond float32 is said, and no silence passed off as its output."""
    with pytest.raises(PlayError, match=r"\(2, 10\)"):
        play_model(FILTER, np.zeros((2, 10), np.float32))
    with pytest.raises(PlayError, match="NaN or infinity"):
        play_model(NeuralModel(Stack((Convolution(np.full((1, 1, 3), 3e38, np.float32)),))), noise(100))
