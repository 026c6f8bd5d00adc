"""Our recipe against NAM's: the same sound, minutes and cores, scored on the held-out guitar.

    python3 -m venv /tmp/nam && /tmp/nam/bin/pip install neural-amp-modeler==0.13.0
    python benchmarks/nam.py --nam /tmp/nam --minutes 8 --threads 1

Both learn a teacher without knobs, at its defaults, from the same generated sound at 48 kHz, one after the
other: `tonerig train effect` with the network that stands in `OURS`, and `nam-full` with NAM's feather
WaveNet (A1, 8 and 4 channels), batches of 16 segments of 8192 samples, Adam at 4e-3 falling by 0.7 % an
epoch, mean square error with a little pre-emphasised multi-resolution STFT, and the output brought to
-18 dB as NAM's own trainer does. The minutes are those of training; NAM's hold its look at the held-back
sound after each epoch, from which it takes its best weights, and ours hold our looks. Its .nam file is
played by our loader and kernel, which keep parity with its reference. NAM's rate hardly falls in a few
epochs: the entrant `nam-fitted` falls to a hundredth over the steps that the entrant `nam` came to.

What is in the results file already is not trained again.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from tonerig.export.files import load_model
from tonerig.export.model import NeuralModel
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.compare.distances import error_to_signal
from tonerig.training.effects.config import TrainingConfig
from tonerig.training.effects.data import held_out_guitar, make_lesson
from tonerig.training.effects.play import play_model
from tonerig.training.effects.shipped import block_us
from tonerig.training.effects.teachers import TEACHERS, wet_signal

Row: TypeAlias = dict[str, Any]
RATE = 48000.0
OURS = {"amp": ("cascade-2x2048", 2048), "distortion": ("cascade-1x2048", 1024)}
"""Network and taps after it, by teacher: those of the recipes of the shipped models, here without knobs."""
ENTRANTS = ("tonerig", "nam", "nam-fitted")
BATCH, SEGMENT, RATE_AT_START, FALL = 16, 8192, 4e-3, 0.993
SPECTRAL_WEIGHT, EMPHASIS = 2e-4, 0.85
STEP = re.compile(r"_step=(\d+)")
"""In the names of the checkpoints that nam-full keeps, its best ones."""
LOUDEST = 0.9
DOUBLING = [2**n for n in range(10)]


def feather() -> Row:
    """The network of NAM's feather models, as nam-full takes it."""
    common = {"condition_size": 1, "kernel_size": 3, "activation": "Tanh", "gated": False}
    first = {"input_size": 1, "channels": 8, "dilations": DOUBLING[:7]}
    first["head"] = {"out_channels": 4, "kernel_size": 1, "bias": False}
    second = {"input_size": 8, "channels": 4, "dilations": DOUBLING[7:] + DOUBLING}
    second["head"] = {"out_channels": 1, "kernel_size": 1, "bias": True}
    layers = [{**common, **array} for array in (first, second)]
    return {"name": "WaveNet", "config": {"layers_configs": layers, "head_scale": 0.02}}


def nam_configs(folder: Path, minutes: float, steps: int | None) -> list[Row]:
    """Data, model and learning; with ``steps``, the rate falls to a hundredth over so many."""
    fall = {"class": "ExponentialLR", "kwargs": {"gamma": FALL}}
    if steps is not None:
        fall |= {"kwargs": {"gamma": 0.01 ** (1 / steps)}, "interval": "step"}
    level = {"name": "nam.data.normalize_joint_dataset_output", "kwargs": {"level_rms_dbfs": -18.0}}
    data = {
        part: {"x_path": str(folder / f"{part} dry.wav"), "y_path": str(folder / f"{part} wet.wav"), "ny": ny}
        for part, ny in (("train", SEGMENT), ("validation", None))
    }
    loss = {"val_loss": "mse", "pre_emph_mrstft_weight": SPECTRAL_WEIGHT, "pre_emph_mrstft_coef": EMPHASIS}
    loader = {"batch_size": BATCH, "shuffle": True, "drop_last": True, "num_workers": 0}
    trainer = {"accelerator": "cpu", "devices": 1, "max_epochs": -1, "enable_progress_bar": False}
    trainer["max_time"] = {"seconds": 60 * minutes}
    return [
        {**data, "common": {}, "joint": [level]},
        {"net": feather(), "loss": loss, "optimizer": {"lr": RATE_AT_START}, "lr_scheduler": fall},
        {"train_dataloader": loader, "val_dataloader": {}, "trainer": trainer},
    ]


