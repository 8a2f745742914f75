"""Tests of `speakkit config` as the user types it."""

import json
import os
import pty
import subprocess
import termios
import tomllib

import pytest

from speakkit import config, keys, paths
from speakkit.printable import UNSAFE
from waiting import wait_until

SECRET = "AIzaSy-0123456789_secret"

MINE = """\
# mine
speed = 1.5   # not too fast

voice = 'm4'

[blends]
# for books
narrator = "af_bella(2)+af_sky(1)"
"""


@pytest.fixture(autouse=True)
def own_home(home, tmp_path, monkeypatch):
    """Set a separate home without settings or keys; returns its folder."""
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT")
    for variables in keys.VARIABLES.values():
        for variable in variables:
            monkeypatch.delenv(variable, raising=False)
    paths.config().parent.mkdir()
    return tmp_path


def test_show_says_where_each_value_is_from(run, monkeypatch):
    """The table shows the source of each value: the file with the line, the variable, or default; also for blends."""
    paths.config().write_text(MINE)
    monkeypatch.setenv("SPEAKKIT_SEED", "5")
    monkeypatch.setenv("COLUMNS", "200")
    lines = [line.split() for line in run("speakkit", "config", "show").out.decode().splitlines()]
    assert ["speed", "1.5", "config.toml", "line", "2"] in [line[:5] for line in lines]
    assert ["seed", "5", "SPEAKKIT_SEED"] in [line[:3] for line in lines]
    assert ["offline", "false", "default"] in [line[:3] for line in lines]
    assert ["blends.narrator", "af_bella(2)+af_sky(1)", "config.toml", "line", "8"] in [line[:5] for line in lines]
    assert ["key", "of", "gemini", "not", "set"] in [line[:5] for line in lines]


def test_a_password_in_an_address_is_not_shown(run, monkeypatch):
    """No output shows the user name and password in the address of a Hub, and config.toml has them."""
    address = "https://user:s3cret@hub.example.org/x"
    assert run("speakkit", "config", "set", "hub", address).out.startswith(b"hub = https://hub.example.org/x, in ")
    assert address in paths.config().read_text()
    shown = [run("speakkit", "config", "show").out, run("speakkit", "config", "show", "--json").out]
    assert all(b"hub.example.org/x" in each and b"s3cret" not in each for each in shown)
    for wrong in ("ftp://user:s3cret@hub", "user:s3cret@hub", "https://user:s3c/ret@hub x"):
        monkeypatch.setenv("HF_ENDPOINT", wrong)
        result = run("speakkit", "config", "show")
        assert (result.code, "HF_ENDPOINT must be an address" in result.err, "s3c" in result.err) == (1, True, False)


def test_show_for_scripts(run):
    """--json prints one object with every setting."""
    paths.config().write_text("speed = 2\noffline = true")
    shown = json.loads(run("speakkit", "config", "show", "--json").out)
    assert shown["file"] == str(paths.config())
    assert [row["name"] for row in shown["settings"]] == [setting.name for setting in config.SETTINGS]
    rows = {row["name"]: (row["value"], row["source"]) for row in shown["settings"]}
    assert rows["speed"] == (2.0, "config.toml line 1")
    assert rows["offline"] == (True, "config.toml line 2")
    assert rows["models"] == (None, "default")
    assert [(row["service"], row["set"], row["source"]) for row in shown["keys"]] == [
        ("gemini", False, None),
        ("inworld", False, None),
    ]


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_show_never_shows_a_key(option, run, monkeypatch):
    """A key is shown only as set or not set, with its source."""
    keys.store("gemini", SECRET)
    monkeypatch.setenv("INWORLD_API_KEY", SECRET)
    monkeypatch.setenv("COLUMNS", "200")
    result = run("speakkit", "config", "show", *option)
    assert "secrets.toml line 2" in result.out.decode()
    assert "INWORLD_API_KEY" in result.out.decode()
    assert SECRET not in result.out.decode() + result.err


@pytest.mark.parametrize(
    "text",
    [
        'blends.x = "\\u009b2J\\u202ef1"',
        'agents.x = "\\u009b2J\\u202ef1"',
        'voice = "\\u202e\\u001b[31mf1"',
        '"\\u001b[31m\\u202e" = 1',
        'blends."\\u001b]52;c;x\\u0007" = "f1"',
        'media_ignore = ["\\u009b2J"]',
        "x = '\x1b[31m\u202e'",
    ],
)
def test_no_key_or_value_acts_on_the_terminal(text, run):
    """Keys and values with control characters are refused, and quoted with escapes."""
    paths.config().write_text(text)
    result = run("speakkit", "config", "show")
    assert (result.code, result.out, result.err.count("\n")) == (1, b"", 1)
    assert not UNSAFE.search(result.err.removesuffix("\n"))


def test_what_looks_like_markup_is_shown_as_it_is(run):
    """A value that looks like markup is shown literally."""
    paths.config().write_text("voice = '[/b][red]'")
    assert "[/b][red]" in run("speakkit", "config", "show").out.decode()


