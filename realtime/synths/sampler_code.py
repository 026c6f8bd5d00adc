"""The sampler on the audio thread, compiled. Imports numba."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiler import lanes
from ..compiler.memory import address_of, record_at
from ..processors.smoothing_code import compiled
from .instrument_code import instrument
from .kind_code import INAUDIBLE, Kind, Wanted, index_of, lanes_at, loop, straight_release, stretched
from .layout import LANES, OCTAVE, VOICES, named
from .low_pass import coefficients
from .notes_code import give_way, voice_at
from .oscillators import ONE, ZERO, f, powers
from .recordings import OVERSAMPLING
from .sampler import KIT, OPEN_HZ, ZONE, Sampler
from .sampler_voice import PER_PLACE, Coefficients, Memory, voice
from .target_code import sixteen

INDEX = index_of(Sampler)
REACH = f(5.0)
"""Octaves that a recording is moved at most, each way."""
BLEND = 1 / np.log2(1.25)
"""The low-pass is blended in from `OPEN_HZ` down to 4/5 of it."""
ZONE_BYTES = ZONE.itemsize

Aimed = named("Aimed", [*Wanted._fields, "root"])
Derived = named("Derived", ["step", "step_fraction", "narrow", "closed", "a1", "a2", "a3"])

kit_at, zone_at = record_at(KIT), record_at(ZONE)


def kind() -> Kind:
    """What `instrument_code.instrument` needs of this synth."""
    ops = sixteen()
    step, exp2, low_passed = voice(ops), powers(ops).exp2, coefficients(ops)
    splat, at_least, at_most = ops.splat, ops.at_least, ops.at_most
    to_integer, to_float = ops.to_integer, ops.to_float
    record = Sampler.record
    group_bytes = record.itemsize
    lanes_of = lanes_at(record)
    load_aimed, _ = lanes.access(Aimed, record)
    _, store_derived = lanes.access(Derived, record)
    ATTACK, WIDTH = INDEX["attack_s"], INDEX["width"]  # noqa: N806
    CUTOFF, RESONANCE = INDEX["cutoff_hz"], INDEX["resonance"]  # noqa: N806

    @compiled
    def choke(state: Any, group: Any, besides: Any) -> None:
        """Let all voices of a group give way but one."""
        for v in range(VOICES):
            if v != besides and lanes_of(state, v).choke[v % LANES] == group:
                give_way(state, v)

    @compiled
    def start(state: Any, record: Any, lane: Any, values: Any, channel: Any, key: Any, hard: Any) -> None:
        kit = kit_at(state.table)
        attack = stretched(values[ATTACK], channel.attack, state.rate)
        record.attack_rate[lane] = 1.0 / max(1.0, attack)
        record.attack_start[lane] = 1.0 if attack < 1.0 else 0.0
        record.release_rate[lane] = 0.0
        record.held[lane] = 1.0
        record.age[lane] = record.released[lane] = 0.0
        record.left_1[lane] = record.left_2[lane] = record.right_1[lane] = record.right_2[lane] = 0.0
        record.place[lane] = record.fraction[lane] = record.choke[lane] = 0
        number = kit.chosen[key, np.int64(hard * 127.0 + 0.5)]
        if number < 0:
            record.left_share[lane] = record.right_share[lane] = 0.0
            return
        zone = zone_at(kit.zones + ZONE_BYTES * number)
        record.end[lane], record.aside[lane], record.place[lane] = zone.end, zone.aside, -zone.places
        record.root[lane] = zone.root
        record.left_share[lane], record.right_share[lane] = zone.left, zone.right
        record.choke[lane] = zone.choke
        v = LANES * ((address_of(record) - state.lanes) // group_bytes) + lane
        voice_at(state, v).released = zone.one_shot
        if zone.choke != 0:
            choke(state, zone.choke, v)

    @compiled
    def ended(record: Any, lane: Any) -> Any:
        if record.place[lane] < 0 and record.released[lane] * record.release_rate[lane] < 1.0:
            return False
        left = max(abs(record.left_1[lane]), abs(record.left_2[lane]))
        return max(left, abs(record.right_1[lane]), abs(record.right_2[lane])) < INAUDIBLE

    @compiled
    def derive(state: Any, address: Any) -> None:
        now, rate = state.now, state.rate
        aimed = load_aimed(address)
        octaves = (aimed.pitch - aimed.root) * OCTAVE
        speed = exp2(at_least(at_most(octaves, splat(REACH)), splat(-REACH))) * f(OVERSAMPLING)
        whole = to_integer(speed)
        below = f(np.log2(OPEN_HZ / np.float64(now[CUTOFF]))) - aimed.octaves
        closed = at_least(splat(ZERO), at_most(splat(ONE), below * f(BLEND)))
        a1, a2, a3 = low_passed(now[CUTOFF] / rate, now[RESONANCE], aimed.octaves, aimed.peak)
        store_derived(
            address,
            Derived(
                whole,
                to_integer((speed - to_float(whole)) * PER_PLACE),
                splat(f(0.5 - 0.5 * now[WIDTH])),
                closed,
                a1,
                a2,
                a3,
            ),
        )

    @ops.inline
    def step_on_grid(samples: Any, share: Any, c: Any, m: Any) -> Any:
        return step(samples, c, m)

    run = loop(record, Coefficients, Memory, step_on_grid)

    @compiled
    def render(state: Any, address: Any, sums: Any, frames: Any) -> None:
        run(state, kit_at(state.table).samples, address, sums, frames)

    return Kind(Sampler, start, straight_release(INDEX["release_s"]), ended, derive, render)


def compile() -> dict[str, Any]:
    """Compile the audio side, see ``compiler.unit``."""
    return {"process": instrument(kind())}
