"""The recurrent kernel against torch's LSTM and GRU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tonerig.export.model import Dense, Gru, Lstm, NeuralModel, Stack

from .play import BLOCKS, Player, esr


def _cell(parameters: dict[str, np.ndarray], layer: int, kind: str) -> Lstm | Gru:
    x, h, bias_x, bias_h = (
        parameters[f"{name}_l{layer}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    rest = np.zeros(h.shape[1], np.float32)
    return Lstm(x, h, bias_x + bias_h, rest, rest) if kind == "lstm" else Gru(x, h, bias_x, bias_h, rest)


@pytest.mark.parametrize(
    ("kind", "hidden", "layers", "skip"),
    [("lstm", 16, 1, False), ("lstm", 8, 2, True), ("lstm", 3, 1, False), ("lstm", 24, 1, True),
     ("gru", 12, 1, False), ("gru", 20, 2, True)],
)  # fmt: skip
def test_cells_match_torch(kind: str, hidden: int, layers: int, skip: bool) -> None:
    """Torch's cell and linear layer give the same signal, and every block size the same bits."""
    torch.manual_seed(hidden)
    make = torch.nn.LSTM if kind == "lstm" else torch.nn.GRU
    cells, head = make(1, hidden, layers, batch_first=True), torch.nn.Linear(hidden, 1)
    with torch.no_grad():
        for parameter in cells.parameters():
            parameter *= 2
    signal = (0.5 * np.random.default_rng(1).standard_normal(4000)).astype(np.float32)
    with torch.no_grad():
        x = torch.from_numpy(0.7 * signal)
        reference = 1.5 * (head(cells(x[None, :, None])[0])[0, :, 0] + (x if skip else 0))
    parameters = {name: value.detach().numpy() for name, value in cells.named_parameters()}
    network = Stack(
        (
            *(_cell(parameters, layer, kind) for layer in range(layers)),
            Dense(head.weight.detach().numpy(), head.bias.detach().numpy()),
        ),
        skip=skip,
        input_gain=0.7,
        output_gain=1.5,
    )
    player = Player(NeuralModel(network))
    output = player.play(signal, 64)
    assert np.abs(output - reference.numpy()).max() < 1e-4
    assert esr(output, reference.numpy()) < 1e-8
    for block in BLOCKS:
        assert np.array_equal(player.play(signal, block), output)
