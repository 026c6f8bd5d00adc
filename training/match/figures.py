"""The paper's pictures with our figures: losses (Figure 4), top-k accuracies (5), spectrograms (6)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FormatStrFormatter, MaxNLocator, NullLocator, PercentFormatter
from numpy.typing import NDArray

from ...export.writing import write_bytes
from ...realtime.match.spectrogram import HOP, WINDOW, magnitudes
from .measures import TOP, correlations
from .results import Figures
from .tables import in_order, title

Sounds = NDArray[np.float32]

BACKGROUND, INK, GRID = "#ffffff", "#26323c", "#d9dfe4"
FAMILIES: Mapping[str, tuple[tuple[str, str], str]] = {
    "fc": (("#f2b366", "#b35806"), "-."),
    "hc": (("#b39ad6", "#5b2a86"), "--"),
    "conv": (("#9ecae1", "#08306b"), "-"),
    "conve2e": (("#1b9e77", "#1b9e77"), "--"),
    "": (("#d62728", "#7f0000"), "-"),
}
"""Colours from a family's first model to its last, and its lines; of no family: ours."""
RANGE_DB = 60.0
LEVELS = LinearSegmentedColormap.from_list(
    "levels", ("#ffffff", "#fbb97c", "#e2575f", "#8c2981", "#3b0f70", "#000004")
)
"""From silence, which is paper, through the colours of magma."""
LOWEST_HZ = 100.0
TICKS_KHZ = (0.1, 0.5, 2, 8)
DPI = 150
PANEL = (1.25, 1.3)
"""Inches of one spectrogram."""


def draw_losses(
    losses: Mapping[str, Mapping[str, Sequence[float]]], path: Path, *, measured: str = "epoch"
) -> Path:
    """Losses of the sounds learnt from, and of those held back, beside each other.

    Parameters
    ----------
    losses : by model, its ``"train"`` and ``"validation"`` losses one after another
    measured : what one step to the right is
    """
    figure = _figure((10, 4.6))
    panels: Any = figure.subplots(1, 2, sharex=True, sharey=True)
    styles = _styles(losses)
    parts = (("train", "sounds learnt from"), ("validation", "sounds held back"))
    for axes, (part, heading) in zip(panels, parts, strict=True):
        for model, curves in losses.items():
            values = curves.get(part, ())
            axes.plot(range(1, len(values) + 1), values, label=title(model), marker="", **styles[model])
            if len(values) == 1:
                axes.plot([1], values, "o", color=styles[model]["color"], markersize=4)
        axes.set(title=heading, xlabel=measured)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _dress(axes)
    panels[0].set_ylabel("loss")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right center", frameon=False, labelcolor=INK, handlelength=2.6
    )
    return _save(figure, path)


