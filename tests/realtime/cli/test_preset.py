"""``tonerig preset``: list, show and new."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.image
import pytest
from tonerig.export.files import save_model
from tonerig.realtime.patches import load_patch
from tonerig.realtime.presets import load_preset
from tonerig.realtime.processors import processor_class
from tonerig.realtime.wav_writer import write_wav

from ...models import random_model
from ..wav_bytes import tone
from .command import tonerig

PATCH = """
tonerig = 1
kind = "patch"
name = "Glass bell"
description = "Rings."
program = [10, 15]
synth = "four"
[[effects]]
processor = "gain"
[parameters]
sine_amplitude = 1"""


def put_patch(library: Path, name: str, more: str = "") -> Path:
    path = library / "patches" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PATCH + more)
    return path


def test_list(user_library: Path) -> None:
    """Shipped presets and the user's own, each with its description; a broken one says what is wrong."""
    (user_library / "chains").mkdir(parents=True)
    (user_library / "chains" / "broken.toml").write_text("tonerig = 1")
    put_patch(user_library, "bell")
    put_patch(user_library, "loud", "\nvolume_db = 99")
    rows = {row["name"]: row for row in json.loads(tonerig("preset", "list", "--json").out)}
    assert rows["crunch"]["place"] == "shipped" and rows["crunch"]["description"]
    assert rows["broken"]["place"] == "yours" and "name is missing" in rows["broken"]["description"]
    assert rows["bell"]["place"] == "yours" and rows["bell"]["description"] == "Rings."
    assert "volume_db is 99" in rows["loud"]["description"]
    kinds = {name: rows[name]["kind"] for name in ("crunch", "broken", "bell", "loud")}
    assert kinds == {"crunch": "chain", "broken": "chain", "bell": "patch", "loud": "patch"}
    text = tonerig("preset", "list").out
    assert all(any(line.startswith(name) for line in text.splitlines()) for name in rows)


def test_show_names_every_parameter(user_library: Path) -> None:
    """Each processor of the chain in order, with the values that the preset states and the defaults."""
    found = tonerig("preset", "show", "crunch")
    assert found.code == 0, found.err
    for number, link in enumerate(load_preset("crunch").chain, 1):
        kind = processor_class(link.processor)
        assert f"{number}. {link.processor}: {kind.description}" in found.out
        for parameter in kind.parameters:
            assert f"     {parameter.name} " in found.out
    assert "-70 dB" in found.out and "zamtube_crunch_wavenet.onnx" in found.out


def test_show_as_json(user_library: Path) -> None:
    """The same as data, inner chains included."""
    data = json.loads(tonerig("preset", "show", "ambient", "--json").out)
    assert data["name"] == "Ambient"
    parallel = data["chain"][-1]
    assert [link["processor"] for link in parallel["b"]] == ["delay", "reverb"]
    assert parallel["b"][0]["time_ms"] == 520.0 and parallel["b"][0]["mix"] == 70.0


def test_show_draws(user_library: Path, tmp_path: Path) -> None:
    """The picture is a PNG with something in it, at the place asked for."""
    found = tonerig("preset", "show", "clean", "--picture", tmp_path / "clean.png")
    assert found.code == 0, found.err
    picture = matplotlib.image.imread(tmp_path / "clean.png")
    assert picture.shape[0] > 300 and picture[..., :3].std() > 0.05
    assert [path.name for path in tmp_path.iterdir()] == ["clean.png"]


def test_show_a_patch(user_library: Path) -> None:
    """Its programs, its synth with every parameter and unit, and its effects; by name and by path."""
    path = put_patch(user_library, "bell")
    found = tonerig("preset", "show", "bell")
    assert found.code == 0, found.err
    for words in ("Glass bell\n", "Rings.", "MIDI programs 10 to 15, bank 0", "effects:\n1. gain: "):
        assert words in found.out
    for parameter in processor_class("four").parameters:
        assert f"     {parameter.name} " in found.out
    assert "(200 to 4000 Hz)" in found.out
    assert tonerig("preset", "show", path).out == found.out
    data = json.loads(tonerig("preset", "show", "bell", "--json").out)
    assert (data["kind"], data["synth"], data["program"]) == ("patch", "four", [10, 15])
    assert data["parameters"]["sine_amplitude"] == 1.0 and data["effects"][0]["processor"] == "gain"
    assert list(data["parameters"]) == [p.name for p in processor_class("four").parameters]


def test_a_chain_and_a_patch_of_one_name(user_library: Path) -> None:
    """The chain is shown, unless the patch is asked for."""
    put_patch(user_library, "crunch")
    assert json.loads(tonerig("preset", "show", "crunch", "--json").out)["kind"] == "chain"
    found = tonerig("preset", "show", "crunch", "--kind", "patch", "--json")
    assert json.loads(found.out)["name"] == "Glass bell"


