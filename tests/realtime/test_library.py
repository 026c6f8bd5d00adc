"""The library: two places, and no way out of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from tonerig.realtime import library
from tonerig.realtime.library import LibraryError


def put(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_users_files_come_first(user_library: Path) -> None:
    """A user's preset hides the shipped one of its name, and the others are still there."""
    assert library.named("chains", "crunch") == library.shipped_library() / "chains" / "crunch.toml"
    mine = put(user_library / "chains" / "crunch.toml")
    assert library.named("chains", "crunch") == mine
    assert library.named("chains", "crunch.toml") == mine
    assert "clean" in library.listing("chains")


def test_an_unknown_name_gets_the_nearest(user_library: Path) -> None:
    """A slip of the keyboard is answered with what was meant, and with all that there are."""
    with pytest.raises(LibraryError, match=r"there is no preset without a name; there are .*clean"):
        library.named("chains", " ")
    with pytest.raises(LibraryError, match=r"no preset crnch; did you mean crunch\? There are .*clean"):
        library.named("chains", "crnch")
    put(user_library / "patches" / "bell.toml")
    with pytest.raises(LibraryError, match=r"there is no patch bel; did you mean bell\?"):
        library.named("patches", "bel")


def test_beside_the_preset_then_yours_then_shipped(user_library: Path, tmp_path: Path) -> None:
    """A file that a preset names is taken from the first of the three places that has it."""
    beside = tmp_path / "mine"
    beside.mkdir()
    shipped = library.shipped_library() / "impulses" / "1x12.wav"
    assert library.resolve("1x12.wav", beside, "impulses") == shipped
    yours = put(user_library / "impulses" / "1x12.wav")
    assert library.resolve("1x12.wav", beside, "impulses") == yours
    nearest = put(beside / "1x12.wav")
    assert library.resolve("1x12.wav", beside, "impulses") == nearest
    assert library.resolve("sub/a.wav", put(beside / "sub" / "a.wav").parents[1], "impulses").name == "a.wav"


@pytest.mark.parametrize(
    "name",
    [
        "../secret.wav",
        "sub/../../secret.wav",
        "/etc/passwd",
        "..\\secret.wav",
        "C:\\secret.wav",
        "\\\\server\\share\\x.wav",
        "",
        "  ",
        "a\0.wav",
    ],
)
def test_no_name_leads_out_of_its_folder(user_library: Path, tmp_path: Path, name: str) -> None:
    """Parents, absolute paths, drives and shares are refused, whether the file exists or not."""
    put(tmp_path / "secret.wav")
    (tmp_path / "mine" / "sub").mkdir(parents=True)
    with pytest.raises(LibraryError, match="leads out of its folder"):
        library.resolve(name, tmp_path / "mine", "impulses")


def test_no_link_leads_out_of_its_folder(user_library: Path, tmp_path: Path) -> None:
    """A link in a stranger's folder to a file elsewhere is refused; one inside the folder is not."""
    beside = tmp_path / "mine"
    secret, own = put(tmp_path / "secret.wav"), put(beside / "own.wav")
    (beside / "a.wav").symlink_to(secret)
    (beside / "b.wav").symlink_to(own)
    with pytest.raises(LibraryError, match="is a link out of its folder"):
        library.resolve("a.wav", beside, "impulses")
    assert library.resolve("b.wav", beside, "impulses") == beside / "b.wav"


def test_a_missing_file_says_where_to_put_it(user_library: Path, tmp_path: Path) -> None:
    """The sentence names the file and the folder that it belongs into."""
    with pytest.raises(
        LibraryError, match=rf"x.nam is not in the library; put it into {user_library}/models"
    ):
        library.resolve("x.nam", None, "models")


def test_adding_copies_once(user_library: Path, tmp_path: Path) -> None:
    """The same file is added once; another one of its name is refused and the first one kept."""
    source = put(tmp_path / "a.nam", "one")
    target = library.add(source, "models")
    assert target == user_library / "models" / "a.nam"
    assert library.add(source, "models") == target
    source.write_text("two")
    with pytest.raises(LibraryError, match="exists and is another file"):
        library.add(source, "models")
    assert target.read_text() == "one"
