"""Patches: what they say, what they must not say, and that writing one gives it back."""

from __future__ import annotations

import tomllib
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tonerig.realtime import library
from tonerig.realtime.links import SYNTHS, Link
from tonerig.realtime.parameters import Parameter
from tonerig.realtime.patches import (
    Patch,
    library_patches,
    load_map,
    load_patch,
    new_patch,
    parse_patch,
    save_patch,
)
from tonerig.realtime.presets import PresetError, load_preset
from tonerig.realtime.processors import processor_class
from tonerig.realtime.synths.zones import Zone
from tonerig.realtime.wav_writer import write_wav

from .wav_bytes import tone

HEAD = 'tonerig = 1\nkind = "patch"\nname = "Test"\n'
FOUR = HEAD + 'synth = "four"\n'


def written(folder: Path, text: str, name: str = "test.toml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


@pytest.fixture
def kick(tmp_path: Path, user_library: Path) -> Path:
    """A recording beside the patches of these tests."""
    (tmp_path / "presets").mkdir()
    return write_wav(tmp_path / "presets" / "kick.wav", tone(), 48000)


def test_values_are_in_the_parameters_units(tmp_path: Path, user_library: Path) -> None:
    """Numbers stay as they stand, a switch goes by its position, the rest has its default when built."""
    path = written(
        tmp_path,
        HEAD
        + """
        program = 15
        bank = 128
        synth = "four"
        [parameters]
        sine_amplitude = 0.5
        voices = "mono"
        [[effects]]
        processor = "delay"
        time_ms = 300
        [[effects]]
        processor = "reverb"
        """,
    )
    patch = load_patch(path)
    assert (patch.name, patch.kind, patch.synth, patch.path) == ("Test", "patch", "four", path)
    assert (patch.program, patch.bank) == ((15, 15), 128)
    voices = processor_class("four").parameter("voices").choices.index("mono")
    assert patch.link.values == {"sine_amplitude": 0.5, "voices": float(voices)}
    assert [(link.processor, link.values) for link in patch.link.chains["effects"]] == [
        ("delay", {"time_ms": 300.0}),
        ("reverb", {}),
    ]
    defaults = {p.name: p.default for p in processor_class("four").parameters}
    assert patch.build().values == {**defaults, "sine_amplitude": 0.5, "voices": float(voices)}
    assert patch.files() == [path]


def test_the_samplers_zones(kick: Path) -> None:
    """Recordings beside the patch, each with the keys that play it; what is not said has its default."""
    path = written(
        kick.parent,
        HEAD
        + """
        synth = "sampler"
        [[samples]]
        file = "kick.wav"
        key = "C2"
        [[samples]]
        file = "kick.wav"
        key = 42
        keys = ["F#2", 44]
        velocities = [1, 63]
        volume_db = -3
        one_shot = false
        choke = 1
        """,
    )
    patch = load_patch(path)
    assert patch.link.samples == (
        Zone(kick, 36, (36, 36)),
        Zone(kick, 42, (42, 44), (1, 63), -3.0, one_shot=False, choke=1),
    )
    assert patch.files() == [path, kick]
    assert patch.build().name == "sampler"


@pytest.mark.parametrize("synth", ["four", "two"])
def test_new_patches_state_everything(tmp_path: Path, user_library: Path, synth: str) -> None:
    """The file of a new patch has a line for each parameter, so that it can be edited without a manual."""
    path = save_patch(new_patch("New", synth, effects=[Link("reverb")]), tmp_path / "new.toml")
    text = path.read_text()
    for name in (synth, "reverb"):
        for parameter in processor_class(name).parameters:
            assert f"\n{parameter.name} = " in text
    assert load_patch(path).link.values == {p.name: p.default for p in processor_class(synth).parameters}


def values_of(parameters: tuple[Parameter, ...]) -> st.SearchStrategy[dict[str, float]]:
    """Any values in their ranges, of any of the parameters."""
    one = {
        p.name: st.sampled_from([float(k) for k in range(len(p.choices))])
        if p.choices
        else st.floats(p.minimum, p.maximum)
        for p in parameters
    }
    return st.fixed_dictionaries({}, optional=one)


PROGRAMS = st.none() | st.tuples(st.integers(1, 128), st.integers(1, 128)).map(lambda p: (min(p), max(p)))


@given(st.data(), st.sampled_from(["four", "two"]), PROGRAMS, st.integers(0, 16383))
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory,
    data: st.DataObject,
    synth: str,
    program: tuple[int, int] | None,
    bank: int,
) -> None:
    """Any patch with any values and effects comes back from its file as it was."""
    values = data.draw(values_of(processor_class(synth).parameters))
    effects = data.draw(st.lists(st.sampled_from([Link("delay"), Link("reverb", {"mix": 20.0})]), max_size=2))
    patch = new_patch("x", synth, values, effects=effects, author="me", program=program, bank=bank)
    path = tmp_path_factory.mktemp("patches") / "x.toml"
    assert load_patch(save_patch(patch, path)) == replace(patch, path=path)


