"""Whether a recording of gear can be learnt from: a line for everything that goes wrong in practice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from .alignment import Array, find_arrivals, windows_of_sound
from .levels import Floor, clipped_peaks, decibels, floor_of, loud_rms
from .markers import find_markers
from .recording import Recording, read_recording
from .timing import Timing, judge

Verdict: TypeAlias = Literal["ok", "warning", "fault"]

LOWEST_RATE = 8000.0
SHORTEST_S = 1.0
SILENT_DB, LOW_DB, HIGH_DB, FULL_DB = -80.0, -30.0, -0.3, -0.2
NOISY_DB, TOO_NOISY_DB = -45.0, -20.0
"""Of the noise floor, against the louder half of the sound."""
HUM_DB = -60.0
DRIFTED, DRIFTED_TOO_FAR = 0.25, 1.0
"""Samples over the whole sound."""
FEW_PEAKS = 3
MOST_MISSING = 0.5


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes
    ----------
    name : of it
    verdict : ok, warning (it can be learnt from) or fault (it cannot)
    figure : what was measured, with its unit
    sentence : what it means, and what to do where something is wrong
    file : name of the file that it is about
    """

    name: str
    verdict: Verdict
    figure: str
    sentence: str
    file: str


@dataclass(frozen=True)
class PairCheck:
    """What a check found.

    Attributes
    ----------
    findings : in the order a person would go through them
    rate : of the dry sound, in Hz
    timing : how the wet sound lies to the dry one; None where that could not be looked for
    pair : dry and wet, aligned and trimmed; None where there is a fault
    """

    findings: tuple[Finding, ...]
    rate: float
    timing: Timing | None
    pair: tuple[Array, Array] | None

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        found = {finding.verdict for finding in self.findings}
        return "fault" if "fault" in found else "warning" if "warning" in found else "ok"


def check_pair(dry: Path, wet: Path) -> PairCheck:
    """Check a dry sound and its recording through gear.

    Parameters
    ----------
    dry : what was played; with or without markers
    wet : what came back

    Raises
    ------
    CaptureError
        If a file cannot be read as sound.
    """
    played, heard = read_recording(dry), read_recording(wet)
    findings = [*_of_files(played, heard)]
    if any(finding.verdict == "fault" for finding in findings):
        return PairCheck(tuple(findings), played.rate, None, None)
    sound, back, rate = played.sound, heard.sound, played.rate
    windows = find_markers(sound, rate)
    markers = bool(windows)
    windows = windows or windows_of_sound(sound, rate)
    timing = judge(find_arrivals(sound, back, rate, windows), len(windows), len(sound), markers)
    shift = int(np.floor(timing.latency + 0.1))
    first, end = max(0, -shift), min(len(sound), len(back) - shift)
    findings += [*_of_timing(timing, heard.name, rate)]
    if timing.found:
        findings.append(_length(sound, max(first, 0), max(end, 0), heard.name, rate))
    findings += [*_of_levels(sound, back, shift if timing.found else None, heard.name)]
    if timing.found:
        findings += [*_of_floor(sound, back, shift, heard.name, rate)]
    check = PairCheck(tuple(findings), rate, timing, None)
    if check.verdict == "fault":
        return check
    return PairCheck(check.findings, rate, timing, (sound[first:end], back[first + shift : end + shift]))


def _of_files(dry: Recording, wet: Recording) -> Iterator[Finding]:
    """What can be told of each file alone; later checks need these to be good."""
    for recording in (dry, wet):
        if recording.replaced:
            yield Finding(
                "samples",
                "fault",
                f"{recording.replaced} NaN or infinite",
                f"{recording.replaced} samples are no numbers; record or export it again",
                recording.name,
            )
    if dry.rate != wet.rate:
        yield Finding(
            "sample rates",
            "fault",
            f"{dry.rate:g} and {wet.rate:g} Hz",
            f"it has {wet.rate:g} Hz and {dry.name} has {dry.rate:g} Hz; record at the rate of "
            "the dry sound, and do not convert it afterwards",
            wet.name,
        )
    elif dry.rate < LOWEST_RATE:
        yield Finding(
            "sample rates",
            "fault",
            f"{dry.rate:g} Hz",
            f"it has {dry.rate:g} Hz, expected {LOWEST_RATE:g} Hz at least; use 44100 or 48000 Hz",
            dry.name,
        )
    else:
        yield Finding("sample rates", "ok", f"{dry.rate:g} Hz", "both have the same rate", wet.name)
    for recording in (dry, wet):
        yield from _channels(recording)
    for recording in (dry, wet):
        peak = decibels(float(np.abs(recording.channels).max()))
        if peak < SILENT_DB:
            cause = "nothing to hear in it" if recording is dry else "the gear was not heard"
            yield Finding(
                "silence",
                "fault",
                f"peak {peak:.0f} dBFS",
                f"it is silent: {cause}; check the connections and the input that is recorded",
                recording.name,
            )
        elif recording.seconds < SHORTEST_S:
            yield Finding(
                "length",
                "fault",
                f"{recording.seconds:.2f} s",
                f"it is {recording.seconds:.2f} s long, expected {SHORTEST_S:g} s at least, better minutes",
                recording.name,
            )