@pytest.mark.parametrize("text", ["speed = \n", "speed = 9"])
def test_a_broken_file(text, run):
    """A broken file gives one line and exit code 1; `config path` still prints its path."""
    paths.config().write_text(text)
    result = run("speakkit", "config", "show")
    assert (result.code, result.out, result.err.count("\n")) == (1, b"", 1)
    assert "config.toml" in result.err
    assert "line 1" in result.err
    assert run("speakkit", "config", "path").out.decode() == f"{paths.config()}\n"


def test_set_keeps_what_people_wrote(run):
    """`config set` keeps comments, order and blank lines, and adds each new setting in its table."""
    paths.config().write_text(MINE)
    assert run("speakkit", "config", "set", "speed", "0.75").code == 0
    assert run("speakkit", "config", "set", "offline", "true").code == 0
    assert run("speakkit", "config", "set", "blends.old-man", "bm_george").code == 0
    text = paths.config().read_text()
    assert text == MINE.replace("1.5   #", "0.75   #").replace("'m4'\n", "'m4'\noffline = true\n") + (
        'old-man = "bm_george"\n'
    )
    assert (config.load().speed, config.load().offline) == (0.75, True)


def test_set_makes_the_file(run):
    """`config set` creates the file and its folder, and accepts a file without a final newline."""
    paths.config().parent.rmdir()
    result = run("speakkit", "config", "set", "blends.narrator", "af_sky")
    assert result.out.decode() == f"blends.narrator = af_sky, in {paths.config()}\n"
    paths.config().write_text("blends.narrator = 'af_sky'")
    for key, value in {"seed": "7", "device": "cpu", "models": "~/models", "blends.other": "f2"}.items():
        assert run("speakkit", "config", "set", key, value).code == 0
    found = config.load()
    assert (found.seed, found.device, found.blends) == (7, "cpu", {"narrator": "af_sky", "other": "f2"})


def test_set_takes_a_list(run):
    """A list is given with commas; an empty list is stored, and shown as nothing."""
    assert run("speakkit", "config", "set", "media_ignore", "vlc, Chrome").code == 0
    assert tomllib.loads(paths.config().read_text()) == {"media_ignore": ["vlc", "Chrome"]}
    shown = json.loads(run("speakkit", "config", "show", "--json").out)
    assert {"media_ignore": ["vlc", "Chrome"]}.items() <= {
        row["name"]: row["value"] for row in shown["settings"]
    }.items()
    result = run("speakkit", "config", "set", "media_ignore", "")
    assert (result.code, result.out.decode()) == (0, f"media_ignore = , in {paths.config()}\n")
    assert config.load().media_ignore == ()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("sped", "1", "there is no setting 'sped'; did you mean speed?"),
        ("speed", "9", "speed must be between 0.5 and 2.0, not 9"),
        ("speed", "fast", "speed must be a number, not 'fast'"),
        ("offline", "no", "offline must be true or false, not 'no'"),
        ("voice", "", "voice must be the name of a voice, such as f1, not ''"),
        ("device", "gpu", "device must be one of auto, cuda, mps, cpu, not 'gpu'"),
        ("blends", "f1", "there is no setting 'blends'; did you mean blends.NAME?"),
        ("blends.f1", "f2", "a blend cannot be named f1, since that is a voice; use another name"),
        ("blends.", "f2", "a blend cannot be named ''; use lower-case letters, digits, _ and -, a letter first"),
        ("blends.mine", " ", "blends.mine must be text such as \"af_bella(2)+af_sky(1)\", not ' '"),
    ],
)
def test_set_refuses_before_it_writes(key, value, message, run):
    """An invalid value is a usage error, and nothing is written."""
    result = run("speakkit", "config", "set", key, value)
    assert (result.code, result.err) == (2, f"speakkit: {message}\n")
    assert not paths.config().exists()


@pytest.mark.parametrize("text", ["speed = ", "\xff", "blends = 3"])
@pytest.mark.parametrize("words", [("set", "blends.mine", "f1"), ("unset", "blends.mine")])
def test_a_broken_file_is_not_written_over(text, words, run):
    """A broken file is named and left unchanged."""
    paths.config().write_bytes(text.encode("latin-1"))
    result = run("speakkit", "config", *words)
    assert (result.code, result.err.count("\n")) == (1, 1)
    assert "config.toml" in result.err
    assert paths.config().read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize(
    "text", ["speed = 1\nx.y.z = 'x' # c", "speed = 1\r\n[blends]", "speed = 1 # c", f"x = {'[' * 150}{']' * 150}"]
)
def test_set_changes_nothing_else(text, run):
    """`config set` changes nothing else in the file, or refuses and leaves it unchanged."""
    paths.config().write_text(text)
    result = run("speakkit", "config", "set", "seed", "1")
    changed = tomllib.loads(paths.config().read_text())
    assert changed == tomllib.loads(text) | ({"seed": 1} if result.code == 0 else {})
    assert result.code == 0 or "cannot be edited here; change it by hand" in result.err


def test_set_mends_a_wrong_value(run):
    """`config set` and `unset` mend a file that other commands refuse."""
    paths.config().write_text("speed = 9\nvoise = 'f1'\n")
    assert run("speakkit", "config", "set", "speed", "1").code == 0
    assert run("speakkit", "config", "unset", "voise").code == 0
    assert config.load().speed == 1.0


