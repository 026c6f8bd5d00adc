"""What estimators are trained to lower."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

SPREAD = 1.0
"""Standard deviation, in levels, of what `levels_loss` asks for around the right level of a knob."""


def binary_loss(logits: Tensor, levels: Tensor, counts: Sequence[int]) -> Tensor:
    """Mean binary cross entropy of every level by itself, as in the paper.

    Parameters
    ----------
    logits : shape (sounds, sum of the counts)
    levels : shape (sounds, parameters), integers
    counts : levels of each parameter
    """
    right = [one_hot(levels[:, k], count) for k, count in enumerate(counts)]
    return binary_cross_entropy_with_logits(logits, torch.cat(right, dim=1).to(logits.dtype))


def levels_loss(logits: Tensor, levels: Tensor, counts: Sequence[int], switches: Sequence[bool]) -> Tensor:
    """Cross entropy of a softmax over each parameter's levels, mean over sounds and parameters.

    A knob's neighbouring levels are asked for, too, less with their distance, since they sound alike; a
    switch's positions are not neighbours.
    """
    total = logits.new_zeros(())
    for k, (part, count) in enumerate(zip(torch.split(logits, list(counts), dim=1), counts, strict=True)):
        places = torch.arange(count, device=logits.device)
        if switches[k]:
            wanted = one_hot(levels[:, k], count).to(logits.dtype)
        else:
            away = (places[None] - levels[:, k, None]).to(logits.dtype) / SPREAD
            wanted = torch.softmax(-0.5 * away**2, dim=1)
        total = total - (wanted * torch.log_softmax(part, dim=1)).sum(dim=1).mean()
    return total / len(counts)
