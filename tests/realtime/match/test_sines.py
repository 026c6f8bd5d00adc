"""Tables of modulated sines, held to the synthesizer's own samples."""

from __future__ import annotations

import numpy as np
import pytest
from tonerig.realtime.match.sines import STEP, Passage, Sines, passage, sines
from tonerig.realtime.match.synths import FOUR

NAMES = [parameter.name for parameter in FOUR.parameters]
ACTING = {
    "attack_s": 0.1,
    "decay_s": 0.3,
    "sustain": 0.4,
    "release_s": 0.6,
    "cutoff_hz": 700.0,
    "resonance": 2.5,
    "gate_hz": 7.0,
}


@pytest.fixture(scope="module")
def table() -> Sines:
    """All sines of `four`, two semitones up."""
    f, v, b = (
        FOUR.parameters[NAMES.index(f"sine_{name}_hz")] for name in ("frequency", "modulation", "depth")
    )
    return sines(f, v, b, 2 ** (2 / 12), FOUR.rate, FOUR.frames)


def _through() -> Passage:
    return passage(**ACTING, key_up_s=FOUR.key_up_s, rate=FOUR.rate, frames=FOUR.frames)


def _played(table: Sines, setting: int, semitones: float = 2.0) -> np.ndarray:
    """The synthesizer's own sine of a setting, through envelope, filter and gater."""
    values = np.zeros(len(NAMES))
    for name, value in ACTING.items():
        values[NAMES.index(name)] = value
    for name, level in zip(("frequency", "modulation", "depth"), table.settings[setting], strict=True):
        column = NAMES.index(f"sine_{name}_hz")
        values[column] = FOUR.parameters[column].grid()[level]
    for wave in ("saw", "triangle", "square"):
        values[NAMES.index(f"{wave}_modulation_hz")] = 1.0
    values[NAMES.index("sine_amplitude")] = 1.0
    return FOUR.render(values[None], semitones=semitones, threads=1)[0]


@pytest.mark.parametrize("setting", [0, 137, 2500, 4095])
def test_a_played_sine_is_found(table: Sines, setting: int) -> None:
    """Of 4096 sines the one that was played explains most of its sound, nearly all of it."""
    sound = _played(table, setting)
    explained = table.explained(sound, _through(), table.energies(_through()))
    assert int(explained.argmax()) == setting
    assert explained[setting] == pytest.approx(float(sound @ sound), rel=0.3)


def test_the_passage_is_the_synthesizers(table: Sines) -> None:
    """The product with the adjoint is that of the sound with the sine that was played."""
    other = np.random.default_rng(1).normal(size=FOUR.frames).astype(np.float32)
    seconds = np.arange(FOUR.frames) / FOUR.rate
    f, v, b = (
        FOUR.parameters[NAMES.index(f"sine_{name}_hz")].grid()[level] * ratio
        for name, level, ratio in zip(
            ("frequency", "modulation", "depth"),
            table.settings[2500],
            (2 ** (1 / 6), 1, 2 ** (1 / 6)),
            strict=True,
        )
    )
    sine = np.sin(2 * np.pi * f * seconds + b / v * (1 - np.cos(2 * np.pi * v * seconds)))
    expected = float(other @ _played(table, 2500))
    assert float(_through().adjoint(other) @ sine) == pytest.approx(expected, abs=0.3)


def test_steps_see_every_sine() -> None:
    """At the synth's own key no sine is faster than half the rate of the samples that are compared."""
    grids = [FOUR.parameters[NAMES.index(f"sine_{name}_hz")].grid() for name in ("frequency", "depth")]
    assert grids[0].max() + grids[1].max() < FOUR.rate / STEP / 2
