"""Tests of the settings: their sources, the precedence of these, and the values that are refused."""

import tomllib
from contextlib import suppress
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from speakkit import config, paths
from speakkit.engines import device
from speakkit.errors import ConfigError
from speakkit.playback import sinks

FAULTS = {
    "out of range": ("\n\nspeed = 9", "config.toml line 3: speed must be between 0.5 and 2.0, not 9"),
    "no number": ("speed = nan", "config.toml line 1: speed must be between 0.5 and 2.0, not nan"),
    "without end": ("speed = inf", "config.toml line 1: speed must be between 0.5 and 2.0, not inf"),
    "true is no number": ("speed = true", "config.toml line 1: speed must be a number, not true"),
    "true is no seed": ("seed = true", "config.toml line 1: seed must be a whole number, not true"),
    "half a seed": ("seed = 1.5", "config.toml line 1: seed must be a whole number, not 1.5"),
    "a negative seed": ("seed = -1", "config.toml line 1: seed must be between 0 and 9223372036854775807, not -1"),
    "a number of 20,000 bits": (
        f"seed = 0x{'f' * 5000}",
        "config.toml line 1: seed must be between 0 and 9223372036854775807, not so large a number",
    ),
    "one is not true": ("offline = 1", "config.toml line 1: offline must be true or false, not 1"),
    "text is not true": ("offline = 'yes'", "config.toml line 1: offline must be true or false, not 'yes'"),
    "a list": ("voice = ['f1']", "config.toml line 1: voice must be the name of a voice, such as f1, not a list"),
    "nobody": ("voice = ' '", "config.toml line 1: voice must be the name of a voice, such as f1, not ' '"),
    "a table": ("[speed]", "config.toml line 1: speed must be a number, not a table"),
    "a date": ("device = 2024-01-01", "config.toml line 1: device must be one of auto, cuda, mps, cpu, not a date"),
    "a choice": ("device = 'gpu'", "config.toml line 1: device must be one of auto, cuda, mps, cpu, not 'gpu'"),
    "an engine": (
        "engine = 'Gemini'",
        "config.toml line 1: engine must be one of kokoro, gemini, inworld, not 'Gemini'",
    ),
    "a language": (
        "lang = 'tlh'",
        "config.toml line 1: lang must be one of en-us, en-gb, es, fr-fr, hi, it, ja, pt-br, zh, not 'tlh'",
    ),
    "a folder that depends": (
        "models = 'mine'",
        "config.toml line 1: models must be the full path of a folder, such as ~/speech, not 'mine'",
    ),
    "an unknown home": (
        "models = '~nobody-is-called-this/x'",
        "config.toml line 1: models names the home of a user who does not exist: '~nobody-is-called-this/x'",
    ),
    "an unprintable folder": (
        'voices = "/a\\u0000b"',
        "config.toml line 1: voices must be the full path of a folder, such as ~/speech, not '/a\\x00b'",
    ),
    "no address": (
        "hub = 'huggingface.co'",
        "config.toml line 1: hub must be an address such as https://huggingface.co, not 'huggingface.co'",
    ),
    "a long text": (
        f"hub = '{'h' * 99}'",
        f"hub must be an address such as https://huggingface.co, not '{'h' * 60}'...",
    ),
    "no list": ("media_ignore = 'vlc'", "config.toml line 1: media_ignore must be a list, not 'vlc'"),
    "a list with a number": (
        "media_ignore = ['vlc', 3]",
        "config.toml line 1: media_ignore must be a list, each item the name of a player, such as spotify, not 3",
    ),
    "a list with nothing": ("media_ignore = ['']", "each item the name of a player, such as spotify, not ''"),
    "an unknown setting": (
        "# mine\nvoise = 'f1'",
        "config.toml line 2: there is no setting 'voise'; did you mean voice?",
    ),
    "a far one": (
        "x = 1",
        "autosave, idle_exit, keep_alive, containers, container_uids, hub, blends.NAME, agents.NAME",
    ),
    "an unknown table": ("[blend]\na = ''", "config.toml line 1: there is no table 'blend'; did you mean blends?"),
    "agents that are none": ("agents = 3", "config.toml line 1: agents must be a table of names, not 3"),
    "an agent without a proper name": (
        "[agents]\n'a b' = 'f1'",
        "an agent cannot be named 'a b'; use 1 to 64 letters, digits or . _ : -",
    ),
    "an agent who speaks too fast": (
        "[agents]\na = 'f1, 9'",
        "(voice, speed, one of urgent, normal, low, progress), not 'f1, 9'",
    ),
    "a blend of blanks": (
        "[blends]\nmine = ''",
        "config.toml line 2: blends.mine must be text such as \"af_bella(2)+af_sky(1)\", not ''",
    ),
    "a blend in capitals": (
        "[blends]\nMine = 'f1'",
        "config.toml line 2: a blend cannot be named 'Mine'; use lower-case letters, digits, _ and -, a letter first",
    ),
    "a blend that hides an alias": (
        "blends = {f1 = 'f2'}",
        "config.toml line 1: a blend cannot be named f1, since that is a voice; use another name",
    ),
    "a blend that hides a voice": (
        "[blends]\naf_sky = 'f2'",
        "config.toml line 2: a blend cannot be named af_sky, since that is a voice; use another name",
    ),
}

