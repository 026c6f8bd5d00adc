"""The paper's tables with our figures, as Markdown: in brackets behind each what the paper has there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import paper
from .results import Figures, FiguresError

MEASURES: Mapping[tuple[str, str], str] = {
    ("stft", "mean"): "ρ mean (STFT)",
    ("stft", "median"): "ρ median (STFT)",
    ("fourier", "mean"): "ρ mean (FT)",
    ("fourier", "median"): "ρ median (FT)",
    ("time", "mean"): "ρ mean (time)",
    ("time", "median"): "ρ median (time)",
    ("frobenius", "mean"): "F_Δ mean (STFT)",
    ("frobenius", "median"): "F_Δ median (STFT)",
}
"""Rows of Table 4 as the paper writes them."""
HOUR_S, MINUTE_S = 3600.0, 60.0


def title(model: str) -> str:
    """How the paper writes a model's name, where it has it."""
    return paper.MODELS.get(model, model)


def in_order(models: Mapping[str, Figures]) -> list[Figures]:
    """The paper's models in its order, then the others as they come.

    Raises
    ------
    FiguresError
        when they tell the parameters of several synthesizers, or there is none.
    """
    synths = sorted({figures.synth for figures in models.values()})
    if len(synths) != 1:
        raise FiguresError(f"a table is of the models of one synth, found {', '.join(synths) or 'no model'}")
    known = [models[name] for name in paper.MODELS if name in models]
    return known + [figures for name, figures in models.items() if name not in paper.MODELS]


def table_3(models: Mapping[str, Figures]) -> str:
    """Mean percentile rank by parameter and model, and their mean.

    Parameters
    ----------
    models : by name; those that are missing are left out
    """
    columns = in_order(models)
    rows = []
    names = paper.SYMBOLS if columns[0].synth == "four" else columns[0].ranks
    for name in names:
        symbol = f" ({paper.SYMBOLS[name]})" if columns[0].synth == "four" else ""
        theirs = [_paper_rank(figures, name) for figures in columns]
        ours = [figures.ranks.get(name) for figures in columns]
        rows.append([f"`{name}`{symbol}", *map(_beside, ours, theirs)])
    means = [_beside(f.mpr, paper.MPR.get(f.model) if f.synth == "four" else None) for f in columns]
    return markdown(["parameter", *map(_name, columns)], [*rows, ["mean MPR", *means]])


def table_4(models: Mapping[str, Figures]) -> str:
    """Correlations × 100 and Frobenius distances of the sounds made again.

    The distances grow with the level of the sounds, and the paper does not say its own: they compare models,
    not tables.
    """
    columns = in_order(models)
    rows = []
    for (measure, over), heading in MEASURES.items():
        ours = [float(getattr(getattr(f.reconstruction, measure), over)) for f in columns]
        theirs = [_paper_figure(figures, (measure, over)) for figures in columns]
        rows.append([heading, *map(_beside, ours, theirs)])
    return markdown(["measure", *map(_name, columns)], rows)


def top_table(models: Mapping[str, Figures]) -> str:
    """Figure 5 in numbers: how often the right level is the first, and among the first five, in %."""
    columns = in_order(models)
    groups = list(columns[0].top)
    rows = [
        [_name(f), *(f"{100 * f.top[group][0]:.1f} / {100 * f.top[group][-1]:.1f}" for group in groups)]
        for f in columns
    ]
    return markdown(["model", *groups], rows)


def budget_table(models: Mapping[str, Figures]) -> str:
    """What each model was given, and what it was measured on; a row a model."""
    rows = [
        [
            _name(figures),
            f"{figures.weights:,}".replace(",", " "),
            f"{figures.sounds_seen:,}".replace(",", " "),
            f"{figures.epochs:g}",
            duration(figures.seconds),
            figures.hardware,
            figures.precision,
            f"{figures.test_sounds} (seed {figures.seed})",
            "" if figures.calibration is None else f"{figures.calibration:.3f}",
        ]
        for figures in in_order(models)
    ]
    headings = ("model", "weights", "sounds seen", "epochs", "time", "hardware", "precision", "measured on")
    return markdown([*headings, "calibration error"], rows)


def duration(seconds: float) -> str:
    """``"12 s"``, ``"12 min"`` or ``"1.2 h"``."""
    if seconds >= 2 * HOUR_S:
        return f"{seconds / HOUR_S:.1f} h"
    return f"{seconds / MINUTE_S:.0f} min" if seconds >= 2 * MINUTE_S else f"{seconds:.0f} s"


def markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table: the first column to the left, the others to the right."""
    lines = [headings, ["---", *["---:"] * (len(headings) - 1)], *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)


def _name(figures: Figures) -> str:
    return title(figures.model)


def _paper_rank(figures: Figures, parameter: str) -> float | None:
    if figures.synth != "four":
        return None
    return paper.MEAN_PERCENTILE_RANKS.get(figures.model, {}).get(parameter)


def _paper_figure(figures: Figures, measure: tuple[str, str]) -> float | None:
    return paper.RECONSTRUCTION.get(figures.model, {}).get(measure) if figures.synth == "four" else None


def _beside(ours: float | None, theirs: float | None) -> str:
    own = "" if ours is None else f"{ours:.2f}"
    return own if theirs is None else f"{own} ({theirs:.2f})"
