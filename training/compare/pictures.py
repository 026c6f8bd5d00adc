"""The pictures of a comparison: mel spectrograms, loudest onset, and waveforms, for light and dark."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator
from numpy.typing import NDArray

from .distances import MEL_BANDS, MEL_FLOOR_DB, MEL_HIGHEST_HZ, log_mel
from .sounds import ROLES, Array, Three

Levels: TypeAlias = NDArray[np.float64]

ONSET_FRAMES, ONSET_BEFORE = 300, 30
RISE_S = 0.01
COLUMNS = 1200
DIFFERENCE_DB = 30.0
TICKS_HZ = (100, 500, 1000, 2000, 4000, 8000, 16000)
TITLES = {"dry": "dry: before the effect", "wet": "wet: the effect itself", "model": "model: what was learnt"}
COLOURS = {"dry": "#e69f00", "wet": "#009e73", "model": "#0072b2"}
DARK_COLOURS = {"dry": "#e69f00", "wet": "#17b98d", "model": "#56b4e9"}
"""Orange, green and blue, which colour-blind eyes tell apart: M. Okabe and
K. Ito, "Color Universal Design", 2008."""


@dataclass(frozen=True)
class Theme:
    """Colours of a page: background, ink, grid, of each sound, and from too quiet to too loud."""

    background: str
    ink: str
    grid: str
    sounds: dict[str, str]
    difference: tuple[str, str, str, str, str]


THEMES = {
    "": Theme(
        "#ffffff", "#26323c", "#d9dfe4", COLOURS, ("#053061", "#4393c3", "#ffffff", "#d6604d", "#67001f")
    ),
    "-dark": Theme(
        "#171c21", "#dde4ea", "#39434c", DARK_COLOURS, ("#b5deff", "#2f7fc1", "#171c21", "#c8553d", "#ffcdbd")
    ),
}
"""By what is added to a picture's name."""
SIZES = {"mel": (11.0, 8.4), "mel-difference": (11.0, 5.4), "onset": (11.0, 4.4), "waveforms": (11.0, 5.6)}
"""Inches of each picture."""


def draw_all(three: Three, progress: Callable[[float], None] = lambda _: None) -> dict[str, bytes]:
    """Every picture of `SIZES` in every theme, as PNG by file name: ``mel.png``, ``mel-dark.png`` and so on.

    Raises
    ------
    ModuleNotFoundError
        If librosa is not installed.
    """
    mono = {role: sound.mono for role, sound in three.by_role().items()}
    levels = {role: _thinned(log_mel(sound, three.rate)) for role, sound in mono.items()}
    seconds = three.wet.frames / three.rate
    drawings: dict[str, Callable[[Figure, Theme], None]] = {
        "mel": lambda figure, _: _draw_mel(figure, levels, seconds, three.rate),
        "mel-difference": lambda figure, theme: _draw_differences(figure, levels, seconds, three.rate, theme),
        "onset": lambda figure, theme: _draw_onset(figure, mono, three.rate, theme),
        "waveforms": lambda figure, theme: _draw_waveforms(figure, mono, three.rate, theme),
    }
    pictures = {}
    for name, draw in drawings.items():
        for suffix, theme in THEMES.items():
            pictures[f"{name}{suffix}.png"] = _png(draw, SIZES[name], theme)
            progress(len(pictures) / (len(drawings) * len(THEMES)))
    return pictures


def loudest_onset(sounds: Sequence[Array], rate: float) -> int:
    """The frame at which the energy of the next 10 ms exceeds that of the last 10 ms by most.

    Parameters
    ----------
    sounds : each of shape (frames,); each counts the same, whatever its level
    rate : in Hz
    """
    rise = np.zeros(len(sounds[0]))
    width = max(1, round(RISE_S * rate))
    for sound in sounds:
        energy = np.concatenate([[0.0], np.cumsum(np.asarray(sound, np.float64) ** 2)])
        frames = np.arange(len(sound))
        after = energy[np.minimum(frames + width, len(sound))] - energy[frames]
        before = energy[frames] - energy[np.maximum(frames - width, 0)]
        rise += (after - before) / max(energy[-1], 1e-30)
    return int(np.argmax(rise))


def _draw_mel(figure: Figure, levels: dict[str, Levels], seconds: float, rate: float) -> None:
    axes: Any = figure.subplots(3, 1, sharex=True)
    loudest = max(float(level.max()) for level in levels.values())
    for axis, role in zip(axes, ROLES, strict=True):
        image = _draw_bands(axis, levels[role], seconds, rate, cmap="magma", vmin=MEL_FLOOR_DB, vmax=loudest)
        axis.set_title(TITLES[role])
    axes[-1].set_xlabel("time in s")
    figure.colorbar(image, ax=list(axes), label="level in dB; 0 dB: a full-scale sine", pad=0.01, aspect=40)


def _draw_differences(
    figure: Figure, levels: dict[str, Levels], seconds: float, rate: float, theme: Theme
) -> None:
    axes: Any = figure.subplots(2, 1, sharex=True)
    colours = LinearSegmentedColormap.from_list("difference", theme.difference)
    for axis, role in zip(axes, ("dry", "model"), strict=True):
        difference = levels[role] - levels["wet"]
        image = _draw_bands(
            axis, difference, seconds, rate, cmap=colours, vmin=-DIFFERENCE_DB, vmax=DIFFERENCE_DB
        )
        axis.set_title(f"{role} minus wet")
    axes[-1].set_xlabel("time in s")
    figure.colorbar(image, ax=list(axes), label="difference in dB", pad=0.01, aspect=30, extend="both")