@pytest.mark.parametrize("held", ["four", "sampler"])
def test_show_draws_a_note(user_library: Path, tmp_path: Path, held: str) -> None:
    """A synth's A4 and a sampler's first key, as a PNG at the place asked for."""
    path = put_patch(user_library, "bell")
    if held == "sampler":
        write_wav(path.parent / "kick.wav", tone(), 48000)
        text = 'synth = "sampler"\n[[samples]]\nfile = "kick.wav"\nkey = "C2"\n'
        path.write_text('tonerig = 1\nkind = "patch"\nname = "Kit"\n' + text)
    found = tonerig("preset", "show", "bell", "--picture", tmp_path / "bell.png")
    assert found.code == 0, found.err
    picture = matplotlib.image.imread(tmp_path / "bell.png")
    assert picture.shape[0] > 300 and picture[..., :3].std() > 0.05
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["bell.png"]


def test_a_picture_overwrites_nothing_of_the_preset(user_library: Path, tmp_path: Path) -> None:
    """The preset's own files, through links too, other kinds of file and missing folders are refused."""
    path = put_patch(user_library, "bell")
    before = path.read_bytes()
    (tmp_path / "link.png").hardlink_to(path)
    (tmp_path / "folder.png").mkdir()
    for picture, words in (
        (path, "let the name end in .png"),
        (tmp_path / "link.png", "belongs to the preset, which is never overwritten"),
        (tmp_path / "folder.png", "is not a file"),
        (tmp_path / "no" / "x.png", "does not exist; make it first"),
    ):
        found = tonerig("preset", "show", "bell", "--picture", picture)
        assert found.code == 1 and words in found.err and found.out == "", found.err
    assert path.read_bytes() == before


def test_a_list_is_safe_to_print(user_library: Path) -> None:
    """A terminal obeys no name of a file."""
    put_patch(user_library, "a\x1b[2Jb")
    found = tonerig("preset", "list")
    assert found.code == 0 and "\na\\x1b[2Jb " in found.out and "\x1b" not in found.out
    found = tonerig("preset", "audition", "a\x1b[2Jb", "-o", user_library / "sounds")
    assert found.code == 0 and "\na\\x1b[2Jb " in found.out and "\x1b" not in found.out


def test_new_makes_no_chain_with_a_synth(user_library: Path) -> None:
    """What could not be read back is not written."""
    found = tonerig("preset", "new", "mine", "--chain", "gate,four")
    assert found.code == 1 and "four is a synth, which plays in a patch" in found.err
    assert not (user_library / "chains" / "mine.toml").exists()


def test_new_makes_a_patch(user_library: Path) -> None:
    """A patch of a synth, every parameter stated, that loads by its name; never over another."""
    found = tonerig("preset", "new", "lead9", "--synth", "two", "--description", "Mine.")
    assert found.code == 0, found.err
    assert "tonerig live --patch lead9" in found.out
    patch = load_patch("lead9")
    assert (patch.synth, patch.description, patch.path) == (
        "two",
        "Mine.",
        user_library / "patches" / "lead9.toml",
    )
    found = tonerig("preset", "new", "lead9", "--synth", "four")
    assert found.code == 1 and "exists already" in found.err
    found = tonerig("preset", "new", "x", "--synth", "four", "--from", "crunch")
    assert found.code == 2 and "--synth makes a patch" in found.err


def test_new_copies_its_files_and_can_be_played(user_library: Path, tmp_path: Path) -> None:
    """A preset around a model of one's own: the model is copied, the preset loads by its name and builds."""
    save_model(random_model("a1_nano", 1), tmp_path / "plexi.nam")
    found = tonerig("preset", "new", "mine", "--model", tmp_path / "plexi.nam", "--description", "My amp.")
    assert found.code == 0, found.err
    (tmp_path / "plexi.nam").unlink()
    preset = load_preset("mine")
    assert preset.description == "My amp."
    assert [link.processor for link in preset.chain] == ["gate", "neural", "cabinet", "reverb"]
    assert preset.chain[1].files["model"] == user_library / "models" / "plexi.nam"
    assert len(preset.build()) == 4


def test_new_from_another(user_library: Path) -> None:
    """A copy of a shipped preset for editing keeps its values and files."""
    assert tonerig("preset", "new", "louder", "--from", "crunch").code == 0
    mine, theirs = load_preset("louder"), load_preset("crunch")
    for a, b in zip(mine.chain, theirs.chain, strict=True):
        assert a.files == b.files
        assert {name: a.values[name] for name in b.values} == b.values