def _channels(recording: Recording) -> Iterator[Finding]:
    if len(recording.channels) == 1:
        return
    left, right = recording.channels
    side = ("left", "right")[recording.chosen]
    if np.array_equal(left, right):
        yield Finding(
            "channels", "ok", "2, alike", "both channels are the same; one is taken", recording.name
        )
    else:
        other = ("right", "left")[recording.chosen]
        quiet = decibels(float(np.abs(recording.channels[1 - recording.chosen]).max())) < SILENT_DB
        about = "is silent" if quiet else "differs; a model has one channel"
        yield Finding(
            "channels",
            "ok" if quiet else "warning",
            "2",
            f"the {side} channel is taken; the {other} one {about}",
            recording.name,
        )


def _of_timing(timing: Timing, name: str, rate: float) -> Iterator[Finding]:
    """Latency, drift, jumps and polarity."""
    what = "markers" if timing.markers else "places"
    found = f"{timing.clear} of {timing.places} {what}"
    if not timing.found:
        sentence = (
            "the dry sound is not heard in it: it is unrelated, too noisy, or only part of it; "
            "play the dry file through the gear and record that"
        )
        yield Finding("latency", "fault", f"found at {found}", sentence, name)
        return
    milliseconds = 1000 * timing.latency / rate
    figure = f"{timing.latency:.2f} samples ({milliseconds:.2f} ms), spread {timing.spread:.2f} at {found}"
    if timing.spread <= (0.3 if timing.markers else 3.0):
        sentence = "the recording is brought into step by it"
        if not timing.markers:
            sentence += "; without markers it is less sure, to some samples"
        verdict: Verdict = "ok"
    else:
        verdict = "warning"
        sentence = (
            "the delay is another at each place: right for chorus, vibrato or pitch shift, "
            "otherwise the recording loses samples; the shortest is taken"
        )
    yield Finding("latency", verdict, figure, sentence, name)
    yield _drift(timing, name)
    if timing.jumps:
        total = ", ".join(
            f"{abs(jump.samples):.0f} {'dropped' if jump.samples < 0 else 'repeated'} between "
            f"{jump.after / rate:.1f} and {jump.before / rate:.1f} s"
            for jump in timing.jumps
        )
        sentence = f"samples are missing or doubled ({total}); record with larger blocks, and again"
        yield Finding("dropped samples", "fault", total, sentence, name)
    else:
        yield Finding("dropped samples", "ok", "none", "the latency jumps nowhere", name)
    if timing.upside_down:
        sentence = "it is upside down against the dry sound, and so will the model be; many amps do that"
        yield Finding("polarity", "warning", "inverted", sentence, name)
    else:
        yield Finding("polarity", "ok", "as played", "it goes up where the dry sound goes up", name)


def _drift(timing: Timing, name: str) -> Finding:
    figure = f"{timing.drift_ppm:+.2f} ppm, {timing.drifted:+.2f} samples over the whole"
    if abs(timing.drifted) > (DRIFTED_TOO_FAR if timing.markers else 2 * DRIFTED_TOO_FAR):
        sentence = (
            f"its clock runs {timing.drift_ppm:+.2f} ppm against the one that played, {timing.drifted:+.1f} "
            "samples over the whole; play and record with one interface"
        )
        return Finding("drift", "fault", figure, sentence, name)
    if abs(timing.drifted) > DRIFTED and timing.markers:
        sentence = "two clocks seem to be at work; better play and record with one interface"
        return Finding("drift", "warning", figure, sentence, name)
    return Finding("drift", "ok", figure, "one clock played and recorded", name)


