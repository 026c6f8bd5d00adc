"""Pictures of sounds, chains and patches, as PNG."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

if TYPE_CHECKING:
    from .patches import Patch
    from .presets import Preset

Samples = NDArray[np.float32]

BACKGROUND, INK, GRID = "#ffffff", "#26323c", "#d9dfe4"
BEFORE, AFTER = "#3b7ea1", "#c8553d"
LOWEST_HZ, HIGHEST_HZ = 40.0, 16000.0
RANGE_DB = 90.0
SWEEP_LEVELS_DB = (-50.0, -30.0, -10.0)
VELOCITY, HELD_S, WAVE_S = 100, 1.0, 0.012
LEVEL_COLOURS = ("#9ecae1", "#3b7ea1", "#c8553d")


def draw_before_after(before: Samples, after: Samples, rate: float, title: str, path: Path) -> Path:
    """Waveforms and spectrograms of a sound before and after a chain, one above the other.

    Parameters
    ----------
    before, after : shape (frames,); they may differ in length
    rate : in Hz
    """
    figure = Figure(figsize=(12, 7.5), layout="constrained", facecolor=BACKGROUND)
    figure.suptitle(title, color=INK, fontsize=13)
    axes: Any = figure.subplots(2, 2, sharex=True, width_ratios=(1, 1), height_ratios=(1, 1.8))
    seconds = max(len(before), len(after)) / rate
    tallest = max(float(np.max(np.abs(sound), initial=1e-9)) for sound in (before, after))
    loudest = max(_spectrogram(sound, rate)[1].max() for sound in (before, after))
    for column, (sound, name, colour) in enumerate(((before, "before", BEFORE), (after, "after", AFTER))):
        wave, picture = axes[0, column], axes[1, column]
        picture.set_facecolor("black")
        _draw_waveform(wave, sound, rate, colour)
        wave.set(title=name, ylim=(-1.05 * tallest, 1.05 * tallest), xlim=(0, seconds))
        times, level = _spectrogram(sound, rate)
        frequencies = np.linspace(0, rate / 2, level.shape[0])
        mesh = picture.pcolormesh(
            times, frequencies, level - loudest, vmin=-RANGE_DB, vmax=0, cmap="magma", rasterized=True
        )
        picture.set(yscale="log", ylim=(LOWEST_HZ, min(HIGHEST_HZ, 0.49 * rate)), xlabel="time in s")
        _frequency_axis(picture.yaxis)
    axes[0, 0].set_ylabel("amplitude")
    axes[1, 0].set_ylabel("frequency in Hz")
    figure.colorbar(mesh, ax=axes[1, :], label="level in dB", pad=0.01)
    return _save(figure, path)


def draw_chain(preset: Preset, path: Path, rate: float = 48000.0) -> Path:
    """What a chain does to a sine sweep at three levels, and to a tone of 220 Hz of rising level.

    The left picture is the level of the sweep's own frequency at the output over that at the input
    (A. Farina, "Simultaneous measurement of impulse response and distortion with a swept-sine
    technique", AES 108, 2000); the right one the RMS level out over the level in.
    """
    figure = Figure(figsize=(12, 4.8), layout="constrained", facecolor=BACKGROUND)
    figure.suptitle(f"{preset.name}: {' → '.join(link.processor for link in preset.chain)}", color=INK)
    response, curve = figure.subplots(1, 2)
    for level, colour, width in zip(SWEEP_LEVELS_DB, LEVEL_COLOURS, (4.0, 2.2, 1.2), strict=True):
        frequencies, gain = _sweep_response(preset, rate, level)
        response.plot(frequencies, gain, color=colour, linewidth=width, label=f"at {level:g} dBFS")
    response.set(xscale="log", xlim=(LOWEST_HZ, HIGHEST_HZ), xlabel="frequency in Hz", ylabel="gain in dB")
    response.set_title("frequency response")
    top = max(float(np.max(line.get_ydata())) for line in response.lines)
    response.set_ylim(top - 60, top + 5)
    _frequency_axis(response.xaxis)
    response.legend(frameon=False)
    levels_in, levels_out = _level_curve(preset, rate)
    curve.plot(levels_in, levels_in, color=GRID, label="unchanged")
    curve.plot(levels_in, levels_out, color=AFTER, label="220 Hz through the chain")
    curve.set(xlabel="level in, dBFS", ylabel="level out, dBFS", xlim=(-80, 0))
    curve.set_ylim(max(-100, float(np.min(levels_out)) - 5), max(5, float(np.max(levels_out)) + 5))
    curve.set_title("level")
    curve.legend(frameon=False)
    for axis in (response, curve):
        axis.grid(color=GRID, linewidth=0.6)
    return _save(figure, path)


def draw_patch(patch: Patch, path: Path, rate: float = 48000.0) -> Path:
    """The envelope, the spectrum and some periods of one note: A4, or a sampler's first key, velocity 100.

    The envelope is the highest sample of each of about 600 stretches; the spectrum is that of the loudest
    third of a second, under a Hann window; the waveform starts where that part does.
    """
    from .synths.zones import key_name

    key = patch.link.samples[0].keys[0] if patch.link.samples else 69
    sound = _note(patch, key, rate)
    figure = Figure(figsize=(15, 4.6), layout="constrained", facecolor=BACKGROUND)
    figure.suptitle(f"{patch.name} ({patch.synth}): {key_name(key)}, held for {HELD_S:g} s", color=INK)
    envelope, spectrum, wave = figure.subplots(1, 3)
    frames = sound.shape[1]
    step = max(1, frames // 600)
    peaks = np.abs(sound[:, : frames // step * step]).max(axis=0).reshape(-1, step).max(axis=1)
    window = min(frames, round(rate / 3))
    start = max(0, min(int(np.argmax(peaks)) * step, frames - window))
    _draw_envelope(envelope, peaks, step, rate)
    envelope.set_xlim(0, frames / rate)
    _draw_spectrum(spectrum, sound[:, start : start + window].mean(axis=0), rate)
    _draw_periods(wave, sound[:, start : start + round(WAVE_S * rate)], start, rate)
    for axis in (envelope, spectrum, wave):
        axis.set_axisbelow(True)
        axis.grid(color=GRID, linewidth=0.6)
    return _save(figure, path)


def _draw_envelope(axis: Any, peaks: Samples, step: int, rate: float) -> None:
    """The highest sample of each stretch of ``step`` in dB, and when the key went up."""
    times = (np.arange(len(peaks)) + 0.5) * step / rate
    axis.fill_between(times, 20 * np.log10(np.maximum(peaks, 1e-9)), -1000, color=BEFORE, linewidth=0)
    top = max(-60.0, 20 * np.log10(max(float(peaks.max()), 1e-9)))
    axis.axvline(HELD_S, color=AFTER, linewidth=1, linestyle="--", label="key up")
    axis.set(xlabel="time in s", ylabel="peak in dBFS", title="envelope", ylim=(top - 60, top + 5))
    axis.legend(frameon=False)


def _draw_spectrum(axis: Any, part: Samples, rate: float) -> None:
    """Under a Hann window; a sine of amplitude 1 is at 0 dBFS."""
    shape = hann(len(part), sym=False)
    magnitude = np.abs(np.fft.rfft(part * shape, 1 << 16)) * 2 / shape.sum()
    level = 20 * np.log10(np.maximum(magnitude, 1e-9))
    frequencies = np.fft.rfftfreq(1 << 16, 1 / rate)
    axis.plot(frequencies[1:], level[1:], color=BEFORE, linewidth=0.8)
    axis.set(xscale="log", xlabel="frequency in Hz", ylabel="level in dBFS", title="spectrum")
    axis.set_xlim(LOWEST_HZ, min(HIGHEST_HZ, 0.49 * rate))
    peak = float(level[1:].max())
    axis.set_ylim(peak - RANGE_DB, peak + 5)
    _frequency_axis(axis.xaxis)


def _draw_periods(axis: Any, shown: Samples, start: int, rate: float) -> None:
    """Left and right from the frame ``start`` on, shape (2, frames); one line where they are the same."""
    milliseconds = 1000 * (start + np.arange(shown.shape[1])) / rate
    if np.array_equal(*shown):
        axis.plot(milliseconds, shown[0], color=BEFORE, linewidth=1.2)
    else:
        for channel, name, colour in zip(shown, ("left", "right"), (BEFORE, AFTER), strict=True):
            axis.plot(milliseconds, channel, color=colour, linewidth=1.2, label=name)
        axis.legend(frameon=False, loc="upper right", ncols=2)
    tallest = max(float(np.abs(shown).max()), 1e-9)
    axis.set(xlabel="time in ms", ylabel="amplitude", title="waveform", ylim=(-1.1 * tallest, 1.25 * tallest))
    axis.set_xlim(milliseconds[0], milliseconds[-1])


def _note(patch: Patch, key: int, rate: float) -> Samples:
    """One note of a patch, shape (2, frames)."""
    from .engine.program import Program
    from .play import one_note, sound_of

    program = Program([patch.build()], rate, 4096, 1)
    return np.concatenate(list(sound_of(one_note(key, VELOCITY, HELD_S, rate), program)), axis=1)


def _draw_waveform(axis: Any, sound: Samples, rate: float, colour: str) -> None:
    """The highest and lowest sample of each of about 1200 stretches."""
    step = max(1, len(sound) // 1200)
    parts = sound[: len(sound) // step * step].reshape(-1, step)
    times = (np.arange(len(parts)) + 0.5) * step / rate
    axis.fill_between(times, parts.min(axis=1), parts.max(axis=1), color=colour, linewidth=0.3)
    axis.grid(color=GRID, linewidth=0.6)


def _spectrogram(sound: Samples, rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in s, and levels in dB of shape (frequencies, times)."""
    hop = max(256, len(sound) // 900)
    transform = ShortTimeFFT(hann(6144, sym=False), hop, rate, scale_to="magnitude")
    magnitude = np.abs(transform.stft(np.asarray(sound, np.float64)))
    return transform.t(len(sound)), 20 * np.log10(np.maximum(magnitude, 1e-9))


def _runner(preset: Preset, rate: float) -> Any:
    from .engine.program import Program
    from .engine.runner import Runner

    return Runner(Program(preset.build(), rate, 4096, 1))


def _sweep_response(
    preset: Preset, rate: float, level_db: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies and gain in dB of the linear part, by deconvolution of an exponential sweep."""
    seconds, lowest, highest = 4.0, 20.0, 0.45 * rate
    frames = round(seconds * rate)
    t = np.arange(frames) / rate
    growth = np.log(highest / lowest)
    sweep = np.sin(2 * np.pi * lowest * seconds / growth * (np.exp(t / seconds * growth) - 1))
    fade = round(0.02 * rate)
    sweep[:fade] *= np.linspace(0, 1, fade)
    sweep[-fade:] *= np.linspace(1, 0, fade)
    sweep *= 10 ** (level_db / 20)
    signal = np.concatenate([np.zeros(4096), sweep, np.zeros(round(0.5 * rate))]).astype(np.float32)
    output = _runner(preset, rate).process(signal[None]).mean(axis=0)
    points = 1 << (2 * len(signal)).bit_length()
    spectrum_in, spectrum_out = np.fft.rfft(signal, points), np.fft.rfft(output, points)
    power = np.abs(spectrum_in) ** 2
    impulse = np.fft.irfft(spectrum_out * np.conj(spectrum_in) / (power + 1e-6 * power.max()))
    before, kept = round(0.02 * rate), round(0.25 * rate)  # harmonics come out 0.2 s before and earlier
    linear = np.roll(impulse, before)[:kept]
    linear[:before] *= np.hanning(2 * before)[:before]
    linear[kept // 2 :] *= np.hanning(kept)[kept // 2 :]
    gain = 20 * np.log10(np.maximum(np.abs(np.fft.rfft(linear, 1 << 16)), 1e-7))
    frequencies = np.fft.rfftfreq(1 << 16, 1 / rate)
    grid = np.geomspace(LOWEST_HZ, HIGHEST_HZ, 400)
    return grid, np.interp(grid, frequencies, gain)


def _level_curve(preset: Preset, rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RMS level in and out in dB for steps of a tone of 220 Hz, the second half of each step measured."""
    levels = np.arange(-80.0, 1.0, 4.0)
    step = round(0.25 * rate)
    tone = np.sin(2 * np.pi * 220 * np.arange(step) / rate)
    signal = np.concatenate([10 ** (level / 20) * tone for level in levels]).astype(np.float32)
    output = _runner(preset, rate).process(signal[None])
    parts = output.reshape(len(output), len(levels), step)[:, :, step // 2 :]
    loudness = np.sqrt(np.mean(np.square(parts, dtype=np.float64), axis=(0, 2)))
    return levels, 20 * np.log10(np.maximum(loudness * np.sqrt(2), 1e-6))


def _frequency_axis(axis: Any) -> None:
    ticks = [50, 100, 200, 500, 1000, 2000, 5000, 10000]
    axis.set_ticks(ticks, [f"{tick // 1000}k" if tick >= 1000 else str(tick) for tick in ticks])
    axis.set_tick_params(which="minor", left=False, bottom=False)


def _save(figure: Figure, path: Path) -> Path:
    """Write the picture, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        figure.savefig(part, dpi=110, format="png")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
