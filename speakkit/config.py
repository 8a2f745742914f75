"""Load and validate the user's settings from the environment and config.toml: `load()`.

SETTINGS lists all settings; to add one, add a row there and a field in `Settings`. An environment variable overrides
the file, and the file overrides the default. An empty variable is ignored.
"""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from speakkit import paths, tomlfile, voices
from speakkit.errors import BadValue, ConfigError
from speakkit.printable import UNSAFE
from speakkit.setting import Each, Form, Language, OneOf, Range, Setting, Value, shown

SPEEDS = (0.5, 2.0)
"""The lowest and highest speed that still sound like speech; 1.0 is the voice's normal speed."""


class EngineName(StrEnum):
    """Name of a speech engine: the local one, or a cloud service."""

    kokoro = "kokoro"
    gemini = "gemini"
    inworld = "inworld"


class Device(StrEnum):
    """Name of the device that the model runs on."""

    auto = "auto"
    cuda = "cuda"
    mps = "mps"
    cpu = "cpu"


LONGEST_WAIT = 30 * 24 * 3600
"""Seconds: a month. The upper limit of `idle_exit` and `keep_alive`."""

MOST_THREADS = 1024

MOST_SEED = 2**63 - 1

DEVICES = tuple(device.value for device in Device)

CLOCK = r"([01]\d|2[0-3]):[0-5]\d"

BLENDS = "blends"
"""The table of config.toml that defines blends, as name = blend."""

AGENTS = "agents"
"""The table of config.toml that sets voice, speed and priority for each agent."""

TABLES = (BLENDS, AGENTS)

PRIORITIES = ("urgent", "normal", "low", "progress")

AGENT_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")

BLEND_NAME = re.compile(r"[a-z][a-z0-9_-]*")
VOICE = Form(r".*\S.*", "the name of a voice, such as f1")
FOLDER = Form(r"[/~].*", "the full path of a folder, such as ~/speech")
SINK = Form(
    r"auto|sounddevice|pacat|aplay|timed-null|file:/.*[^/]",
    "auto, sounddevice, pacat, aplay, timed-null or file:/ with the rest of a path",
)
UIDS = Form(r"\d{1,10}(-\d{1,10})?(,\d{1,10}(-\d{1,10})?)*|", "uids and ranges of them, such as 1000,100000-165535")
PLAYERS = Each(Form(r"\S(.*\S)?", "the name of a player, such as spotify"))
BEEP = Form(r"on|off|[/~].*", "on, off or the full path of a WAV file")
ADDRESS = Form(r"https?://[^\s/]\S*", "an address such as https://huggingface.co")

SETTINGS = (
    Setting("voice", str, voices.DEFAULT, "SPEAKKIT_VOICE", "the voice, such as f1 or bf_emma", VOICE),
    Setting("speed", float, 1.0, "SPEAKKIT_SPEED", "the speed, 0.5 to 2.0; 1.0 is the voice's own", Range(*SPEEDS)),
    Setting(
        "lang",
        str,
        "",
        "SPEAKKIT_LANG",
        "the language of the text, such as en-gb; empty for the voice's own",
        Language(),
    ),
    Setting(
        "engine",
        EngineName,
        EngineName.kokoro,
        "SPEAKKIT_ENGINE",
        "the engine: kokoro (local), gemini or inworld",
        OneOf(tuple(EngineName)),
    ),
    Setting("device", Device, Device.auto, "SPEAKKIT_DEVICE", "what to run on: auto, cuda, mps or cpu", OneOf(DEVICES)),
    Setting("seed", int, 0, "SPEAKKIT_SEED", "the same seed gives the same samples", Range(0, MOST_SEED)),
    Setting(
        "threads",
        int,
        0,
        "SPEAKKIT_THREADS",
        "CPU threads, which the samples depend on; 0 for the default: as for speak --threads",
        Range(0, MOST_THREADS),
    ),
    Setting(
        "sink",
        str,
        "auto",
        "SPEAKKIT_SINK",
        "the audio output: auto, sounddevice, pacat, aplay, timed-null (nothing), or file:/PATH",
        SINK,
    ),
    Setting(
        "beep",
        str,
        "off",
        "SPEAKKIT_BEEP",
        "beep before speech, and when the agent changes: on, off, or a WAV file",
        BEEP,
    ),
    Setting("beep_volume", float, 0.2, "SPEAKKIT_BEEP_VOLUME", "volume of the beep, from 0 to 1", Range(0, 1)),
    Setting("media", bool, True, "SPEAKKIT_MEDIA", "pause other media players during speech"),
    Setting(
        "media_ignore",
        tuple,
        ("kdeconnect", "plasma-browser-integration"),
        "SPEAKKIT_MEDIA_IGNORE",
        "players that are never paused; speakkit doctor lists the running ones",
        PLAYERS,
    ),
    Setting(
        "offline", bool, False, "SPEAKKIT_OFFLINE", "never use the network; 1 in the environment, true in the file"
    ),
    Setting("models", Path, None, "SPEAKKIT_MODELS", "a folder with your own models", FOLDER),
    Setting("voices", Path, paths.voices, "SPEAKKIT_VOICES", "the folder with your own voices", FOLDER),
    Setting(
        "daemon", bool, True, "SPEAKKIT_DAEMON", "speak through the daemon and its queue; 0 or false to bypass both"
    ),
    Setting(
        "quiet_hours",
        str,
        "",
        "SPEAKKIT_QUIET_HOURS",
        "hours in which only urgent speech plays, such as 22:00-07:00",
        Form(rf"({CLOCK}-{CLOCK})?", 'hours such as "22:00-07:00"'),
    ),
    Setting(
        "autosave",
        Path,
        None,
        "SPEAKKIT_AUTOSAVE",
        "a folder to which each utterance is saved as it was heard, as mp3",
        FOLDER,
    ),
    Setting(
        "idle_exit",
        float,
        1800.0,
        "SPEAKKIT_IDLE_EXIT",
        "seconds after which an unused daemon exits; -1 for never",
        Range(-1, LONGEST_WAIT),
    ),
    Setting(
        "keep_alive",
        float,
        600.0,
        "SPEAKKIT_KEEP_ALIVE",
        "seconds for which the daemon keeps an unused model loaded; -1 for ever",
        Range(-1, LONGEST_WAIT),
    ),
    Setting(
        "containers",
        bool,
        False,
        "SPEAKKIT_CONTAINERS",
        "let the daemon accept connections from containers; 1 or true to enable",
    ),
    Setting(
        "container_uids",
        str,
        "",
        "SPEAKKIT_CONTAINER_UIDS",
        "uids that containers may connect as, besides 0 and your own, such as 1000,100000-165535",
        UIDS,
    ),
    Setting("hub", str, "https://huggingface.co", "HF_ENDPOINT", "the server that models are fetched from", ADDRESS),
)
"""All settings except the tables of blends and agents."""