def draw_top_accuracies(models: Mapping[str, Figures], path: Path) -> Path:
    """How often the right level is among the first k, a graph for each group of parameters."""
    columns = in_order(models)
    groups = list(columns[0].top)
    across = min(4, len(groups) + 1)
    down = -(-(len(groups) + 1) // across)
    figure = _figure((2.5 * across, 2.4 * down))
    panels: list[Axes] = list(np.ravel(figure.subplots(down, across, squeeze=False)))
    styles = _styles(figures.model for figures in columns)
    first = np.arange(1, TOP + 1)
    for axes, group in zip(panels, groups, strict=False):
        for figures in columns:
            style = styles[figures.model] | {"marker": "."}
            axes.plot(first, figures.top[group], label=title(figures.model), **style)
        axes.set(title=group, xlabel="k", xticks=first)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        _dress(axes)
    for axes in panels[len(groups) :]:
        axes.set_axis_off()
    handles, labels = panels[0].get_legend_handles_labels()
    panels[len(groups)].legend(
        handles, labels, loc="center", frameon=False, labelcolor=INK, fontsize=9, ncols=2, columnspacing=1
    )
    return _save(figure, path)


def draw_examples(
    originals: Sounds,
    made: Mapping[str, Sounds],
    rate: float,
    path: Path,
    *,
    numbers: Sequence[int],
    window: int = WINDOW,
) -> Path:
    """Spectrograms of some sounds and of what models made of them, each with its correlation × 100.

    Levels are in dB under the loudest point of the original.

    Parameters
    ----------
    originals : shape (sounds, frames)
    made : by model, the same shape
    rate : in Hz
    numbers : of the sounds in the test part, which are said; take them as they come
    window : of the short-time spectra, in frames
    """
    columns = {"": originals, **made}
    figure = _figure((PANEL[0] * len(columns) + 1.2, PANEL[1] * len(originals) + 0.7))
    panels: Any = figure.subplots(len(originals), len(columns), sharex=True, sharey=True, squeeze=False)
    spectra = {name: magnitudes(sounds, window, HOP) for name, sounds in columns.items()}
    for place, (name, found) in enumerate(spectra.items()):
        similar = correlations(spectra[""], found)
        for row, (spectrum, number) in enumerate(zip(found, numbers, strict=True)):
            axes = panels[row, place]
            loudest = max(float(spectra[""][row].max()), 1e-9)
            levels = 20 * np.log10(np.maximum(spectrum.T / loudest, 1e-9))
            times = np.arange(levels.shape[1] + 1) * HOP / rate
            edges = (np.arange(levels.shape[0] + 1) - 0.5) * rate / window / 1000
            image = axes.pcolormesh(
                times, edges[1:], levels[1:], cmap=LEVELS, vmin=-RANGE_DB, vmax=0, rasterized=True
            )
            heading = title(name) if name else "original"
            label = f"sound {number}" if not name else f"{similar[row]:.1f}"
            axes.set_title(f"{heading}\n{label}" if row == 0 else label, color=INK, fontsize=10)
            axes.tick_params(colors=INK, labelsize=8)
            axes.set(yscale="log", ylim=(LOWEST_HZ / 1000, rate / 2000), xlim=(0, times[-1]))
    for axes in panels[-1]:
        axes.set_xlabel("s", color=INK, fontsize=9)
    for axes in panels[:, 0]:
        axes.set_ylabel("kHz", color=INK, fontsize=9)
        axes.yaxis.set_major_locator(FixedLocator(TICKS_KHZ))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        axes.yaxis.set_minor_locator(NullLocator())
    bar = figure.colorbar(image, ax=list(panels.ravel()), pad=0.01, aspect=30)
    bar.set_label("dB", color=INK)
    bar.ax.tick_params(colors=INK, labelsize=8)
    return _save(figure, path)


def _styles(models: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A colour for each, darker from a family's first to its last, as deeper networks follow."""
    members: dict[str, list[str]] = {family: [] for family in FAMILIES}
    for model in models:
        members[_family(model)].append(model)
    found: dict[str, dict[str, Any]] = {}
    for family, names in members.items():
        (light, dark), line = FAMILIES[family]
        for place, model in enumerate(names):
            share = place / (len(names) - 1) if len(names) > 1 else float(family != "")
            colour = _mixed(light, dark, share)
            found[model] = {"color": colour, "linestyle": line, "linewidth": 1.6 if family else 2.4}
    return found


def _family(model: str) -> str:
    if model in FAMILIES:
        return model
    return next((name for name in ("conv", "fc", "hc") if model.startswith(name)), "")


def _mixed(light: str, dark: str, share: float) -> tuple[float, ...]:
    ends = [np.array([int(text[k : k + 2], 16) / 255 for k in (1, 3, 5)]) for text in (light, dark)]
    return tuple((1 - share) * ends[0] + share * ends[1])


def _figure(size: tuple[float, float]) -> Figure:
    return Figure(figsize=size, layout="constrained", facecolor=BACKGROUND)


def _dress(axes: Axes) -> None:
    axes.set_facecolor(BACKGROUND)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, labelsize=9)
    axes.title.set(color=INK, fontsize=11)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(INK)
    for name, spine in axes.spines.items():
        spine.set_visible(name in ("left", "bottom"))
        spine.set_color(GRID)


def _save(figure: Figure, path: Path) -> Path:
    """As PNG, whole or not at all."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=DPI)
    write_bytes(path, picture.getvalue())
    return path
