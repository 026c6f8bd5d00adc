"""``tonerig preset new``: a preset of one's own, with every parameter written out."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .preset_show import kind_of

if TYPE_CHECKING:
    from ..patches import Patch
    from ..presets import Link

CHAIN = "gate,neural,cabinet,reverb"
PLUGIN = "plugin:"


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name; letters, digits, - and _.")],
    like: Annotated[
        str | None, typer.Option("--from", metavar="PRESET", help="Start from this chain or patch.")
    ] = None,
    chain: Annotated[
        str,
        typer.Option(metavar="NAMES", help="Or from these processors: gate,plugin:ZamComp,neural,cabinet."),
    ] = CHAIN,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="The model; copied to your library.")
    ] = None,
    impulse: Annotated[
        Path | None, typer.Option("--impulse", "-i", help="The cabinet's impulse; copied to your library.")
    ] = None,
    description: Annotated[str, typer.Option(help="One sentence.")] = "",
    synth: Annotated[
        Literal["four", "two"] | None, typer.Option(help="Make a patch of this synth instead of a chain.")
    ] = None,
    author: Annotated[str, typer.Option(help="Who made it.")] = "",
    from_plugin: Annotated[
        str | None,
        typer.Option(metavar="PLUGIN", help="Or capture this VST3 plugin: an effect, or an instrument."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A knob of that plugin: attack_ms=3.")
    ] = None,
    vstpreset: Annotated[
        Path | None, typer.Option(help="A .vstpreset file for that plugin, before --set.")
    ] = None,
) -> None:
    """Make a preset in your library, with every parameter written out for you to edit."""
    if not re.fullmatch(r"[\w-]+", name):
        raise typer.BadParameter(f"{name!r} is no name; use letters, digits, - and _")
    if from_plugin is not None:
        if any(given is not None for given in (like, model, impulse, synth)) or chain != CHAIN:
            raise typer.BadParameter("--from-plugin excludes --from, --chain, --model, --impulse and --synth")
        _write_captured(name, from_plugin, set_ or (), vstpreset, description, author)
        return
    if set_ or vstpreset is not None:
        raise typer.BadParameter("--set and --vstpreset are for --from-plugin PLUGIN")
    if like is not None and kind_of(like) == "patch":
        if synth is not None or model is not None or impulse is not None:
            raise typer.BadParameter("a new patch from another one has no --synth, --model or --impulse")
        _copy_patch(name, like, description, author)
        return
    if synth is not None:
        if like is not None or model is not None or impulse is not None:
            raise typer.BadParameter("--synth makes a patch, which has no --from, --model or --impulse")
        _new_patch(name, synth, description, author)
        return
    _new_chain(name, like, chain, model, impulse, description, author)


def _new_chain(
    name: str,
    like: str | None,
    chain: str,
    model: Path | None,
    impulse: Path | None,
    description: str,
    author: str,
) -> None:
    """A chain like another one, or of the processors named in ``chain``, with its files in the library.

    Raises
    ------
    PresetError, LibraryError, ModelFileError, AudioFileError
        If the name is taken, a file is missing or cannot be used; nothing is left in the library then.
    """
    from ..library import add, listing, named, user_library
    from ..presets import PresetError, folder_of, load_preset

    _check_free("chains", name)
    given = {"model": _playable("models", model), "impulse": _playable("impulses", impulse)}
    default = {"model": None, "impulse": named("impulses", "1x12")} if "1x12" in listing("impulses") else {}
    links: list[Link] = []
    for part in load_preset(like).chain if like else map(_link, chain.split(",")):
        files = dict(part.files)
        for key in part.kind.files:
            path = given.get(key) or files.get(key) or default.get(key)
            if path is None:
                raise PresetError(f"{part.processor} needs a file; give --{key} FILE")
            files[key] = path
        links.append(_fitting(replace(part, files=files)))
    copies: dict[Path, Path] = {}
    made: list[Path] = []
    try:
        for key, path in given.items():
            if path is not None and path in (model, impulse):
                fresh = not (user_library() / folder_of(key) / path.name).exists()
                copies[path] = add(path, folder_of(key))
                made += [copies[path]] * fresh
        links = [
            replace(link, files={key: copies.get(path, path) for key, path in link.files.items()})
            for link in links
        ]
        _write_chain(name, links, description, author)
    except BaseException:
        for path in made:
            path.unlink()
        raise


def _fitting(link: Link) -> Link:
    """Without the values of knobs that another model had and this one has not, or not so far."""
    from ..parameters import ParameterError

    kind, values = link.kind, {}
    for name, value in link.values.items():
        with contextlib.suppress(ParameterError):
            values[name] = kind.parameter(name).check(value)
    return replace(link, values=values)


def _link(text: str) -> Link:
    """A part of --chain: a processor's name, or ``plugin:`` and a plugin's.

    Raises
    ------
    PluginError
        If that plugin is not there.
    """
    from ..plugins.errors import PluginError, reason
    from ..presets import Link

    name = text.strip()
    if not name.startswith(PLUGIN):
        return Link(name)
    link = Link("plugin", texts={"plugin": name.removeprefix(PLUGIN)})
    if link.kind.problem is not None:
        raise PluginError(reason(link.kind.problem))
    return link


def _write_captured(
    name: str, plugin: str, settings: Sequence[str], vstpreset: Path | None, description: str, author: str
) -> None:
    """A chain of an effect, or a patch of an instrument, with these settings, ``NAME=VALUE``.

    All parameters are stated, and its state beside them.

    Raises
    ------
    PluginError, ParameterError, PresetError
    """
    from ..patches import new_patch
    from ..plugins.capture import capture
    from ..plugins.scan import find
    from ..presets import Link
    from .progress import say_compiling

    values = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"--set is {text!r}, expected PARAMETER=VALUE")
        values[key.strip()] = value.strip()
    _check_free("patches" if find(plugin).instrument else "chains", name)
    found = capture(plugin, values, vstpreset, say_compiling)
    texts = {"plugin": found.plugin} | ({} if found.raw_state is None else {"raw_state": found.raw_state})
    if found.instrument:
        patch = new_patch(name, "instrument", found.values, texts=texts)
        _write_patch(name, replace(patch, description=description, author=author))
    else:
        _write_chain(name, [Link("plugin", found.values, texts=texts)], description, author)


def _write_chain(name: str, links: Sequence[Link], description: str, author: str) -> None:
    from ..library import listing
    from ..presets import new_preset, save_preset

    target = _check_free("chains", name)
    hidden = listing("chains").get(name)
    save_preset(new_preset(name, links, description=description, author=author), target)
    print(f"{target}: written; try it with tonerig live --preset {name}")
    if hidden is not None:
        print(f"from now on {name} means this preset and no longer the shipped one of that name")


def _check_free(folder: str, name: str) -> Path:
    """Where a new preset goes.

    Raises
    ------
    PresetError
        If there is one of that name.
    """
    from ..library import user_library
    from ..presets import PresetError

    target = user_library() / folder / f"{name}.toml"
    if target.exists():
        raise PresetError(f"{target}: exists already; choose another name or edit it")
    return target


def _copy_patch(name: str, like: str, description: str, author: str) -> None:
    """Another patch under a new name, called by no program."""
    from ..patches import load_patch

    found = load_patch(like)
    said = description or found.description
    _write_patch(name, replace(found, name=name, description=said, author=author, program=None, bank=0))


def _new_patch(name: str, synth: str, description: str, author: str) -> None:
    from ..patches import new_patch

    _write_patch(name, new_patch(name, synth, description=description, author=author))


def _write_patch(name: str, patch: Patch) -> None:
    from ..library import listing
    from ..patches import save_patch

    target = _check_free("patches", name)
    hidden = listing("patches").get(name)
    save_patch(patch, target)
    print(f"{target}: written; try it with tonerig live --patch {name}")
    if hidden is not None:
        print(f"from now on {name} means this patch and no longer the shipped one of that name")


def _playable(folder: str, path: Path | None) -> Path | None:
    """The given file, or else the one of that name in the library, once it has been read."""
    from ...export.files import load_model
    from ..library import named
    from ..processors.impulse_response import read_impulse

    if path is None:
        return None
    found = path if path.exists() else named(folder, str(path))
    if folder == "models":
        load_model(found)
    else:
        read_impulse(found)
    return found
