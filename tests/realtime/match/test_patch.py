"""A patch of found values plays, on the key that is told, what was rendered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.match.constants import without_constants
from tonerig.realtime.match.distance import Heard
from tonerig.realtime.match.patch import key_of, patch_of, played, volume_db
from tonerig.realtime.match.pitch import key_frequency, pitch_at
from tonerig.realtime.match.synths import FOUR, SYNTHS, TWO
from tonerig.realtime.patches import load_patch, save_patch


def values_of(synth_name: str, first: int, count: int) -> np.ndarray:
    """Settings of the test part; those of ``two`` without noise, which differs from note to note."""
    synth = SYNTHS[synth_name]
    values = synth.values(synth.drawn(5, "test", first, count))
    if synth is TWO:
        for k, parameter in enumerate(synth.parameters):
            if parameter.name in ("osc_1_wave", "osc_2_wave"):
                values[:, k] = np.minimum(values[:, k], 1)
    return values


@pytest.mark.parametrize(
    ("name", "semitones"), [("four", 0.0), ("four", -24.3), ("two", 5.0), ("two", -12.4)]
)
def test_the_instrument_plays_what_was_rendered(name: str, semitones: float) -> None:
    """At the data set's rate and at 48 kHz, as loud as it was told to be, on the nearest key of the pitch."""
    synth = SYNTHS[name]
    values = values_of(name, 0, 3)
    rendered = without_constants(synth).render(values, semitones=semitones)
    pitch = pitch_at(key_frequency(synth.key + semitones + 3))
    key = key_of(synth, semitones, pitch)
    assert key.number == pitch.key and key.transpose_semitones == round(semitones) - (pitch.key - synth.key)
    for row, expected in zip(values, rendered, strict=True):
        patch = patch_of(synth, row, key, gain=0.2)
        sound = played(patch, key.number, synth.key_up_s, synth.rate)[0][: synth.frames]
        note = np.zeros(synth.frames, np.float32)
        note[: len(sound)] = sound
        assert Heard(synth, expected, semitones).parts(note)["stft_correlation"] > 0.97
        assert np.linalg.norm(note) == pytest.approx(0.2 * np.linalg.norm(expected), rel=0.06)


def test_keys() -> None:
    """Pressed is the pitch's key; without a pitch, the one that was rendered; or the wanted one."""
    assert key_of(FOUR, 0.0, pitch_at(key_frequency(72))).transpose_semitones == -3
    assert key_of(FOUR, -12.0, None) == key_of(FOUR, -12.0, None, 57)
    assert (key_of(FOUR, -12.0, None).number, key_of(FOUR, -12.0, None).transpose_semitones) == (57, 0)
    assert key_of(TWO, 3.0, None).number == TWO.key + 3
    wanted = key_of(FOUR, -11.75, pitch_at(250.0), 60)
    assert (wanted.number, wanted.transpose_semitones, wanted.tune_cents) == (60, -3, 25.0)
    far = key_of(FOUR, -48.0, pitch_at(2000.0))
    assert abs(far.transpose_semitones) <= 48 and far.number + far.transpose_semitones == 69 - 48


def test_the_gater_is_off_where_it_never_closes() -> None:
    """At half a cycle a second it is open for the whole sound; faster, it is on, as it was rendered."""
    (row,) = values_of("four", 0, 1)
    gate = next(k for k, p in enumerate(FOUR.parameters) if p.name == "gate_hz")
    for rate, gater in ((0.5, 0.0), (0.6, 1.0), (30.0, 1.0)):
        row[gate] = rate
        assert patch_of(FOUR, row, key_of(FOUR, 0.0, None)).link.values["gater"] == gater


def test_fixed_values_are_written(tmp_path: Path) -> None:
    """What the data set held fixed stands in the file beside what was found, and reads back."""
    (row,) = values_of("two", 1, 1)
    key = key_of(TWO, 0.2, None)
    read = load_patch(save_patch(patch_of(TWO, row, key, name="A"), tmp_path / "a.toml"))
    assert read.synth == "two" and read.name == "A"
    for name in ("osc_2_semitones", "osc_2_cents", "lfo_2_cents"):
        assert read.link.values[name] == TWO.fixed[name]
    assert read.link.values["tune_cents"] == 20
    for parameter, value in zip(TWO.parameters, row, strict=True):
        assert read.link.values[parameter.name] == pytest.approx(value, rel=1e-4)


def test_volume() -> None:
    """The recording's level at full velocity on a channel at its first volume, and never beyond -1 dBFS."""
    channel = -40 * np.log10(100 / 127)
    assert volume_db(1.0, 0.0) == pytest.approx(channel, abs=0.01)
    assert volume_db(0.1, 0.5) == pytest.approx(channel - 20, abs=0.01)
    assert volume_db(1.0, 10.0) == pytest.approx(channel - 21, abs=0.01)
    assert volume_db(1e-9, 1.0) == -60 and volume_db(100.0, 0.0) == 12


def test_values_at_the_ends_of_their_ranges() -> None:
    """Rounding never leads beyond a range."""
    for synth in SYNTHS.values():
        for turn in (0.0, 1.0):
            row = synth.from_turns(np.full((1, len(synth.parameters)), turn))[0]
            patch = patch_of(synth, row, key_of(synth, 0.0, None))
            for parameter in synth.parameters:
                assert parameter.check(patch.link.values[parameter.name]) == pytest.approx(
                    parameter.from_turn(turn), rel=1e-4
                )
