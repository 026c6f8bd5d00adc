"""What the two-oscillator synth does with notes, controllers and LFOs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tonerig.realtime.synths.two import FIRST_WAVES, SECOND_WAVES, TwoOscillators

from .play import BLOCKS, RATE, Event, Player, Signal, control, note, note_off, note_on, play
from .two_sound import FULL, MIX, Array, fall, frequency_near, held, partials, second, two


def test_controllers_open_the_filter() -> None:
    """Key tracking, brightness and the resonance controller move the filter as their parameters would."""
    quiet: dict[str, Any] = {"osc_1_wave": "noise", "osc_1_volume": 0.0005}

    def gain(synth: TwoOscillators, *events: Event) -> tuple[float, float]:
        player = Player(synth)
        player.play([FULL, *events, note_on(0, 81)], 64)
        lanes = player.array("lanes")
        return float(lanes["gain"][0, 0]), float(lanes["damping"][0, 0])

    plain = gain(two(**quiet, cutoff_hz=2000.0, resonance=0.5))
    assert gain(two(**quiet, cutoff_hz=1000.0, resonance=0.5, key_tracking=1.0)) == pytest.approx(plain)
    assert gain(two(**quiet, cutoff_hz=125.0, resonance=0.5), control(0, 74, 127)) == pytest.approx(plain)
    moved = gain(two(**quiet, cutoff_hz=2000.0, resonance=0.5 - 19 / 63), control(0, 71, 64 + 19))
    assert moved == pytest.approx(plain)


def _busy() -> tuple[TwoOscillators, list[Event]]:
    synth = two(
        osc_1_wave="pulse",
        osc_2_wave="saw",
        osc_1_volume=0.8,
        osc_2_volume=0.7,
        osc_2_cents=9.0,
        cutoff_hz=900.0,
        resonance=0.7,
        filter_envelope_octaves=3.0,
        filter_attack_s=0.02,
        amp_sustain=0.5,
        amp_decay_s=0.1,
        amp_release_s=0.08,
        lfo_destination="osc_1_pitch",
        lfo_amount=0.3,
        lfo_rate_hz=9.0,
        lfo_2_cents=30.0,
        fm_amount=0.2,
        drive_db=6.0,
        width=0.5,
    )
    events = [FULL]
    for k in range(30):
        events += note(37 + 501 * k, 36 + 7 * k % 50, 4000 + 33 * k, 60 + 2 * k)
    return synth, events


def test_blocks_do_not_matter() -> None:
    """The same bits at every block size."""
    synth, events = _busy()
    expected = play(synth, events, 0.6, blocks=(2048,))
    assert np.max(np.abs(expected)) > 0.1
    for size in BLOCKS:
        assert np.array_equal(play(_busy()[0], events, 0.6, blocks=(size,)), expected), size


def test_an_old_note_does_not_move_when_a_new_one_begins() -> None:
    """A note in between two grid points leaves the sound of another one as it is, but for rounding."""
    synth = {
        "osc_1_wave": "noise",
        "cutoff_hz": 300.0,
        "filter_envelope_octaves": 5.0,
        "filter_attack_s": 0.3,
    }
    alone = play(two(**synth), [FULL, note_on(0, 60)], 0.3)[0]
    both = play(two(**synth), [FULL, note_on(0, 60), *note(5003, 64, 1, 1)], 0.3)[0]
    late = slice(5003 + 4800, None)
    np.testing.assert_allclose(both[late], alone[late], atol=2e-6 * np.max(np.abs(alone)))


# LFO 1 at 1 Hz is at its highest a quarter of a second after the key, and at its lowest at three quarters


def _at(sound: Array, moment: float, span_s: float = 0.02) -> Array:
    """A piece around a moment."""
    return sound[round((moment - span_s / 2) * RATE) : round((moment + span_s / 2) * RATE)]


def _moved(destination: str, **values: float | str) -> TwoOscillators:
    return two(**{"lfo_destination": destination, "lfo_rate_hz": 1.0, "lfo_amount": 1.0, **values})


def _rises(sound: Array) -> float:
    """How often a second a wave goes up through 0, from the first time to the last."""
    at = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    return float((at.size - 1) / (at[-1] - at[0]) * RATE)


@pytest.mark.parametrize("oscillator", [1, 2])
def test_lfo_1_moves_the_pitch_of_one_oscillator(oscillator: int) -> None:
    """An octave up, an octave down, and the other one stays."""
    for other in (False, True):
        levels = {f"osc_{k}_volume": 0.01 if (k == oscillator) != other else 0.0 for k in (1, 2)}
        synth = _moved(f"osc_{oscillator}_pitch", cutoff_hz=2000.0, **levels)
        sound = held(synth, 69, 1.0)
        reach = 0 if other else 0.98  # on average over the piece
        assert _rises(_at(sound, 0.25)) == pytest.approx(440 * 2**reach, rel=0.02)
        assert _rises(_at(sound, 0.75)) == pytest.approx(440 * 2**-reach, rel=0.02)


def test_lfo_1_moves_the_pulse_width() -> None:
    """From a half to nearly nothing and back: the part of the time that the wave is up."""
    sound = held(_moved("pulse_width", osc_1_wave="pulse", pulse_width=0.5), 57, 1.1)
    for moment, width in ((0.125, 0.725), (0.25, 0.93), (0.5, 0.5), (0.75, 0.07)):
        piece = _at(sound, moment, 10 / 220)
        assert np.mean(piece > 0) == pytest.approx(width, abs=0.02)


def test_lfo_1_moves_the_cutoff() -> None:
    """Four octaves each way: noise is louder as the root of the band that is left."""
    noise: dict[str, Any] = {"osc_1_wave": "noise", "cutoff_hz": 800.0}
    sound = held(_moved("filter", **noise), 60, 1.0)
    for moment, octaves in ((0.125, 2.0), (0.25, 3.84), (0.75, -3.84)):
        steady = held(two(**{**noise, "cutoff_hz": 800 * 2**octaves}), 60, 4.0)[4800:]
        difference = 20 * np.log10(np.std(_at(sound, moment, 0.08)) / np.std(steady))
        assert abs(difference) < 2.0


def test_lfo_1_moves_the_frequency_modulation() -> None:
    """Where it is high the saw's fundamental is another one, where it is low there is none."""
    sound = held(_moved("fm", osc_2_wave="sine"), 57, 1.1)
    plain = held(two(), 57, 1.1)
    assert partials(_at(sound, 0.75, 0.1), 220.0) == pytest.approx(
        partials(_at(plain, 0.75, 0.1), 220.0), rel=0.01
    )
    change = partials(_at(sound, 0.25, 0.1), 220.0) / partials(_at(plain, 0.25, 0.1), 220.0)
    assert change < 0.7


