"""What a plugin is put through: each check plays it, as a worker would, and says what it found.

Only processes of `check_worker` import this, each for one check: as in a worker, the plugin is the first one
that the process loads.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from .check_stand import (
    BLOCK,
    LEVEL,
    QUIET,
    RATE,
    SECONDS,
    Report,
    Sound,
    Stand,
    db,
    difference,
    is_sound,
    noise,
    peak,
)
from .slot import Slot

Check: TypeAlias = Callable[[Stand], Report]

RATES = (44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
BLOCKS = (16, 32, 64, 128, 256, 441, 480, 1024, 2048, 4096)
LONGEST = 4096
SETTLED_S = 0.5
"""Plugins glide to where they stand when they begin, some by a step in each block."""
SAME_DB = -60.0
"""Sounds that differ by less are the same: their difference's peak against the peak of the first."""
MUCH = 10.0
"""A peak that is over full scale by far: +20 dBFS."""
TAIL_S = 10.0
QUIET_S = 0.5
"""Silence that lasts so long is taken for the end."""
CLICK = 0.01
"""-40 dBFS."""
RECOVERY_S = 1.0
NEAR = 10.0
"""Times by which a sound may be louder or softer than it was before."""
LATE_S = 0.001
"""By which a plugin's delay may differ from what it reports: filters delay too."""
LIKE, ALIKE = 0.5, 0.9
"""Correlation of what goes in and what comes out from which their distance can be told, and told for sure."""
MEASURED_S = 0.02
MEASURES = 12
FULL, HIGH = 1.0, 0.7
"""Loads of a core that are too much, and much, in blocks of 64."""


def loading(stand: Stand) -> Report:
    """Is it loaded, and does it play?"""
    start = perf_counter()
    slot = stand.load()
    stand.prepare(slot, "when it was first played")
    took = perf_counter() - start
    stand.play(slot, noise())
    report = Report()
    for notice in slot.notices:
        report.remark(notice)
    return report.close(f"ready after {took:.2f} s")


def rates(stand: Stand) -> Report:
    """Does it sound at each rate, mono and stereo?"""
    report, slot = Report(), stand.load()
    dumb, heard = [], False
    for rate in RATES:
        for channels, word in ((1, "mono"), (2, "stereo")):
            stage = f"at {rate / 1000:g} kHz in {word}"
            stand.prepare(slot, stage, rate, channels=channels)
            sound = stand.play(slot, noise(SECONDS, rate, channels))
            if not is_sound(sound):
                report.collect("fault", "puts out NaN or Inf", stage)
            elif peak(sound) > MUCH:
                report.collect("remark", f"puts out {db(peak(sound)):+.0f} dBFS", stage)
            elif peak(sound) < QUIET:
                dumb.append(stage)
            else:
                heard = True
    for stage in dumb if heard else ():
        report.collect("remark", "puts out nothing", stage)
    if dumb and not heard:
        report.remark("puts out nothing at any rate, for noise at -12 dBFS")
    if slot.shortfall:
        report.remark("gives its sound later than it reports")
    return report.close("44.1, 48, 88.2, 96, 176.4 and 192 kHz, mono and stereo")


def blocks(stand: Stand) -> Report:
    """Does it sound alike in blocks of all lengths?"""
    report, slot = Report(), stand.load()
    settled, frames = round(SETTLED_S * RATE), round((SETTLED_S + SECONDS) * RATE)
    given = noise(SETTLED_S + SECONDS + LONGEST / RATE)

    def heard(lengths: Sequence[int], stage: str) -> Sound:
        """Its sound from when it has settled, at the time of what went in; the last block is a whole one."""
        stand.prepare(slot, stage, block=max(lengths))
        whole = frames if len(lengths) > 1 else math.ceil(frames / lengths[0]) * lengths[0]
        sound = stand.play(slot, given[:, :whole], lengths)
        if not is_sound(sound):
            report.collect("fault", "puts out NaN or Inf", stage)
        return sound[:, slot.latency + settled : frames]

    usual = f"in blocks of {BLOCK}"
    expected = heard((BLOCK,), usual)
    repeatable = difference(expected, heard((BLOCK,), usual)) < SAME_DB
    powers = np.random.default_rng(1).uniform(0, math.log2(LONGEST), 50)
    changing = (1, 441, *(int(2**power) for power in powers), LONGEST)
    for lengths in (*((size,) for size in BLOCKS), changing):
        place = f"of {lengths[0]}" if len(lengths) == 1 else "of changing length"
        sound = heard(lengths, f"in blocks {place}")
        together = min(sound.shape[1], expected.shape[1])
        apart = difference(expected[:, :together], sound[:, :together])
        if repeatable and is_sound(sound) and apart > SAME_DB:
            report.collect(
                "remark", f"sounds otherwise than {usual} in those", f"{place} ({round(apart)} dB)"
            )
    if slot.shortfall:
        report.remark("gives its sound later than it reports")
    same = "the same sound" if repeatable else "never twice the same sound"
    return report.close(f"16 to 4096 frames and changing lengths, {same}")


