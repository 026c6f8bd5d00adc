"""The study as a whole, on a synthesizer of a few parameters: files, going on, refusals."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tonerig.realtime.match.synths import MatchedSynth
from tonerig.realtime.parameters import Parameter
from tonerig.training.match.study import run

PARAMETERS = (
    Parameter.switch("osc_1_wave", "saw", "pulse", "noise", default="saw"),
    Parameter.switch("osc_2_wave", "saw", "pulse", default="saw"),
    Parameter("pulse_width", 0.0, 1.0, 0.5, levels=11),
    Parameter("cutoff_hz", 100.0, 8000.0, 440.0, "Hz", "logarithmic", levels=11),
)
RENDERED: list[int] = []


def render(values, *, semitones=0.0, threads=None) -> np.ndarray:
    """Tones whose height is the cutoff, their second partial the wave."""
    RENDERED.append(len(values))
    time = np.arange(11025) / 22050
    cycles = values[:, 3, None] * time
    return (np.sin(6.28 * cycles) + values[:, 0, None] * np.sin(12.57 * cycles)).astype(np.float32)


SYNTH = MatchedSynth("toy", PARAMETERS, 22050.0, 11025, 69, 0.5, 512, {}, render)
MODELS = ("naive", "knn-mfcc", "mlp-mel-db")
EACH_KIND = ("naive", "knn-mfcc", "tree-mfcc", "lstm-mel", "conv-mel-db", "mlp-mfcc")


def test_every_model_has_a_name() -> None:
    """Three independent models, and three networks on each of three features."""
    expected = (
        *("naive", "knn-mfcc", "tree-mfcc"),
        *("mlp-mel", "lstm-mel", "conv-mel"),
        *("mlp-mel-db", "lstm-mel-db", "conv-mel-db"),
        *("mlp-mfcc", "lstm-mfcc", "conv-mfcc"),
    )
    assert expected == run.MODELS


def test_whole(tmp_path: Path) -> None:
    """Models of each kind are fitted and answer better than the naive one; four fifths are learnt from."""
    RENDERED.clear()
    told: list[tuple[str, float]] = []
    before = torch.get_num_threads()
    results = run.run_study(
        out=tmp_path,
        sounds=250,
        seed=1,
        synth=SYNTH,
        models=EACH_KIND,
        progress=lambda what, done: told.append((what, done)),
    )
    assert torch.get_num_threads() == before
    assert sum(RENDERED) == 250
    assert tuple(results) == EACH_KIND
    naive = results.pop("naive").scores
    assert naive.error["cutoff_hz"] == pytest.approx(30 / 11, abs=0.3)
    for model in ("knn-mfcc", "tree-mfcc", "mlp-mfcc"):
        assert results[model].scores.error["cutoff_hz"] < 0.7 * naive.error["cutoff_hz"], model
        assert results[model].scores.accuracy["osc_1_wave"] > naive.accuracy["osc_1_wave"], model
    assert {what for what, done in told if done == 1} == {"train sounds", "test sounds", *EACH_KIND}
    assert {path.name for path in tmp_path.iterdir()} == {"study.md", *(f"{m}.json" for m in EACH_KIND)}
    kept = json.loads((tmp_path / "knn-mfcc.json").read_text())
    assert kept["knobs"] == results["knn-mfcc"].scores.error
    assert (kept["sounds"], kept["tested"], kept["seed"], kept["synth"]) == (250, 50, 1, "toy")
    assert (tmp_path / "study.md").read_text().count("\n| lstm-mel |") == 1


def test_going_on(tmp_path: Path) -> None:
    """A model that is done is not computed again, a missing one is; together they are the whole study."""
    some = run.run_study(out=tmp_path, sounds=100, synth=SYNTH, models=MODELS[:2])
    kept = (tmp_path / "knn-mfcc.json").read_bytes()
    times = (tmp_path / "knn-mfcc.json").stat().st_mtime_ns
    rest = run.run_study(out=tmp_path, sounds=100, synth=SYNTH, models=MODELS)
    assert (tmp_path / "knn-mfcc.json").stat().st_mtime_ns == times
    assert (tmp_path / "knn-mfcc.json").read_bytes() == kept
    assert rest["naive"].scores == some["naive"].scores
    whole = run.run_study(out=tmp_path / "whole", sounds=100, synth=SYNTH, models=MODELS)
    assert {m: r.scores for m, r in whole.items()} == {m: r.scores for m, r in rest.items()}
    assert (tmp_path / "whole" / "study.md").read_text() == (tmp_path / "study.md").read_text()
    RENDERED.clear()
    assert run.run_study(out=tmp_path, sounds=100, synth=SYNTH, models=MODELS) == rest
    assert RENDERED == []


def test_folder_of_other_sounds_is_refused(tmp_path: Path) -> None:
    """By file, with what it is of and what was expected, and is left as it was."""
    run.run_study(out=tmp_path, sounds=100, synth=SYNTH, models=("naive",))
    kept = (tmp_path / "naive.json").read_bytes()
    with pytest.raises(run.StudyError, match=r"naive\.json is of a study with .*seed 0.*expected .*seed 7"):
        run.run_study(out=tmp_path, sounds=100, seed=7, synth=SYNTH, models=("naive",))
    assert (tmp_path / "naive.json").read_bytes() == kept


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"synth": "toy", "seed": 0, "sounds": 100, "tested": 20}', "\0"]
)
def test_broken_file_is_refused(tmp_path: Path, text: str) -> None:
    """By name, in a sentence."""
    (tmp_path / "naive.json").write_text(text)
    with pytest.raises(run.StudyError, match=r"naive\.json is no result of this study"):
        run.run_study(out=tmp_path, sounds=100, synth=SYNTH, models=("naive",))


def test_too_few_sounds_and_unknown_models(tmp_path: Path) -> None:
    """Both are refused before anything is rendered."""
    RENDERED.clear()
    with pytest.raises(run.StudyError, match="at least 100"):
        run.run_study(out=tmp_path, sounds=90, synth=SYNTH)
    with pytest.raises(run.StudyError, match="'forest'"):
        run.run_study(out=tmp_path, sounds=100, synth=SYNTH, models=("forest",))
    assert RENDERED == []
