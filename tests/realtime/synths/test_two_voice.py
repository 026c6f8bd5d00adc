"""Waves, filter and envelopes of the two-oscillator synth against formulas and SciPy."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numba import njit
from numpy.typing import NDArray
from scipy.signal import get_window
from tonerig.realtime.synths.target_code import one
from tonerig.realtime.synths.two import SECOND_WAVES, TwoOscillators
from tonerig.realtime.synths.two_voice import Coefficients, Memory, voice

from .play import RATE, Player, note, note_on, play
from .two_sound import (
    FULL,
    MIX,
    Array,
    envelope,
    frequency_near,
    gain_db,
    held,
    low_pass,
    partials,
    second,
    through,
    two,
)


@pytest.mark.parametrize("up_s", [0.02, 0.08, 0.5])
@pytest.mark.parametrize(
    ("attack_s", "decay_s", "sustain", "release_s"),
    [(0.001, 0.2, 0.5, 0.1), (0.05, 0.1, 0.0, 0.05), (0.03, 0.03, 1.0, 0.3), (0.03, 1.0, 0.25, 0.001)],
)
def test_the_level_follows_its_formula_to_the_sample(
    attack_s: float, decay_s: float, sustain: float, release_s: float, up_s: float
) -> None:
    """Beside the same noise at a constant level, attack, decay, sustain and release are their formulas."""
    begin, up = 137, round(up_s * RATE)
    noise: dict[str, Any] = {"osc_1_wave": "noise", "osc_1_volume": 0.5}
    shaped = two(
        **noise, amp_attack_s=attack_s, amp_decay_s=decay_s, amp_sustain=sustain, amp_release_s=release_s
    )
    sound = play(shaped, [FULL, *note(begin, 60, up)], 1.0)[0].astype(np.float64)
    steady = play(two(**noise), [FULL, note_on(begin, 60)], 1.0)[0].astype(np.float64)
    wanted = envelope(round(RATE) - begin, attack_s * RATE, decay_s * RATE, sustain, release_s * RATE, up)
    assert np.all(sound[: begin + 1] == 0)
    clear = np.abs(steady[begin:]) > 0.05
    clear[:48] = False  # the steady one's own attack
    assert clear.sum() > 30000
    np.testing.assert_allclose(sound[begin:][clear] / steady[begin:][clear], wanted[clear], atol=5e-6)


@pytest.mark.parametrize("up", [400, 4000, 20000])
def test_the_cutoff_follows_the_filter_envelope(up: int) -> None:
    """At each grid point the filter's frequency is the formula's, from the first sample on."""
    attack, decay, sustain, release = 0.01, 0.2, 0.4, 0.3
    player = Player(
        two(
            cutoff_hz=100,
            filter_envelope_octaves=5,
            filter_attack_s=attack,
            filter_decay_s=decay,
            filter_sustain=sustain,
            amp_release_s=release,
        )
    )
    level = envelope(40000, attack * RATE, decay * RATE, sustain, release * RATE, up)
    events = note(0, 60, up)
    for start in range(0, 30000, 16):
        now = [(frame - start, message) for frame, message in events if start <= frame < start + 16]
        player.play(now, 16)
        if start % 160 == 0:
            hz = 100 * 2 ** (5 * level[start + 16])
            assert player.array("lanes")["gain"][0, 0] == pytest.approx(np.tan(np.pi * hz / RATE), rel=2e-5)


def test_sound_ends_exactly_when_the_release_does() -> None:
    """Zero from the last sample of the release on, and the voice is free."""
    player = Player(two(osc_1_volume=1.0, amp_release_s=0.25, resonance=1.0, cutoff_hz=300.0))
    sound = player.play([FULL, *note(100, 60, 4800)], 24000)
    end = 100 + 4800 + 12000
    assert np.all(sound[:, end:] == 0)
    assert np.any(sound[:, end - 100 : end] != 0)
    assert player.sounding() == 0


def _amplitudes(wave: str, width: float, count: int) -> Array:
    """Of the first partials of a wave from -1 to 1."""
    n = np.arange(1, count + 1)
    if wave == "saw":
        return 2 / (np.pi * n)
    if wave == "pulse":
        return 4 / (np.pi * n) * np.abs(np.sin(np.pi * n * width))
    if wave == "triangle":
        return np.where(n % 2 == 1, 8 / (np.pi * n) ** 2, 0)
    return np.where(n == 1, 1.0, 0)


WAVES = [(1, "saw"), (1, "pulse"), *((2, wave) for wave in SECOND_WAVES if wave != "noise")]


@pytest.mark.parametrize("width", [0.5, 0.2])
@pytest.mark.parametrize(("oscillator", "wave"), WAVES)
def test_waves_have_the_partials_of_their_formulas(oscillator: int, wave: str, width: float) -> None:
    """Each partial of A3 is where it belongs, at its level within 0.1 dB; there is no DC."""
    played: dict[str, Any] = {"pulse_width": width}
    synth = two(osc_1_wave=wave, **played) if oscillator == 1 else second(wave, **played)
    sound = held(synth, 57, 2.0)[4800:]
    frequencies = 220.0 * np.arange(1, 13)
    found = partials(sound, frequencies) / (0.01 * MIX)
    wanted = _amplitudes(wave, width, 12)
    strong = wanted > 0.01
    np.testing.assert_allclose(
        20 * np.log10(found[strong] / wanted[strong]),
        gain_db(low_pass(20000, 0), frequencies)[strong],
        atol=0.1,
    )
    assert np.all(found[~strong] < 0.0101)
    assert abs(np.mean(sound[:43200])) < 1e-5


@pytest.mark.parametrize("key", [33, 60, 69, 93])
@pytest.mark.parametrize(("oscillator", "wave"), WAVES)
def test_keys_are_in_tune(oscillator: int, wave: str, key: int) -> None:
    """Equal temperament at A4 = 440 Hz, within a hundredth of a cent."""
    synth = two(osc_1_wave=wave) if oscillator == 1 else second(wave)
    hz = 440 * 2 ** ((key - 69) / 12)
    found = frequency_near(held(synth, key, 1.0)[480:], hz)
    assert abs(1200 * np.log2(found / hz)) < 0.01


def test_the_second_oscillator_stands_an_interval_above() -> None:
    """Semitones and cents count together."""
    hz = 440 * 2 ** (7.31 / 12)
    found = frequency_near(held(second("sine", osc_2_semitones=7, osc_2_cents=31), 69, 1.0)[480:], hz)
    assert abs(1200 * np.log2(found / hz)) < 0.01


@pytest.mark.parametrize("oscillator", [1, 2])
def test_noise_is_white_and_differs_from_note_to_note(oscillator: int) -> None:
    """As loud in each tenth of the band, of the variance of -1 to 1, the same from every start."""
    synth = two(osc_1_wave="noise") if oscillator == 1 else second("noise")
    sound = held(synth, 60, 4.0)[4800:]
    again = held(synth, 60, 4.0)[4800:]
    other = held(synth, 61, 4.0)[4800:]
    assert np.array_equal(sound, again)
    assert abs(np.corrcoef(sound, other)[0, 1]) < 0.01
    power = np.abs(np.fft.rfft(sound)) ** 2 / sound.size
    edges = np.linspace(0, 16000, 9)
    hz = np.fft.rfftfreq(sound.size, 1 / RATE)
    for low, high in pairwise(edges):
        band = (hz >= low) & (hz < high)
        response = 10 ** (gain_db(low_pass(20000, 0), hz[band]) / 10)
        assert 10 * np.log10(np.mean(power[band] / response) / ((0.01 * MIX) ** 2 / 3)) == pytest.approx(
            0, abs=0.3
        )


@pytest.mark.parametrize("resonance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("cutoff_hz", [200.0, 1000.0, 8000.0])
def test_the_filter_is_scipys(cutoff_hz: float, resonance: float) -> None:
    """Noise through it and then SciPy's open one is noise through the open one and then SciPy's."""
    quiet: dict[str, Any] = {"osc_1_wave": "noise", "osc_1_volume": 0.0005}
    seconds, settled = 2.5, round(1.5 * RATE)
    near = held(two(**quiet, cutoff_hz=cutoff_hz, resonance=resonance), 60, seconds)[480:]
    open_ = held(two(**quiet), 60, seconds)[480:]
    ours = through(low_pass(20000, 0), near)[settled:]
    theirs = through(low_pass(cutoff_hz, resonance), open_)[settled:]
    assert np.std(ours - theirs) < 2e-3 * np.std(theirs)


@pytest.mark.parametrize(
    "synth",
    [two(), two(osc_1_wave="pulse"), two(osc_1_wave="pulse", pulse_width=0.1), second("triangle")],
    ids=["saw", "square", "pulse", "triangle"],
)
def test_the_highest_notes_do_not_alias(synth: TwoOscillators) -> None:
    """Of C8, 4186 Hz, nothing but its own partials is above -60 dB."""
    sound = held(synth, 108, 2.0)[4800 : 4800 + 65536]
    window = get_window("blackmanharris", sound.size)
    spectrum = np.abs(np.fft.rfft(sound * window))
    hz = np.fft.rfftfreq(sound.size, 1 / RATE)
    own = 440 * 2 ** (39 / 12)
    harmonic = np.abs(hz - own * np.round(hz / own)) < 10
    harmonic[hz < own / 2] = False
    worst = np.max(spectrum[~harmonic]) / np.max(spectrum)
    assert 20 * np.log10(worst) < -60


def test_frequency_modulation_is_its_formula() -> None:
    """A sine an octave above moves the saw's frequency by 4 * amount² times itself: the same partials."""
    amount, hz, rate = 0.3, 55.0, 48000 * 16
    sound = held(two(osc_2_wave="sine", osc_2_semitones=12, fm_amount=amount), 33, 2.0)[4800:]
    time = np.arange(rate // 55 * 55) / rate
    phase = hz * time + 4 * amount**2 * hz * (1 - np.cos(4 * np.pi * hz * time)) / (4 * np.pi * hz)
    saw = 2 * ((phase + 0.5) % 1 - 0.5)
    frequencies = hz * np.arange(1, 16)
    wanted = [2 * np.abs(np.mean(saw * np.exp(-2j * np.pi * f * time))) for f in frequencies]
    np.testing.assert_allclose(partials(sound, frequencies) / (0.01 * MIX), wanted, atol=0.004)


@pytest.mark.parametrize("drive_db", [0.0, 12.0, 24.0])
def test_the_drive_is_its_formula(drive_db: float) -> None:
    """A low sine, which the filter lets through as it is, gets the partials of (1 + k) x / (1 + k |x|)."""
    sound = held(second("sine", osc_2_volume=0.8, drive_db=drive_db), 33, 2.0)[4800:]
    k = 10 ** (drive_db / 20) - 1
    x = 0.8 * MIX * np.sin(2 * np.pi * np.arange(4096) / 4096)
    wanted = 2 * np.abs(np.fft.rfft((1 + k) * x / (1 + k * np.abs(x)))[1:10]) / 4096
    np.testing.assert_allclose(partials(sound, 55.0 * np.arange(1, 10)), wanted, atol=0.002)


@pytest.mark.parametrize("resonance", [0.9, 1.0])
def test_a_swept_resonance_stays_within_bounds(resonance: float) -> None:
    """Full drive, the cutoff thrown about by envelope and LFO as fast as they go: loud, but no louder."""
    synth = two(
        osc_1_wave="pulse",
        osc_2_wave="noise",
        osc_1_volume=1.0,
        osc_2_volume=1.0,
        resonance=resonance,
        cutoff_hz=700.0,
        filter_envelope_octaves=6.0,
        filter_attack_s=0.001,
        filter_decay_s=0.05,
        lfo_destination="filter",
        lfo_rate_hz=30.0,
        lfo_amount=1.0,
        drive_db=24.0,
    )
    sound = play(synth, [FULL, *(e for k in range(20) for e in note(2400 * k, 30 + 3 * k, 2000))], 1.5)
    assert np.all(np.isfinite(sound))
    assert 0.5 < np.max(np.abs(sound)) < 8.0


def test_the_strongest_resonance_rings_out() -> None:
    """At resonance 1 it nearly sings: with the oscillators off it decays as Q = 50 says."""
    player = Player(two(osc_1_volume=0.0005, osc_1_wave="noise", resonance=1.0, cutoff_hz=1000.0))
    player.play([FULL, note_on(0, 60)], 24000)
    player.record()["osc_1_volume"] = 0.0
    player.play([], 9600)
    ringing = player.play([], 4800)[0].astype(np.float64)
    levels = [np.std(ringing[k : k + 480]) for k in (0, 4320)]
    wanted = np.exp(-np.pi * 1000 / 50 * 4320 / RATE)
    assert levels[1] / levels[0] == pytest.approx(wanted, rel=0.02)


def _single_values() -> SimpleNamespace:
    """The target of single values, with the operations on bits that only this voice needs."""
    inline = njit(inline="always", error_model="numpy")

    @inline
    def multiply(a: np.int32, b: np.int32) -> np.int32:
        return np.int32(a * b)

    @inline
    def as_float(x: np.int32) -> np.float32:
        return x.view(np.float32)

    return SimpleNamespace(**{**vars(one(inline)), "multiply": multiply, "as_float": as_float})


@cache
def _alone() -> Any:
    """Plays one voice into an array of two channels, mid and side."""
    step = voice(_single_values(), "formulas")

    @njit(error_model="numpy")
    def run(c: Coefficients, m: Memory, output: NDArray[np.float32]) -> None:
        for t in range(output.shape[1]):
            output[0, t], output[1, t], m = step(0, np.float32(0), c, m)

    return run


@pytest.mark.parametrize("wave", SECOND_WAVES)
def test_a_voice_without_tables_sounds_the_same(wave: str) -> None:
    """Compiled for single values, with formulas for waves: as among sixteen with tables."""
    player = Player(second(wave, osc_2_volume=0.5, cutoff_hz=500.0, resonance=0.6, drive_db=6.0, width=0.5))
    player.play([FULL, note_on(0, 33)], 4800)
    lane = player.array("lanes")[0]
    coefficients = Coefficients(*(lane[name][0] for name in Coefficients._fields))
    if wave in ("saw", "pulse"):
        coefficients = coefficients._replace(row_2=np.int32(0))
    memory = Memory(*(lane[name][0] for name in Memory._fields))
    left, right = player.play([], 4800)
    output = np.empty((2, 4800), np.float32)
    _alone()(coefficients, memory, output)
    wanted = np.array([left + right, left - right]) / 2
    assert np.std(wanted) > 0.01
    assert np.std(output - wanted) < 0.015 * np.std(wanted)  # jumps come at whole samples
