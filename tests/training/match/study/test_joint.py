"""The study's joint models: sizes by Appendix 3, gates by hand, when training ends, and that it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tonerig.realtime.synths.two import ESTIMATED
from tonerig.training.match.study import joint
from tonerig.training.match.study.targets import Targets

TWO = Targets(ESTIMATED)
NAMES = [parameter.name for parameter in ESTIMATED]
KNOBS = [NAMES[k] for k in TWO.knobs]


@pytest.mark.parametrize(
    ("heard", "kind", "body", "width"),
    [
        ("mel", "MLP", [(64, 44 * 32), (64, 64)], 64),
        ("mfcc", "MLP", [(128, 44 * 20), (128, 128)], 128),
        ("mel", "LSTM", [(320, 32), (320, 80), (320, 80), (320, 80)], 80),
        ("mfcc", "LSTM", [(512, 20), (512, 128), (512, 128), (512, 128)], 128),
        ("mel", "Conv", [(16, 32, 4), (16, 16)], 16),
        ("mfcc", "Conv", [(64, 20, 4), (128, 64, 4), (64, 128)], 64),
    ],
)
def test_sizes(heard: str, kind: str, body: list[tuple[int, ...]], width: int) -> None:
    """Hidden layers as Appendices 2 and 3 have them (Noisemaker), then three switches and 13 knobs."""
    network = joint.Joint(TWO, joint.TOPOLOGIES[heard, kind], 44, {"mel": 32, "mfcc": 20}[heard])
    assert [tuple(p.shape) for p in network.body.parameters() if p.ndim > 1] == body
    assert [tuple(s.weight.shape) for s in network.switches] == [(3, width), (5, width), (7, width)]
    assert tuple(network.knobs.weight.shape) == (13, width)
    logits, knobs = network(torch.zeros(2, 44, {"mel": 32, "mfcc": 20}[heard]))
    assert [tuple(one.shape) for one in logits] == [(2, 3), (2, 5), (2, 7)]
    assert tuple(knobs.shape) == (2, 13)


def test_convolutions_steps() -> None:
    """Window 4 and stride 1, then the greatest of 4 every 2, in each layer."""
    body = joint.Joint(TWO, joint.TOPOLOGIES["mfcc", "Conv"], 44, 20).body
    convolutions = [m for m in body if isinstance(m, torch.nn.Conv1d)]
    pools = [m for m in body if isinstance(m, torch.nn.MaxPool1d)]
    assert [(c.kernel_size, c.stride, c.padding) for c in convolutions] == [((4,), (1,), (0,))] * 2
    assert [(p.kernel_size, p.stride) for p in pools] == [(4, 2)] * 2


def test_lstm_hears_in_order() -> None:
    """The answer is torch's own last output of the sequence."""
    network = joint.Joint(TWO, joint.TOPOLOGIES["mel", "LSTM"], 44, 32)
    heard = torch.randn(3, 44, 32)
    recurrent = network.body[0]
    _, (hidden, _) = recurrent(heard)
    torch.testing.assert_close(network.body(heard), hidden[-1])


def test_gates_by_hand() -> None:
    """The LFO's knobs by 1 - p(nothing), the pulse width by 1 - p(no pulse on either), no other."""
    first, second, moved = (NAMES.index(n) for n in ("osc_1_wave", "osc_2_wave", "lfo_destination"))
    probabilities = {
        first: torch.tensor([[0.5, 0.25, 0.25], [0, 1.0, 0]]),
        second: torch.tensor([[0.2, 0.4, 0.2, 0.1, 0.1], [1.0, 0, 0, 0, 0]]),
        moved: torch.tensor([[0.3, 0.7, 0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0, 0, 0]]),
    }
    expected = np.ones((2, 13))
    expected[:, KNOBS.index("pulse_width")] = [1 - 0.75 * 0.6, 1]
    expected[:, KNOBS.index("lfo_rate_hz")] = expected[:, KNOBS.index("lfo_amount")] = [0.7, 0]
    np.testing.assert_allclose(joint.gates(TWO, probabilities).numpy(), expected, atol=1e-6)