def test_samples_are_saved_beside_the_patch_or_not_at_all(kick: Path, tmp_path: Path) -> None:
    """A sampler's patch comes back with its zones; one with a recording out of its reach is not written."""
    zones = [Zone(kick, 36, (36, 40), (1, 90), tune_cents=-5.5, choke=2), Zone(kick, 50, (50, 50))]
    patch = new_patch("Kit", "sampler", samples=zones)
    path = save_patch(patch, kick.parent / "kit.toml")
    assert 'file = "kick.wav"' in path.read_text()
    assert load_patch(path) == replace(patch, path=path)
    with pytest.raises(PresetError, match=r"kick\.wav is neither beside it nor in the library"):
        save_patch(patch, tmp_path / "elsewhere" / "kit.toml")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tonerig = 1", r'test\.toml: kind = "patch" is missing|test\.toml: name is missing'),
        ('tonerig = 1\nname = "x"\nsynth = "four"', r'test\.toml: kind = "patch" is missing'),
        (
            'tonerig = 2\nkind = "patch"',
            r"test\.toml: was written for schema 2, but this version reads up to 1",
        ),
        (HEAD.replace('"patch"', '"song"'), 'test.toml: kind is \'song\', expected "chain" or "patch"'),
        (HEAD, r"test\.toml: synth is missing"),
        (HEAD + "synth = 4", r"test\.toml: synth is 4, expected text"),
        (
            HEAD + 'synth = "five"',
            r"test\.toml, synth: there is no synth five; there are four, two, sampler",
        ),
        (HEAD + 'synth = "gain"', r"test\.toml, synth: there is no synth gain"),
        (FOUR + "gain = 3", r"test\.toml: unknown key gain; known are tonerig, name"),
        (FOUR + "bank = 16384", r"test\.toml: bank is 16384, expected a whole number from 0 to 16383"),
        (FOUR + 'bank = "1"', r"test\.toml: bank is '1', expected a whole number from 0 to 16383"),
        (FOUR + "program = 0", r"test\.toml: program is 0, expected a whole number from 1 to 128"),
        (FOUR + "program = [9, 8]", r"program is \[9, 8\], expected .* or the first and the last"),
        (FOUR + "program = [1, 2, 3]", r"program is \[1, 2, 3\], expected"),
        (FOUR + "program = true", "program is true, expected"),
        (FOUR + 'program = "bass"', "program is 'bass', expected"),
        (FOUR + "parameters = 3", r"test\.toml: parameters is 3, expected a table: \[parameters\]"),
        (
            FOUR + "[parameters]\ncutof_hz = 300",
            r"test\.toml, parameters \(four\): unknown key cutof_hz; did you mean cutoff_hz\? four knows ",
        ),
        (
            FOUR + "[parameters]\neffects = []",
            r"test\.toml, parameters \(four\): unknown key effects; .*four knows",
        ),
        (
            FOUR + "[parameters]\ncutoff_hz = 9",
            r"test\.toml, parameters \(four\): cutoff_hz is 9, expected 200 to 4000 Hz",
        ),
        (FOUR + "[parameters]\ncutoff_hz = nan", r"cutoff_hz is nan, expected 200"),
        (FOUR + "[parameters]\ncutoff_hz = true", r"cutoff_hz is true, expected 200"),
        (FOUR + "[parameters]\ncutoff_hz = [1]", r"cutoff_hz is \[1\], expected 200"),
        (FOUR + '[parameters]\nvoices = "many"', r"voices is 'many', expected one of poly, mono, legato"),
        (FOUR + "effects = 3", r"test\.toml: effects must be a list of processors: \[\[effects\]\]"),
        (FOUR + "effects = [3]", r"test\.toml: effects 1 is 3, expected a table: \[\[effects\]\]"),
        (
            FOUR + '[[effects]]\nprocessor = "fuzz"',
            r"test\.toml, effects 1: there is no processor fuzz",
        ),
        (
            FOUR + '[[effects]]\nprocessor = "gain"\ngain_db = 300',
            r"test\.toml, effects 1 \(gain\): gain_db is 300",
        ),
        (
            FOUR + '[[effects]]\nprocessor = "two"',
            r"test\.toml, effects 1 \(two\): two is a synth, which plays in a patch",
        ),
        (FOUR + '[[samples]]\nfile = "kick.wav"\nkey = 36', r"test\.toml, samples: four plays no samples"),
        (HEAD + 'synth = "sampler"', r"test\.toml, samples: sampler has nothing to play"),
        (HEAD + 'synth = "sampler"\nsamples = 3', r"samples must be a list of samples: \[\[samples\]\]"),
        (
            HEAD + 'synth = "sampler"\n[[samples]]\nkey = 36',
            r"test\.toml, samples 1: file is missing; name a WAV or FLAC file",
        ),
        (
            HEAD + 'synth = "sampler"\n[[samples]]\nfile = "no.wav"\nkey = 36',
            r"test\.toml, samples 1: the file no.wav is neither beside the preset nor in the library",
        ),
        (
            HEAD + 'synth = "sampler"\n[[samples]]\nfile = "../kick.wav"\nkey = 36',
            r"samples 1: '../kick.wav' leads out of its folder",
        ),
        (
            HEAD + 'synth = "sampler"\n[[samples]]\nfile = "test.toml"\nkey = 36',
            r"samples 1: file is 'test.toml', expected a sound \(\.wav, \.flac",
        ),
        (
            HEAD + 'synth = "sampler"\n[[samples]]\nfile = "kick.wav"\nkey = "H2"',
            r"test\.toml, samples 1: 'H2' is no key",
        ),
        (FOUR + "[parameters]\ncutoff_hz = " + 400 * "9", r"cutoff_hz is 9{40,60}, expected 200 to 4000 Hz"),
        (FOUR + "bank = " + 5000 * "9", r"test\.toml: has a number of thousands of digits"),
        (FOUR + f"[parameters]\n{'x' * 5000} = 1", r"unknown key x{100}…; four knows"),
        (HEAD + f"synth = '{'x' * 5000}'", r"there is no synth x{100}…; there are"),
        (FOUR + "effects = " + 9999 * "[", r"test\.toml: is no TOML file: it is nested too deeply"),
        (FOUR + ".".join(20_000 * "a") + " = 1", r"test\.toml: has a key of more than 500 parts"),
        (FOUR + "[" + ".".join(20_000 * "a") + "]", r"test\.toml: has a key of more than 500 parts"),
        (
            FOUR + '[[effects]]\nprocessor = "gain"\n[[effects]]\nprocessor = "mono"',
            r"test\.toml, effects 2 \(mono\): puts out one channel, and a synth's effects two",
        ),
        (
            FOUR
            + '[[effects]]\nprocessor = "parallel"\n'
            + "".join(f'{k} = [{{processor = "mono"}}]\n' for k in "ab"),
            r"effects 1 \(parallel\): puts out one channel",
        ),
        (
            HEAD + f'synth = "sampler"\n[[samples]]\nfile = "{"x" * 300}.wav"\nkey = 36',
            r"test\.toml, samples 1: the file x{100}… is neither beside the preset nor in the library",
        ),
        (
            HEAD + 'synth = "sampler"\n[[samples]]\nfile = "kick.wav"\nkey = "C\u0664"',
            r"test\.toml, samples 1: 'C\u0664' is no key",
        ),
        (FOUR + '"\\u001b[2J" = 3', r"unknown key \\x1b\[2J; known are"),
    ],
)
def test_bad_patches(kick: Path, text: str, words: str) -> None:
    """Each mistake gets one sentence that names the file and the place."""
    with pytest.raises(PresetError, match=words) as caught:
        load_patch(written(kick.parent, text))
    assert "\n" not in str(caught.value)