def channels(stand: Stand) -> Report:
    """Is mono what stereo is, where the plugin is mono?"""
    report, slot = Report(), stand.load()
    both = np.repeat(noise(channels=1), 2, axis=0)
    stand.prepare(slot, "in mono", channels=1)
    mono = stand.play(slot, both[:1])
    stand.prepare(slot, "in stereo")
    stereo = stand.play(slot, both)
    if not (is_sound(mono) and is_sound(stereo)):
        return report.fault("puts out NaN or Inf")
    stand.prepare(slot, "in mono", channels=1)
    repeatable = difference(mono, stand.play(slot, both[:1])) < SAME_DB
    takes = stand.order["channels"]
    if takes == [1]:
        apart = max(difference(mono[0], stereo[0]), difference(stereo[0], stereo[1]))
        if repeatable and apart > SAME_DB:
            report.remark(f"two of it side by side do not sound alike ({round(apart)} dB)")
        return report.close("mono; two side by side for stereo")
    if stand.instrument:
        return report.close("an instrument")
    return report.close("stereo; a mono signal goes to both sides" if takes == [2] else "mono and stereo")


def reset(stand: Stand) -> Report:
    """Is it after a reset as it was at first?"""
    report, slot, given = Report(), stand.load(), noise(2 * SECONDS)
    stand.prepare(slot, "before a reset")
    first = stand.play(slot, given)
    slot.reset()
    stand.at("after a reset")
    again = stand.play(slot, given)
    apart = difference(first, again)
    if not is_sound(again):
        return report.fault("puts out NaN or Inf after a reset")
    if apart <= SAME_DB:
        return report.good("sounds as at first")
    other = stand.load()
    stand.prepare(other, "when loaded anew")
    if difference(first, stand.play(other, given)) > SAME_DB:
        return report.remark(f"never sounds twice the same ({round(apart)} dB), so no reset can be judged")
    return report.fault(f"a reset leaves something of the sound before it: {round(apart)} dB")


