"""Agent names: which of a user's programs a request comes from."""

import os
import re
import subprocess

from speakkit import config
from speakkit.config import Agent, Settings
from speakkit.daemon.wire.messages import AGENT, NAME
from speakkit.errors import BadValue

VARIABLE = "SPEAKING_AGENT_ID"
"""Environment variable with the agent name."""

TMUX_SECONDS = 0.2
"""Timeout in seconds for tmux to return its session name."""


def name(given: str | None) -> str:
    """The agent name: the first of `given`, SPEAKING_AGENT_ID, the name of the tmux session, and "default" that is set.

    Raises BadValue if `given` or SPEAKING_AGENT_ID is not a valid name.
    """
    for found, source in ((given, "--agent"), (os.environ.get(VARIABLE), VARIABLE)):
        if found:
            if not NAME.fullmatch(found):
                raise BadValue(f"{source} must be 1 to 64 letters, digits or . _ : -, not {found[:70]!r}")
            return found
    return _of_tmux() or AGENT


def unnamed(agent: str, settings: Settings) -> Agent:
    """The speech settings of an agent that is not listed in the settings.

    Returns the default voice if the user has set one, if the agent is "default", or if the daemon is off. Otherwise
    the voice is "", and the daemon assigns one to the agent.
    """
    has_choice = agent == AGENT or not settings.daemon or config.sourced_values()["voice"].source != "default"
    return Agent(settings.voice if has_choice else "")


def _of_tmux() -> str:
    """The name of this terminal's tmux session, with characters that agent names lack replaced by "-"; "" if none."""
    if not os.environ.get("TMUX"):
        return ""
    try:
        said = subprocess.run(
            ["tmux", "display-message", "-p", "#S"],  # noqa: S607  tmux is found on the user's PATH
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=TMUX_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return re.sub(r"[^A-Za-z0-9._:-]+", "-", said.decode(errors="replace").strip())[:64]