def _draw_bands(axis: Any, levels: Levels, seconds: float, rate: float, **style: Any) -> Any:
    """Bands over time; the axis counts mel and is labelled in Hz."""
    import librosa

    highest = min(rate / 2, MEL_HIGHEST_HZ)
    step = float(librosa.hz_to_mel(highest)) / (MEL_BANDS + 1)
    extent = (0.0, seconds, step / 2, step * (MEL_BANDS + 0.5))
    image = axis.imshow(
        levels,
        origin="lower",
        aspect="auto",
        extent=extent,
        interpolation="nearest",
        rasterized=True,
        **style,
    )
    ticks = [tick for tick in TICKS_HZ if tick < highest]
    axis.set_yticks(librosa.hz_to_mel(np.array(ticks, np.float64)), [_hertz(tick) for tick in ticks])
    axis.set_ylabel("frequency in Hz")
    return image


def _draw_onset(figure: Figure, mono: dict[str, Array], rate: float, theme: Theme) -> None:
    onset = loudest_onset([mono["dry"], mono["wet"]], rate)
    start = max(0, min(onset - ONSET_BEFORE, len(mono["wet"]) - ONSET_FRAMES))
    axis: Any = figure.subplots()
    frames = np.arange(ONSET_FRAMES)
    for role, width in zip(ROLES, (1.4, 3.2, 1.4), strict=True):
        part = mono[role][start : start + ONSET_FRAMES]
        axis.plot(frames, part, color=theme.sounds[role], linewidth=width, label=role)
    axis.set(xlim=(0, ONSET_FRAMES - 1), xlabel=f"samples after {start / rate:.4f} s", ylabel="amplitude")
    axis.set_title(f"{ONSET_FRAMES} samples at the loudest onset", loc="left")
    axis.xaxis.set_minor_locator(AutoMinorLocator())
    _finish(axis, theme)


def _draw_waveforms(figure: Figure, mono: dict[str, Array], rate: float, theme: Theme) -> None:
    axes: Any = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
    whole, error = axes
    loudest_first = sorted(ROLES, key=lambda role: -float(np.mean(np.square(mono[role], dtype=np.float64))))
    for role in loudest_first:  # so that each is seen before the one behind it
        _fill(whole, mono[role], rate, theme.sounds[role], role)
    whole.set_title("all of it, the loudest behind", loc="left")
    _fill(error, mono["model"] - mono["wet"], rate, theme.sounds["model"], "model minus wet")
    error.set_title("what the model makes different: model minus wet, same scale", loc="left")
    tallest = 1.05 * max(float(np.max(np.abs(sound))) for sound in mono.values())
    for axis in axes:
        axis.set(ylim=(-tallest, tallest), xlim=(0, len(mono["wet"]) / rate), ylabel="amplitude")
    axes[-1].set_xlabel("time in s")
    _finish(whole, theme)
    _finish(error, theme, legend=False)


def _fill(axis: Any, sound: Array, rate: float, colour: str, label: str) -> None:
    """The highest and lowest sample of each of about 1200 stretches."""
    step = max(1, len(sound) // COLUMNS)
    parts = sound[: len(sound) // step * step].reshape(-1, step)
    times = (np.arange(len(parts)) + 0.5) * step / rate
    axis.fill_between(
        times, parts.min(axis=1), parts.max(axis=1), color=colour, linewidth=0.4, alpha=0.75, label=label
    )


def _thinned(levels: Levels) -> Levels:
    """At most about 1200 columns, each the mean of those it stands for."""
    step = max(1, levels.shape[1] // COLUMNS)
    kept = levels[:, : levels.shape[1] // step * step]
    return np.asarray(kept.reshape(len(levels), -1, step).mean(axis=2))


def _finish(axis: Any, theme: Theme, legend: bool = True) -> None:
    axis.set_axisbelow(True)
    axis.grid(color=theme.grid, linewidth=0.6)
    if legend:
        order = {role: number for number, role in enumerate(ROLES)}
        handles, labels = axis.get_legend_handles_labels()
        pairs = sorted(zip(handles, labels, strict=True), key=lambda pair: order[pair[1]])
        handles, labels = zip(*pairs, strict=True)
        above = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.2}
        axis.legend(handles, labels, frameon=False, ncols=len(ROLES), **above)


def _hertz(frequency: int) -> str:
    return f"{frequency // 1000}k" if frequency >= 1000 else str(frequency)


def _png(draw: Callable[[Figure, Theme], None], size: tuple[float, float], theme: Theme) -> bytes:
    """A figure without pyplot, so without a window system, in the theme's colours."""
    import matplotlib

    inked = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor")
    style: Any = {
        **dict.fromkeys(inked, theme.ink),
        "axes.facecolor": theme.background,
        "axes.titlesize": 11,
        "font.size": 10,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=size, layout="constrained", facecolor=theme.background)
        draw(figure, theme)
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=110, format="png")
    return buffer.getvalue()
