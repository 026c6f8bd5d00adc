"""The two-oscillator synth's data set against its instrument: the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tonerig.realtime.parameters import ParameterError
from tonerig.realtime.synths.dataset_two import render_values
from tonerig.realtime.synths.two import DESTINATIONS, ESTIMATED, TwoOscillators

from .play import frequency, note, play
from .two_sound import FULL

RATE = 22050.0
FRAMES = 8820
NAMES = [parameter.name for parameter in ESTIMATED]
Values = NDArray[np.float64]
AUDIBLE = {"volume_db": 0.0, "lfo_2_cents": 30.0, "osc_2_semitones": 7.0}
"""Of the parameters that are not estimated; each of the others, in turn, makes a difference, too."""


def _values(sounds: int, seed: int = 0) -> Values:
    generator = np.random.default_rng(seed)
    return np.stack([p.decode(p.sample(generator, sounds)) for p in ESTIMATED], axis=1)


def _set(values: Values, **chosen: float) -> Values:
    for name, value in chosen.items():
        values[:, NAMES.index(name)] = value
    return values


def _rendered(values: Values, **options: Any) -> NDArray[np.float32]:
    plain: dict[str, Any] = {
        "fixed": AUDIBLE,
        "key": 57,
        "rate": RATE,
        "frames": FRAMES,
        "key_up_s": 0.25,
        "threads": 1,
    }
    return render_values(values, **{**plain, **options})


def _played(
    values: Values, fixed: dict[str, float] = AUDIBLE, key: int = 57, up: int = round(0.25 * RATE)
) -> NDArray[np.float32]:
    """One note of the instrument, at the same rate, loud as it can be."""
    patch = dict(zip(NAMES, map(float, values), strict=True))
    return play(TwoOscillators({**patch, **fixed}), [FULL, *note(0, key, up)], FRAMES / RATE, RATE)[0]


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_sounds_are_the_instruments_to_the_bit(destination: str) -> None:
    """Lanes with patches of their own, LFO 1 on each destination, sound as a program plays each patch."""
    values = _set(_values(18, DESTINATIONS.index(destination)), amp_attack_s=0.01)
    values = _set(values, lfo_destination=DESTINATIONS.index(destination))
    sounds = _rendered(values)
    for k in (0, 1, 2, 3, 16, 17):
        assert np.abs(sounds[k]).max() > 0
        np.testing.assert_array_equal(sounds[k], _played(values[k]))


@pytest.mark.parametrize(
    "fixed",
    [
        {"filter_envelope_octaves": -4.0, "amp_release_s": 0.02},
        {"osc_2_semitones": -12.5, "osc_2_cents": 33.0},
        {"fm_amount": 0.7},
        {"lfo_2_rate_hz": 19.0, "lfo_2_cents": 100.0},
        {"drive_db": 15.0},
        {"transpose_semitones": 5.0, "tune_cents": -40.0, "key_tracking": 0.5},
    ],
)
def test_other_parameters_are_the_instruments_to_the_bit(fixed: dict[str, float]) -> None:
    """What is not estimated does in data sets what it does in the instrument, and something at all."""
    values = _set(_values(3, 7), amp_attack_s=0.01, osc_1_volume=0.7, osc_2_volume=0.7, osc_2_wave=0)
    values = _set(values, osc_1_wave=0, cutoff_hz=1500.0)
    fixed = {"volume_db": 0.0, **fixed}
    sounds = _rendered(values, fixed=fixed)
    for sound, own, plain in zip(sounds, values, _rendered(values, fixed={}), strict=True):
        assert not np.array_equal(sound, plain)
        np.testing.assert_array_equal(sound, _played(own, fixed))


@pytest.mark.parametrize(("key", "up"), [(36, 1), (69, 15), (57, 16), (93, 4001), (57, FRAMES)])
def test_keys_and_the_moment_they_are_let_go_are_the_instruments(key: int, up: int) -> None:
    """A key let go on or off the grid, or at the end, at any pitch, noise included: the same bits."""
    values = _set(_values(4, 11), amp_attack_s=0.01)
    sounds = _rendered(values, key=key, key_up_s=up / RATE)
    for sound, own in zip(sounds, values, strict=True):
        np.testing.assert_array_equal(sound, _played(own, key=key, up=up))


def test_a_key_may_lie_between_two() -> None:
    """The sine of the second oscillator sounds at the equal-tempered pitch of a key with a fraction."""
    values = _set(_values(1), osc_1_volume=0.0, osc_2_volume=0.01, osc_2_wave=3, cutoff_hz=20000.0)
    values = _set(values, amp_attack_s=0.001, amp_sustain=1.0, lfo_amount=0.0, resonance=0.0)
    steady = {"lfo_2_cents": 0.0, "osc_2_cents": 0.0}
    sound = _rendered(values, key=61.37, fixed=steady, key_up_s=1.0)[0, 400:]
    assert frequency(sound, RATE) == pytest.approx(440 * 2 ** ((61.37 - 69) / 12), rel=1e-5)


def test_threads_and_neighbours_change_no_bits() -> None:
    """A sound is the same alone, among others, and on several threads."""
    values = _values(150)
    together = _rendered(values, threads=3)
    assert np.array_equal(together, _rendered(values))
    for k in (0, 17, 149):
        assert np.array_equal(_rendered(values[k : k + 1])[0], together[k])


ENDS = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=len(NAMES), max_size=len(NAMES))


@settings(max_examples=40, deadline=None)
@given(ENDS, st.sampled_from([-24.0, 12.0, 57.0, 100.0, 127.0, 150.0]))
@example([1.0] * len(NAMES), 127.0)
def test_nothing_gets_out_of_hand_at_the_ends_of_ranges(turns: list[float], key: float) -> None:
    """Any corner of the parameters, at any pitch, gives finite sound of a bounded level."""
    values = np.array([[p.from_turn(turn) for p, turn in zip(ESTIMATED, turns, strict=True)]])
    sound = _rendered(values, key=key, frames=2048)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() < 20


def test_values_beyond_a_range_count_as_its_end() -> None:
    """A knob turned too far is at its end."""
    values = _set(_values(4), amp_attack_s=0.01)
    at_end, beyond = _set(values.copy(), cutoff_hz=20000.0), _set(values.copy(), cutoff_hz=30000.0)
    assert np.array_equal(_rendered(at_end), _rendered(beyond))


def test_what_is_no_table_of_values_is_refused() -> None:
    """The error says what was found: another shape, NaN, an estimated or unknown parameter as a fixed one."""
    with pytest.raises(ValueError, match=r"shape \(sounds, 16\), found \(3, 5\)"):
        _rendered(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="found NaN or Inf"):
        _rendered(_set(_values(2), resonance=np.nan))
    for name in ("resonance", "no_such"):
        with pytest.raises(ParameterError, match=f"{name} is no parameter"):
            _rendered(_values(2), fixed={name: 0.5})


def test_no_sounds_are_an_empty_batch() -> None:
    """A batch may be empty."""
    assert _rendered(np.zeros((0, len(NAMES)))).shape == (0, FRAMES)
