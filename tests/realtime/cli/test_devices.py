"""``tonerig devices``."""

from __future__ import annotations

import json

import pytest

from .command import tonerig


@pytest.mark.usefixtures("jack_server")
def test_the_server_is_listed() -> None:
    """The JACK server's device has its channels and rate, and is the default both ways."""
    rows = json.loads(tonerig("devices", "--json").out)
    jack = next(row for row in rows if row["host"].startswith("JACK"))
    assert (jack["inputs"], jack["outputs"], jack["rate"]) == (2, 2, 48000.0)
    assert jack["default_input"] and jack["default_output"]
    text = tonerig("devices").out
    assert "JACK" in text and f"io {jack['index']:3}  {jack['name']}  (2 in, 2 out, 48000 Hz)" in text
