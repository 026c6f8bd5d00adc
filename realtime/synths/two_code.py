"""The two-oscillator synthesizer on the audio thread, compiled. Imports numba."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..compiler import lanes
from ..compiler.simd import total
from ..processors.smoothing import GRID
from ..processors.smoothing_code import compiled, goals
from .instrument_code import instrument
from .kind_code import (
    HIGHEST_FREQUENCY,
    Kind,
    Wanted,
    index_of,
    left_right,
    loop,
    rows_of,
    slow_step,
    stretched,
)
from .layout import A4, OCTAVE, named
from .low_pass import HIGHEST_CUTOFF
from .oscillators import HALF, ONE, ZERO, band_limited, f, oscillators, powers
from .target_code import sixteen
from .two import DESTINATIONS, FIRST_WAVES, SECOND_WAVES, TwoOscillators
from .two_voice import (
    FALL_OCTAVES,
    FLOOR,
    SECOND_DAMPING,
    SHAPE,
    SINE_PEAK,
    SINE_ROW,
    Coefficients,
    Memory,
    Ramps,
    Shape,
    envelope,
    voice,
)

INDEX = index_of(TwoOscillators)
COUNT = len(TwoOscillators.parameters)
LFO_OCTAVES = f(4.0)
"""That LFO 1 moves the cutoff or the rate of LFO 2 each way, at full amount; pitches: one."""
LFO_WIDTH = f(0.45)
NARROWEST = f(0.05)
DEEPEST = f(4.0)
"""Frequency modulation at full amount: the first oscillator's frequency moves by so many times itself."""
MOST_DEPTH = f(0.249)
"""Cycles a sample; a narrow pulse of nearly 2 then moves the phase by less than half a cycle."""
MOST_MOVED = f(0.125)
"""Cycles a sample: a modulated wave keeps the partials that an unmodulated one of this frequency has."""
SHARPEST = math.log2(float(SECOND_DAMPING) * 50.0)
"""Octaves of damping from resonance 0 to 1, where Q is 50."""
LOWEST = f(1e-5)
"""Of the sample rate: the lowest cutoff."""
MIX = f(math.sqrt(0.5))
"""Of each oscillator at full volume."""
CENT = f(1 / 1200)

FilterShape = named("FilterShape", [f"filter_{name}" for name in SHAPE])
Present = named("Present", ["fresh", "age", "lfo_1", "lfo_2"])
Rows = named("Rows", ["row_1", "row_2", "next_1", "next_2"])
Seconds = named("Seconds", ["second_1", "second_2"])
Derived = named(
    "Derived",
    [
        *Ramps._fields,
        *(name for name in Coefficients._fields if name not in SHAPE),
        "fresh",
    ],
)


@compiled
def mixed(order: Any, key: Any) -> Any:
    """A seed from a note's number and its key: 32 bits that have little to do with each other's."""
    x = np.uint32(order) * np.uint32(0x9E3779B9) + np.uint32(key)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = np.uint32(x)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    x = np.uint32(x)
    return np.int32(x ^ (x >> np.uint32(16)))


@compiled
def height(age: Any, rise: Any, base: Any, attack: Any, fall: Any, span: Any, sustain: Any) -> Any:
    """`two_voice.envelope` of one voice."""
    x = min(max((age - attack) * fall, 0.0), 1.0)
    share = max((1.0 + FLOOR) * 2.0 ** (-FALL_OCTAVES * x) - FLOOR, 0.0)
    return min(base + age * rise, sustain + span * share)


