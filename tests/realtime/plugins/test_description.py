"""A plugin's description as JSON, and what is no description."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime.parameters import Parameter
from tonerig.realtime.plugins.description import (
    DescriptionError,
    PluginDescription,
    PluginParameter,
    legible,
)

REVERB = PluginDescription(
    name="Hall",
    path=Path("/usr/lib/vst3/Hall.vst3"),
    manufacturer="Someone",
    version="1.2.3",
    category="Fx|Reverb",
    instrument=False,
    channels=(1, 2),
    latency=64,
    tail_s=math.inf,
    parameters=(
        PluginParameter(Parameter("size_m", 1.0, 100.0, 20.0, "m", "logarithmic"), "Size", 3, False),
        PluginParameter(Parameter.switch("mode", "small", "großer Saal", default="small"), "Mode", 4, True),
    ),
)


def test_json_and_back() -> None:
    """Nothing is lost, an endless tail included, and the JSON is what every reader takes."""
    text = json.dumps(REVERB.as_dict(), allow_nan=False)
    assert PluginDescription.from_dict(json.loads(text)) == REVERB


@pytest.mark.parametrize(
    "spoil",
    [
        lambda table: table.pop("name"),
        lambda table: table.update(name="\x1b[2J"),
        lambda table: table.update(name="x" * 1000),
        lambda table: table.update(name=" "),
        lambda table: table.update(path=""),
        lambda table: table.update(channels=[3]),
        lambda table: table.update(latency=-1),
        lambda table: table.update(latency=10**9),
        lambda table: table.update(latency=True),
        lambda table: table.update(tail_s=math.nan),
        lambda table: table.update(instrument="no"),
        lambda table: table.update(parameters=table["parameters"] * 2),
        lambda table: table.update(parameters=[None]),
        lambda table: table["parameters"][0].update(name="Größe"),
        lambda table: table["parameters"][0].update(minimum=math.nan),
        lambda table: table["parameters"][0].update(minimum=0.0),
        lambda table: table["parameters"][0].update(default=1000.0),
        lambda table: table["parameters"][0].update(curve="steep"),
        lambda table: table["parameters"][1].update(choices=["one"]),
        lambda table: table["parameters"][1].update(choices=["one", "one"]),
        lambda table: table["parameters"][1].update(choices=["one", "\n"]),
        lambda table: table["parameters"][1].update(maximum=5.0),
    ],
)
def test_what_is_refused(spoil: Callable[[Any], Any]) -> None:
    """Whatever is missing, of another type, out of bounds, or not to be printed."""
    table = json.loads(json.dumps(REVERB.as_dict()))
    spoil(table)
    with pytest.raises(DescriptionError):
        PluginDescription.from_dict(table)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
    max_leaves=10,
)


@given(st.sampled_from([*REVERB.as_dict()]), JSON)
def test_any_value_anywhere(key: str, value: Any) -> None:
    """Any JSON in any place is a description or refused as none; nothing else happens."""
    try:
        found = PluginDescription.from_dict(REVERB.as_dict() | {key: value})
    except DescriptionError:
        return
    assert found.name.isprintable() and found.latency >= 0


@given(st.text())
def test_legible(text: str) -> None:
    """What a plugin calls itself can be printed, and is left as it is where it could be."""
    shown = legible(text)
    assert shown.isprintable() and len(shown) <= 100
    assert shown == text or not text.isprintable() or len(text) > 100
