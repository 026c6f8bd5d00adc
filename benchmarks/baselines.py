"""What plain networks learn of the nine effects, beside the shipped models: a table, row by row.

    python benchmarks/baselines.py --minutes 2 --threads 1
    python benchmarks/baselines.py --minutes 120 --device cuda --kinds lstm-7x800 --effects chorus delay

Each network of `tonerig.training.effects.baselines` is trained on the generated sound and scored on the
held-out guitar at 48 kHz, all four recordings together. On one thread of a CPU the minutes are those of the
processor, so that other work on the machine does not count. A row that is in the results file already, of the
same minutes, is not made again: an interrupted run goes on with the next one. --table only prints.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from tonerig.export.files import load_model
from tonerig.export.model import NeuralModel
from tonerig.realtime.library import shipped_library
from tonerig.training.compare.distances import error_to_signal, log_mel_distance
from tonerig.training.effects.baselines import BASELINES, train_baseline
from tonerig.training.effects.config import TrainingConfig
from tonerig.training.effects.data import held_out_guitar, make_lesson
from tonerig.training.effects.play import play_model
from tonerig.training.effects.shipped import TARGETS
from tonerig.training.effects.teachers import TEACHERS, wet_signal

Array: TypeAlias = NDArray[np.float32]
Row: TypeAlias = dict[str, Any]
RATE = 48000.0
SMALL = tuple(kind for kind in BASELINES if kind != "lstm-7x800")
"""Those that a few minutes on one core can train at all."""
HEAD = ("effect", "network", "minutes", "steps", "ESR", "log-mel", "closer in waveform", "closer in log-mel")


def score(effect: str, play: Callable[[Array], Array], recordings: Mapping[str, Array]) -> Row:
    """Distances of what ``play`` makes of the recordings from the teacher's, and those of the dry sound."""
    dry, wet, output, mels = [], [], [], []
    for sound in recordings.values():
        dry.append(sound)
        wet.append(wet_signal(TEACHERS[effect], sound, RATE, {}))
        output.append(play(sound))
        mels.append([log_mel_distance(x, wet[-1], RATE) for x in (output[-1], sound)])
    esr, esr_dry = (error_to_signal(np.concatenate(x), np.concatenate(wet)) for x in (output, dry))
    logmel, logmel_dry = np.average(mels, axis=0, weights=[len(sound) for sound in dry]).tolist()
    return {
        "esr": esr,
        "esr_dry": esr_dry,
        "logmel": logmel,
        "logmel_dry": logmel_dry,
        "closer_in_waveform": esr < esr_dry,
        "closer_in_logmel": logmel < logmel_dry,
    }


def train(effect: str, kind: str, options: argparse.Namespace, recordings: Mapping[str, Array]) -> Row:
    """Train a baseline on an effect's generated sound, and score it."""
    config = TrainingConfig(output=Path("none.onnx"), teacher=effect, seconds=options.seconds)
    lesson = make_lesson(TEACHERS[effect], config)
    clock = time.process_time if options.device == "cpu" and options.threads == 1 else time.monotonic
    began = clock()

    def say(done: float) -> None:
        if sys.stderr.isatty():
            print(f"\r{effect} {kind} {done:.0%} ", end="", file=sys.stderr, flush=True)

    baseline = train_baseline(
        kind,
        lesson.pairs,
        minutes=options.minutes,
        seed=options.seed,
        device=options.device,
        clock=clock,
        progress=say,
    )
    trained_s = clock() - began
    if options.models is not None:
        options.models.mkdir(parents=True, exist_ok=True)
        baseline.write(options.models / f"{effect} {kind}.onnx")
    return {
        "steps": len(baseline.losses),
        "trained_s": round(trained_s, 1),
        "losses": [float(np.mean(part)) for part in np.array_split(baseline.losses, 10) if len(part)],
        **score(effect, baseline, recordings),
    }


def shipped(effect: str, recordings: Mapping[str, Array]) -> Row | None:
    """The shipped model of an effect, scored alike; None where there is none."""
    path = shipped_library() / "models" / f"{effect}.onnx"
    model = load_model(path) if path.is_file() else None
    if not isinstance(model, NeuralModel):
        return None
    return {"steps": None, **score(effect, lambda dry: play_model(model, dry), recordings)}


def table(rows: list[Row]) -> str:
    """Markdown."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{' --- |' * len(HEAD)}"]
    for row in rows:
        answers = ("no", "yes")
        cells = [
            row["effect"],
            row["network"],
            "–" if row["minutes"] is None else f"{row['minutes']:g}",
            "–" if row["steps"] is None else row["steps"],
            f"{row['esr']:.2g} (dry {row['esr_dry']:.2g})",
            f"{row['logmel']:.2f} dB (dry {row['logmel_dry']:.2f})",
            answers[row["closer_in_waveform"]],
            answers[row["closer_in_logmel"]],
        ]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def save(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(rows, indent=1), encoding="ascii")
    part.replace(path)


def in_order(rows: list[Row]) -> list[Row]:
    """By effect, the shipped model last."""
    names = list(TARGETS)
    return sorted(rows, key=lambda row: (names.index(row["effect"]), row["minutes"] is None, row["network"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--effects", nargs="+", default=list(TARGETS), choices=list(TARGETS))
    parser.add_argument("--kinds", nargs="+", default=list(SMALL), help=f"any of {', '.join(BASELINES)}")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training, for each row")
    parser.add_argument("--seconds", type=float, default=180.0, help="of generated sound to learn from")
    parser.add_argument("--excerpt", type=float, help="score only so many seconds of each recording")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--models", type=Path, help="folder for the trained networks as ONNX")
    parser.add_argument("--results", type=Path, default=Path("runs/baselines.json"))
    parser.add_argument("--table", action="store_true", help="print what is there, train nothing")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows: list[Row] = json.loads(options.results.read_text()) if options.results.exists() else []
    recordings = held_out_guitar(RATE)
    if options.excerpt is not None:
        recordings = {name: sound[: round(options.excerpt * RATE)] for name, sound in recordings.items()}
    told = {"threads": options.threads, "device": options.device, "cores": os.cpu_count()}
    told |= {"machine": platform.machine(), "seconds": options.seconds, "excerpt_s": options.excerpt}
    for effect in () if options.table else options.effects:
        for kind in (*options.kinds, None):
            key = {
                "effect": effect,
                "network": kind or "shipped",
                "minutes": options.minutes if kind else None,
            }
            if any(key.items() <= row.items() for row in rows if kind):
                continue
            row = train(effect, kind, options, recordings) if kind else shipped(effect, recordings)
            rows = [old for old in rows if not key.items() <= old.items()]
            rows += [] if row is None else [{**key, **row, **told}]
            save(options.results, rows)
            print(f"\r{json.dumps(row)}", file=sys.stderr, flush=True)
    print(table(in_order(rows)))


if __name__ == "__main__":
    main()