def test_a_folder_that_cannot_be_written(run):
    """A folder that cannot be written to gives an error in one line."""
    paths.config().parent.rmdir()
    paths.config().parent.touch()
    result = run("speakkit", "config", "set", "speed", "1")
    assert (result.code, result.out) == (1, b"")
    assert result.err == f"speakkit: cannot write {paths.config()}: file exists\n"


def test_unset_lets_the_default_count(run):
    """`config unset` restores the default and keeps the rest; a second `unset` has no effect."""
    paths.config().write_text(MINE)
    assert run("speakkit", "config", "unset", "speed").code == 0
    assert run("speakkit", "config", "unset", "blends.narrator").code == 0
    assert paths.config().read_text() == "# mine\n\nvoice = 'm4'\n\n[blends]\n# for books\n"
    result = run("speakkit", "config", "unset", "speed")
    assert (result.code, result.err) == (0, f"speed is not set in {paths.config()}\n")
    result = run("speakkit", "config", "unset", "sped")
    assert (result.code, result.err) == (2, "speakkit: there is no setting 'sped'; did you mean speed?\n")


def test_a_variable_that_hides_the_change_is_named(run, monkeypatch):
    """If a variable overrides the changed setting or key, it is named."""
    monkeypatch.setenv("SPEAKKIT_SPEED", "2")
    monkeypatch.setenv("GEMINI_API_KEY", "other")
    result = run("speakkit", "config", "set", "speed", "1")
    assert result.err == "the variable SPEAKKIT_SPEED is set, and overrides the file\n"
    result = run("speakkit", "config", "set-key", "gemini", stdin=SECRET.encode())
    assert result.err == "the variable GEMINI_API_KEY is set, and overrides the stored key\n"


def test_set_key_from_a_pipe(run):
    """A key is read from a pipe, without the trailing newline."""
    result = run("speakkit", "config", "set-key", "inworld", stdin=f"{SECRET}\n".encode())
    assert (result.code, result.out.decode()) == (0, f"the key of inworld is stored in {paths.secrets()}\n")
    assert keys.find("inworld").value == SECRET


@pytest.mark.parametrize("stdin", [b"", b"\n", b"two words", b"\xff", b"k" * 10_000])
def test_what_is_no_key_is_refused(stdin, run):
    """An invalid key is refused before anything is written."""
    result = run("speakkit", "config", "set-key", "gemini", stdin=stdin)
    assert result.code == 2
    assert result.err == (
        "speakkit: the given text is not an API key: a key is 1 to 4096 ASCII characters without spaces\n"
    )
    assert not paths.secrets().exists()


@pytest.mark.parametrize("words", [("config", "set-key", "gemini"), ("explain",)])
def test_standard_input_that_cannot_be_read(words, command, tmp_path):
    """A standard input that is open for writing only is one line."""
    with (tmp_path / "x").open("wb") as stdin:
        ended = subprocess.run([*command, *words], stdin=stdin, capture_output=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (1, b"speakkit: cannot read standard input: bad file descriptor\n")


@pytest.mark.parametrize("words", [["gemini", SECRET], [SECRET], [SECRET, "gemini"], ["gemini", f"--key={SECRET}"]])
def test_a_key_is_no_argument(words, run):
    """A key given as an argument is refused, and the output does not repeat it."""
    result = run("speakkit", "config", "set-key", *words, stdin=b"other")
    assert result.code == 2
    assert SECRET not in result.out.decode() + result.err
    assert not paths.secrets().exists()


def test_why_a_key_is_no_argument(run):
    """The error about a key given as an argument mentions the shell's history."""
    result = run("speakkit", "config", "set-key", "gemini", "ABC", stdin=b"")
    assert "the shell's history" in result.err


def test_set_key_at_a_terminal(command):
    """At a terminal, the key is prompted for and not echoed."""
    terminal, other_end = pty.openpty()
    words = [*command, "config", "set-key", "gemini"]
    process = subprocess.Popen(words, start_new_session=True, stdin=other_end, stdout=other_end, stderr=other_end)
    wait_until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO)
    os.write(terminal, f"{SECRET}\n".encode())
    assert process.wait(60) == 0
    os.close(other_end)
    shown = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert shown.startswith("API key of gemini")
    assert "is stored in" in shown
    assert SECRET not in shown
    assert keys.find("gemini").value == SECRET


@pytest.mark.parametrize("verb", ["show", "path", "set", "unset", "set-key"])
def test_help_has_an_example(verb, run):
    """Every help text has an example command."""
    assert f"speakkit config {verb}" in run("speakkit", "config", verb, "--help").out.decode().replace("\n", " ")


@pytest.mark.parametrize("group", [(), ("config",), ("daemon",), ("models",), ("queue",)])
def test_a_command_that_wants_another_shows_its_help_alone(run, group):
    """A group without a subcommand shows only its help."""
    result = run("speakkit", *group)
    shown = result.out.decode() + result.err
    assert result.code == 2
    assert "Usage" in shown
    assert "see speakkit" not in shown
