"""A FIR filter over a batch, by FFT, through which gradients flow."""

from __future__ import annotations

import torch
from torch import Tensor


def filtered(history: Tensor, taps: Tensor) -> Tensor:
    """What a filter makes of the newest frames of ``history``.

    Parameters
    ----------
    history : shape (batch, count - 1 + frames)
    taps : shape (batch or 1, count); tap 0 meets the newest sample

    Returns
    -------
    Tensor, shape (batch, frames)
    """
    size = 1 << (history.shape[1] - 1).bit_length()
    spectrum = torch.fft.rfft(history, size) * torch.fft.rfft(taps, size)
    return torch.fft.irfft(spectrum, size)[:, taps.shape[1] - 1 : history.shape[1]]