def test_closed_gate_gives_the_mean() -> None:
    """A network that is sure that the LFO moves nothing answers 0 for its knobs, which is their mean."""
    network = joint.Joint(TWO, joint.TOPOLOGIES["mel", "MLP"], 44, 32)
    with torch.no_grad():
        network.knobs.bias.fill_(3.0)
        network.switches[2].bias[0] = 1000.0
        _, knobs = network(torch.randn(5, 44, 32))
    closed = [KNOBS.index(n) for n in ("lfo_rate_hz", "lfo_amount")]
    assert (knobs[:, closed] == 0).all()
    assert (knobs[:, KNOBS.index("cutoff_hz")] != 0).all()


def test_loss_by_hand() -> None:
    """Even probabilities cost log(positions) for each switch; knobs cost their squares."""
    logits = [torch.zeros(4, n) for n in (3, 5, 7)]
    positions = torch.zeros(4, 3, dtype=torch.int64)
    loss = joint.loss_of(logits, torch.full((4, 13), 2.0), positions, torch.zeros(4, 13))
    np.testing.assert_allclose(float(loss), np.log(3 * 5 * 7) + 13 * 4, rtol=1e-6)


@pytest.mark.parametrize(
    ("losses", "epochs", "ends"),
    [
        ([], 50, False),
        ([3, 2, 1], 50, False),
        ([3, 1, 2, 2, 2, 2], 50, False),
        ([3, 1, 2, 2, 2, 2, 2], 50, True),
        ([3, 1, 1, 1, 1, 1, 1], 50, True),
        ([3, 2, 1], 3, True),
    ],
)
def test_when_training_ends(losses: list[float], epochs: int, ends: bool) -> None:
    """After five epochs that are no better than one before, or after all."""
    assert joint.stopped(losses, epochs) is ends


def toy(seed: int, sounds: int) -> tuple[np.ndarray, np.ndarray]:
    """Levels, and sounds in which each is plain in a bin of its own; the knobs from the fifth on in none."""
    generator = np.random.default_rng(seed)
    levels = np.stack([generator.integers(0, p.levels, sounds) for p in ESTIMATED], axis=1)
    heard = generator.normal(0, 0.1, (sounds, 20, 32)).astype(np.float32)
    for k, count in enumerate(TWO.parameters[:5]):
        for level in range(count.levels if k < 2 else 1):
            shown = (levels[:, k] == level) if k < 2 else levels[:, k] / 10
            heard[:, :, 6 * k + level] += shown[:, None]
    return levels, heard


@pytest.mark.parametrize("kind", ["MLP", "LSTM", "Conv"])
def test_learns_a_toy(kind: str) -> None:
    """What is plain in the sound is learnt by each network; what is not stays at its mean."""
    levels, heard = toy(0, 1500)
    asked_levels, asked = toy(1, 200)
    trained = joint.joint(TWO, joint.TOPOLOGIES["mel", kind], heard, levels, asked, epochs=12)
    scores = TWO.scores(trained.answers, asked_levels)
    assert scores.accuracy["osc_1_wave"] > 0.9
    assert scores.error["osc_1_volume"] < 1.0
    assert 2.2 < scores.error["amp_decay_s"] < 3.3
    assert trained.losses[-1] < trained.losses[0]


def test_same_seed_same_answers() -> None:
    """A training can be made again; another seed gives another network."""
    levels, heard = toy(2, 200)
    topology = joint.TOPOLOGIES["mel", "MLP"]
    one, again, other = (
        joint.joint(TWO, topology, heard, levels, heard[:10], seed=seed, epochs=2).answers
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_best_epoch_is_kept() -> None:
    """Training that runs five epochs past its best answers as one that ended at its best."""
    levels, heard = toy(3, 200)
    topology = joint.Topology("MLP", 256, 2)
    long = joint.joint(TWO, topology, heard, levels, heard[:10], epochs=50)
    best = int(np.argmin(long.losses)) + 1
    assert len(long.losses) == best + joint.PATIENCE
    short = joint.joint(TWO, topology, heard, levels, heard[:10], epochs=best)
    np.testing.assert_array_equal(long.answers, short.answers)