def test_new_copies_nothing_that_cannot_play(user_library: Path, tmp_path: Path) -> None:
    """A broken model, a file that is no model, text as an impulse, a bad description: refused, no trace."""
    good = tmp_path / "good.nam"
    save_model(random_model("a1_nano", 1), good)
    broken, text = tmp_path / "broken.nam", tmp_path / "text.wav"
    broken.write_text("{")
    text.write_text("not a sound, but text")
    for words, said in (
        (("-m", broken), "broken.nam: "),
        (("-m", "/etc/passwd"), "passwd: is not a model file by its name"),
        (("-m", good, "-i", text), "text.wav: is no sound"),
        (("-m", good, "--chain", "neural,fuzz"), "there is no processor fuzz"),
        (("-m", good, "--description", "a\x1bb"), "description has the control character"),
    ):
        found = tonerig("preset", "new", "mine", *words)
        assert found.code == 1 and said in found.err
        assert not [path for path in user_library.rglob("*") if path.is_file()]


def test_new_says_that_it_hides_a_shipped_one(user_library: Path) -> None:
    """The name of a shipped preset may be taken, and a line says what it means from then on."""
    found = tonerig("preset", "new", "crunch", "--chain", "gain")
    assert found.code == 0 and "no longer the shipped one" in found.out
    assert "no longer" not in tonerig("preset", "new", "mine", "--chain", "gain").out


def test_new_never_overwrites(user_library: Path) -> None:
    """A second preset of the same name is refused, and so is a name that is a path."""
    assert tonerig("preset", "new", "mine", "--chain", "gain").code == 0
    found = tonerig("preset", "new", "mine", "--chain", "gate")
    assert found.code == 1 and "exists already" in found.err
    assert tonerig("preset", "new", "../mine", "--chain", "gate").code == 2


def test_new_says_what_is_missing(user_library: Path) -> None:
    """A neural processor without a model, and a processor that does not exist."""
    found = tonerig("preset", "new", "mine")
    assert found.code == 1 and "neural needs a file; give --model FILE" in found.err
    found = tonerig("preset", "new", "mine", "--chain", "gate,fuzz")
    assert found.code == 1 and "there is no processor fuzz" in found.err
    assert not (user_library / "chains").exists()


def test_a_patch_as_data_has_switches_by_name(user_library: Path) -> None:
    """What is printed can be written into a preset as it stands."""
    shown = json.loads(tonerig("preset", "show", "pad", "--json").out)
    assert shown["parameters"]["osc_1_wave"] == "saw"
    assert shown["parameters"]["voices"] == "poly"


def test_a_new_patch_begins_with_a_shipped_one(user_library: Path) -> None:
    """All of it but its name and its program, in a file that a person can add effects to."""
    result = tonerig("preset", "new", "mine", "--from", "bass", "--author", "me")
    assert result.code == 0, result.err
    mine, bass = load_patch("mine"), load_patch("bass")
    assert (mine.name, mine.author, mine.program) == ("mine", "me", None)
    assert mine.link == bass.link
    text = (user_library / "patches" / "mine.toml").read_text()
    assert "[[effects]]" in text
    (user_library / "patches" / "mine.toml").write_text(text + '\n[[effects]]\nprocessor = "reverb"\n')
    assert len(load_patch("mine").link.chains["effects"]) == len(bass.link.chains["effects"]) + 1


def test_an_unknown_name_is_neither_chain_nor_patch(user_library: Path) -> None:
    """The nearest names of both kinds are in the sentence."""
    result = tonerig("preset", "show", "bas")
    assert result.code == 1
    assert "there is no preset bas; did you mean" in result.err
    assert "bass" in result.err