VARIABLES = {
    "SPEAKKIT_SPEED": ("fast", "SPEAKKIT_SPEED must be a number, not 'fast'"),
    "SPEAKKIT_SEED": ("1.0", "SPEAKKIT_SEED must be a whole number, not '1.0'"),
    "SPEAKKIT_DEVICE": ("gpu", "SPEAKKIT_DEVICE must be one of auto, cuda, mps, cpu, not 'gpu'"),
    "SPEAKKIT_SINK": (
        "file:x.wav",
        f"SPEAKKIT_SINK must be {config.SINK}, not 'file:x.wav'",
    ),
    "SPEAKKIT_CONTAINERS": ("maybe", "SPEAKKIT_CONTAINERS must be true or false, not 'maybe'"),
    "SPEAKKIT_CONTAINER_UIDS": (
        "root",
        "SPEAKKIT_CONTAINER_UIDS must be uids and ranges of them, such as 1000,100000-165535, not 'root'",
    ),
    "SPEAKKIT_VOICE": ("\t", r"SPEAKKIT_VOICE must be the name of a voice, such as f1, not '\t'"),
    "HF_ENDPOINT": ("hub", "HF_ENDPOINT must be an address such as https://huggingface.co, not 'hub'"),
}

ALL = """
voice = "m4"
speed = 2
lang = "en-gb"
engine = "gemini"
device = "cpu"
seed = 7
threads = 2
sink = "pacat"
beep = "on"
beep_volume = 1
media = false
media_ignore = [
    "vlc",
]
offline = true
models = "/models"
voices = "~/voices"
daemon = false
quiet_hours = "22:00-07:00"
autosave = "/kept"
idle_exit = 60
keep_alive = -1
containers = true
container_uids = "1000,100000-165535"
hub = "http://127.0.0.1:8080/"

[blends]
narrator = "af_bella(2)+af_sky(1)"

[agents]
builder = "f2, 1.25, low"
"my.shell" = "m1"
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Set a home without settings; write("speed = 1.5") writes its config.toml."""
    monkeypatch.delenv("SPEAKKIT_DAEMON", raising=False)
    monkeypatch.setenv("SPEAKKIT_HOME", str(tmp_path))
    monkeypatch.delenv("HF_ENDPOINT")

    def writer(text):
        paths.config().parent.mkdir(exist_ok=True)
        paths.config().write_text(text)

    return writer


def test_the_table_is_what_there_is():
    """The rows of SETTINGS are the fields of Settings; each has its own variable and a one-line description."""
    names = [setting.name for setting in config.SETTINGS]
    assert [*names, "blends", "agents"] == [field.name for field in fields(config.Settings)]
    assert len({setting.variable for setting in config.SETTINGS}) == len(names)
    assert all(setting.about and "\n" not in setting.about for setting in config.SETTINGS)


def test_each_choice_is_written_once():
    """Other modules use the choices of config instead of copies of them."""
    assert vars(device)["DEVICES"] is config.DEVICES
    assert all(name in config.SINK for name in (sinks.AUTO, *sinks.KINDS, f"{sinks.FILE}/x.wav"))


def test_without_a_file_the_defaults_count(write, tmp_path):
    """Without a file, every setting has its default, and every default is an allowed value."""
    found = config.load()
    assert found == config.Settings(
        voice="f1", speed=1.0, lang="", engine=config.EngineName.kokoro, device=config.Device.auto, seed=0, threads=0,
        sink="auto", beep="off", beep_volume=0.2, media=True, media_ignore=("kdeconnect", "plasma-browser-integration"),
        offline=False, models=None, voices=tmp_path / "data" / "voices", daemon=True,
        quiet_hours="", autosave=None, idle_exit=1800.0, keep_alive=600.0, containers=False, container_uids="",
        hub="https://huggingface.co", blends={}, agents={},
    )  # fmt: skip
    for setting in config.SETTINGS:
        if setting.default is not None and not callable(setting.default):
            assert setting.checked(setting.default, "") == setting.default
    assert {sourced.source for sourced in config.sourced_values().values()} == {"default"}


