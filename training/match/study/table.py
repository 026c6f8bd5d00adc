"""The study's tables in Markdown: a row for each model, and a column for each model by parameter."""

from __future__ import annotations

from collections.abc import Mapping

from ..tables import markdown
from .targets import Scores

HEADINGS = (
    *("model", "accuracy of switches", "error of knobs (0–10)", "error in the document's text"),
    *("accuracy in its notebook", "error in its notebook"),
)
TEXT_ERROR = {"naive": 2.5}
"""Mean absolute errors that the document's text gives; its other figures are pictures."""
NOTEBOOK: Mapping[str, tuple[float, float]] = {
    "naive": (0.2340, 2.5148),
    "knn-mfcc": (0.3555, 2.1473),
    "tree-mfcc": (0.4008, 2.1479),
    "mlp-mel": (0.2863, 2.4343),
    "lstm-mel": (0.2733, 2.3523),
    "conv-mel": (0.2518, 2.4841),
    "mlp-mfcc": (0.4678, 2.1647),
    "lstm-mfcc": (0.4772, 2.0887),
    "conv-mfcc": (0.4479, 2.1560),
}
"""Accuracy and error of 2000 sounds of TAL-NoiseMaker, as the author's notebook printed them.

github.com/tsellam/secret-sauce, models/predict_noisemaker.ipynb at 3fa8112, the last cell's output. Its loss
was the absolute error, it had no gates and 30 epochs, and its LSTMs left out a fifth of their inputs.
"""


def model_table(scores: Mapping[str, Scores]) -> str:
    """Accuracy of switches and error of knobs of each model, beside the document's and the notebook's.

    Parameters
    ----------
    scores : by model
    """
    rows = []
    for model, one in scores.items():
        text = f"about {TEXT_ERROR[model]:g}" if model in TEXT_ERROR else "–"
        printed = (
            [f"{NOTEBOOK[model][0]:.3f}", f"{NOTEBOOK[model][1]:.2f}"] if model in NOTEBOOK else ["–"] * 2
        )
        rows.append([model, f"{one.mean_accuracy:.3f}", f"{one.mean_error:.2f}", text, *printed])
    return markdown(HEADINGS, rows)


def parameter_table(scores: Mapping[str, Scores]) -> str:
    """Every parameter's accuracy or error, a column for each model.

    Knobs that some switches silence have a second row, of the sounds where they are heard.
    """
    some = next(iter(scores.values()))
    rows = [
        [f"{name} (accuracy)", *(f"{s.accuracy[name]:.3f}" for s in scores.values())]
        for name in some.accuracy
    ]
    for name in some.error:
        rows.append([name, *(f"{s.error[name]:.2f}" for s in scores.values())])
        if name in some.heard_error:
            rows.append([f"{name}, where heard", *(f"{s.heard_error[name]:.2f}" for s in scores.values())])
    return markdown(["parameter", *scores], rows)