def test_new_from_a_plugin(user_library: Path, installed: Path, tmp_path: Path) -> None:
    """Its present state with settings on top, every parameter in its unit; read back it renders the same."""
    settings = ("--set", "gain_db=-6", "--set", "voicing=warm")
    found = tonerig("preset", "new", "mine", "--from-plugin", "trouble", *settings, "--author", "me")
    assert found.code == 0, found.err
    preset = load_preset("mine")
    (link,) = preset.chain
    assert (preset.author, link.texts["plugin"]) == ("me", "Trouble")
    assert set(link.values) == {parameter.name for parameter in link.kind.parameters}
    assert link.kind.parameter("voicing").text(link.values["voicing"]) == "warm"
    text = (user_library / "chains" / "mine.toml").read_text()
    assert "\ngain_db = -6\n" in text and '\nvoicing = "warm"\n' in text and '\nraw_state = "' in text
    (tmp_path / "plain.toml").write_text(
        'tonerig = 1\nname = "x"\n[[chain]]\nprocessor = "plugin"\nplugin = "Trouble"\n'
        'gain_db = -6\nvoicing = "warm"'
    )
    write_wav(tmp_path / "in.wav", tone(9600), 48000)
    for name, chosen in (("a", "mine"), ("b", tmp_path / "plain.toml")):
        result = tonerig("render", tmp_path / "in.wav", "-o", tmp_path / f"{name}.wav", "-p", chosen)
        assert result.code == 0, result.err
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_new_from_an_instrument(user_library: Path, installed: Path) -> None:
    """A patch with its parameters and its state, that a note is heard of."""
    words = ("--from-plugin", "Pipe", "--set", "volume_db=-6", "--description", "Mine.")
    found = tonerig("preset", "new", "mine", *words)
    assert found.code == 0 and "tonerig live --patch mine" in found.out, found.err
    patch = load_patch("mine")
    assert (patch.synth, patch.description) == ("instrument", "Mine.")
    assert patch.link.values == {"volume_db": -6.0} and patch.link.texts["plugin"] == "Pipe"
    assert "raw_state" in patch.link.texts
    shown = tonerig("preset", "show", "mine").out
    assert "instrument Pipe: Pipe by tonerig\n" in shown and "its whole state" in shown
    found = tonerig("preset", "new", "mine", *words)
    assert found.code == 1 and "exists already" in found.err


def test_new_names_plugins_among_processors(user_library: Path, installed: Path) -> None:
    """A chain with a plugin in it, all of its parameters written out."""
    found = tonerig("preset", "new", "mine", "--chain", "gate,plugin:Trouble")
    assert found.code == 0, found.err
    gate, plugin = load_preset("mine").chain
    assert gate.processor == "gate" and plugin.label == "plugin Trouble"
    assert "\nlate_by = 0\n" in (user_library / "chains" / "mine.toml").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from-plugin", "Troubles"), 1, "there is no plugin Troubles; did you mean Trouble?"),
        (("--from-plugin", "Trouble", "--set", "gain_db"), 2, "--set is 'gain_db', expected PARAMETER=VALUE"),
        (("--from-plugin", "Trouble", "--set", "gain_db=99"), 1, "gain_db is 99, expected -60 to 20 dB"),
        (
            ("--from-plugin", "Trouble", "--set", "gane_db=9"),
            1,
            "no parameter gane_db; did you mean gain_db?",
        ),
        (("--from-plugin", "Trouble", "--from", "crunch"), 2, "--from-plugin excludes --from"),
        (("--set", "gain_db=3"), 2, "--set and --vstpreset are for --from-plugin"),
        (("--chain", "gate,plugin:Troubles"), 1, "there is no plugin Troubles"),
        (
            ("--from-plugin", "Trouble", "--vstpreset", "no.vstpreset"),
            1,
            "no.vstpreset: there is no such file",
        ),
    ],
)
def test_new_captures_no_plugin(
    user_library: Path, installed: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    """What cannot be is refused in a sentence, and nothing is written."""
    found = tonerig("preset", "new", "mine", *words)
    assert found.code == code and said in " ".join(found.err.split()), found.err
    assert not (user_library / "chains" / "mine.toml").exists()


def test_show_a_plugin(user_library: Path, installed: Path) -> None:
    """By its name, parameters in their units; what a state sets, what is missing, and why."""
    path = user_library / "chains" / "mine.toml"
    path.parent.mkdir(parents=True)
    plugins = "".join(
        f'[[chain]]\nprocessor = "plugin"\nplugin = "{name}"\ngain_db = -6.5\nraw_state = "AAAA"\n'
        for name in ("Trouble", "Nobody")
    )
    path.write_text('tonerig = 1\nname = "x"\n' + plugins)
    found = tonerig("preset", "show", "mine")
    assert found.code == 0, found.err
    lines = [" ".join(line.split()) for line in found.out.splitlines()]
    for line in (
        "1. plugin Trouble: Trouble by tonerig",
        "raw_state kept its whole state, 4 characters",
        "gain_db -6.5 dB (-60 to 20 dB)",
        "voicing as in its state (one of clean, warm, hard)",
        "2. plugin Nobody: a plugin that is not there",
        "gain_db -6.5",
    ):
        assert line in lines
    assert any(line.startswith("there is no plugin Nobody") for line in lines)
    data = json.loads(tonerig("preset", "show", "mine", "--json").out)
    here, gone = data["chain"]
    assert (here["plugin"], here["gain_db"], here["voicing"], here["late"]) == ("Trouble", -6.5, None, "dry")
    assert (gone["plugin"], gone["gain_db"], "there is no" in gone["problem"]) == ("Nobody", -6.5, True)
    assert "problem" not in here
