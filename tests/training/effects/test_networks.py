"""The networks against computations written out by hand, and against themselves in blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from scipy.special import expit
from tonerig.training.effects.networks import (
    A1_SHAPES,
    ArrayConfig,
    LstmNetwork,
    WaveNetConfig,
    WaveNetNetwork,
)
from torch.nn import functional

NAM_WEIGHTS = {"standard": 13802, "lite": 6554, "feather": 3026, "nano": 842}


@pytest.mark.parametrize("shape", A1_SHAPES)
def test_shapes_have_as_many_weights_as_nam_files(shape: str) -> None:
    """Each A1 shape has the weight count of NAM's files (head scale included) and its receptive field."""
    network = WaveNetNetwork(A1_SHAPES[shape])
    assert sum(p.numel() for p in network.parameters()) + 1 == NAM_WEIGHTS[shape]
    assert network.receptive_field == {"standard": 4093}.get(shape, 4093)


def test_wavenet_is_the_published_computation() -> None:
    """Two arrays give what torch's own convolutions give when the structure is written out."""
    torch.manual_seed(0)
    config = WaveNetConfig((ArrayConfig(4, (1, 2), 3, False), ArrayConfig(3, (4,), 1, True)), 0.5)
    network = WaveNetNetwork(config)
    x = torch.randn(2, 50)
    padded = functional.pad(x, (network.receptive_field - 1, 0))[:, None]
    hidden, head = padded, None
    for array in network.arrays:
        hidden = array.rechannel(hidden)
        for layer in array.layers:
            z = layer.convolution(hidden)
            z = torch.tanh(z + layer.mixin(padded[:, :, -z.shape[2] :]))
            head = z if head is None else head[:, :, -z.shape[2] :] + z
            hidden = hidden[:, :, -z.shape[2] :] + layer.layer1x1(z)
        head = array.head(head)
    output, _ = network(x)
    torch.testing.assert_close(output, 0.5 * head[:, 0], atol=1e-6, rtol=1e-5)


def test_wavenet_hears_no_further_than_its_receptive_field() -> None:
    """An impulse changes the output from its own frame on, for exactly the receptive field."""
    torch.manual_seed(0)
    network = WaveNetNetwork(WaveNetConfig((ArrayConfig(2, (1, 4), 1, True),))).double()
    x = torch.zeros(1, 60, dtype=torch.float64)
    silence, _ = network(x)
    x[0, 20] = 1.0
    changed = ((network(x)[0] - silence)[0] != 0).nonzero()
    assert (changed.min(), changed.max()) == (20, 20 + network.receptive_field - 1)


def test_heads_must_fit_the_next_array() -> None:
    """A head as wide as no array after it is refused, with both widths in the message."""
    with pytest.raises(ValueError, match=r"\[2\] channels.*\[1\]"):
        WaveNetConfig((ArrayConfig(4, (1,), 2, True),))


def test_lstm_is_the_textbook_cell() -> None:
    """One layer with skip equals the LSTM equations in NumPy, gates in the order i, f, g, o."""
    torch.manual_seed(0)
    network = LstmNetwork(hidden=3)
    x = torch.randn(1, 40)
    weights = {name: p.detach().numpy().astype(np.float64) for name, p in network.named_parameters()}
    h, c, expected = np.zeros(3), np.zeros(3), []
    for sample in x[0].numpy().astype(np.float64):
        gates = weights["lstm.weight_ih_l0"][:, 0] * sample + weights["lstm.weight_hh_l0"] @ h
        i, f, g, o = np.split(gates + weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"], 4)
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        expected.append((weights["dense.weight"] @ h + weights["dense.bias"])[0] + sample)
    np.testing.assert_allclose(network(x)[0][0].detach().numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("network", [LstmNetwork(4, 2), WaveNetNetwork(A1_SHAPES["nano"])])
@torch.no_grad()
def test_blocks_equal_the_whole(network: LstmNetwork | WaveNetNetwork) -> None:
    """Input in uneven blocks, with the state handed on, gives the output of one call."""
    x = torch.randn(2, 700, generator=torch.Generator().manual_seed(0))
    whole, _ = network(x)
    state, parts = None, []
    for block in x.split([1, 16, 64, 96, 441, 82], dim=1):
        part, state = network(block, state)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("network", [LstmNetwork(4, 2), WaveNetNetwork(A1_SHAPES["nano"])])
@torch.no_grad()
def test_hearing_the_past_is_running_over_it(network: LstmNetwork | WaveNetNetwork) -> None:
    """The state from `hear` is the one that a call over the same past gives, for short and long pasts."""
    for frames in (0, 100, 5000):
        past = torch.randn(2, frames, generator=torch.Generator().manual_seed(1))
        following = torch.randn(2, 50, generator=torch.Generator().manual_seed(2))
        expected = network(torch.cat((past, following), dim=1))[0][:, frames:]
        output, _ = network(following, network.hear(past) if frames else None)
        torch.testing.assert_close(output, expected, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_a_settled_lstm_starts_at_rest() -> None:
    """After `settle` the output for silence is constant, where before it moved."""
    torch.manual_seed(0)
    network = LstmNetwork(8)
    silence = torch.zeros(1, 2000)
    assert np.ptp(network(silence)[0].numpy()) > 1e-3
    network.settle(5000)
    assert np.ptp(network(silence)[0].numpy()) < 1e-6


@torch.no_grad()
def test_a_wavenet_without_nonlinearity_is_a_filter() -> None:
    """For tiny signals tanh is linear, and the network is the FIR filter of its impulse response."""
    torch.manual_seed(1)
    network = WaveNetNetwork(A1_SHAPES["nano"]).double()
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
    impulse = torch.zeros(1, network.receptive_field, dtype=torch.float64)
    impulse[0, 0] = 1e-6
    response = network(impulse)[0][0].numpy() / 1e-6
    x = np.random.default_rng(0).standard_normal(500) * 1e-6
    output = network(torch.from_numpy(x)[None])[0][0].numpy()
    np.testing.assert_allclose(output, lfilter(response, 1, x), atol=1e-9 * np.abs(output).max())
