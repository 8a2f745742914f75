"""Who speaks, where several programs and people of one user do."""

import os
import re
import subprocess

from speakkit import config
from speakkit.config import Agent, Settings
from speakkit.daemon.wire.messages import AGENT, NAME
from speakkit.errors import BadValue

VARIABLE = "SPEAKING_AGENT_ID"

TMUX_SECONDS = 0.2
"""In which tmux names its session, or goes unheard."""


def name(given: str | None) -> str:
    """`given`, or what SPEAKING_AGENT_ID says, or the name of the tmux session, or "default".

    Raises BadValue for a name that is none.
    """
    for found, source in ((given, "--agent"), (os.environ.get(VARIABLE), VARIABLE)):
        if found:
            if not NAME.fullmatch(found):
                raise BadValue(f"{source} must be 1 to 64 letters, digits or . _ : -, not {found[:70]!r}")
            return found
    return _of_tmux() or AGENT


def unnamed(agent: str, settings: Settings) -> Agent:
    """How an agent speaks of whom the settings say nothing.

    As everybody, if they chose a voice; else by a voice of its own, which the daemon chooses.
    """
    has_choice = agent == AGENT or not settings.daemon or config.sourced_values()["voice"].source != "default"
    return Agent(settings.voice if has_choice else "")


def _of_tmux() -> str:
    """The name of the session that this terminal belongs to, in the letters of an agent's; "" where there is none."""
    if not os.environ.get("TMUX"):
        return ""
    try:
        said = subprocess.run(
            ["tmux", "display-message", "-p", "#S"],  # noqa: S607  the user's own
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=TMUX_SECONDS,
            check=False,
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return re.sub(r"[^A-Za-z0-9._:-]+", "-", said.decode(errors="replace").strip())[:64]