def _length(dry: Array, first: int, end: int, name: str, rate: float) -> Finding:
    """How much of what is to be heard in the dry sound the wet one covers."""
    sounding = np.flatnonzero(np.abs(dry) > 1e-4)
    before, after = int(first - sounding[0]), int(sounding[-1] - end)
    missing = (max(0, before) + max(0, after)) / rate
    whole = (sounding[-1] - sounding[0]) / rate
    figure = f"{max(0, end - first) / rate:.1f} of {len(dry) / rate:.1f} s"
    if missing <= 0.0:
        return Finding("length", "ok", figure, "all of the dry sound is in it", name)
    sentence = (
        f"{missing:.1f} s of the dry sound are not in it; let the recording run from before to after it"
    )
    too_much = missing > MOST_MISSING * whole or end - first < SHORTEST_S * rate
    return Finding("length", "fault" if too_much else "warning", figure, sentence, name)


def _of_levels(dry: Array, wet: Array, shift: int | None, name: str) -> Iterator[Finding]:
    peak = decibels(float(np.abs(wet).max()))
    figure = f"peak {peak:.1f} dBFS"
    if peak < LOW_DB:
        sentence = "it is quiet; turn the recording up, so that it peaks between -12 and -3 dBFS"
        yield Finding("level", "warning", figure, sentence, name)
    elif peak > HIGH_DB:
        sentence = (
            "it comes near full scale; turn the recording down, so that it peaks between -12 and -3 dBFS"
        )
        yield Finding("level", "warning", figure, sentence, name)
    else:
        yield Finding("level", "ok", figure, "neither too low nor too high", name)
    clipped = clipped_peaks(wet, dry, shift)
    figure = f"{clipped} clipped peaks"
    if clipped <= FEW_PEAKS:
        yield Finding("clipping", "ok", figure, "no run of equal samples at its greatest level", name)
    elif peak >= FULL_DB:
        sentence = (
            f"{clipped} of its peaks are cut off at full scale; turn the recording level down, and again"
        )
        yield Finding("clipping", "fault", figure, sentence, name)
    else:
        sentence = (
            f"{clipped} of its peaks are flat: right for gear that clips hard, otherwise an input clipped "
            "before its level was turned down"
        )
        yield Finding("clipping", "warning", figure, sentence, name)


def _of_floor(dry: Array, wet: Array, shift: int, name: str, rate: float) -> Iterator[Finding]:
    silence = _before_the_sound(dry, wet, shift, rate)
    if silence is None:
        yield Finding(
            "noise",
            "ok",
            "not told",
            "the dry sound does not begin with half a second of silence, so the noise floor is not known",
            name,
        )
        return
    floor = floor_of(silence, rate)
    loud = decibels(loud_rms(wet, rate))
    yield _noise(floor, loud, name)
    hum = decibels(floor.hum) - loud
    figure = f"{hum:.0f} dB of {floor.hum_hz:g} Hz" if floor.hum > 0.0 else "none"
    if hum > HUM_DB and floor.hum > 0.5 * floor.noise:
        sentence = (
            f"the mains hum at {floor.hum_hz:g} Hz and above it; use one outlet for gear and interface, move "
            "the gear from transformers, or lift the ground with a DI box"
        )
        yield Finding("hum", "warning", figure, sentence, name)
    else:
        yield Finding("hum", "ok", figure, "no mains hum stands out", name)


def _noise(floor: Floor, loud: float, name: str) -> Finding:
    noise = decibels(floor.noise)
    figure = f"{noise:.0f} dBFS, {noise - loud:.0f} dB to the sound"
    if noise - loud > TOO_NOISY_DB:
        sentence = (
            f"the noise is only {loud - noise:.0f} dB below the sound; play louder into the gear, or find it"
        )
        return Finding("noise", "fault", figure, sentence, name)
    if noise - loud > NOISY_DB:
        sentence = "a model cannot come nearer than this noise; lower it if the gear allows"
        return Finding("noise", "warning", figure, sentence, name)
    return Finding("noise", "ok", figure, "the noise floor is low", name)


def _before_the_sound(dry: Array, wet: Array, shift: int, rate: float) -> Array | None:
    """The wet sound from its beginning until just before the dry one sounds; None if that is short."""
    first = int(np.flatnonzero(np.abs(dry) > 1e-4)[0])
    start, end = max(0, shift), first + shift - round(0.05 * rate)
    return wet[start:end] if end - start >= 0.5 * rate else None
