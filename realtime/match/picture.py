"""A match as a picture: the recording beside the best match, and the parameters with their confidence."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from ..plots import AFTER, BACKGROUND, BEFORE, GRID, INK, _frequency_axis, _save
from .match import Matches
from .sound import Samples

RANGE_DB = 70.0
LOWEST_HZ = 50.0
WINDOW_S, HOP_S = 0.046, 0.004
BELIEF = LinearSegmentedColormap.from_list("belief", [BACKGROUND, "#c9dce7", BEFORE])
"""Of a level's probability."""


def draw_match(found: Matches, path: Path) -> Path:
    """Draw a match to a PNG.

    Above the spectrograms of the recording and of the best match, on one scale of level; below a line for
    each parameter: the value, how likely each of its levels is (the darker the likelier), the one that was
    chosen, and the confidence.
    """
    rows = math.ceil(len(found.synth.parameters) / 2)
    height = 4.4 + 0.27 * rows
    figure = Figure(figsize=(13, height), layout="constrained", facecolor=BACKGROUND)
    figure.suptitle(_title(found), color=INK, fontsize=13)
    parts: Any = figure.subfigures(2, 1, height_ratios=(4.0, height - 4.0))
    _draw_spectrograms(parts[0], found)
    _draw_parameters(parts[1], found, rows)
    return _save(figure, path)


def _title(found: Matches) -> str:
    pitch = "no pitch" if found.pitch is None else f"{found.pitch.note} {found.pitch.cents:+.0f} cents"
    best = found.matches[0]
    return (
        f"{_plain(found.sound.name)} ({pitch}) and its match by the synth {found.synth.name}: "
        f"{found.likeness}, distance {best.distance:.2f}, "
        f"spectrogram correlation {100 * best.measures['stft_correlation']:.0f} %"
    )


def _plain(name: str) -> str:
    """A file's name that starts no mathematics, and that fonts can show."""
    shown = "".join(char if char.isprintable() else "?" for char in name).replace("$", r"\$")
    return shown if len(shown) <= 50 else f"{shown[:49]}…"


def _draw_spectrograms(part: Any, found: Matches) -> None:
    rate = found.synth.rate
    axes = part.subplots(1, 2, sharex=True, sharey=True)
    sounds = (found.target, found.matches[0].sound)
    levels = [_levels(sound, rate) for sound in sounds]
    loudest = max(float(level.max()) for _, level in levels)
    for axis, (times, level), name, colour in zip(
        axes, levels, ("recording", "match"), (BEFORE, AFTER), strict=True
    ):
        frequencies = np.linspace(0, rate / 2, level.shape[0])
        mesh = axis.pcolormesh(
            times, frequencies, level - loudest, vmin=-RANGE_DB, vmax=0, cmap="magma", rasterized=True
        )
        axis.set_facecolor("black")
        axis.set_title(name, color=colour, fontweight="bold")
        axis.set(yscale="log", xlim=(0, len(found.target) / rate), xlabel="time in s")
        _frequency_axis(axis.yaxis)
        axis.set_ylim(LOWEST_HZ, rate / 2)
    axes[0].set_ylabel("frequency in Hz")
    part.colorbar(mesh, ax=axes, label="level in dB", pad=0.01)


def _draw_parameters(part: Any, found: Matches, rows: int) -> None:
    """Two columns of lines: name, value, levels, confidence."""
    axes = part.subplots(1, 2)
    best = found.matches[0]
    for column, axis in enumerate(axes):
        axis.set(xlim=(-1.02, 1.28), ylim=(rows - 0.3, -0.9))
        axis.set_axis_off()
        axis.text(1.27, -0.65, "confidence", ha="right", va="center", color=INK, fontsize=8, alpha=0.7)
        first = column * rows
        for line, k in enumerate(range(first, min(first + rows, len(found.synth.parameters)))):
            parameter, value = found.synth.parameters[k], float(best.values[k])
            _draw_levels(axis, line, found.probabilities[k], parameter.to_turn(value))
            sure = found.confidence[parameter.name]
            shown = parameter.text(float(f"{value:.3g}"))
            axis.text(-1.0, line, parameter.name, ha="left", va="center", color=INK, fontsize=9)
            axis.text(-0.04, line, shown, ha="right", va="center", color=AFTER, fontsize=9, fontweight="bold")
            axis.text(1.27, line, f"{100 * sure:.0f} %", ha="right", va="center", color=INK, fontsize=9)


def _draw_levels(axis: Any, line: int, probabilities: NDArray[np.float64], turn: float) -> None:
    """A row of cells, the darker the likelier, and a mark at the value's turn."""
    count = len(probabilities)
    strengths = np.sqrt(probabilities / max(float(probabilities.max()), 1e-9))
    for k, strength in enumerate(strengths):
        cell = Rectangle(
            (k / count, line - 0.32),
            1 / count,
            0.64,
            facecolor=BELIEF(float(strength)),
            edgecolor=GRID,
            lw=0.4,
        )
        axis.add_patch(cell)
    place = (0.5 + turn * (count - 1)) / count
    axis.plot([place, place], [line - 0.42, line + 0.42], color=AFTER, linewidth=2.2, solid_capstyle="round")


def _levels(sound: Samples, rate: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Times in s, and levels in dB of shape (frequencies, times)."""
    transform = ShortTimeFFT(
        hann(round(WINDOW_S * rate / 2) * 2, sym=False), round(HOP_S * rate), rate, scale_to="magnitude"
    )
    magnitude = np.abs(transform.stft(np.asarray(sound, np.float64)))
    return transform.t(len(sound)), 20 * np.log10(np.maximum(magnitude, 1e-9))