def test_the_file_counts_before_the_defaults(write, monkeypatch):
    """A value in the file overrides the default, has the setting's type, and is reported with its line."""
    monkeypatch.setenv("HOME", "/home/someone")
    write(ALL)
    found = config.load()
    assert found == config.Settings(
        voice="m4", speed=2.0, lang="en-gb", engine=config.EngineName.gemini, device=config.Device.cpu, seed=7,
        threads=2, sink="pacat", beep="on", beep_volume=1.0, media=False, media_ignore=("vlc",),
        offline=True, models=Path("/models"),
        voices=Path("/home/someone/voices"), daemon=False, quiet_hours="22:00-07:00", autosave=Path("/kept"),
        idle_exit=60.0, keep_alive=-1.0, containers=True, container_uids="1000,100000-165535",
        hub="http://127.0.0.1:8080/", blends={"narrator": "af_bella(2)+af_sky(1)"},
        agents={"builder": config.Agent("f2", 1.25, "low"), "my.shell": config.Agent("m1")},
    )  # fmt: skip
    assert type(found.speed) is float
    sources = [sourced.source for sourced in config.sourced_values().values()]
    assert sources == [f"config.toml line {line}" for line in [*range(2, 14), *range(16, 27), 29, 32, 33]]


def test_a_variable_counts_before_the_file(write, monkeypatch, tmp_path):
    """A variable overrides the file. An empty variable is ignored; "0" is not empty; a folder may be relative."""
    write("speed = 2\nvoice = 'm4'\noffline = true\ndevice = 'cpu'")
    monkeypatch.chdir(tmp_path)
    given = {"SPEED": "0.5", "VOICE": "", "OFFLINE": "0", "MODELS": "models", "VOICES": "~", "DEVICE": "cuda"}
    given |= {"MEDIA": "0", "MEDIA_IGNORE": "vlc, Chrome,"}
    for name, value in given.items():
        monkeypatch.setenv(f"SPEAKKIT_{name}", value)
    found = config.load()
    assert (found.speed, found.voice, found.offline, found.device) == (0.5, "m4", False, config.Device.cuda)
    assert (found.models, found.voices) == (tmp_path / "models", Path.home())
    assert (found.media, found.media_ignore) == (False, ("vlc", "Chrome"))
    sourced = config.sourced_values()
    assert [sourced[name].source for name in ("speed", "voice")] == ["SPEAKKIT_SPEED", "config.toml line 2"]


@pytest.mark.parametrize(("text", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_in_the_file(text, message, write):
    """A fault in the file raises ConfigError with the file, the line, the key and the allowed values."""
    write(text)
    with pytest.raises(ConfigError) as caught:
        config.load()
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_fault_in_the_environment(variable, write, monkeypatch):
    """A fault in a variable raises ConfigError with the variable's name and the allowed values."""
    value, message = VARIABLES[variable]
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError) as caught:
        config.load()
    assert str(caught.value) == message


def test_a_fault_is_told_even_where_a_variable_counts(write, monkeypatch):
    """A fault in the file raises ConfigError even if a variable overrides it; else it would surface only later."""
    write("speed = 9")
    monkeypatch.setenv("SPEAKKIT_SPEED", "1")
    with pytest.raises(ConfigError, match="speed must be"):
        config.load()


def test_paths_follow_the_system(monkeypatch):
    """Without SPEAKKIT_HOME, the paths follow the operating system's conventions."""
    monkeypatch.delenv("SPEAKKIT_HOME")
    assert paths.config().name == "config.toml"
    assert paths.secrets() == paths.config().with_name("secrets.toml")
    assert paths.config().parent.name == paths.voices().parent.name == "speakkit"


KEYS = st.sampled_from([*(setting.name for setting in config.SETTINGS), "blends", "blends.a", "x", '"ä\\n"'])
VALUES = st.one_of(
    st.sampled_from(["true", "[1]", "{a = 'f1'}", "1979-05-27", "07:32:00", "'f1'", '"""\nspeed = 1"""', "1_0", "'~'"]),
    st.floats().map(str),
    st.integers().map(str),
    st.text().map(lambda text: f"'''{text}'''"),
)
LINES = st.one_of(
    st.builds("{} = {}".format, KEYS, VALUES),
    st.builds("[{}]".format, KEYS),
    st.builds("[[{}]]".format, KEYS),
    st.text(),
)


@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=6))
def test_no_file_makes_anything_but_a_config_error(lines, write):
    """Any text as config.toml either loads or raises ConfigError with a printable one-line message."""
    paths.config().parent.mkdir(exist_ok=True)
    paths.config().write_bytes("\n".join(lines).encode(errors="replace"))
    message = ""
    try:
        assert 0.5 <= config.load().speed <= 2.0
    except ConfigError as error:
        message = str(error)
    assert message.isprintable()


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200))
def test_no_bytes_make_anything_but_a_config_error(raw, write):
    """Any bytes as config.toml either are valid TOML or raise ConfigError."""
    paths.config().parent.mkdir(exist_ok=True)
    paths.config().write_bytes(raw)
    with suppress(ConfigError):
        config.load()
        tomllib.loads(raw.decode("utf-8-sig").replace("\r\n", "\n"))
