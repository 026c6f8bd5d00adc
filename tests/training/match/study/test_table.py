"""The study's tables, by hand."""

from __future__ import annotations

from tonerig.training.match.study.table import model_table, parameter_table
from tonerig.training.match.study.targets import Scores

SCORES = {
    "naive": Scores({"wave": 0.3, "to": 0.1}, {"cutoff": 2.7, "rate": 2.8}, {"rate": 2.9}),
    "mlp-mel-db": Scores({"wave": 0.5, "to": 0.2}, {"cutoff": 1.0, "rate": 2.0}, {"rate": 1.5}),
}


def test_models() -> None:
    """A row for each: means of switches and knobs, and what text and notebook say where they do."""
    assert model_table(SCORES) == (
        "| model | accuracy of switches | error of knobs (0–10) | error in the document's text "
        "| accuracy in its notebook | error in its notebook |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: |\n"
        "| naive | 0.200 | 2.75 | about 2.5 | 0.234 | 2.51 |\n"
        "| mlp-mel-db | 0.350 | 1.50 | – | – | – |\n"
    )


def test_parameters() -> None:
    """A row for each parameter, and one more for knobs that can be silenced."""
    assert parameter_table(SCORES) == (
        "| parameter | naive | mlp-mel-db |\n"
        "| --- | ---: | ---: |\n"
        "| wave (accuracy) | 0.300 | 0.500 |\n"
        "| to (accuracy) | 0.100 | 0.200 |\n"
        "| cutoff | 2.70 | 1.00 |\n"
        "| rate | 2.80 | 2.00 |\n"
        "| rate, where heard | 2.90 | 1.50 |\n"
    )
