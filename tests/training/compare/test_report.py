"""The report: its figures, that its page stands by itself, and that it is written whole or not at all."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from tonerig.realtime.audio_files import read_audio
from tonerig.realtime.wav_writer import write_wav
from tonerig.training.compare.report import compare
from tonerig.training.compare.sounds import CompareError

from .files import FRAMES, RATE, dry_sound, three_files


class Links(HTMLParser):
    """What a page refers to, and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.links += [value for key, value in attributes if key in ("src", "srcset", "href") and value]

    def handle_data(self, data: str) -> None:
        self.words += data


def test_the_figures_are_those_worked_by_hand(tmp_path: Path) -> None:
    """The model's output is half the wet sound: ESR 0.25, log-mel 6.02 dB, and 6.02 LU softer."""
    figures = compare(*three_files(tmp_path / "in"), tmp_path / "report", process=lambda _: lambda sine: sine)
    assert figures.model_to_wet.esr == pytest.approx(0.25)
    assert figures.model_to_wet.emphasised_esr == pytest.approx(0.25)
    assert figures.model_to_wet.logmel_db == pytest.approx(20 * math.log10(2), abs=1e-4)
    assert figures.closer_in_waveform and figures.closer_in_logmel
    wet, model = figures.sounds["wet"], figures.sounds["model"]
    assert wet.loudness_lufs is not None and model.loudness_lufs is not None
    assert wet.loudness_lufs - model.loudness_lufs == pytest.approx(20 * math.log10(2), abs=1e-3)
    assert wet.true_peak_dbtp is not None and wet.true_peak_dbtp > -6.1
    assert figures.aliasing is not None and figures.aliasing.aliasing_db is not None
    written = json.loads((tmp_path / "report" / "figures.json").read_text())
    assert written == figures.as_json() | {"aliasing": written["aliasing"]}


def test_the_page_needs_nothing_but_its_folder(tmp_path: Path) -> None:
    """Every link leads to a file beside it, and nothing leads elsewhere; the sounds are the sounds."""
    folder = tmp_path / "report"
    files = three_files(tmp_path / "in")
    compare(*files, folder)
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = Links()
    page.feed(text)
    assert len(page.links) == 3 + 2 * 4
    assert all((folder / link).is_file() for link in page.links)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", text)
    assert {file.name for file in folder.iterdir()} == {*page.links, "index.html", "figures.json"}
    for file in files:
        np.testing.assert_array_equal(read_audio(folder / file.name)[0], read_audio(file)[0])
    assert "give the model itself with --model" in page.words
    assert "closer to the wet sound than the dry sound is, in waveform and in log-mel" in page.words


def test_a_name_cannot_write_into_the_page(tmp_path: Path) -> None:
    """The names of files are escaped."""
    dry, wet, model = three_files(tmp_path / "in")
    evil = model.rename(tmp_path / "in" / "<img src=x onerror=alert(1)>.wav")
    compare(dry, wet, evil, tmp_path / "report")
    assert "<img src=x" not in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_a_silent_model_gets_a_report_that_says_so(tmp_path: Path) -> None:
    """ESR 1, no loudness, and not closer in log-mel than the dry sound."""
    dry, wet, model = three_files(tmp_path / "in")
    write_wav(model, np.zeros(FRAMES, np.float32), RATE)
    figures = compare(dry, wet, model, tmp_path / "report")
    assert figures.model_to_wet.esr == 1.0 and not figures.closer_in_logmel
    assert figures.sounds["model"].loudness_lufs is None and figures.sounds["model"].true_peak_dbtp is None
    json.loads((tmp_path / "report" / "figures.json").read_text(), parse_constant=pytest.fail)


def test_an_earlier_report_is_replaced(tmp_path: Path) -> None:
    """All of its files, and nothing else is left behind."""
    dry, wet, model = three_files(tmp_path / "in")
    folder = tmp_path / "report"
    compare(dry, wet, model, folder)
    before = {file.name for file in folder.iterdir()}
    compare(dry, wet, wet, folder)
    assert {file.name for file in folder.iterdir()} == before
    assert json.loads((folder / "figures.json").read_text())["model_to_wet"]["esr"] == 0.0
    np.testing.assert_array_equal(read_audio(folder / "model.wav")[0], read_audio(wet)[0])


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    """The folder of the sounds themselves above all."""
    files = three_files(tmp_path / "in")
    before = {file: file.read_bytes() for file in (tmp_path / "in").iterdir()}
    with pytest.raises(CompareError, match=r"in: holds other files, and no earlier report"):
        compare(*files, tmp_path / "in")
    assert {file: file.read_bytes() for file in (tmp_path / "in").iterdir()} == before


def test_sounds_of_an_earlier_report_cannot_be_replaced_by_one_of_themselves(tmp_path: Path) -> None:
    """They would be read and overwritten by turns."""
    folder = tmp_path / "report"
    compare(*three_files(tmp_path / "in"), folder)
    mixed = (folder / "wet.wav", folder / "dry.wav", folder / "model.wav")
    with pytest.raises(CompareError, match=r"report: holds dry\.wav itself; choose another folder"):
        compare(*mixed, folder)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("in/wet.wav", "is a file, but a folder is needed"),
        ("none/report", "does not exist; make it first"),
        ("in/wet.wav/report", "does not exist; make it first"),
        ("/proc/report", "cannot be written"),
    ],
)
def test_a_place_that_cannot_be_written_is_a_sentence(place: str, sentence: str, tmp_path: Path) -> None:
    """Nothing is left behind."""
    files = three_files(tmp_path / "in")
    with pytest.raises(CompareError, match=sentence):
        compare(*files, tmp_path / place)
    assert {path.name for path in tmp_path.rglob("*")} == {"in", "dry.wav", "wet.wav", "model.wav"}


def test_sounds_that_do_not_fit_leave_no_folder(tmp_path: Path) -> None:
    """The report is written last."""
    dry, wet, model = three_files(tmp_path / "in")
    write_wav(model, dry_sound(100), RATE)
    with pytest.raises(CompareError):
        compare(dry, wet, model, tmp_path / "report")
    assert not (tmp_path / "report").exists()