def timed(command: Sequence[str], threads: int, log: Path) -> dict[str, float]:
    """Run a command on so many threads; its seconds, with those of the processor."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    with log.open("w", encoding="utf-8") as file:
        done = subprocess.run(command, env={**os.environ, **limits}, stdout=file, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"{command[0]} failed; what it said is in {log}:\n{log.read_text()[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(time.monotonic() - began, 1), "cpu_s": round(used, 1)}


def train_ours(teacher: str, options: argparse.Namespace, folder: Path) -> tuple[Path, Row]:
    network, taps = OURS[teacher]
    output, config = folder / "tonerig.onnx", folder / "tonerig.toml"
    words = {"output": str(output), "teacher": teacher, "network": network, "run": str(folder / "run")}
    lines = [f"{key} = {json.dumps(value)}" for key, value in words.items()]
    lines += [f"taps = {taps}", f"minutes = {options.minutes}", f"seconds = {options.seconds}", "seed = 1"]
    config.write_text("\n".join([*lines, 'device = "cpu"', "resume = false", ""]), encoding="utf-8")
    command = [sys.executable, "-m", "tonerig.realtime.cli", "train", "effect", "--config", str(config)]
    spent = timed(command, options.threads, folder / "tonerig.log")
    return output, {"network": f"{network}, filter of {taps}", **spent}


def train_nam(options: argparse.Namespace, folder: Path, name: str, steps: int | None) -> tuple[Path, Row]:
    files = []
    for part, config in zip(
        ("data", "model", "learning"), nam_configs(folder, options.minutes, steps), strict=True
    ):
        files.append(folder / f"{name} {part}.json")
        files[-1].write_text(json.dumps(config, indent=1), encoding="utf-8")
    out = folder / f"{name} {time.strftime('%H%M%S')}"
    out.mkdir()
    command = [str(options.nam / "bin" / "nam-full"), *map(str, files), str(out), "--no-show", "--no-plots"]
    spent = timed(command, options.threads, folder / f"{name}.log")
    (model,) = out.rglob("*.nam")
    steps_done = [int(found[1]) for path in out.rglob("*.ckpt") if (found := STEP.search(path.name))]
    return model, {"network": "WaveNet feather", "steps": max(steps_done), **spent}


def score(teacher: str, path: Path, gain: float) -> Row:
    """ESR on the guitar, all recordings together and each, and the time for a block of 64 samples.

    ``gain`` is applied to what the model puts out.
    """
    model = load_model(path)
    assert isinstance(model, NeuralModel)
    recordings = held_out_guitar(RATE)
    outputs = [np.float32(gain) * play_model(model, dry) for dry in recordings.values()]
    wets = [wet_signal(TEACHERS[teacher], dry, RATE, {}) for dry in recordings.values()]
    each = {
        name: error_to_signal(output, wet)
        for name, output, wet in zip(recordings, outputs, wets, strict=True)
    }
    return {
        "esr": error_to_signal(np.concatenate(outputs), np.concatenate(wets)),
        "block_us": round(block_us(model, next(iter(recordings.values()))), 1),
        "recordings": each,
    }


def write_sounds(teacher: str, seconds: float, folder: Path) -> float:
    """What is trained on and what is held back, dry and wet, as the WAV files that NAM reads.

    NAM refuses a wet sound that reaches full scale: such a one is made softer by the gain that is returned.
    """
    lesson = make_lesson(
        TEACHERS[teacher], TrainingConfig(output=Path("none.onnx"), teacher=teacher, seconds=seconds)
    )
    peak = max(float(np.abs(pair.wet).max()) for pair in lesson.pairs + lesson.held_back)
    gain = np.float32(min(1.0, LOUDEST / peak))
    for part, pairs in (("train", lesson.pairs), ("validation", lesson.held_back)):
        write_wav(folder / f"{part} dry.wav", np.concatenate([pair.dry for pair in pairs]), RATE)
        write_wav(folder / f"{part} wet.wav", gain * np.concatenate([pair.wet for pair in pairs]), RATE)
    return float(gain)


def table(rows: list[Row]) -> str:
    """Markdown: a line for each teacher, minutes and threads."""
    head = ("teacher", "minutes, threads", *(f"ESR, {name}" for name in ENTRANTS), "ours : NAM's better one")
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    runs = {(row["teacher"], row["minutes"], row["threads"]) for row in rows}
    for teacher, minutes, threads in sorted(runs):
        key = {"teacher": teacher, "minutes": minutes, "threads": threads}
        esr = {row["entrant"]: row["esr"] for row in rows if key.items() <= row.items()}
        theirs = [esr[name] for name in ENTRANTS[1:] if name in esr]
        ratio = f"{esr['tonerig'] / min(theirs):.2g}" if theirs and "tonerig" in esr else "–"
        figures = [f"{esr[name]:.2g}" if name in esr else "–" for name in ENTRANTS]
        lines.append(f"| {' | '.join((teacher, f'{minutes:g}, {threads}', *figures, ratio))} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nam", type=Path, default=Path("/tmp/nam"), help="environment that has NAM")
    parser.add_argument("--minutes", type=float, default=8.0, help="of training, for each entrant")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=180.0, help="of generated sound")
    parser.add_argument("--teachers", nargs="+", default=list(OURS), choices=list(OURS))
    parser.add_argument("--entrants", nargs="+", default=["tonerig", "nam"], choices=ENTRANTS)
    parser.add_argument(
        "--folder", type=Path, default=Path("runs/nam"), help="for sounds, models and results"
    )
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    results = options.folder.absolute() / "results.json"
    rows: list[Row] = json.loads(results.read_text()) if results.exists() else []
    for teacher in options.teachers:
        folder = options.folder.absolute() / teacher
        folder.mkdir(exist_ok=True)
        gain = write_sounds(teacher, options.seconds, folder)
        key = {"teacher": teacher, "minutes": options.minutes, "threads": options.threads}
        for entrant in options.entrants:
            mine = {row["entrant"]: row for row in rows if key.items() <= row.items()}
            if entrant in mine:
                continue
            if entrant == "tonerig":
                path, row = train_ours(teacher, options, folder)
                scored = score(teacher, path, 1.0)
            else:
                steps = mine["nam"]["steps"] if entrant == "nam-fitted" else None
                path, row = train_nam(options, folder, entrant, steps)
                scored = score(teacher, path, 1.0 / gain)
            rows.append({**key, "entrant": entrant, "seconds": options.seconds, **row, **scored})
            results.write_text(json.dumps(rows, indent=1), encoding="ascii")
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    print(json.dumps(rows, indent=1))
    print(table(rows))


if __name__ == "__main__":
    main()