def silence(stand: Stand) -> Report:
    """Does it come to silence when the sound has ended?"""
    report, slot = Report(), stand.load()
    nothing = np.zeros((2, math.ceil(QUIET_S * RATE / LONGEST) * LONGEST), np.float32)
    stand.prepare(slot, "in silence", block=LONGEST)
    start = stand.play(slot, np.tile(nothing, 4), (LONGEST,))
    floor = start[:, -nothing.shape[1] :]
    sounds = [stand.play(slot, noise(nothing.shape[1] / RATE), (LONGEST,))]
    stand.at("in silence after sound")
    levels: list[float] = []
    while len(levels) < TAIL_S / QUIET_S and (not levels or levels[-1] > QUIET):
        sounds.append(stand.play(slot, nothing, (LONGEST,)))
        levels.append(peak(sounds[-1]))
        if not is_sound(sounds[-1]):
            break
    if not all(map(is_sound, (start, *sounds))):
        return report.fault("puts out NaN or Inf")
    if peak(start) > max(CLICK, 2 * peak(floor)):
        report.remark(f"begins with a click: {db(peak(start)):.0f} dBFS with silence in")
    if peak(floor) > QUIET:
        report.remark(f"makes a sound of its own: {db(peak(floor)):.0f} dBFS with silence in")
    if levels[-1] <= QUIET:
        tail = np.concatenate(sounds[1:], axis=1)
        loud = np.flatnonzero(np.abs(tail).max(axis=0) > QUIET)
        end = (loud[-1] + 1) / RATE if loud.size else 0.0
        return report.close(f"silent {end:.2f} s after the sound")
    level, before = levels[-1], levels[len(levels) // 2]
    fades = level < before / 1.1
    if level > 1.0 and not fades:
        return report.fault(f"howls: {db(level):+.0f} dBFS {TAIL_S:g} s after the sound")
    if fades:
        return report.good(f"fades; at {db(level):.0f} dBFS {TAIL_S:g} s after the sound")
    if peak(floor) <= QUIET:
        report.remark(f"does not come to silence: {db(level):.0f} dBFS {TAIL_S:g} s after the sound")
    return report


def not_a_number(stand: Stand) -> Report:
    """Does it recover from a NaN, and from an Inf?"""
    report, slot, clean = Report(), stand.load(), noise(RECOVERY_S)
    end = round(SECONDS * RATE)

    def level() -> float:
        """Of what it makes of good sound, in the end; NaN and Inf where it is that."""
        return peak(stand.play(slot, clean)[:, -end:])

    for value, word in ((math.nan, "NaN"), (math.inf, "Inf")):
        stand.prepare(slot, f"after {word} in its input")
        usual = level()
        bad = noise(BLOCK / RATE)
        bad[:, BLOCK // 2] = value
        stand.play(slot, bad)
        if usual / NEAR <= level() <= usual * NEAR:
            continue
        slot.reset()
        if usual / NEAR <= level() <= usual * NEAR:
            report.collect("remark", "does not recover before it is reset after", word)
        else:
            report.collect("fault", "does not recover, not even by a reset, after", word)
            slot = stand.load()
    return report.close("recovers by itself")


def state(stand: Stand) -> Report:
    """Is it, with its state saved and loaded, the same? First half: save it."""
    report, slot, given = Report(), stand.load(), noise()
    stand.prepare(slot, "before its state was saved")
    for index, scale in enumerate(stand.scales):
        slot.turn(index, elsewhere(scale))
        stand.play(slot, given[:, :BLOCK])  # one after the other: a program brings values with it
    stand.play(slot, given)
    values, saved = slot.values(), slot.raw_state or b""
    stand.prepare(slot, "after its state was saved")  # the latency too is another one now
    first = stand.play(slot, given)
    if not is_sound(first):
        return report.fault("puts out NaN or Inf with its parameters turned, so nothing can be compared")
    stand.prepare(slot, "after its state was saved")
    repeatable = difference(first, stand.play(slot, given)) < SAME_DB
    report.carried = {
        "raw_state": base64.b64encode(saved).decode(),
        "values": values,
        "sound": base64.b64encode(first.tobytes()).decode() if repeatable else "",
    }
    return report


def loaded_state(stand: Stand) -> Report:
    """The second half of `state`: load it."""
    report, carried = Report(), stand.order["carried"]
    slot = stand.load(values={}, raw_state=carried["raw_state"])
    stand.prepare(slot, "with its state loaded")
    for notice in slot.notices:
        report.fault(notice)
    sound = stand.play(slot, noise())
    first = np.frombuffer(base64.b64decode(carried["sound"]), np.float32)
    apart = difference(first.reshape(sound.shape), sound) if len(first) else math.inf
    for scale, value, loaded in zip(stand.scales, carried["values"], slot.values(), strict=True):
        place = f"{scale['name']} ({value:g}, then {loaded:g})"
        if abs(value - loaded) <= 0.001 * (scale["maximum"] - scale["minimum"]):
            continue
        if apart <= SAME_DB:
            report.collect(
                "remark", "sounds the same when its state is loaded, but does not show it in", place
            )
        else:
            report.collect("fault", "its state does not hold", place)
    if len(first) and apart > SAME_DB:
        report.fault(f"sounds otherwise when its state is loaded: {round(apart)} dB")
    return report.close(
        "same values, same sound" if len(first) else "same values; never twice the same sound"
    )


def elsewhere(scale: Mapping[str, Any]) -> float:
    """A value that is not the default: of a choice the last or the first, else one third of the way."""
    low, high, default = (float(scale[key]) for key in ("minimum", "maximum", "default"))
    if scale["choice"]:
        return high if default != high else low
    third = low + (high - low) / 3
    return third if abs(third - default) > 0.01 * (high - low) else low + (high - low) / 2


def parameters(stand: Stand) -> Report:
    """Does it sound with every parameter at its ends?"""
    report, given = Report(), noise(0.05)
    slot = stand.load()
    stand.prepare(slot, "at first")
    stand.play(slot, given)
    loudest, loudest_at = MUCH, ""
    for index, scale in enumerate(stand.scales):
        for key in ("minimum", "maximum", "default"):
            stand.at(f"with {scale['name']} at its {key}")
            slot.turn(index, float(scale[key]))
            sound = stand.play(slot, given)
            if not is_sound(sound):
                report.collect("fault", "puts out NaN or Inf", stand.stage)
                slot = stand.load()
                stand.prepare(slot, stand.stage)
            elif peak(sound) > loudest:
                loudest, loudest_at = peak(sound), stand.stage
    if loudest_at:
        report.remark(
            f"puts out up to {db(loudest):+.0f} dBFS {loudest_at}, for noise at {db(LEVEL):.0f} dBFS"
        )
    count = len(stand.scales)
    return report.close(f"{count} at minimum, maximum and default" if count else "it has none")


def latency(stand: Stand) -> Report:
    """Does it delay sound by as much as it reports?"""
    report, slot = Report(), stand.load()
    stand.prepare(slot, "when a burst of noise was played")
    given = np.zeros((2, 2 * RATE), np.float32)
    given[:, : RATE // 4] = noise(0.25, channels=1)
    sound = stand.play(slot, given)
    reported = slot.latency
    if not is_sound(sound):
        return report.fault("puts out NaN or Inf")
    lag, likeness = distance(given[0], sound[0])
    if likeness < LIKE:
        return report.good(f"reports {reported} samples; its sound does not tell")
    if abs(lag - reported) <= LATE_S * RATE:
        return report.good(f"{reported} samples, as it reports")
    sentence = f"delays sound by {lag} samples and reports {reported}"
    if likeness < ALIKE or "delay" in stand.order["category"].lower():
        return report.remark(f"{sentence}; which may be its effect")
    return report.fault(sentence)


def distance(given: Sound, sound: Sound) -> tuple[int, float]:
    """Samples by which a sound comes later than another that it resembles, and how much it does, 0 to 1."""
    size = 2 * len(given)
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(given, size))
    alike = np.abs(np.fft.irfft(spectrum, size)[: len(given)])
    lag = int(alike.argmax())
    power = float(np.linalg.norm(given)) * float(np.linalg.norm(sound))
    return lag, float(alike[lag]) / power if power else 0.0


def speed(stand: Stand) -> Report:
    """How fast is it?"""
    report, slot, given = Report(), stand.load(), noise(1.0)
    for size in (64, 4096):
        stand.prepare(slot, f"in blocks of {size}", block=size)
        stand.play(slot, given[:, : 4 * size], (size,))
        report.speeds[str(size)] = max(_speed(stand, slot, given, size) for _ in range(MEASURES))
    quick, long = report.speeds["64"], report.speeds["4096"]
    load = 1 / quick
    sentence = f"{quick:.3g} times real time in blocks of 64, {long:.3g} times in blocks of 4096"
    if load > FULL:
        return report.fault(f"too slow to be played: {sentence}")
    return report.remark(f"slow: {sentence}") if load > HIGH else report.good(sentence)


def _speed(stand: Stand, slot: Slot, given: Sound, size: int) -> float:
    """Times real time, over some 20 ms."""
    sound = [np.ascontiguousarray(given[:, k : k + size]) for k in range(0, given.shape[1] - size, size)]
    frames, start = 0, perf_counter()
    while (time := perf_counter() - start) < MEASURED_S:
        slot.process(sound[frames // size % len(sound)])
        frames += size
    stand.at(stand.stage)
    return frames / RATE / time


CHECKS: dict[str, Check] = {
    "loading": loading,
    "rates": rates,
    "blocks": blocks,
    "channels": channels,
    "reset": reset,
    "silence": silence,
    "NaN": not_a_number,
    "state": state,
    "state, loaded": loaded_state,
    "parameters": parameters,
    "latency": latency,
    "speed": speed,
}
