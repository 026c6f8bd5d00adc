"""How far a network's output is from the teacher's: error-to-signal ratio and spectral distance."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor


def pre_emphasis(waveform: Tensor, coefficient: float = 0.95) -> Tensor:
    """First difference ``x[n] - coefficient * x[n - 1]``, which weighs treble as the ear does.

    Parameters
    ----------
    waveform : shape (..., frames)
    coefficient : 0 to 1

    Returns
    -------
    Tensor, shape (..., frames - 1)

    References
    ----------
    A. Wright and V. Välimäki, "Perceptual Loss Function for Neural Modeling of Audio Systems",
    ICASSP 2020.
    """
    return waveform[..., 1:] - coefficient * waveform[..., :-1]


def error_to_signal(output: Tensor, target: Tensor, floor: float = 1e-10) -> Tensor:
    """Energy of the error over energy of the target, over the whole batch.

    One ratio for the batch, not a mean of ratios: a nearly silent item would outweigh the others.

    Parameters
    ----------
    output, target : the same shape
    floor : added to the target's mean energy, so that silence gives no infinity

    Returns
    -------
    Tensor, scalar
        0 where both are equal, 1 for an output of silence.
    """
    return (output - target).square().mean() / (target.square().mean() + floor)


def spectral_distance() -> Callable[[Tensor, Tensor], Tensor]:
    """Multi-resolution STFT distance of two batches of shape (batch, frames).

    Raises
    ------
    ModuleNotFoundError
        If auraloss is not installed.

    References
    ----------
    R. Yamamoto et al., "Parallel WaveGAN", ICASSP 2020, as implemented by C. Steinmetz's auraloss.
    """
    from auraloss.freq import MultiResolutionSTFTLoss  # only here: training also runs without it

    loss = MultiResolutionSTFTLoss()

    def distance(output: Tensor, target: Tensor) -> Tensor:
        value: Tensor = loss(output[:, None], target[:, None])
        return value

    return distance


def training_loss(spectral_weight: float, emphasis_weight: float) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss to train with: the error-to-signal ratio and what is added to it.

    Parameters
    ----------
    spectral_weight : of the multi-resolution STFT distance of the pre-emphasised signals; 0 needs no
        auraloss
    emphasis_weight : of the error-to-signal ratio of the pre-emphasised signals

    Returns
    -------
    callable
        From output and target, shape (batch, frames), to a scalar.
    """
    distance = spectral_distance() if spectral_weight else None

    def loss(output: Tensor, target: Tensor) -> Tensor:
        total = error_to_signal(output, target)
        emphasised = pre_emphasis(output), pre_emphasis(target)
        if emphasis_weight:
            total = total + emphasis_weight * error_to_signal(*emphasised)
        if distance is not None:
            total = total + spectral_weight * distance(*emphasised)
        return total

    return loss
