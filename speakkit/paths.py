"""Where speakkit keeps its files. `SPEAKKIT_HOME` moves all of them under one folder."""

import os
from pathlib import Path

import platformdirs

from speakkit.errors import ConfigError

APP = "speakkit"


def _home() -> Path | None:
    home = os.environ.get("SPEAKKIT_HOME")
    try:
        return Path(home).expanduser() if home else None
    except RuntimeError as error:
        raise ConfigError(f"SPEAKKIT_HOME names the home of a user who does not exist: {home}") from error


def _settings() -> Path:
    home = _home()
    return home / "config" if home else platformdirs.user_config_path(APP)


def config() -> Path:
    """The user's settings."""
    return _settings() / "config.toml"


def secrets() -> Path:
    """The user's API keys."""
    return _settings() / "secrets.toml"


def lexicon() -> Path:
    """How the user wants words to be said."""
    return _settings() / "lexicon.toml"


def voices() -> Path:
    """The folder of the user's own voice packs, unless the setting `voices` names another."""
    home = _home()
    return (home / "data" if home else platformdirs.user_data_path(APP)) / "voices"


def models() -> Path:
    """The cache of model weights: safe to delete, made again when needed."""
    home = _home()
    return (home / "cache" if home else platformdirs.user_cache_path(APP)) / "models"


def _state() -> Path:
    home = _home()
    return home / "state" if home else platformdirs.user_state_path(APP)


def log() -> Path:
    """The log that a bug's traceback is written to."""
    return _state() / "speakkit.log"


def daemon_log() -> Path:
    """What the daemon did, and what went wrong with it; none of the texts that it spoke."""
    return _state() / "daemon.log"


def measurements() -> Path:
    """What `speakkit bench` measured, a line of JSON for each run."""
    return _state() / "bench.jsonl"


def data() -> Path:
    """The files that are installed with the package."""
    return Path(__file__).parent / "data"
