"""``tonerig plugins``: find, list and show the VST3 plugins that are installed."""

from __future__ import annotations

import json
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import PLAIN
from .options import JsonOption
from .parameter_lines import parameter_lines

if TYPE_CHECKING:
    from ..parameters import Parameter
    from ..plugins.description import PluginDescription, PluginParameter
    from ..plugins.scan import Scanned

app = typer.Typer(**PLAIN)


@app.callback(epilog="Example: tonerig plugins show ZamComp")
def plugins() -> None:
    """Find, list and show the VST3 plugins that are installed."""


@app.command("scan", epilog="Example: tonerig plugins scan --force")
def scan_plugins(
    force: Annotated[
        bool, typer.Option("--force", help="Describe all of them anew, those that were left alone too.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Describe new and changed plugins, say which are left alone.

    Each is loaded in a process of its own, which may take ten seconds. Looked through are the folders of
    VST3_PATH, ~/.vst3, /usr/lib/vst3 and /usr/local/lib/vst3.
    """
    found = _scan(force)
    if as_json:
        left_alone = [{"path": str(path), "reason": reason} for path, reason in found.left_alone]
        rows = [_row(plugin) for plugin in found.plugins]
        print(json.dumps({"plugins": rows, "left_alone": left_alone, "described": found.described}, indent=2))
        return
    print(f"{_count(len(found.plugins), 'plugin')}; {_count(found.described, 'file')} looked into now")
    for _, reason in found.left_alone:
        print(f"left alone: {reason}")


@app.command("list", epilog="Example: tonerig plugins list --json")
def list_plugins(as_json: JsonOption = False) -> None:
    """List the plugins: name, kind, channels, added latency, maker."""
    from ..plugins.scan import NONE

    found = _scan()
    if as_json:
        print(json.dumps([_row(plugin) for plugin in found.plugins], indent=2))
        return
    rows = [
        (
            plugin.name,
            _kind(plugin),
            f"{plugin.latency} samples" if plugin.latency else "",
            plugin.manufacturer,
        )
        for plugin in found.plugins
    ]
    widths = [max((len(row[k]) for row in rows), default=0) for k in range(4)]
    for row in rows:
        print("  ".join(f"{part:{width}}" for part, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        print(NONE)
    if found.left_alone:
        print(f"{_count(len(found.left_alone), 'more')} left alone; 'tonerig plugins scan' says why")


@app.command("show", epilog="Example: tonerig plugins show ZamComp --json")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A plugin's name, or the path of its .vst3.")],
    as_json: JsonOption = False,
) -> None:
    """Show a plugin: channels, latency, tail, parameters.

    The parameters stand there as a preset states them: name, default, range.
    """
    from ..plugins.scan import find

    plugin = find(name)
    if as_json:
        print(json.dumps(plugin.as_dict(), indent=2))
        return
    maker = f", by {plugin.manufacturer}" if plugin.manufacturer else ""
    print(f"{plugin.name} {plugin.version}{maker}")
    print(plugin.path)
    print(f"{_kind(plugin)}  {plugin.category}".rstrip())
    print(f"latency {plugin.latency} samples at 48 kHz, tail {_tail(plugin)}")
    rows = [
        (part.parameter.name, _default(part.parameter), _range(part.parameter), _steps(part))
        for part in plugin.parameters
    ]
    for line in parameter_lines(rows):
        print(f"  {line}")
    if not rows:
        print("no parameters")
    if plugin.left_out:
        print(f"and {plugin.left_out} more, which are too many to turn")


def _scan(force: bool = False) -> Scanned:
    from ..plugins.scan import scan

    found = scan(_say_described, force)
    if found.problem:
        print(f"tonerig: {found.problem}", file=sys.stderr)
    return found


def _say_described(done: int, total: int, name: str) -> None:
    from ..plugins.description import legible

    print(f"{done} of {total}: {legible(name)}", file=sys.stderr, flush=True)


def _row(plugin: PluginDescription) -> dict[str, Any]:
    """A plugin without what its parameters are, only how many."""
    return {**plugin.as_dict(), "parameters": len(plugin.parameters)}


def _kind(plugin: PluginDescription) -> str:
    if plugin.instrument:
        return "instrument"
    return "effect, " + " or ".join({1: "mono", 2: "stereo"}[count] for count in plugin.channels)


def _tail(plugin: PluginDescription) -> str:
    return "endless" if plugin.as_dict()["tail_s"] is None else f"{plugin.tail_s:.2f} s"


def _default(parameter: Parameter) -> str:
    """The default without the digits that come from the plugin's own rounding."""
    digits = 4 - math.floor(math.log10(parameter.maximum - parameter.minimum))
    return parameter.text(parameter.default if parameter.choices else round(parameter.default, digits))


def _range(parameter: Parameter) -> str:
    return f"({parameter.range_text()}{', logarithmic' * (parameter.curve == 'logarithmic')})"


def _steps(part: PluginParameter) -> str:
    """Of a switch nobody needs to be told."""
    return "in steps" if part.stepped and not part.parameter.choices else ""


def _count(number: int, what: str) -> str:
    if what == "more":
        return f"{number} more {'was' if number == 1 else 'were'}"
    return f"{number} {what}" + "s" * (number != 1)
