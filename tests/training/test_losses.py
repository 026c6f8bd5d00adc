"""Losses against values worked by hand and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import lfilter, stft
from tonerig.training.losses import error_to_signal, pre_emphasis, spectral_distance, training_loss


def test_pre_emphasis_is_a_first_order_filter() -> None:
    """Pre-emphasis equals SciPy's FIR filter [1, -0.95] from the second sample on."""
    x = np.random.default_rng(0).standard_normal((2, 100))
    expected = lfilter([1, -0.95], [1], x)[:, 1:]
    np.testing.assert_allclose(pre_emphasis(torch.from_numpy(x)).numpy(), expected, atol=1e-12)


def test_error_to_signal_worked_by_hand() -> None:
    """Errors of 1 and 0 on a target of 2 and 1 are 1/5; the batch counts as one signal."""
    target = torch.tensor([[2.0, 1.0]])
    assert error_to_signal(torch.tensor([[1.0, 1.0]]), target).item() == pytest.approx(0.2)
    assert error_to_signal(target, target).item() == 0
    assert error_to_signal(torch.zeros(1, 2), target).item() == pytest.approx(1.0)
    loud_and_quiet = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    off_by_one = loud_and_quiet + 1.0
    assert error_to_signal(off_by_one, loud_and_quiet).item() == pytest.approx(4 / 25)


def test_silence_has_a_finite_error() -> None:
    """A silent target gives a finite ratio and a finite gradient."""
    output = torch.full((1, 8), 1e-6, requires_grad=True)
    ratio = error_to_signal(output, torch.zeros(1, 8))
    ratio.backward()
    assert torch.isfinite(ratio)
    assert output.grad is not None and torch.isfinite(output.grad).all()


def test_spectral_distance_is_the_published_formula() -> None:
    """Spectral convergence plus mean log-magnitude difference, over three resolutions, by SciPy."""
    rng = np.random.default_rng(0)
    output, target = rng.standard_normal((2, 8192)) * np.array([[0.5], [1.0]])
    total = 0.0
    for size, hop, window in ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240)):
        magnitudes = [_magnitude(x, size, hop, window) for x in (output, target)]
        convergence = np.linalg.norm(magnitudes[1] - magnitudes[0]) / np.linalg.norm(magnitudes[1])
        total += convergence + np.abs(np.log(magnitudes[0]) - np.log(magnitudes[1])).mean()
    tensors = (torch.from_numpy(x.astype(np.float32))[None] for x in (output, target))
    assert spectral_distance()(*tensors).item() == pytest.approx(total / 3, rel=1e-3)


def _magnitude(x: np.ndarray, size: int, hop: int, length: int) -> np.ndarray:
    """Magnitudes of centred, reflected frames under a periodic Hann window, padded to ``size``."""
    window = np.zeros(size)
    start = (size - length) // 2
    window[start : start + length] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    padded = np.pad(x, size // 2, mode="reflect")
    _, _, spectrum = stft(
        padded, window=window, nperseg=size, noverlap=size - hop, boundary=None, padded=False
    )
    return np.maximum(np.abs(spectrum) * window.sum(), 1e-4)


def test_training_loss_is_the_sum_of_its_parts() -> None:
    """The total is the ratio plus the weighted emphasised ratio plus the weighted distance."""
    torch.manual_seed(0)
    output, target = torch.randn(2, 4096), torch.randn(2, 4096)
    emphasised = pre_emphasis(output), pre_emphasis(target)
    expected = (
        error_to_signal(output, target)
        + 0.5 * error_to_signal(*emphasised)
        + 0.1 * spectral_distance()(*emphasised)
    )
    torch.testing.assert_close(training_loss(0.1, 0.5)(output, target), expected)
