"""The measures, by hand and beside NumPy's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime.match.spectrogram import magnitudes
from tonerig.realtime.match.synths import FOUR
from tonerig.realtime.parameters import Parameter
from tonerig.training.match import measures

KNOB = Parameter("knob", 0.0, 1.0, 0.5, levels=11)
SWITCH = Parameter.switch("switch", "a", "b", "c", default="a")


def test_ranks_by_hand() -> None:
    """First, last and third of four; the mean of the places that equal scores share."""
    scores = np.array([[9, 1, 2, 3], [9, 1, 2, 3], [9, 1, 2, 3], [5, 5, 1, 5], [0, 0, 0, 0]])
    np.testing.assert_array_equal(measures.ranks(scores, np.array([0, 1, 2, 1, 3])), [0, 3, 2, 1, 1.5])


def test_percentile_ranks_by_hand() -> None:
    """Two parameters of three and two levels: ranks 0, 2 and 1 are 100, 0 and 50."""
    first = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.7, 0.2, 0.1]])
    second = np.array([[0.0, 1.0], [0.0, 1.0], [1.0, 1.0]])
    truth = np.array([[0, 1], [2, 1], [1, 0]])
    np.testing.assert_allclose(
        measures.percentile_ranks([first, second], truth), [(100 + 0 + 50) / 3, (100 + 100 + 50) / 3]
    )


def test_chance_is_fifty() -> None:
    """Random scores have a mean percentile rank of 50, top-k accuracies of k / levels."""
    generator = np.random.default_rng(5)
    scores = [generator.random((4000, 16)) for _ in range(3)]
    truth = generator.integers(0, 16, (4000, 3))
    np.testing.assert_allclose(measures.percentile_ranks(scores, truth), 50, atol=2)
    chance = np.arange(1, 6) / 16
    np.testing.assert_allclose(measures.top_accuracies(scores, truth).mean(axis=0), chance, atol=0.02)


def test_the_same_score_everywhere_is_chance() -> None:
    """A model that tells nothing is neither right nor wrong, whatever the truth is."""
    scores, truth = [np.zeros((7, 16))], np.zeros((7, 1), int)
    np.testing.assert_allclose(measures.percentile_ranks(scores, truth), [50])
    np.testing.assert_allclose(measures.top_accuracies(scores, truth), [np.arange(1, 6) / 16])


def test_top_accuracies_by_hand() -> None:
    """Ranks 0, 1 and 3 of four levels: a third is first, two thirds among two and three, all among four."""
    scores = [np.array([[4, 3, 2, 1], [4, 3, 2, 1], [4, 3, 2, 1]])]
    found = measures.top_accuracies(scores, np.array([[0], [1], [3]]), top=4)
    np.testing.assert_allclose(found, [[1 / 3, 2 / 3, 2 / 3, 1]])


def test_top_accuracies_of_ties() -> None:
    """The right level shares the second and third place: half the time among the first two."""
    found = measures.top_accuracies([np.array([[9, 5, 5, 1]])], np.array([[2]]), top=3)
    np.testing.assert_allclose(found, [[0, 0.5, 1]])


@given(st.integers(0, 2**32 - 1))
def test_ranks_do_not_depend_on_the_scale(seed: int) -> None:
    """Logits and their probabilities give the same ranks."""
    generator = np.random.default_rng(seed)
    logits, truth = generator.normal(size=(9, 5)), generator.integers(0, 5, 9)
    np.testing.assert_array_equal(
        measures.ranks(logits, truth), measures.ranks(1 / (1 + np.exp(-logits)), truth)
    )


def test_the_groups_of_figure_5() -> None:
    """Two, four times four, and four parameters, all but the gater's in one of them, and all 23."""
    found = measures.groups("four", FOUR.parameters)
    assert {name: len(some) for name, some in found.items()} == {
        "Filter": 2,
        "Notes": 4,
        "Amplitude LFO": 4,
        "Frequency LFO": 4,
        "Oscillators Amplitude": 4,
        "Amplitude ADSR": 4,
        "All": 23,
    }
    inside = sorted(k for name, some in found.items() if name != "All" for k in some)
    assert [FOUR.parameters[k].name for k in set(range(23)) - set(inside)] == ["gate_hz"]
    assert len(set(inside)) == len(inside)
    assert measures.groups("two", (KNOB, SWITCH)) == {"All": (0, 1)}


def test_means_over_a_group() -> None:
    """The plain mean of its parameters' accuracies."""
    accuracies = np.array([[0.0, 0.5], [1.0, 1.0], [0.5, 0.6]])
    found = measures.grouped(accuracies, {"some": (0, 1), "All": (0, 1, 2)})
    assert found["some"] == pytest.approx((0.5, 0.75)) and found["All"] == pytest.approx((0.5, 0.7))


def test_calibration_by_hand() -> None:
    """Two bins: sure 0.9 and right half the time, sure 0.2 and never right: 0.5 * 0.4 + 0.5 * 0.2."""
    found = measures.calibration_error([0.9, 0.9, 0.2, 0.2], [True, False, False, False], bins=2)
    assert found == pytest.approx(0.5 * 0.4 + 0.5 * 0.2)


