"""The matched synths: settings drawn by number, and that their instruments play what they render."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import resample_poly
from scipy.stats import chi2
from tonerig.realtime.match.spectrogram import magnitudes
from tonerig.realtime.match.synths import (
    FOUR,
    PARTS,
    SYNTHS,
    TWO,
    MatchedSynth,
    Part,
    UnknownSynthError,
    matched_synth,
)
from tonerig.realtime.parameters import Parameter
from tonerig.realtime.processors.processor import Processor
from tonerig.realtime.synths.four import FourOscillators
from tonerig.realtime.synths.two import TwoOscillators

from ..synths.play import note, play
from ..synths.two_sound import FULL

WORD = 2**64 - 1
GOLDEN_FOUR = [9, 15, 2, 10, 2, 10, 12, 5, 11, 4, 1, 9, 13, 12, 4, 5, 12, 11, 2, 11, 3, 6, 5]
GOLDEN_TWO = [2, 4, 4, 6, 7, 7, 8, 3, 3, 3, 3, 5, 7, 10, 8, 4]
INSTRUMENTS: dict[str, type[Processor]] = {"four": FourOscillators, "two": TwoOscillators}
SEEDS = st.integers(-(2**70), 2**70)
BOTH = pytest.mark.parametrize("synth", SYNTHS.values(), ids=list(SYNTHS))
SMALL = MatchedSynth(
    "small",
    tuple(Parameter(name, 0.0, 1.0, 0.0, levels=7) for name in "abc"),
    8000.0,
    8000,
    69,
    1.0,
    512,
    {},
    lambda values, **options: np.zeros((len(values), 8000), np.float32),
)
"""So few settings, 343, that each is drawn again and again."""


def _mixed(x: int) -> int:
    """SplitMix64: the first number after a state, in Python's integers."""
    x = (x + 0x9E3779B97F4A7C15) & WORD
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def _class(levels: tuple[int, ...]) -> int:
    found = 0
    for level in levels:
        found = _mixed(found ^ level)
    return found >> 60


def _drawn(synth: MatchedSynth, seed: int, part: Part, number: int) -> tuple[int, ...]:
    """One sound's levels by the same rule, written for one sound."""
    attempt = 0
    while True:
        start = _mixed((seed * 64 + ("test", "validation", "train").index(part)) & WORD)
        start = _mixed((_mixed((start + number) & WORD) + attempt) & WORD)
        words = [
            _mixed((start + 0x9E3779B97F4A7C15 * k) & WORD) >> 32 for k in range(1, len(synth.levels) + 1)
        ]
        levels = tuple(word * count >> 32 for word, count in zip(words, synth.levels, strict=True))
        if _class(levels) in PARTS[part]:
            return levels
        attempt += 1


def _settings(levels: NDArray[np.int64]) -> set[tuple[int, ...]]:
    return {tuple(row) for row in levels.tolist()}


def test_the_generator_is_splitmix64() -> None:
    """Its published first numbers for the seed 1234567."""
    golden = 0x9E3779B97F4A7C15
    assert [_mixed(1234567 + k * golden) for k in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


@BOTH
@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from(list(PARTS)), st.integers(0, 2**62))
def test_levels_follow_the_rule_of_drawing(synth: MatchedSynth, seed: int, part: Part, number: int) -> None:
    """Any sound of any seed has the levels that a plain reading of the rule gives."""
    assert tuple(synth.drawn(seed, part, number, 1)[0]) == _drawn(synth, seed, part, number)


def test_the_drawing_has_not_changed() -> None:
    """Known rows, so that a test set stays the same one."""
    assert FOUR.drawn(1, "test", 1000, 1).tolist() == [GOLDEN_FOUR]
    assert TWO.drawn(0, "train", 3, 1).tolist() == [GOLDEN_TWO]


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(list(PARTS)), st.tuples(SEEDS, st.integers(0, 2**40)), min_size=3))
def test_parts_share_no_setting(starts: dict[Part, tuple[int, int]]) -> None:
    """Whatever the seeds and numbers, of 343 settings no two parts draw the same one."""
    drawn = [_settings(SMALL.drawn(seed, part, first, 400)) for part, (seed, first) in starts.items()]
    assert all(drawn)
    for k, one in enumerate(drawn):
        for other in drawn[k + 1 :]:
            assert not one & other


def test_parts_together_have_every_setting() -> None:
    """Nothing of the grid is left out, and training has about 14 sixteenths of it."""
    drawn = {part: _settings(SMALL.drawn(0, part, 0, 20000)) for part in PARTS}
    assert sum(map(len, drawn.values())) == 343
    assert 0.8 < len(drawn["train"]) / 343 < 0.95


@BOTH
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(list(PARTS)), st.integers(0, 10**6), st.data())
def test_a_sound_is_the_same_in_any_batch(
    synth: MatchedSynth, seed: int, part: Part, first: int, data: st.DataObject
) -> None:
    """Sound i has the same levels alone and among others."""
    together = synth.drawn(seed, part, first, 50)
    begin = data.draw(st.integers(0, 49))
    count = data.draw(st.integers(0, 50 - begin))
    assert np.array_equal(synth.drawn(seed, part, first + begin, count), together[begin : begin + count])


@BOTH
@pytest.mark.parametrize("part", PARTS)
def test_levels_are_drawn_evenly(synth: MatchedSynth, part: Part) -> None:
    """Each parameter's levels, and each pair's of neighbours in the list, pass a chi-square test."""
    count = 16000
    drawn = synth.drawn(3, part, 0, count)
    for k, levels in enumerate(synth.levels):
        assert _chi_square(drawn[:, k], levels) < chi2.isf(1e-6, levels - 1)
        if k > 0:
            pairs = levels * synth.levels[k - 1]
            joint = drawn[:, k] * synth.levels[k - 1] + drawn[:, k - 1]
            assert _chi_square(joint, pairs) < chi2.isf(1e-6, pairs - 1)