def test_a_chain_is_no_patch_and_a_patch_no_chain(tmp_path: Path, user_library: Path) -> None:
    """Each is refused in the other's place, by path and by name, with the option that it belongs to."""
    patch = written(user_library / "patches", FOUR, "bell.toml")
    chain = library.named("chains", "crunch")
    with pytest.raises(PresetError, match=r"^bell\.toml: is a patch, .*; give it as --patch$"):
        load_preset(patch)
    with pytest.raises(PresetError, match=r"^bell is a patch, .*; give it as --patch$"):
        load_preset("bell")
    with pytest.raises(PresetError, match=r"^crunch\.toml: is a chain, .*; give it as --preset$"):
        load_patch(chain)
    with pytest.raises(PresetError, match=r"^crunch is a chain, .*; give it as --preset$"):
        load_patch("crunch")
    with pytest.raises(PresetError, match=r"there is no patch bel; did you mean bell\? There are .*bell"):
        load_patch("bel")


def test_a_synth_has_no_place_in_a_chain(tmp_path: Path, user_library: Path) -> None:
    """The sentence says where synths belong."""
    text = 'tonerig = 1\nname = "x"\n[[chain]]\nprocessor = "four"\n'
    with pytest.raises(
        PresetError, match=r'chain 1 \(four\): four is a synth, .*kind = "patch", synth = "four"'
    ):
        load_preset(written(tmp_path, text))


