"""``tonerig preset show``: a preset's processors, or its synth, with every parameter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .options import JsonOption
from .parameter_lines import parameter_lines

if TYPE_CHECKING:
    from ..patches import Patch
    from ..presets import Link, Preset


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A preset's name or path.")],
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Draw into a PNG: a chain's frequency response and level curve; "
            "the envelope, spectrum and waveform of a patch's note."
        ),
    ] = None,
    kind: Annotated[
        Literal["chain", "patch"] | None,
        typer.Option(help="Which is meant, where a chain and a patch have the name; the chain without it."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a preset: its processors in order, or its synth, with every parameter."""
    from ..patches import load_patch
    from ..presets import load_preset

    if kind is None:
        _check_known(name)
    if (kind or kind_of(name)) == "patch":
        patch = load_patch(name)
        _check_picture(picture, patch.files())
        _show_patch(patch, picture, as_json)
        return
    found = load_preset(name)
    _check_picture(picture, found.files())
    if as_json:
        print(json.dumps({**_heading(found), "chain": list(map(_as_json, found.chain))}, indent=2))
    else:
        _print_heading(found)
        for line in _lines(found.chain, ""):
            print(line)
    if picture is not None:
        from ..plots import draw_chain
        from .progress import compile_for

        compile_for(found)
        print(draw_chain(found, picture))


def _check_known(name: str) -> None:
    """Refuse a name that neither a chain nor a patch of the library has, naming those that are nearest.

    Raises
    ------
    PresetError
    """
    from difflib import get_close_matches

    from ..documents import cited
    from ..library import listing
    from ..presets import PresetError, is_path

    names = [*listing("chains"), *listing("patches")]
    if is_path(name) or name.removesuffix(".toml") in names:
        return
    near = get_close_matches(name, names, 3)
    hint = f"did you mean {' or '.join(near)}?" if near else "see tonerig preset list"
    raise PresetError(f"there is no preset {cited(name.strip()) or 'without a name'}; {hint}")


def _check_picture(path: Path | None, files: Sequence[Path]) -> None:
    """Refuse a picture that could not be written, or that is one of the preset's ``files``.

    Raises
    ------
    PresetError
    """
    from ..presets import PresetError

    if path is None:
        return
    if path.suffix.lower() != ".png":
        raise PresetError(f"{path}: PNG is what is written; let the name end in .png")
    if not path.parent.is_dir():
        raise PresetError(f"{path}: the folder {path.parent} does not exist; make it first")
    if path.exists() and not path.is_file():
        raise PresetError(f"{path}: is not a file; choose another name")
    if path.exists() and any(path.samefile(file) for file in files):
        raise PresetError(f"{path}: belongs to the preset, which is never overwritten; choose another name")


def kind_of(name: str) -> Literal["chain", "patch"]:
    """What a name or path means: a chain, unless the library has only a patch of that name."""
    from ..documents import read_table
    from ..library import listing
    from ..presets import is_path

    if is_path(name):
        table = read_table(Path(name))
        return "patch" if table.get("kind") == "patch" else "chain"
    return "patch" if name in listing("patches") and name not in listing("chains") else "chain"


def _show_patch(patch: Patch, picture: Path | None, as_json: bool) -> None:
    from ..documents import printable
    from ..synths.zones import zone_to_table

    synth = patch.link.kind
    samples = [zone_to_table(zone, str(zone.file)) for zone in patch.link.samples]
    effects = patch.link.chains.get("effects", ())
    if as_json:
        about = {
            **_heading(patch),
            "program": patch.program,
            "bank": patch.bank,
            "synth": patch.synth,
            **_named(patch.link),
            "parameters": _values(patch.link),
            "effects": list(map(_as_json, effects)),
            "samples": samples,
        }
        print(json.dumps(about, indent=2))
    else:
        _print_heading(patch)
        if patch.program is not None:
            first, last = patch.program
            programs = f"program {first}" if first == last else f"programs {first} to {last}"
            print(f"MIDI {programs}, bank {patch.bank}")
        print(printable(f"{patch.link.label}: {synth.description}"))
        if synth.problem is not None:
            print(printable(f"     {synth.problem}"))
        for line in _rows(patch.link, "     "):
            print(line)
        for sample in samples:
            low, high = sample["keys"]
            soft, hard = sample["velocities"]
            words = [f"key {low}" if low == high else f"keys {low} to {high}, as recorded at {sample['key']}"]
            words += [f"velocities {soft} to {hard}"] * ((soft, hard) != (1, 127))
            words += [f"{key} {sample[key]:g}" for key in ("volume_db", "pan", "tune_cents") if sample[key]]
            words += ["to its end" if sample["one_shot"] else "while the key is down"]
            words += [f"choke group {sample['choke']}"] * (sample["choke"] != 0)
            print(f"     {Path(sample['file']).name}: {', '.join(words)}")
        if effects:
            print("effects:")
        for line in _lines(effects, ""):
            print(line)
    if picture is not None:
        from ..engine.program import compile_chain
        from ..plots import draw_patch
        from .progress import say_compiling

        compile_chain([patch.build()], say_compiling)
        print(draw_patch(patch, picture))


def _heading(preset: Preset | Patch) -> dict[str, Any]:
    about = {key: getattr(preset, key) for key in ("name", "kind", "description", "author")}
    return {**about, "path": str(preset.path)}


def _print_heading(preset: Preset | Patch) -> None:
    print(f"{preset.name}" + (f", by {preset.author}" if preset.author else ""))
    if preset.description:
        print(preset.description)


def _values(link: Link) -> dict[str, float | str | None]:
    """Every parameter as it is written in a preset: in its unit, a switch by its position's name."""
    values: dict[str, float | str | None] = dict(link.unread)
    for parameter in link.kind.parameters:
        value = link.shown(parameter.name)
        values[parameter.name] = parameter.text(value) if parameter.choices and value is not None else value
    return values


def _named(link: Link) -> dict[str, str]:
    """Its texts and files, and what keeps it from its work."""
    problem = {} if link.kind.problem is None else {"problem": link.kind.problem}
    return {**link.texts, **problem, **{key: str(path) for key, path in link.files.items()}}


def _as_json(link: Link) -> dict[str, Any]:
    return {
        "processor": link.processor,
        **_named(link),
        **_values(link),
        **{key: list(map(_as_json, links)) for key, links in link.chains.items()},
    }


def _lines(links: Sequence[Link], indent: str) -> list[str]:
    from ..documents import printable

    lines = []
    for number, link in enumerate(links, 1):
        lines.append(printable(f"{indent}{number}. {link.label}: {link.kind.description}"))
        inner = indent + "     "
        if link.kind.problem is not None:
            lines.append(printable(f"{inner}{link.kind.problem}"))
        lines += _rows(link, inner)
        for key, chain in link.chains.items():
            lines.append(f"{inner}{key}:")
            lines += _lines(chain, inner + "  ")
    return lines


def _rows(link: Link, indent: str) -> list[str]:
    """A line for each file, each text and each parameter, with its range and what it does."""
    from ..documents import printable

    rows = [(key, path.name, "", "") for key, path in link.files.items()]
    if "raw_state" in link.texts:
        size = len(link.texts["raw_state"])
        rows.append(("raw_state", "kept", "", f"its whole state, {size} characters"))
    rows += [(printable(key), printable(str(value)), "", "") for key, value in link.unread.items()]
    for parameter in link.kind.parameters:
        value = link.shown(parameter.name)
        said = "as in its state" if value is None else parameter.text(value)
        rows.append((parameter.name, said, f"({parameter.range_text()})", parameter.description))
    return [indent + line for line in parameter_lines(rows)]