@dataclass(frozen=True)
class Settings:
    """The effective values of all settings; SETTINGS describes each one.

    models: a folder with the user's own models, or None if only the cache is used
    autosave: the folder that utterances are saved to, or None if they are not saved
    blends: name -> blend, such as "af_bella(2)+af_sky(1)"
    agents: name -> voice, speed and priority of that agent
    """

    voice: str
    speed: float
    lang: str
    engine: EngineName
    device: Device
    seed: int
    threads: int
    sink: str
    beep: str
    beep_volume: float
    media: bool
    media_ignore: tuple[str, ...]
    offline: bool
    models: Path | None
    voices: Path
    daemon: bool
    quiet_hours: str
    autosave: Path | None
    idle_exit: float
    keep_alive: float
    containers: bool
    container_uids: str
    hub: str
    blends: Mapping[str, str]
    agents: Mapping[str, "Agent"]


@dataclass(frozen=True)
class Agent:
    """Default voice, speed and priority of an agent's requests; None stands for the general default."""

    voice: str
    speed: float | None = None
    priority: str | None = None


@dataclass(frozen=True)
class Sourced:
    """A value and its source: a variable's name, a line such as "config.toml line 3", or "default"."""

    value: Value
    source: str


def checked_speed(speed: float) -> float:
    """Return `speed` unchanged. Raises BadValue if it is outside SPEEDS or NaN."""
    slowest, fastest = SPEEDS
    if not slowest <= speed <= fastest:
        raise BadValue(f"the speed {speed:g} is not between {slowest} and {fastest}")
    return speed


def load() -> Settings:
    """The current settings. Raises ConfigError if the file or the environment has an invalid value."""
    return _settings(sourced_values())


def _settings(sources: Mapping[str, Sourced]) -> Settings:
    found: dict[str, Any] = {key: sourced.value for key, sourced in sources.items()}
    tables: dict[str, dict[str, Any]] = {table: {} for table in TABLES}
    for key in [key for key in found if key.partition(".")[0] in TABLES]:
        table, _, name = key.partition(".")
        tables[table][name] = found.pop(key)
    agents = {name: agent(text) for name, text in tables[AGENTS].items()}
    return Settings(**found, blends=tables[BLENDS], agents=agents)


@dataclass(frozen=True)
class Locations:
    """Where weights and voices come from, by the settings of these names.

    models, models_source: folder of the user's own weights, or None; and what names it, for messages
    voices: folder of the user's own voice packs
    blends: name -> the user's own blend
    hub: address of the server that weights are fetched from
    offline, offline_source: whether the network may not be used; and what says so, for messages
    """

    models: Path | None
    models_source: str
    voices: Path
    blends: Mapping[str, str]
    hub: str
    offline: bool
    offline_source: str


