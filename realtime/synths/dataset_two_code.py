"""Sounds of the two-oscillator synthesizer for data sets, sixteen side by side. Imports numba.

Notes begin, sound and are let go by the instrument's own code. Only what the grid derives is another's
here: in the instrument sixteen voices share the values of one patch, here each lane has its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, cfunc, types

from ..compiler import lanes
from ..compiler.floating_point import flush_denormals, restore_mode
from ..compiler.memory import clear_bytes, float32_at, record_at
from ..processors.smoothing import GRID
from ..processors.smoothing_code import compiled
from .dataset_output_code import write
from .dataset_two import CALM, STANDING, lanes_record
from .kind_code import HIGHEST_FREQUENCY, ROW_OF_LANES, rows_of
from .layout import A4, LANES, OCTAVE, named
from .low_pass import HIGHEST_CUTOFF
from .oscillators import HALF, ONE, TABLE_LENGTH, ZERO, band_limited, f, oscillators, powers
from .target_code import sixteen
from .two import DESTINATIONS, FIRST_WAVES, SECOND_WAVES
from .two_code import (
    CENT,
    COUNT,
    DEEPEST,
    INDEX,
    LFO_OCTAVES,
    LFO_WIDTH,
    LOWEST,
    MIX,
    MOST_DEPTH,
    MOST_MOVED,
    NARROWEST,
    SHARPEST,
    FilterShape,
    Present,
    Rows,
    kind,
)
from .two_voice import SECOND_DAMPING, SINE_PEAK, SINE_ROW, Ramps, Shape, envelope

Standing = named("Standing", STANDING)
Moving = named(
    "Moving",
    [
        *("increment_1", "increment_2", "edge", "modulation", "gain"),
        *(f"{name}_step" for name in ("increment_1", "increment_2", "edge", "modulation", "gain")),
        *("row_1", "next_1", "row_2", "next_2", "lfo_2_increment", "damping", "fresh"),
    ],
)
Turning = named("Turning", ["lfo_1_increment"])


def compile() -> dict[str, Any]:
    """Compile ``render(calm, lanes, values, sounds, frames, key_up, sums, output)``, see `dataset_two`."""
    ops, record = sixteen(), lanes_record()
    played = kind()
    start, release, ended, sing = played.start, played.release, played.ended, played.render
    level, o = envelope(ops), oscillators(ops)
    exp2, warped, row = powers(ops).exp2, powers(ops).warped, band_limited(ops).row
    phase_of, folded, sine, turns = o.phase_of, o.folded, o.sine, o.turns
    splat, splat_integer, add, multiply = ops.splat, ops.splat_integer, ops.add, ops.multiply
    at_least, at_most, where_less = ops.at_least, ops.at_most, ops.where_less
    to_float, to_integer = ops.to_float, ops.to_integer
    load_standing, _ = lanes.access(Standing, record)
    load_turning, _ = lanes.access(Turning, record)
    load_filter_shape, _ = lanes.access(FilterShape, record)
    load_present, _ = lanes.access(Present, record)
    load_rows, _ = lanes.access(Rows, record)
    load_ramps, _ = lanes.access(Ramps, record)
    _, store_moving = lanes.access(Moving, record)
    lanes_at, calm_at = record_at(record), record_at(CALM)
    WAVE_1, WAVE_2 = INDEX["osc_1_wave"], INDEX["osc_2_wave"]  # noqa: N806
    VOLUME_1, VOLUME_2 = INDEX["osc_1_volume"], INDEX["osc_2_volume"]  # noqa: N806
    PULSE_WIDTH, CUTOFF, RESONANCE = INDEX["pulse_width"], INDEX["cutoff_hz"], INDEX["resonance"]  # noqa: N806
    LFO_1_HZ, LFO_2_HZ = INDEX["lfo_rate_hz"], INDEX["lfo_2_rate_hz"]  # noqa: N806
    AMOUNT, DESTINATION = INDEX["lfo_amount"], INDEX["lfo_destination"]  # noqa: N806
    ENVELOPE, FM = INDEX["filter_envelope_octaves"], INDEX["fm_amount"]  # noqa: N806
    SEMITONES, CENTS = INDEX["osc_2_semitones"], INDEX["osc_2_cents"]  # noqa: N806
    VIBRATO, DRIVE, WIDTH = INDEX["lfo_2_cents"], INDEX["drive_db"], INDEX["width"]  # noqa: N806
    TRANSPOSE, TUNE, TRACKING = (  # noqa: N806
        INDEX[name] for name in ("transpose_semitones", "tune_cents", "key_tracking")
    )
    FILTER, PITCH_1, PITCH_2, WIDENING, DEEPENING, RATE = range(1, len(DESTINATIONS))  # noqa: N806
    SAW, PULSE = 0, 1  # noqa: N806 (of both oscillators)
    NOISE_1, NOISE_2 = FIRST_WAVES.index("noise"), SECOND_WAVES.index("noise")  # noqa: N806
    TRIANGLE, SINE = SECOND_WAVES.index("triangle"), SECOND_WAVES.index("sine")  # noqa: N806
    NONE = np.float32(0.0)  # noqa: N806

    @compiled
    def stand(calm: Any, record: Any, lane: Any, values: Any) -> None:
        """Write what does not move while a note sounds: a patch's values as coefficients of its lane."""
        rate = calm.rate
        record.pitch[lane] = calm.pitch + values[TRANSPOSE] + np.float32(0.01) * values[TUNE]
        record.octaves[lane] = values[TRACKING] * (calm.pitch - A4) * OCTAVE
        record.peak[lane] = 0.0
        record.left[lane], record.left_step[lane] = 1.0, 0.0
        record.right[lane] = record.right_step[lane] = 0.0
        target, wave_1, wave_2 = int(values[DESTINATION]), int(values[WAVE_1]), int(values[WAVE_2])
        record.swing[lane] = 4.0 * values[AMOUNT]
        record.to_filter[lane] = LFO_OCTAVES if target == FILTER else NONE
        record.to_pitch_1[lane] = ONE if target == PITCH_1 else NONE
        record.to_pitch_2[lane] = ONE if target == PITCH_2 else NONE
        record.to_width[lane] = LFO_WIDTH if target == WIDENING else NONE
        record.to_fm[lane] = ONE if target == DEEPENING else NONE
        record.to_rate[lane] = LFO_OCTAVES if target == RATE else NONE
        slow = np.float64(values[LFO_1_HZ]) / rate
        record.lfo_1_increment[lane] = np.int32(np.int64(slow * 4294967296.0))
        record.lfo_2_cycles[lane] = values[LFO_2_HZ] / rate
        record.vibrato[lane] = values[VIBRATO] * CENT
        record.interval[lane] = values[SEMITONES] * OCTAVE + values[CENTS] * CENT
        record.fm[lane], record.up[lane] = values[FM], values[PULSE_WIDTH]
        record.cutoff[lane], record.reach[lane] = values[CUTOFF] / rate, values[ENVELOPE]
        record.resonance[lane] = values[RESONANCE]
        record.triangle[lane] = TABLE_LENGTH if wave_2 == TRIANGLE else np.int32(0)
        record.just_sine[lane] = ONE if wave_2 == SINE else NONE
        record.volume_1[lane], record.volume_1_step[lane] = MIX * values[VOLUME_1], 0.0
        record.volume_2[lane], record.volume_2_step[lane] = MIX * values[VOLUME_2], 0.0
        pulse_1, pulse_2 = wave_1 == PULSE, wave_2 == PULSE
        record.wave_1[lane] = np.float32(-2.0) if pulse_1 else np.float32(2.0) if wave_1 == SAW else NONE
        record.second_1[lane] = np.float32(2.0) if pulse_1 else NONE
        record.hiss_1[lane] = ONE if wave_1 == NOISE_1 else NONE
        first_2 = np.float32(-2.0) if pulse_2 else np.float32(2.0)
        if wave_2 == SINE:
            first_2 = SINE_PEAK
        elif wave_2 == NOISE_2:
            first_2 = NONE
        record.wave_2[lane] = first_2
        record.second_2[lane] = np.float32(2.0) if pulse_2 else NONE
        record.hiss_2[lane] = ONE if wave_2 == NOISE_2 else NONE
        record.drive[lane] = 10.0 ** (np.float64(values[DRIVE]) / 20.0) - 1.0
        record.width[lane] = values[WIDTH]

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
    def derive(calm: Any, address: Any) -> None:
        """A point of the grid: `two_code`'s ``derive`` with the values of each lane."""
        s, turning = load_standing(address), load_turning(address)
        ahead, share = splat_integer(np.int32(GRID)), splat(f(1.0 / GRID))
        present, ramps, rows = load_present(address), load_ramps(address), load_rows(address)
        shape, fresh = shape_of(load_filter_shape(address)), present.fresh
        swing = folded(turns(add(present.lfo_1, multiply(ahead, turning.lfo_1_increment)))) * s.swing
        lfo_2_increment = phase_of(exp2(swing * s.to_rate) * s.lfo_2_cycles)
        vibrato = sine(turns(add(present.lfo_2, multiply(ahead, lfo_2_increment)))) * s.vibrato
        octaves = (s.pitch - A4) * OCTAVE + vibrato
        a440 = f(440.0 / calm.rate)
        first = at_most(exp2(octaves + swing * s.to_pitch_1) * a440, splat(HIGHEST_FREQUENCY))
        second = at_most(exp2(octaves + s.interval + swing * s.to_pitch_2) * a440, splat(HIGHEST_FREQUENCY))
        amount = at_least(at_most(swing * s.to_fm + s.fm, splat(ONE)), splat(ZERO))
        depth = at_most(amount * amount * first * DEEPEST, splat(MOST_DEPTH))
        new_1 = row(at_least(first, at_most(first + depth, splat(MOST_MOVED))), 0)
        new_2 = where_less(splat(HALF), s.just_sine, splat_integer(SINE_ROW), add(row(second, 0), s.triangle))
        row_1, next_1 = rows_of(np.int64(1), fresh, rows.row_1, rows.next_1, new_1)
        row_2, next_2 = rows_of(np.int64(1), fresh, rows.row_2, rows.next_2, new_2)
        share_up = swing * s.to_width + s.up
        share_up = at_least(at_most(share_up, splat(f(ONE - NARROWEST))), splat(NARROWEST))
        begun = gain_of(shape, present.age, s.octaves, s.reach, s.cutoff)
        aimed = gain_of(shape, present.age + f(GRID), s.octaves + swing * s.to_filter, s.reach, s.cutoff)
        peak = at_least(at_most(s.peak + s.resonance, splat(ONE)), splat(ZERO))
        increment_1, increment_1_step = toward(fresh, ramps.increment_1, phase_of(first), share)
        increment_2, increment_2_step = toward(fresh, ramps.increment_2, phase_of(second), share)
        edge, edge_step = toward(fresh, ramps.edge, phase_of(ZERO - share_up), share)
        modulation, modulation_step = nearer(fresh, ramps.modulation, depth, depth, share)
        gain, gain_step = nearer(fresh, ramps.gain, begun, aimed, share)
        store_moving(
            address,
            Moving(
                increment_1,
                increment_2,
                edge,
                modulation,
                gain,
                increment_1_step,
                increment_2_step,
                edge_step,
                modulation_step,
                gain_step,
                row_1,
                next_1,
                row_2,
                next_2,
                lfo_2_increment,
                exp2(peak * f(-SHARPEST)) * SECOND_DAMPING,
                splat(ZERO),
            ),
        )

    @compiled
    def sixteen_sounds(
        calm: Any, at: Any, values: Any, sounds: Any, frames: Any, key_up: Any, sums: Any, output: Any
    ) -> None:
        record = lanes_at(at)
        for lane in range(LANES):
            own = carray(float32_at(values + 4 * COUNT * min(lane, sounds - 1)), (COUNT,))
            stand(calm, record, lane, own)
            start(calm, record, lane, own, calm, calm.key, ONE)
        t = 0
        while t < frames:
            if t == key_up:
                for lane in range(LANES):
                    own = carray(float32_at(values + 4 * COUNT * min(lane, sounds - 1)), (COUNT,))
                    if not ended(record, lane):
                        release(calm, record, lane, own, calm)
            calm.phase = t % GRID
            if calm.phase == 0:
                derive(calm, at)
            count = min(GRID - calm.phase, frames - t)
            if t < key_up < t + count:
                count = key_up - t
            clear_bytes(sums, 2 * GRID * ROW_OF_LANES)
            sing(calm, at, sums, count)
            write(sums, output, frames, t, count, sounds)
            t += count

    word = types.int64

    @cfunc(types.void(*[word] * 8), nopython=True, error_model="numpy")
    def render(
        calm: Any, at: Any, values: Any, sounds: Any, frames: Any, key_up: Any, sums: Any, output: Any
    ) -> None:
        mode = flush_denormals()
        for first in range(0, sounds, LANES):
            present = min(LANES, sounds - first)
            sixteen_sounds(
                calm_at(calm),
                at,
                values + 4 * COUNT * first,
                present,
                frames,
                key_up,
                sums,
                output + 4 * frames * first,
            )
        restore_mode(mode)

    return {"render": render}