def test_texts_that_a_terminal_would_obey(tmp_path: Path, user_library: Path) -> None:
    """A patch whose name has control characters is not written."""
    with pytest.raises(PresetError, match="name has the control character"):
        save_patch(new_patch("a\x1b[2J", "four"), tmp_path / "x.toml")
    assert not (tmp_path / "x.toml").exists()


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path, user_library: Path) -> None:
    """Texts that are too long, and effects that a synth does not take, are refused where they are written."""
    for patch, words in (
        (new_patch("x" * 201, "four"), r"x\.toml: name has 201 characters, expected at most 200"),
        (new_patch("x", "four", description="x" * 4001), "description has 4001 characters"),
        (new_patch("x", "four", effects=[Link("mono")]), r"effects 1 \(mono\): puts out one channel"),
        (new_patch("x", "four", bank=16384), "bank is 16384, expected a whole number from 0 to 16383"),
    ):
        with pytest.raises(PresetError, match=words):
            save_patch(patch, tmp_path / "folder" / "x.toml")
        assert not (tmp_path / "folder").exists()


def test_a_byte_order_mark_is_stepped_over(tmp_path: Path, user_library: Path) -> None:
    """As Windows' editor writes it; text in UTF-16 is refused with what to do."""
    (tmp_path / "x.toml").write_bytes(FOUR.encode("utf-8-sig"))
    assert load_patch(tmp_path / "x.toml").synth == "four"
    (tmp_path / "x.toml").write_bytes(FOUR.encode("utf-16"))
    with pytest.raises(PresetError, match=r"x\.toml: is no TOML file: byte 1 is no UTF-8; save it as"):
        load_patch(tmp_path / "x.toml")


def test_maps(user_library: Path) -> None:
    """Channels and patches in one text; a patch may be a path."""
    bass = written(user_library / "patches", FOUR, "bass.toml")
    pad = written(user_library / "patches", FOUR, "pad.toml")
    chosen = load_map(f"1=bass, 2 = {pad},10=bass")
    assert {channel: patch.path for channel, patch in chosen.items()} == {1: bass, 2: pad, 10: bass}
    for text, words in (
        ("bass", "the map has 'bass', expected a channel from 1 to 16 and a patch, as in 10=drums"),
        ("0=bass", "the map has '0=bass'"),
        ("17=bass", "the map has '17=bass'"),
        ("x=bass", "the map has 'x=bass'"),
        ("\u0661=bass", "the map has '\u0661=bass'"),
        (5000 * "1" + "=bass", "the map has '1{100}…'"),
        ("1=", "the map has '1='"),
        ("1=bass,", "the map has ''"),
        ("1=bass,1=pad", "the map names channel 1 twice"),
        ("1=no", "there is no patch no"),
    ):
        with pytest.raises(PresetError, match=words):
            load_map(text)


def test_the_librarys_patches(user_library: Path) -> None:
    """All that can be used, by name; one that cannot is left out."""
    written(user_library / "patches", FOUR, "good.toml")
    written(user_library / "patches", "tonerig = 1", "bad.toml")
    found = library_patches()
    assert found["good"].synth == "four" and "bad" not in found


