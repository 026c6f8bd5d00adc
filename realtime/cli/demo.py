"""``tonerig demo``: a real guitar through the shipped amp, to listen to and to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RECORDINGS = Path("/usr/share/sonic-pi/samples")  # Debian's package sonic-pi-samples, CC0
RECORDING = "guit_em9.flac"


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the sounds and the picture.")
    ] = Path("demo"),
    preset: Annotated[str, typer.Option("--preset", "-p", help="The preset to play it through.")] = "crunch",
) -> None:
    """Render a real guitar recording through a neural amp and a cabinet, and draw before and after.

    The recording is from Debian's package sonic-pi-samples; without it, a plucked guitar is made here.
    """
    output.mkdir(parents=True, exist_ok=True)
    from ..audio_files import read_audio
    from ..plots import draw_before_after
    from ..presets import load_preset
    from ..render import Finish
    from ..render_files import render_files
    from .progress import FileProgress, compile_for

    dry, wet, picture = (
        output / "guitar.wav",
        output / f"guitar-{preset}.wav",
        output / f"guitar-{preset}.png",
    )
    print(_write_dry(dry))
    chain = load_preset(preset)
    compile_for(chain)
    with FileProgress([dry.name]) as progress:
        result = render_files([dry], [wet], chain, Finish(normalize=-16.0), progress=progress.update)[0]
    if isinstance(result, Exception):
        raise result
    before, rate = read_audio(dry)
    after, _ = read_audio(wet)
    words = " → ".join(link.processor for link in chain.chain)
    title = f"{dry.name} through {chain.name}: {words}"
    draw_before_after(before.mean(axis=0), after.mean(axis=0), rate, title, picture)
    print(f"chain     {words} (preset {preset})")
    print(f"before    {dry}")
    print(f"after     {wet}, {result.times_realtime:.1f} × real time, {result.loudness_lufs:.1f} LUFS")
    print(f"picture   {picture}")


def _write_dry(path: Path) -> str:
    """Write the guitar as it comes from its pickup, one channel; says what it is."""
    from ..audio_files import read_audio
    from ..plucked import riff
    from ..wav_writer import write_wav

    recording = RECORDINGS / RECORDING
    if recording.exists():
        sound, rate = read_audio(recording)
        write_wav(path, sound.mean(axis=0), rate)
        return f"guitar    {recording}, a real one"
    write_wav(path, riff(), 48000.0)
    return (
        f"guitar    {recording} is missing (Debian package sonic-pi-samples), "
        "so this is a plucked string made here"
    )
