"""``tonerig render``: sound files through a preset or a model."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import ClusterOption, JsonOption, ModelOption, PresetOption, chosen_preset

if TYPE_CHECKING:
    from ..render import Rendered


def render(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN...", help="Sound files, or folders of them.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A WAV file; or a folder, where each file keeps its name.")
    ],
    preset: PresetOption = None,
    model: ModelOption = None,
    form: Annotated[
        Literal["float32", "24", "16"],
        typer.Option("--format", help="Samples of the WAV: float32, 24 bits, or 16 bits with dither."),
    ] = "float32",
    normalize: Annotated[
        float | None,
        typer.Option(metavar="LUFS", min=-70, max=0, help="Bring the loudness to this, -14 for streaming."),
    ] = None,
    keep_loudness: Annotated[
        bool, typer.Option("--keep-loudness", help="Bring the loudness to that of the input.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Files to render at the same time.")] = 1,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run sound files through a preset or a model.

    Any format and rate, mono or stereo, comes out as WAV at its own rate, aligned with the input; a
    preset's tail (delay, reverb) is kept until it is silent. With --model alone it is the bare model at
    its raw level, as long as the input, sample for sample.
    """
    if normalize is not None and keep_loudness:
        raise typer.BadParameter("--normalize and --keep-loudness exclude each other")
    chain = chosen_preset(preset, model)
    from ..cluster import open_cluster
    from ..render import Finish, expand, outputs
    from ..render_cluster import render_on_cluster
    from ..render_files import render_files
    from .failures import raise_failed
    from .progress import FileProgress, compile_for

    files = expand(inputs)
    targets = outputs(files, output, chain.files())
    if len(files) > 1 or output.suffix == "":
        output.mkdir(parents=True, exist_ok=True)
    compile_for(chain)
    finish = Finish(form, normalize, keep_loudness, tail=model is None)
    with FileProgress([file.name for file in files], quiet=as_json) as progress:
        if cluster is None:
            results = render_files(files, targets, chain, finish, jobs, progress.update)
        else:
            with open_cluster(cluster) as workers:
                results = render_on_cluster(files, targets, chain, finish, workers, progress.update)
    done = [result for result in results if not isinstance(result, Exception)]
    named = zip(files, results, strict=True)
    failed = [(file.name, result) for file, result in named if isinstance(result, Exception)]
    if as_json:
        print(json.dumps([dataclasses.asdict(result) for result in done], default=str, indent=2))
    else:
        for result in done:
            print(_line(result))
    raise_failed(failed, len(files), "files")


def _line(result: Rendered) -> str:
    parts = [f"{result.output}: {result.times_realtime:.1f} × real time"]
    if result.loudness_lufs is not None:
        parts.append(
            f"{result.loudness_lufs:.1f} LUFS, true peak {result.true_peak_db:.1f} dB"
            f" ({result.gain_db:+.1f} dB applied)"
        )
    if result.resampled:
        rates = ", ".join(f"{rate:g}" for rate in result.resampled)
        parts.append(f"resampled from {result.rate:g} to the model's {rates} Hz and back")
    if result.clipped:
        parts.append(f"{result.clipped} samples were over full scale and clipped")
    if result.replaced:
        parts.append(f"{result.replaced} input samples were NaN or infinite and became 0")
    if result.muted:
        numbers = ", ".join(map(str, result.muted))
        parts.append(f"processor {numbers} put out NaN or Inf and was muted")
    parts += result.problems
    return "; ".join(parts)