def _chi_square(drawn: NDArray[np.int64], cells: int) -> float:
    expected = len(drawn) / cells
    return float(np.sum((np.bincount(drawn, minlength=cells) - expected) ** 2) / expected)


@BOTH
def test_levels_values_and_turns_go_both_ways(synth: MatchedSynth) -> None:
    """Levels as values lie on the grid, evenly in turns, and turns give the values back."""
    levels = synth.drawn(0, "validation", 0, 20)
    values = synth.values(levels)
    turns = synth.turns(values)
    np.testing.assert_allclose(turns, levels / (np.array(synth.levels) - 1), atol=1e-12)
    np.testing.assert_allclose(synth.from_turns(turns), values, rtol=1e-12)
    for k, parameter in enumerate(synth.parameters):
        assert np.array_equal(parameter.encode(values[:, k]), levels[:, k])


@BOTH
def test_sounds_have_the_form_that_is_stated(synth: MatchedSynth) -> None:
    """So many frames, finite, and most of them loud enough to hear."""
    sounds = synth.render(synth.values(synth.drawn(0, "validation", 0, 40)), threads=1)
    assert sounds.shape == (40, synth.frames)
    assert sounds.dtype == np.float32
    assert np.isfinite(sounds).all()
    assert np.median(np.sqrt(np.mean(sounds**2, axis=1))) > 0.02


def test_an_unknown_synth_is_refused_by_name() -> None:
    """The error names those that there are."""
    with pytest.raises(UnknownSynthError, match="'three', only for four, two"):
        matched_synth("three")


def _played(synth: MatchedSynth, values: NDArray[np.float64], rate: float, key: int) -> NDArray[np.float32]:
    """What the instrument plays for a patch of these values and the fixed ones, at the synth's rate."""
    patch = {p.name: float(value) for p, value in zip(synth.parameters, values, strict=True)}
    instrument = INSTRUMENTS[synth.name]({**patch, **synth.fixed})
    sound = play(instrument, [FULL, *note(0, key, round(synth.key_up_s * rate))], 1.0, rate)[0]
    common = np.gcd(round(rate), round(synth.rate))
    resampled = resample_poly(sound, round(synth.rate) // common, round(rate) // common)
    return np.asarray(resampled[: synth.frames], np.float32)


def _compared(
    synth: MatchedSynth, one: NDArray[np.float32], other: NDArray[np.float32]
) -> tuple[float, float]:
    """Correlation of the spectrograms, and the level of the first over the second in dB."""
    a, b = (magnitudes(sound[None], synth.window)[0].ravel().astype(np.float64) for sound in (one, other))
    return float(np.corrcoef(a, b)[0, 1]), float(10 * np.log10((a @ a) / (b @ b)))


def _values(synth: MatchedSynth, **chosen: float) -> NDArray[np.float64]:
    defaults = {parameter.name: parameter.default for parameter in synth.parameters}
    return np.array([{**defaults, **chosen}[parameter.name] for parameter in synth.parameters])


FOUR_SIMPLE = {
    "saw_amplitude": 0.001,
    "sine_amplitude": 1.0,
    "sine_frequency_hz": 554.4,
    "sine_depth_hz": 300.0,
    "sine_modulation_hz": 9.0,
    "square_amplitude": 0.4,
    "square_frequency_hz": 440.0,
    "cutoff_hz": 1500.0,
    "resonance": 2.0,
    "attack_s": 0.1,
    "decay_s": 0.3,
    "release_s": 0.5,
    "gate_hz": 6.0,
}
TWO_SIMPLE = {
    "osc_2_volume": 0.6,
    "osc_2_wave": 1.0,
    "lfo_amount": 0.3,
    "lfo_destination": 4.0,
    "resonance": 0.5,
}


@pytest.mark.parametrize("semitones", [0, -12, 5])
@pytest.mark.parametrize("rate", [None, 48000.0])
@pytest.mark.parametrize(("synth", "chosen"), [(FOUR, FOUR_SIMPLE), (TWO, TWO_SIMPLE)], ids=["four", "two"])
def test_the_instrument_plays_what_is_rendered(
    synth: MatchedSynth, chosen: dict[str, float], rate: float | None, semitones: int
) -> None:
    """A patch with the fixed values, played on the key, has the sound and the level of the rendering.

    Of `FOUR` without saw and triangle, whose constants the instrument leaves away.
    """
    values = _values(synth, **chosen)
    rendered = synth.render(values[None], semitones=semitones, threads=1)[0]
    played = _played(synth, values, rate or synth.rate, synth.key + semitones)
    correlation, level_db = _compared(synth, rendered, played)
    assert correlation > 0.995
    assert abs(level_db) < 0.2


def test_saw_and_triangle_differ_from_the_instruments_by_a_constant() -> None:
    """Above 250 Hz they agree, too; below, the constants of the paper's waves are chopped by the gater."""
    values = _values(FOUR, saw_amplitude=1.0, triangle_amplitude=0.7, gate_hz=3.0, cutoff_hz=1000.0)
    rendered, played = FOUR.render(values[None], threads=1)[0], _played(FOUR, values, 48000.0, FOUR.key)
    a, b = (magnitudes(sound[None])[0, :, 8:].ravel() for sound in (rendered, played))
    assert np.corrcoef(a, b)[0, 1] > 0.995
    assert _compared(FOUR, rendered, played)[1] > 1.0
