"""How many times faster than real time A1 standard renders on one core, beside torch and onnxruntime.

    python benchmarks/offline.py

All three run the same random weights over the same minute of noise, one thread each, in large blocks.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import onnxruntime
import torch
from tonerig.export.streaming import write_onnx
from tonerig.export.torch_module import from_torch
from tonerig.realtime.engine.program import Program
from tonerig.realtime.engine.runner import Runner
from tonerig.realtime.processors.neural import Neural
from tonerig.training.effects.wavenet import A1_SHAPES, WaveNetNetwork

RATE, SECONDS, BLOCK = 48000, 20, 2048


def times_real_time(work: Callable[[], object]) -> float:
    """The best of three, so that others' work on the machine counts least."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return SECONDS / best


def main() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    module = WaveNetNetwork(A1_SHAPES["standard"]).eval()
    model = from_torch(module)
    signal = (0.1 * np.random.default_rng(0).standard_normal(RATE * SECONDS)).astype(np.float32)
    runner = Runner(Program([Neural({"normalization": "raw"}, model=model)], RATE, BLOCK, 1))
    runner.process(signal[None, :BLOCK])
    with tempfile.TemporaryDirectory() as folder:
        write_onnx(model, Path(folder) / "a1.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(Path(folder) / "a1.onnx"), options)

    def in_torch() -> None:
        with torch.inference_mode():
            module(torch.from_numpy(signal)[None])

    result = {
        "render": times_real_time(lambda: runner.process(signal[None])),
        "torch": times_real_time(in_torch),
        "onnxruntime": times_real_time(lambda: session.run(["output"], {"input": signal[None, None]})),
    }
    print(json.dumps({name: round(value, 1) for name, value in result.items()}, indent=2))


if __name__ == "__main__":
    main()
