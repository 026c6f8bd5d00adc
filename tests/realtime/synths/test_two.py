"""The synthesizer of two oscillators against formulas and SciPy."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray
from scipy.signal import bilinear, freqz, get_window, lfilter
from tonerig.realtime.synths.two import DESTINATIONS, FIRST_WAVES, SECOND_WAVES, TwoOscillators

from .play import BLOCKS, RATE, Event, Player, Signal, control, note, note_off, note_on, play

FULL = control(0, 7, 127)
"""A channel at its full level."""
MIX = np.sqrt(0.5)
"""Of an oscillator at full volume."""
Array = NDArray[np.float64]


def two(**values: float | str) -> TwoOscillators:
    """An open saw at full level that begins and ends in a millisecond; or as stated.

    So quiet an oscillator that the filter does not damp itself; velocity does not count.
    """
    plain: dict[str, float | str] = {
        "osc_1_volume": 0.01,
        "osc_2_cents": 0.0,
        "cutoff_hz": 20000.0,
        "resonance": 0.0,
        "filter_envelope_octaves": 0.0,
        "amp_attack_s": 0.001,
        "amp_decay_s": 0.001,
        "amp_sustain": 1.0,
        "amp_release_s": 0.001,
        "lfo_2_cents": 0.0,
        "volume_db": 0.0,
        "velocity": 0.0,
    }
    return TwoOscillators({**plain, **values})


def second(wave: str, **values: float | str) -> TwoOscillators:
    """The same with the second oscillator alone."""
    return two(**{"osc_1_volume": 0.0, "osc_2_volume": 0.01, "osc_2_wave": wave, **values})


def held(synth: TwoOscillators, key: int, seconds: float) -> Array:
    """The left side of a held note."""
    return play(synth, [FULL, note_on(0, key)], seconds)[0].astype(np.float64)


def partials(signal: Array, frequencies_hz: ArrayLike) -> Array:
    """Peak amplitudes of partials in a long steady sound."""
    window = get_window("blackmanharris", signal.size, fftbins=True)
    x = signal * window / window.sum()
    time = np.arange(signal.size) / RATE
    return np.array([2 * np.abs(x @ np.exp(-2j * np.pi * f * time)) for f in np.atleast_1d(frequencies_hz)])


def low_pass(cutoff_hz: float, resonance: float) -> list[tuple[Array, Array]]:
    """Two second-order low-passes by SciPy's bilinear transform: Butterworth of order 4, the second one's Q
    raised from 1.31 to 50.
    """
    w = 2 * RATE * np.tan(np.pi * cutoff_hz / RATE)
    butterworth = [2 * np.cos(np.pi / 8), 2 * np.sin(np.pi / 8)]
    damping = [butterworth[0], butterworth[1] ** (1 - resonance) * 0.02**resonance]
    return [bilinear([w * w], [1, k * w, w * w], RATE) for k in damping]


def through(filters: list[tuple[Array, Array]], signal: Array) -> Array:
    for b, a in filters:
        signal = lfilter(b, a, signal)
    return signal


def gain_db(filters: list[tuple[Array, Array]], frequencies_hz: ArrayLike) -> Array:
    responses = [freqz(b, a, np.atleast_1d(frequencies_hz), fs=RATE)[1] for b, a in filters]
    return np.asarray(20 * np.log10(np.abs(np.prod(responses, axis=0))))


def fall(x: Array) -> Array:
    """An envelope's way down, from 1 at 0 to 0 at 1: an exponential that ends."""
    return np.where(x < 1, 1.001 * (1 / 1001) ** np.clip(x, 0, 1) - 0.001, 0)


def envelope(frames: int, attack: float, decay: float, sustain: float, release: float, up: int) -> Array:
    """The level for times in samples, the key up from sample ``up`` on."""
    n = np.arange(frames, dtype=np.float64)
    level = np.minimum(n / attack, sustain + (1 - sustain) * fall((n - attack) / decay))
    return np.where(n < up, level, level[up] * fall((n - up) / release))


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


def _frequency(signal: Array, near_hz: float) -> float:
    """Of the partial next to some frequency, from how its phase moves between two halves."""
    half = signal.size // 2
    window = get_window("blackmanharris", half)
    time = np.arange(signal.size) / RATE
    turning = signal * np.exp(-2j * np.pi * near_hz * time)
    first, last = (turning[:half] * window).sum(), (turning[half : 2 * half] * window).sum()
    return near_hz + float(np.angle(last / first)) / (2 * np.pi * half / RATE)


@pytest.mark.parametrize("key", [33, 60, 69, 93])
@pytest.mark.parametrize(("oscillator", "wave"), WAVES)
def test_keys_are_in_tune(oscillator: int, wave: str, key: int) -> None:
    """Equal temperament at A4 = 440 Hz, within a hundredth of a cent."""
    synth = two(osc_1_wave=wave) if oscillator == 1 else second(wave)
    hz = 440 * 2 ** ((key - 69) / 12)
    found = _frequency(held(synth, key, 1.0)[480:], hz)
    assert abs(1200 * np.log2(found / hz)) < 0.01


def test_the_second_oscillator_stands_an_interval_above() -> None:
    """Semitones and cents count together."""
    hz = 440 * 2 ** (7.31 / 12)
    found = _frequency(held(second("sine", osc_2_semitones=7, osc_2_cents=31), 69, 1.0)[480:], hz)
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


def _at(sound: Array, second: float, span_s: float = 0.02) -> Array:
    """A piece around a moment."""
    return sound[round((second - span_s / 2) * RATE) : round((second + span_s / 2) * RATE)]


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
    for second, width in ((0.125, 0.725), (0.25, 0.93), (0.5, 0.5), (0.75, 0.07)):
        piece = _at(sound, second, 10 / 220)
        assert np.mean(piece > 0) == pytest.approx(width, abs=0.02)


def test_lfo_1_moves_the_cutoff() -> None:
    """Four octaves each way: noise is louder as the root of the band that is left."""
    noise: dict[str, Any] = {"osc_1_wave": "noise", "cutoff_hz": 800.0}
    sound = held(_moved("filter", **noise), 60, 1.0)
    for second, octaves in ((0.125, 2.0), (0.25, 3.84), (0.75, -3.84)):
        steady = held(two(**{**noise, "cutoff_hz": 800 * 2**octaves}), 60, 4.0)[4800:]
        difference = 20 * np.log10(np.std(_at(sound, second, 0.08)) / np.std(steady))
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
        for second_, cents in ((0.25, 100), (0.75, -100)):
            found = _frequency(_at(sound, second_, 0.04), 440 * 2 ** (cents / 1200))
            assert 1200 * np.log2(found / 440) == pytest.approx(cents, abs=1.5)


def test_every_destination_has_a_test() -> None:
    """The ones above, and nothing."""
    tested = {"filter", "osc_1_pitch", "osc_2_pitch", "pulse_width", "fm", "lfo_2_rate"}
    assert tested | {"nothing"} == set(DESTINATIONS)


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
    """From sine to saw the wave is one or the other at each sample, never noise or pulse on the way."""
    player = Player(second("noise"))
    player.play([FULL, note_on(0, 57)], 4800)
    player.record()["osc_2_wave"] = 0.0
    later = player.play([], 9600)[0].astype(np.float64)[480:]
    found = partials(later[: 9600 - 480 - 240], 220.0 * np.arange(1, 4)) / (0.01 * MIX)
    np.testing.assert_allclose(found, 2 / (np.pi * np.arange(1, 4)), rtol=0.02)


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
