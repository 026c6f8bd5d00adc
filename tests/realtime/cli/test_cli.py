"""The command line as a whole: help, errors, and what it imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tonerig.realtime.cli import VERBS, sentence

from .command import tonerig

HEAVY = ("numpy", "scipy", "numba", "llvmlite", "onnx", "onnxruntime", "pedalboard", "torch", "rich")


@pytest.mark.parametrize("words", [["--help"], [], ["--version"], ["preset", "--help"], ["render", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    """What a person waits for when they ask for help is Python and typer, no array and no compiler."""
    script = (
        "import sys\nfrom tonerig.realtime.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip().splitlines()[-1] == "HEAVY []"


def test_help_lists_every_verb() -> None:
    """`tonerig --help` names all verbs and ends with an example."""
    found = tonerig("--help")
    assert found.code == 0
    for name, verb in VERBS.items():
        assert f"\n  {name} " in found.out and verb.help[:40] in found.out
    assert "Example: tonerig" in found.out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str) -> None:
    """Each verb explains itself and shows a command line that begins with it."""
    found = tonerig(verb, "--help")
    assert found.code == 0, found.err
    assert f"Usage: tonerig {verb}" in found.out
    assert f"Example: tonerig {verb}" in found.out


@pytest.mark.parametrize(
    "words", [["preset", "list"], ["preset", "show"], ["preset", "new"], ["train", "effect"]]
)
def test_verbs_of_groups_have_examples(words: list[str]) -> None:
    """So do the verbs inside groups."""
    found = tonerig(*words, "--help")
    assert found.code == 0
    assert f"Example: tonerig {' '.join(words)}" in found.out


def test_a_slip_is_answered_with_the_verb() -> None:
    """An unknown verb is a usage error, 2, and the nearest one is suggested."""
    found = tonerig("rendr")
    assert found.code == 2
    assert "No such command 'rendr'. Did you mean 'render'?" in found.err


def test_an_unknown_option_is_a_usage_error() -> None:
    """Exit code 2 and no traceback."""
    found = tonerig("render", "--nonsense")
    assert found.code == 2 and "Traceback" not in found.err


def test_errors_are_one_sentence(tmp_path: Path) -> None:
    """What goes wrong ends in exit code 1 and one line on stderr, and nothing on stdout."""
    found = tonerig("preset", "show", tmp_path / "no.toml")
    assert (found.code, found.out) == (1, "")
    assert found.err == f"tonerig: {tmp_path}/no.toml: does not exist; check the path\n"


def test_system_errors_name_the_file() -> None:
    """An error of the system is told without its number; a fault of the program says that it is one."""
    assert sentence(PermissionError(13, "Permission denied", "/x")) == "/x: Permission denied"
    assert sentence(ValueError("a\nb")) == "a b"
    assert sentence(KeyError("x")).startswith("this is a fault of tonerig itself: KeyError: 'x'")


def test_it_runs_as_a_module() -> None:
    """`python -m tonerig.realtime.cli` is the same command."""
    words = [sys.executable, "-m", "tonerig.realtime.cli", "--version"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout.startswith("tonerig 0")
