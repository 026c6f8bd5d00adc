"""Tests of writing a file completely or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from tonerig.export.errors import ModelFileError
from tonerig.export.writing import write_bytes


def test_what_is_no_file_is_refused_and_kept(tmp_path: Path) -> None:
    """A pipe or a folder is named and left alone: a file moved to its place would remove it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "link"
    link.symlink_to(pipe)
    for path in (pipe, link, tmp_path):
        with pytest.raises(ModelFileError, match=f"^{path.name}: is not a file"):
            write_bytes(path, b"new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(tmp_path.iterdir()) == [link, pipe]


def test_a_link_is_kept_and_its_file_written(tmp_path: Path) -> None:
    """The file that a link leads to gets the data, and the link stays a link."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"old")
    link.symlink_to(file)
    write_bytes(link, b"new")
    assert link.is_symlink()
    assert file.read_bytes() == b"new"


def test_links_in_a_circle_are_one_sentence(tmp_path: Path) -> None:
    """No file at the end of a circle of links."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to(second)
    second.symlink_to(first)
    with pytest.raises(ModelFileError, match=r"^first: cannot be written: its links"):
        write_bytes(first, b"new")