def test_lfo_1_moves_the_rate_of_lfo_2() -> None:
    """Four octaves each way."""
    player = Player(_moved("lfo_2_rate", lfo_2_rate_hz=2.0, lfo_2_cents=50.0))
    player.play([note_on(0, 69)], 11984)
    for up in (1, -1):
        player.play([], 8)
        before = player.array("lanes")["lfo_2"][0, 0]
        player.play([], 16)
        turned = int(player.array("lanes")["lfo_2"][0, 0]) - int(before)
        assert turned % 2**32 / 2**32 / 16 * RATE == pytest.approx(2 * 2.0 ** (4 * up), rel=0.01)
        player.play([], 24000 - 24)


def test_lfo_2_is_a_vibrato_on_both() -> None:
    """So many cents up at a quarter of its period, and down at three quarters."""
    for synth in (
        two(lfo_2_cents=100.0, lfo_2_rate_hz=1.0),
        second("saw", lfo_2_cents=100.0, lfo_2_rate_hz=1.0),
    ):
        sound = held(synth, 69, 1.0)
        for moment, cents in ((0.25, 100), (0.75, -100)):
            found = frequency_near(_at(sound, moment, 0.04), 440 * 2 ** (cents / 1200))
            assert 1200 * np.log2(found / 440) == pytest.approx(cents, abs=1.5)


def test_width_parts_the_oscillators() -> None:
    """At 1 each side has one of them alone; at 0 both sides are the same."""
    first = play(two(width=1.0, osc_1_volume=0.5), [note_on(0, 60)], 0.3)
    assert np.all(first[1] == 0)
    assert np.any(first[0] != 0)
    other = play(second("saw", width=1.0, osc_2_volume=0.5), [note_on(0, 60)], 0.3)
    assert np.max(np.abs(other[0])) < 1e-5
    assert np.max(np.abs(other[1])) > 0.1
    mono = play(two(osc_1_volume=0.5, osc_2_volume=0.5), [note_on(0, 60)], 0.3)
    assert np.array_equal(mono[0], mono[1])


def test_a_loud_note_peaks_between_1_and_2() -> None:
    """Both oscillators full, volume 0 dB, full velocity."""
    for wave in FIRST_WAVES:
        sound = held(two(osc_1_wave=wave, osc_2_wave=wave, osc_1_volume=1.0, osc_2_volume=1.0), 60, 0.5)
        assert 1.0 < np.max(np.abs(sound)) < 2.0, wave


def test_controllers_stretch_attack_and_release() -> None:
    """Controllers 73 and 72 full on make them 16 times as long."""
    slow = two(osc_1_volume=0.5, amp_attack_s=0.01, amp_release_s=0.01)
    sound = play(slow, [FULL, control(0, 73, 127), control(0, 72, 127), *note(0, 60, 9600)], 0.5)[0]
    steady = held(two(osc_1_volume=0.5), 60, 0.5)
    n = np.arange(100, 7680)
    clear = np.abs(steady[n]) > 0.1
    np.testing.assert_allclose((sound[n] / steady[n])[clear], (n / 7680)[clear], atol=1e-4)
    assert np.all(sound[9600 + 7680 :] == 0)
    assert np.any(sound[9600 + 7600 : 9600 + 7680] != 0)


def test_switches_do_not_pass_through_other_waves() -> None:
    """From noise to saw, past pulse, triangle and sine: a saw at once, in the phase that it would have."""
    player = Player(second("noise"))
    player.play([FULL, note_on(0, 57)], 4800)
    player.record()["osc_2_wave"] = SECOND_WAVES.index("saw")
    sound = player.play([], 480)[0]
    saw = held(second("saw"), 57, 0.11)[4800:]
    np.testing.assert_allclose(sound[100:], saw[100:], atol=1e-5 * np.max(saw))


def test_a_note_starts_without_a_click() -> None:
    """With the fastest envelopes no sample is further from the one before than the wave itself goes."""
    synth = second(
        "sine", osc_2_volume=0.9, filter_envelope_octaves=6.0, cutoff_hz=200.0, filter_attack_s=0.001
    )
    sound: Signal = play(synth, [FULL, *note(1000, 57, 9600)], 0.4)[0]
    wave, height = 0.9 * MIX * 2 * np.pi * 220 / RATE, 0.9 * MIX
    steps = np.abs(np.diff(sound))
    assert np.max(steps[:10600]) < 2 * (wave + height / 48)
    assert np.max(steps[10600:]) < wave + height * (1 - fall(np.array(1 / 48)))


def test_note_off_of_another_key_does_nothing() -> None:
    """Only its own key releases a voice."""
    sound = play(two(), [FULL, note_on(0, 60), note_off(4800, 61)], 0.3)[0]
    assert np.any(sound[-100:] != 0)