SHIPPED = sorted((library.shipped_library() / "patches").glob("*.toml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_patches_build(path: Path, user_library: Path) -> None:
    """Each patch that comes with the program says what it is and can be built; its files are shipped too."""
    patch = load_patch(path)
    assert isinstance(patch, Patch) and patch.synth in SYNTHS
    assert patch.description and patch.author and patch.program
    assert patch.build().name == patch.synth
    assert all(file.is_relative_to(library.shipped_library()) for file in patch.files())


def test_a_plugin_among_the_effects(tmp_path: Path, installed: Path) -> None:
    """A patch keeps it, and refuses an instrument."""
    text = (
        FOUR
        + """
[[effects]]
processor = "gain"
[[effects]]
processor = "plugin"
plugin = "Trouble"
gain_db = -3
"""
    )
    path = written(tmp_path, text)
    save_patch(load_patch(path), path)
    effect = load_patch(path).link.chains["effects"][1]
    assert effect.texts == {"plugin": "Trouble"} and effect.values["gain_db"] == -3.0
    with pytest.raises(PresetError, match=r"effects 2 \(plugin Pipe\): Pipe is an instrument"):
        load_patch(written(tmp_path, text.replace("Trouble", "Pipe")))


@pytest.mark.parametrize(
    ("name", "words"), [("Trouble", ""), ("TroubleMono", r"effects 1 \(parallel\): puts")]
)
def test_a_stereo_plugin_widens_a_mono_path(tmp_path: Path, installed: Path, name: str, words: str) -> None:
    """Of effects, which put out two channels, a mono path may end in a stereo plugin, and in no mono one."""
    path = [{"processor": "mono"}, {"processor": "plugin", "plugin": name}]
    effects = [{"processor": "parallel", "a": path, "b": path}]
    table = {"tonerig": 1, "kind": "patch", "name": "x", "synth": "four", "effects": effects}
    with pytest.raises(PresetError, match=words) if words else nullcontext():
        parse_patch(table, tmp_path / "x.toml")


INSTRUMENT = (
    HEAD
    + """
synth = "instrument"
plugin = "Pipe"
raw_state = "AAAA"
[parameters]
volume_db = -6
"""
)


def test_an_instrument_of_others(tmp_path: Path, installed: Path) -> None:
    """Its name, its state and its parameters; saved and loaded it is the same, with nothing stated beside."""
    path = written(tmp_path, INSTRUMENT)
    patch = load_patch(path)
    assert (patch.synth, patch.link.values) == ("instrument", {"volume_db": -6.0})
    assert patch.link.texts == {"plugin": "Pipe", "raw_state": "AAAA"}
    assert save_patch(patch, path) and load_patch(path) == patch
    assert patch.build().problem is None


def test_an_instrument_that_was_removed_is_kept(tmp_path: Path, installed: Path) -> None:
    """The patch loads and is silent; saved, nothing of what it said is lost."""
    table = tomllib.loads(INSTRUMENT.replace("Pipe", "Gone") + 'wave = "saw"')
    patch = parse_patch(table, tmp_path / "x.toml")
    assert patch.build().problem is not None and patch.link.unread == {"volume_db": -6, "wave": "saw"}
    save_patch(patch, tmp_path / "x.toml")
    assert tomllib.loads((tmp_path / "x.toml").read_text()) == table


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            INSTRUMENT.replace('plugin = "Pipe"', ""),
            r"synth \(instrument\): plugin is missing; say which one",
        ),
        (
            INSTRUMENT.replace("Pipe", "Trouble"),
            r"synth \(instrument Trouble\): Trouble is an effect: its place",
        ),
        (INSTRUMENT.replace("AAAA", "A"), r"synth \(instrument Pipe\): raw_state is no base64 text"),
        (
            INSTRUMENT.replace("-6", "99"),
            r"parameters \(instrument Pipe\): volume_db is 99, expected -60 to 20 dB",
        ),
        (INSTRUMENT + "volume = 3", r"unknown key volume; did you mean volume_db\? Pipe knows volume_db"),
        (FOUR + 'plugin = "Pipe"', r"test\.toml, plugin: four is no plugin and has none; take it out"),
    ],
)
def test_bad_instruments(tmp_path: Path, installed: Path, text: str, words: str) -> None:
    """Each mistake gets one sentence that names the place."""
    with pytest.raises(PresetError, match=words):
        load_patch(written(tmp_path, text))