def kind() -> Kind:
    """What `instrument_code.instrument` needs of this synth."""
    ops = sixteen()
    level = envelope(ops)
    o = oscillators(ops)
    exp2, warped, row = powers(ops).exp2, powers(ops).warped, band_limited(ops).row
    phase_of, folded, sine, turns = o.phase_of, o.folded, o.sine, o.turns
    splat, splat_integer, add, multiply = ops.splat, ops.splat_integer, ops.add, ops.multiply
    at_least, at_most, where_less = ops.at_least, ops.at_most, ops.where_less
    to_float, to_integer = ops.to_float, ops.to_integer
    record = TwoOscillators.record
    load_wanted, _ = lanes.access(Wanted, record)
    load_filter_shape, _ = lanes.access(FilterShape, record)
    load_present, _ = lanes.access(Present, record)
    load_rows, _ = lanes.access(Rows, record)
    load_seconds, _ = lanes.access(Seconds, record)
    load_ramps, _ = lanes.access(Ramps, record)
    _, store_derived = lanes.access(Derived, record)
    ATTACK, DECAY, SUSTAIN = INDEX["amp_attack_s"], INDEX["amp_decay_s"], INDEX["amp_sustain"]  # noqa: N806
    F_ATTACK, F_DECAY = INDEX["filter_attack_s"], INDEX["filter_decay_s"]  # noqa: N806
    F_SUSTAIN, RELEASE = INDEX["filter_sustain"], INDEX["amp_release_s"]  # noqa: N806
    WAVE_1, WAVE_2 = INDEX["osc_1_wave"], INDEX["osc_2_wave"]  # noqa: N806
    VOLUME_1, VOLUME_2 = INDEX["osc_1_volume"], INDEX["osc_2_volume"]  # noqa: N806
    PULSE_WIDTH, CUTOFF, RESONANCE = INDEX["pulse_width"], INDEX["cutoff_hz"], INDEX["resonance"]  # noqa: N806
    LFO_1_HZ, LFO_2_HZ = INDEX["lfo_rate_hz"], INDEX["lfo_2_rate_hz"]  # noqa: N806
    AMOUNT, DESTINATION = INDEX["lfo_amount"], INDEX["lfo_destination"]  # noqa: N806
    ENVELOPE, FM = INDEX["filter_envelope_octaves"], INDEX["fm_amount"]  # noqa: N806
    SEMITONES, CENTS = INDEX["osc_2_semitones"], INDEX["osc_2_cents"]  # noqa: N806
    VIBRATO, DRIVE, WIDTH = INDEX["lfo_2_cents"], INDEX["drive_db"], INDEX["width"]  # noqa: N806
    FILTER, PITCH_1, PITCH_2, WIDENING, DEEPENING, RATE = range(1, len(DESTINATIONS))  # noqa: N806
    SAW, PULSE = 0, 1  # noqa: N806 (of both oscillators)
    NOISE_1, NOISE_2 = FIRST_WAVES.index("noise"), SECOND_WAVES.index("noise")  # noqa: N806
    TRIANGLE, SINE = SECOND_WAVES.index("triangle"), SECOND_WAVES.index("sine")  # noqa: N806

    @compiled
    def start(state: Any, record: Any, lane: Any, values: Any, channel: Any, key: Any, hard: Any) -> None:
        rate = state.rate
        attack = max(1.0, stretched(values[ATTACK], channel.attack, rate))
        decay = max(1.0, values[DECAY] * rate)
        record.rise[lane], record.base[lane], record.attack_frames[lane] = 1.0 / attack, 0.0, attack
        record.fall[lane], record.sustain[lane] = 1.0 / decay, values[SUSTAIN]
        record.span[lane] = np.float32(1.0) - values[SUSTAIN]
        attack = max(1.0, stretched(values[F_ATTACK], channel.attack, rate))
        decay = max(1.0, values[F_DECAY] * rate)
        record.filter_rise[lane], record.filter_base[lane] = 1.0 / attack, 0.0
        record.filter_attack_frames[lane] = attack
        record.filter_fall[lane], record.filter_sustain[lane] = 1.0 / decay, values[F_SUSTAIN]
        record.filter_span[lane] = np.float32(1.0) - values[F_SUSTAIN]
        record.age[lane], record.fresh[lane] = 0.0, 1.0
        record.phase_1[lane] = record.phase_2[lane] = record.lfo_1[lane] = record.lfo_2[lane] = 0
        record.noise_1[lane] = mixed(state.order, key)
        record.noise_2[lane] = mixed(state.order, key + 128)
        record.mid_1[lane] = record.mid_2[lane] = record.mid_3[lane] = record.mid_4[lane] = 0.0
        record.side_1[lane] = record.side_2[lane] = record.side_3[lane] = record.side_4[lane] = 0.0

    @compiled
    def release(state: Any, record: Any, lane: Any, values: Any, channel: Any) -> None:
        frames = max(1.0, stretched(values[RELEASE], channel.release, state.rate))
        age = np.float64(record.age[lane])
        record.span[lane] = record.base[lane] = height(
            age,
            record.rise[lane],
            record.base[lane],
            record.attack_frames[lane],
            record.fall[lane],
            record.span[lane],
            record.sustain[lane],
        )
        record.filter_span[lane] = record.filter_base[lane] = height(
            age,
            record.filter_rise[lane],
            record.filter_base[lane],
            record.filter_attack_frames[lane],
            record.filter_fall[lane],
            record.filter_span[lane],
            record.filter_sustain[lane],
        )
        record.fall[lane] = record.filter_fall[lane] = 1.0 / frames
        record.rise[lane] = record.sustain[lane] = record.attack_frames[lane] = 0.0
        record.filter_rise[lane] = record.filter_sustain[lane] = record.filter_attack_frames[lane] = 0.0
        record.age[lane] = 0.0

    @compiled
    def ended(record: Any, lane: Any) -> Any:
        fallen = (record.age[lane] - record.attack_frames[lane]) * record.fall[lane]
        return record.sustain[lane] == 0.0 and fallen >= 1.0

    @ops.inline
    def on(chosen: Any, this: Any, reach: Any) -> Any:
        """``reach`` where this is what was chosen, else 0."""
        return reach if chosen == this else np.float32(0.0)

    @ops.inline
    def toward(fresh: Any, now: Any, goal: Any, share: Any) -> Any:
        """A phase's or increment's present value and its step to the goal; in a fresh voice it is there."""
        now = where_less(splat(HALF), fresh, goal, now)
        away = to_float(add(goal, multiply(now, splat_integer(np.int32(-1)))))
        return now, to_integer(away * share)

    @ops.inline
    def nearer(fresh: Any, now: Any, first: Any, goal: Any, share: Any) -> Any:
        """The same for a float, which is at ``first`` in a fresh voice."""
        now = where_less(splat(HALF), fresh, first, now)
        return now, (goal - now) * share

    @ops.inline
    def gain_of(shape: Any, age: Any, octaves: Any, reach: Any, cutoff: Any) -> Any:
        """The filters' integrators' gain at some age."""
        moved = octaves + level(shape, age) * reach
        return warped(at_least(at_most(exp2(moved) * cutoff, splat(HIGHEST_CUTOFF)), splat(LOWEST)))

    @ops.inline
    def shape_of(found: Any) -> Any:
        return Shape(
            found.filter_rise,
            found.filter_base,
            found.filter_attack_frames,
            found.filter_fall,
            found.filter_span,
            found.filter_sustain,
        )

    @compiled
    def derive(state: Any, address: Any) -> None:
        now, rate, chosen = state.now, state.rate, goals(state, COUNT)
        left = GRID - state.phase
        ahead, share = splat_integer(np.int32(left)), splat(f(1.0 / left))
        wanted, present, ramps = load_wanted(address), load_present(address), load_ramps(address)
        rows = load_rows(address)
        shape, fresh = shape_of(load_filter_shape(address)), present.fresh
        target, wave_1, wave_2 = int(chosen[DESTINATION]), int(chosen[WAVE_1]), int(chosen[WAVE_2])
        lfo_1_increment = slow_step(now[LFO_1_HZ], rate)
        swing = folded(turns(add(present.lfo_1, multiply(ahead, lfo_1_increment)))) * f(4.0 * now[AMOUNT])
        lfo_2_increment = phase_of(exp2(swing * on(target, RATE, LFO_OCTAVES)) * f(now[LFO_2_HZ] / rate))
        vibrato = sine(turns(add(present.lfo_2, multiply(ahead, lfo_2_increment)))) * f(now[VIBRATO] * CENT)
        octaves = (wanted.pitch - A4) * OCTAVE + vibrato
        interval = f(now[SEMITONES] * OCTAVE + now[CENTS] * CENT)
        a440 = f(440.0 / rate)
        first = at_most(exp2(octaves + swing * on(target, PITCH_1, ONE)) * a440, splat(HIGHEST_FREQUENCY))
        second = at_most(
            exp2(octaves + interval + swing * on(target, PITCH_2, ONE)) * a440, splat(HIGHEST_FREQUENCY)
        )
        amount = at_least(at_most(swing * on(target, DEEPENING, ONE) + now[FM], splat(ONE)), splat(ZERO))
        depth = at_most(amount * amount * first * DEEPEST, splat(MOST_DEPTH))
        new_1 = row(at_least(first, at_most(first + depth, splat(MOST_MOVED))), 0)
        new_2 = row(second, 1 if wave_2 == TRIANGLE else 0)
        if wave_2 == SINE:
            new_2 = splat_integer(SINE_ROW)
        row_1, next_1 = rows_of(state.at_grid, fresh, rows.row_1, rows.next_1, new_1)
        row_2, next_2 = rows_of(state.at_grid, fresh, rows.row_2, rows.next_2, new_2)
        saw_1 = np.float32(-2.0) if wave_1 == PULSE else on(wave_1, SAW, np.float32(2.0))
        saw_2 = np.float32(2.0)
        if wave_2 == PULSE:
            saw_2 = np.float32(-2.0)
        elif wave_2 == SINE:
            saw_2 = SINE_PEAK
        elif wave_2 == NOISE_2:
            saw_2 = np.float32(0.0)
        share_up = swing * on(target, WIDENING, LFO_WIDTH) + now[PULSE_WIDTH]
        share_up = at_least(at_most(share_up, splat(f(ONE - NARROWEST))), splat(NARROWEST))
        cutoff = f(now[CUTOFF] / rate)
        raised = wanted.octaves + swing * on(target, FILTER, LFO_OCTAVES)
        reach = now[ENVELOPE]
        later = present.age + f(left)
        begun = gain_of(shape, present.age, wanted.octaves, reach, cutoff)
        aimed = gain_of(shape, later, raised, reach, cutoff)
        peak = at_least(at_most(wanted.peak + now[RESONANCE], splat(ONE)), splat(ZERO))
        increment_1, increment_1_step = toward(fresh, ramps.increment_1, phase_of(first), share)
        increment_2, increment_2_step = toward(fresh, ramps.increment_2, phase_of(second), share)
        edge, edge_step = toward(fresh, ramps.edge, phase_of(ZERO - share_up), share)
        loud_1, loud_2 = splat(MIX * now[VOLUME_1]), splat(MIX * now[VOLUME_2])
        volume_1, volume_1_step = nearer(fresh, ramps.volume_1, loud_1, loud_1, share)
        volume_2, volume_2_step = nearer(fresh, ramps.volume_2, loud_2, loud_2, share)
        modulation, modulation_step = nearer(fresh, ramps.modulation, depth, depth, share)
        gain, gain_step = nearer(fresh, ramps.gain, begun, aimed, share)
        store_derived(
            address,
            Derived(
                increment_1=increment_1,
                increment_2=increment_2,
                edge=edge,
                volume_1=volume_1,
                volume_2=volume_2,
                modulation=modulation,
                gain=gain,
                increment_1_step=increment_1_step,
                increment_2_step=increment_2_step,
                edge_step=edge_step,
                volume_1_step=volume_1_step,
                volume_2_step=volume_2_step,
                modulation_step=modulation_step,
                gain_step=gain_step,
                row_1=row_1,
                next_1=next_1,
                wave_1=splat(saw_1),
                second_1=splat(on(wave_1, PULSE, np.float32(2.0))),
                hiss_1=splat(on(wave_1, NOISE_1, ONE)),
                row_2=row_2,
                next_2=next_2,
                wave_2=splat(saw_2),
                second_2=splat(on(wave_2, PULSE, np.float32(2.0))),
                hiss_2=splat(on(wave_2, NOISE_2, ONE)),
                lfo_1_increment=lfo_1_increment,
                lfo_2_increment=lfo_2_increment,
                drive=splat(f(10.0 ** (np.float64(now[DRIVE]) / 20.0) - 1.0)),
                damping=exp2(peak * f(-SHARPEST)) * SECOND_DAMPING,
                width=splat(now[WIDTH]),
                fresh=splat(ZERO),
            ),
        )

    run_plain = loop(record, Coefficients, Memory, left_right(voice(ops, "tables", pulses=False)))
    run_pulsed = loop(record, Coefficients, Memory, left_right(voice(ops, "tables")))
    run_fading = loop(record, Coefficients, Memory, left_right(voice(ops, "fading tables")))

    @compiled
    def render(state: Any, address: Any, sums: Any, frames: Any) -> None:
        rows, seconds = load_rows(address), load_seconds(address)
        if lanes.differ(rows.row_1, rows.next_1) or lanes.differ(rows.row_2, rows.next_2):
            run_fading(state, state.table, address, sums, frames)
        elif total(seconds.second_1 + seconds.second_2) > ZERO:
            run_pulsed(state, state.table, address, sums, frames)
        else:
            run_plain(state, state.table, address, sums, frames)

    return Kind(TwoOscillators, start, release, ended, derive, render)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    return {"process": instrument(kind())}
