"""Several sound files through one preset on a cluster: files are read and written here, played there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..export.writing import write_bytes
from .cluster import Cluster, ClusterError
from .links import Link
from .presets import Preset
from .render import Finish, Rendered, RenderError, check_target, render_file


@dataclass(frozen=True)
class _Sound:
    """One file to render.

    ``files`` has the contents of all files that the preset's processors name, by the paths they have here.
    """

    name: str
    content: bytes
    preset: Preset
    files: Mapping[Path, bytes]
    finish: Finish


def render_on_cluster(
    files: Sequence[Path],
    targets: Sequence[Path],
    preset: Preset,
    finish: Finish,
    cluster: Cluster,
    progress: Callable[[int, float], None] = lambda number, fraction: None,
) -> list[Rendered | Exception]:
    """Render several files on a cluster; as `render_files.render_files`, and the same bytes.

    Workers need no disk in common with the client: a sound file, the preset and its files are sent to them
    whole, and the WAV comes back. Plugins they must have themselves, where the client has them.

    Raises
    ------
    ClusterError
        If the cluster is lost.
    OSError
        If a file of the preset's cannot be read.
    """
    plain = replace(preset, path=None)
    contents = {file: file.read_bytes() for file in dict.fromkeys(plain.files())}
    results: list[Rendered | Exception] = [RenderError("not rendered")] * len(files)

    def sounds() -> Iterator[tuple[int, _Sound]]:
        for number, (source, target) in enumerate(zip(files, targets, strict=True)):
            try:
                check_target(source, target, preset)
                yield number, _Sound(source.name, source.read_bytes(), plain, contents, finish)
            except (ValueError, OSError) as error:
                results[number] = error

    for number, answer in cluster.each(_render, sounds()):
        if isinstance(answer, ClusterError):
            results[number] = RenderError(str(answer))
            continue
        rendered, content = answer
        try:
            write_bytes(targets[number], content)
        except ValueError as error:
            results[number] = error
            continue
        results[number] = replace(rendered, input=files[number], output=targets[number])
        progress(number, 1.0)
    return results


def _render(sound: _Sound) -> tuple[Rendered, bytes]:
    """On a worker: what `render_file` makes of it, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tonerig-") as folder:
        source, target = Path(folder, "in", sound.name), Path(folder, "out", "out.wav")
        places = {file: Path(folder, str(n), file.name) for n, file in enumerate(sound.files)}
        contents = {places[file]: content for file, content in sound.files.items()}
        for path, content in {source: sound.content, **contents}.items():
            path.parent.mkdir()
            path.write_bytes(content)
        target.parent.mkdir()
        chain = tuple(_moved(link, places) for link in sound.preset.chain)
        rendered = render_file(source, target, replace(sound.preset, chain=chain), sound.finish)
        return rendered, target.read_bytes()


def _moved(link: Link, places: Mapping[Path, Path]) -> Link:
    """The same link with its files, and those of its inner chains, where they are now."""
    chains = {name: tuple(_moved(inner, places) for inner in links) for name, links in link.chains.items()}
    return replace(link, files={key: places[file] for key, file in link.files.items()}, chains=chains)
