"""What estimators are trained to lower, against cases worked by hand."""

from __future__ import annotations

import math

import pytest
import torch
from tonerig.training.match.losses import binary_loss, levels_loss


def test_binary_loss_of_one_sound() -> None:
    """Two parameters of two and three levels; the mean of five binary cross entropies."""
    logits = torch.tensor([[0.0, 2.0, -1.0, 0.5, 0.0]])
    right = torch.tensor([[1, 0]])

    def entropy(logit: float, wanted: int) -> float:
        p = 1 / (1 + math.exp(-logit))
        return -math.log(p if wanted else 1 - p)

    expected = sum(map(entropy, (0.0, 2.0, -1.0, 0.5, 0.0), (0, 1, 1, 0, 0))) / 5
    assert float(binary_loss(logits, right, (2, 3))) == pytest.approx(expected, rel=1e-6)


def test_a_switch_is_asked_for_its_position_alone() -> None:
    """Then the loss is torch's own cross entropy."""
    logits, right = (
        torch.randn(7, 5, generator=torch.Generator().manual_seed(0)),
        torch.arange(7)[:, None] % 5,
    )
    expected = torch.nn.functional.cross_entropy(logits, right[:, 0])
    assert float(levels_loss(logits, right, (5,), (True,))) == pytest.approx(float(expected), rel=1e-6)


def test_a_knob_is_asked_for_its_neighbours_too() -> None:
    """Lowest where the scores are the bell around the right level, worked out for three levels."""
    bell = [1.0, math.exp(-0.5), math.exp(-2.0)]
    wanted = [part / sum(bell) for part in bell]
    scores = torch.tensor([[math.log(part) for part in wanted]])
    lowest = -sum(part * math.log(part) for part in wanted)
    right = torch.tensor([[0]])
    assert float(levels_loss(scores, right, (3,), (False,))) == pytest.approx(lowest, rel=1e-5)
    for other in ([[4.0, 0.0, 0.0]], [[0.0, 0.0, 0.0]]):
        assert float(levels_loss(torch.tensor(other), right, (3,), (False,))) > lowest