def locations() -> Locations:
    """The current `Locations`. Raises ConfigError as `load` does."""
    sources = sourced_values()
    settings = _settings(sources)
    return Locations(
        models=settings.models,
        models_source=sources["models"].source,
        voices=settings.voices,
        blends=settings.blends,
        hub=settings.hub,
        offline=settings.offline,
        offline_source=sources["offline"].source,
    )


def sourced_values() -> dict[str, Sourced]:
    """Every setting, then every blend as "blends.NAME" and every agent as "agents.NAME", each with its source.

    Raises ConfigError as `load` does.
    """
    file = tomlfile.read(paths.config())
    for key, value in file.values.items():
        if key not in TABLES:
            named(key, f"{file.where(key)}: ", "table" if isinstance(value, dict) else "setting")
    return {setting.name: _found(setting, file) for setting in SETTINGS} | dict(_blends(file)) | dict(_agents(file))


def named(key: str, where: str = "", what: str = "setting") -> Setting:
    """The setting called `key`. Raises ConfigError if there is none.

    where: prefix of the error message, such as "config.toml line 3: "
    what: what the error message calls `key`, such as "setting" or "table"
    """
    rows = {setting.name: setting for setting in SETTINGS}
    if key in rows:
        return rows[key]
    names = [*rows, *(table if what == "table" else f"{table}.NAME" for table in TABLES)]
    near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise ConfigError(f"{where}there is no {what} {shown(key)}; {hint}")


def checked_blend(name: str, given: object, where: str = "") -> str:
    """The blend `given`, after validation. Raises ConfigError, prefixed with `where`, if it or `name` is invalid."""
    if not BLEND_NAME.fullmatch(name):
        raise ConfigError(
            f"{where}a blend cannot be named {shown(name)}; use lower-case letters, digits, _ and -, a letter first"
        )
    if name in voices.ALIASES["kokoro"] or name in voices.profiles():
        raise ConfigError(f"{where}a blend cannot be named {name}, since that is a voice; use another name")
    if not isinstance(given, str) or given not in Form(r".*\S.*", ""):
        raise ConfigError(f'{where}{BLENDS}.{name} must be text such as "af_bella(2)+af_sky(1)", not {shown(given)}')
    try:
        tuple(voices.parts(given))
    except BadValue as error:
        raise ConfigError(f"{where}{BLENDS}.{name}: {error}") from error
    return given


def checked_agent(name: str, given: object, where: str = "") -> str:
    """The text `given`, after validation. Raises ConfigError, prefixed with `where`, if it or `name` is invalid."""
    if not AGENT_NAME.fullmatch(name):
        raise ConfigError(f"{where}an agent cannot be named {shown(name)}; use 1 to 64 letters, digits or . _ : -")
    try:
        agent(given if isinstance(given, str) else "")
    except ValueError:
        wanted = f'text such as "f2" or "f2, 1.25, low" (voice, speed, one of {", ".join(PRIORITIES)})'
        raise ConfigError(f"{where}{AGENTS}.{name} must be {wanted}, not {shown(given)}") from None
    return str(given)


def agent(text: str) -> Agent:
    """The agent described by `text`: voice, then optional speed and priority. Raises ValueError if it is invalid."""
    voice, *others = (part.strip() for part in text.split(","))
    priority = others.pop() if others and others[-1] in PRIORITIES else None
    speed = checked_speed(float(others.pop())) if others else None
    if not voice or others or UNSAFE.search(text):
        raise ValueError(text)
    return Agent(voice, speed, priority)


def _found(setting: Setting, file: tomlfile.TomlFile) -> Sourced:
    found = Sourced(setting.default() if callable(setting.default) else setting.default, "default")
    if setting.name in file.values:
        where = file.where(setting.name)
        found = Sourced(setting.checked(file.values[setting.name], f"{where}: {setting.name}"), where)
    text = os.environ.get(setting.variable)
    return Sourced(setting.read(text, setting.variable), setting.variable) if text else found


def _blends(file: tomlfile.TomlFile) -> Iterator[tuple[str, Sourced]]:
    for name, given, where in _rows(file, BLENDS):
        yield f"{BLENDS}.{name}", Sourced(checked_blend(name, given, f"{where}: "), where)


def _agents(file: tomlfile.TomlFile) -> Iterator[tuple[str, Sourced]]:
    for name, given, where in _rows(file, AGENTS):
        yield f"{AGENTS}.{name}", Sourced(checked_agent(name, given, f"{where}: "), where)


def _rows(file: tomlfile.TomlFile, name: str) -> Iterator[tuple[str, object, str]]:
    """The keys of table `name`, each with its value and source line. Raises ConfigError if it is not a table."""
    table = file.values.get(name, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file.where(name)}: {name} must be a table of names, not {shown(table)}")
    for key, given in table.items():
        yield key, given, file.where(name, key)
