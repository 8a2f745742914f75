"""The paths of speakkit's files. `SPEAKKIT_HOME` moves all of them into one folder."""

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
    """The file of the user's settings."""
    return _settings() / "config.toml"


def secrets() -> Path:
    """The file of the user's API keys."""
    return _settings() / "secrets.toml"


def lexicon() -> Path:
    """The file of the user's pronunciations of words."""
    return _settings() / "lexicon.toml"


def _kept() -> Path:
    home = _home()
    return home / "data" if home else platformdirs.user_data_path(APP)


def voices() -> Path:
    """The folder of the user's own voice packs, unless the setting `voices` names another."""
    return _kept() / "voices"


def environments() -> Path:
    """The environments of external engines, one folder each."""
    return _kept() / "environments"


def models() -> Path:
    """The cache of model weights. It is safe to delete, and filled again when needed."""
    home = _home()
    return (home / "cache" if home else platformdirs.user_cache_path(APP)) / "models"


def _state() -> Path:
    home = _home()
    return home / "state" if home else platformdirs.user_state_path(APP)


def log() -> Path:
    """The log file for the tracebacks of bugs."""
    return _state() / "speakkit.log"


def daemon_log() -> Path:
    """The log file of the daemon's actions and errors, without the texts that it spoke."""
    return _state() / "daemon.log"


def playback_locks() -> Path:
    """The folder of the lock files that daemons hold while they play, one for each machine that shares the folder."""
    return _state() / "playback"


def measurements() -> Path:
    """The results of `speakkit bench`, one line of JSON per run."""
    return _state() / "bench.jsonl"


def data() -> Path:
    """The folder of data files installed with the package."""
    return Path(__file__).parent / "data"