def test_who_is_right_as_often_as_said_is_calibrated() -> None:
    """Hits drawn with the stated probability leave next to no error; saying 1 leaves what is missing."""
    generator = np.random.default_rng(6)
    sure = generator.random(40000)
    hits = generator.random(40000) < sure
    assert measures.calibration_error(sure, hits) < 0.015
    assert measures.calibration_error(np.ones(40000), hits) == pytest.approx(1 - hits.mean())


def test_confidences() -> None:
    """The greatest probability, and whether it stands at the right level."""
    sure, right = measures.confidences([np.array([[0.2, 0.8], [0.6, 0.4]])], np.array([[1], [1]]))
    np.testing.assert_array_equal(sure, [[0.8], [0.6]])
    np.testing.assert_array_equal(right, [[True], [False]])


def test_the_middle_of_what_is_believed() -> None:
    """A knob's median level as a turn; of a switch the likeliest position, as positions have no order."""
    knob = np.zeros((1, 11))
    knob[0, [0, 4, 10]] = 0.45, 0.15, 0.4
    switch = np.array([[0.4, 0.25, 0.35]])
    np.testing.assert_allclose(measures.middle_turns((KNOB, SWITCH), [knob, switch]), [[0.4, 0.0]])


def test_switches_and_knobs_by_hand() -> None:
    """One switch of two right; knobs 0.1 and 0.3 of a turn off are 2 of 10 in the mean."""
    turns, truth = np.array([[0.2, 0.5], [0.9, 0.0]]), np.array([[0.3, 0.5], [0.6, 1.0]])
    assert measures.switch_accuracies((KNOB, SWITCH), turns, truth) == {"switch": 0.5}
    assert measures.knob_errors((KNOB, SWITCH), turns, truth) == {"knob": pytest.approx(2.0)}


def test_correlations_are_numpys() -> None:
    """`np.corrcoef` × 100 of each pair, whatever its shape."""
    generator = np.random.default_rng(7)
    first, second = generator.normal(size=(2, 5, 6, 7))
    second = second + 0.5 * first
    expected = [100 * np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(measures.correlations(first, second), expected, rtol=1e-12)


def test_silence() -> None:
    """Silence for silence is right, silence for sound or sound for silence is worth nothing."""
    tone = np.sin(np.arange(100.0))
    first = np.stack([0 * tone, 0 * tone, tone, tone, 0 * tone + 0.3])
    second = np.stack([0 * tone, tone, 0 * tone, tone, 0 * tone + 0.3])
    np.testing.assert_allclose(measures.correlations(first, second), [100, 0, 0, 100, 100])


def test_a_quiet_sound_is_no_silence() -> None:
    """The level of a sound says nothing about its correlation."""
    tone = np.sin(np.arange(100.0))[None]
    np.testing.assert_allclose(measures.correlations(1e-20 * tone, -1e15 * tone), [-100])


def test_reconstruction_is_numpys() -> None:
    """Correlations of spectrograms, of absolute spectra and of samples, and the norm of the difference,
    over more sounds than a batch has."""
    generator = np.random.default_rng(8)
    first, second = generator.normal(size=(2, measures.BATCH + 3, 2048)).astype(np.float32)
    second += first
    found = measures.reconstruction(first, second)
    for k in (0, measures.BATCH, measures.BATCH + 2):
        pairs = {
            "time": (first[k], second[k]),
            "fourier": [np.abs(np.fft.rfft(each[k].astype(float))) for each in (first, second)],
            "stft": [magnitudes(each[k : k + 1])[0] for each in (first, second)],
        }
        for name, (a, b) in pairs.items():
            expected = 100 * np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]
            assert getattr(found, name)[k] == pytest.approx(expected, rel=1e-5)
        norm = np.linalg.norm(np.subtract(*pairs["stft"]))
        assert found.frobenius[k] == pytest.approx(norm, rel=1e-5)


def test_a_sound_is_its_own_reconstruction() -> None:
    """Correlations of 100 and no distance; half as loud correlates as well, but is half its norm away."""
    sounds = np.random.default_rng(9).normal(size=(2, 4096)).astype(np.float32)
    same = measures.reconstruction(sounds, sounds)
    quiet = measures.reconstruction(sounds, sounds / 2)
    for name in ("stft", "fourier", "time"):
        np.testing.assert_allclose(getattr(same, name), 100)
        np.testing.assert_allclose(getattr(quiet, name), 100, rtol=1e-5)
    np.testing.assert_array_equal(same.frobenius, 0)
    np.testing.assert_allclose(
        quiet.frobenius, np.linalg.norm(magnitudes(sounds), axis=(1, 2)) / 2, rtol=1e-5
    )


def test_what_cannot_be_compared() -> None:
    """A sentence for scores of other sounds, for NaN, for other shapes and for what is no probability."""
    with pytest.raises(measures.MeasureError, match=r"shapes \(3, 2\) do not belong to levels of shape"):
        measures.percentile_ranks([np.zeros((3, 2))], np.zeros((4, 1), int))
    with pytest.raises(measures.MeasureError, match="cannot be ranked"):
        measures.top_accuracies([np.full((1, 2), np.nan)], np.zeros((1, 1), int))
    with pytest.raises(measures.MeasureError, match="cannot be compared"):
        measures.reconstruction(np.zeros((1, 8), np.float32), np.zeros((1, 9), np.float32))
    with pytest.raises(measures.MeasureError, match="between 0 and 1"):
        measures.calibration_error([1.5], [True])
    with pytest.raises(measures.MeasureError, match="0 confidences"):
        measures.calibration_error([], [])
