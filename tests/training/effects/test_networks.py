"""The networks against computations written out by hand, and against themselves in blocks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.signal import lfilter
from scipy.special import expit
from tonerig.export.model import Knob
from tonerig.training.effects.config import make_network
from tonerig.training.effects.networks import FEATURES, EffectNetwork
from tonerig.training.effects.recurrent import LstmNetwork
from tonerig.training.effects.wavenet import A1_SHAPES, ArrayConfig, WaveNetConfig, WaveNetNetwork
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


KNOBS = (Knob("drive", 0.0, 10.0, 6.0), Knob("tone", 500.0, 8000.0, 2000.0, "Hz", "logarithmic"))


@pytest.mark.parametrize("name", ["wavenet-4x4", "cascade-2x100", "lstm-4", "gru-2x3"])
@torch.no_grad()
def test_an_effect_with_knobs_goes_on_from_its_state(name: str) -> None:
    """With knobs and a filter, blocks with the state handed on give the output of one call, and so does
    hearing the past."""
    network = _turned(name, taps=200)
    x = torch.randn(2, 1500, generator=torch.Generator().manual_seed(0))
    turns = torch.tensor([[0.1, 0.9], [0.7, 0.2]])
    whole, _ = network(x, None, turns)
    state, parts = None, []
    for block in x.split([1, 16, 464, 919, 100], dim=1):
        part, state = network(block, state, turns)
        parts.append(part)
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-4)
    after, _ = network(x[:, 1000:], network.hear(x[:, :1000], turns), turns)
    torch.testing.assert_close(after, whole[:, 1000:], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_every_item_of_a_batch_has_its_own_knobs() -> None:
    """Two settings side by side give what each gives alone, and they differ; without turns knobs stand at
    their defaults, a logarithmic one halfway between its ends' octaves."""
    network = _turned("wavenet-4x4", taps=64)
    x = torch.randn(1, 400, generator=torch.Generator().manual_seed(3))
    turns = torch.tensor([[0.6, 0.5], [0.0, 1.0]])
    both, _ = network(x.expand(2, -1), None, turns)
    for n in range(2):
        torch.testing.assert_close(both[n], network(x, None, turns[n : n + 1])[0][0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(both[0], network(x)[0][0], atol=1e-6, rtol=1e-5)
    assert float((both[0] - both[1]).abs().max()) > 1e-3


@torch.no_grad()
def test_features_are_film_gain_and_filter() -> None:
    """One layer, written out: gain before it, scale and shift of what is activated, taps after it."""
    network = EffectNetwork(
        WaveNetNetwork(WaveNetConfig((ArrayConfig(2, (1,), 1, True),), 0.5), FEATURES), KNOBS, 3
    )
    network.load_state_dict({k: torch.randn_like(v) for k, v in network.state_dict().items()})
    network.double()
    x, turns = torch.randn(1, 30, dtype=torch.float64), torch.rand(1, 2, dtype=torch.float64)
    f = network.features(turns)[0]
    played = functional.pad(
        x[0] * torch.exp(network.gain.exponent[0] + network.gain.exponent[1:] @ f), (4, 0)
    )
    array = network.core.arrays[0]
    layer = array.layers[0]
    z = layer.convolution(array.rechannel(played[None, None]))[0]
    z = z + layer.mixin(torch.cat((played[None], f[:, None].expand(-1, 34)))[None, :, 2:])[0]
    scale, shift = layer.film(f).chunk(2)
    core = 0.5 * array.head(torch.tanh(scale[:, None] * z + shift[:, None])[None])[0, 0]
    taps = network.response.taps[0] + f @ network.response.taps[1:]
    expected = sum(taps[k] * core[2 - k : 2 - k + 30] for k in range(3))
    torch.testing.assert_close(network(x, None, turns)[0][0], expected, atol=1e-9, rtol=1e-9)


@torch.no_grad()
def test_a_cascade_is_filters_and_curves() -> None:
    """Two stages equal SciPy filters of the same design, with the curves in NumPy between them."""
    torch.manual_seed(5)
    core = make_network("cascade-2x4000").core.double()
    for stage in core.stages:
        stage.filter.gains.normal_(0, 0.7)
        stage.filter.widths.normal_(0, 0.3)
    x = np.random.default_rng(1).standard_normal(3000)
    signal = x
    for stage in core.stages:
        for b, a in _sections(stage.filter):
            signal = lfilter(b, a, signal)
        weight, bias, out = (p.numpy() for p in stage.curve.parameters())
        signal = np.tanh(signal[:, None] * weight[:, 0] + bias) @ out[0] - np.tanh(bias) @ out[0]
    output = core(torch.from_numpy(x)[None])[0][0].numpy()
    np.testing.assert_allclose(output, signal, atol=2e-3 * np.abs(signal).max())


def _sections(filter_: torch.nn.Module) -> list[tuple[np.ndarray, np.ndarray]]:
    """A high-pass, a low-pass, and two peaking equalisers of the Audio EQ Cookbook, as numerators and
    denominators."""
    high, low, *bells = 2 * np.pi * np.exp(filter_.corners.numpy())
    pole = np.exp(-high)
    sections = [(np.array([1, -1]) * (1 + pole) / 2, np.array([1, -pole]))]
    sections.append((np.array([1 - np.exp(-low)]), np.array([1, -np.exp(-low)])))
    for w, q, gain in zip(bells, np.exp(filter_.widths.numpy()), np.exp(filter_.gains.numpy()), strict=True):
        alpha = np.sin(w) / (2 * q)
        b = np.array([1 + alpha * gain, -2 * np.cos(w), 1 - alpha * gain])
        sections.append((b, np.array([1 + alpha / gain, -2 * np.cos(w), 1 - alpha / gain])))
    return sections


def _turned(name: str, taps: int) -> EffectNetwork:
    """A small random network in which the knobs do much."""
    torch.manual_seed(4)
    network = make_network(name, KNOBS, taps)
    with torch.no_grad():
        network.gain.exponent.normal_(0, 0.5)
        network.response.taps.normal_(0, 0.1)
    return network
