"""The texts of the manual pages that do not come from the Typer apps."""

DESCRIPTIONS = {
    "speak": """
`speak` reads a text with the voice model Kokoro, on this machine: nothing that is said leaves it, unless a cloud is
asked for. The text is what stands on the command line, what a file holds, or what comes through a pipe.

Every word is spoken, or it is named on standard error and the exit status says so. A file appears whole or not at all.
The same text, voice, speed and seed give the same samples on the same device.

A text may begin with a dash, as in `speak "-5 degrees"`; put `--` before a single word that does.

`speakkit speak` is the same command.
""",
    "speakkit": """
`speakkit` gives a computer a voice, and looks after what that takes. Results are written to standard output, everything
else to standard error.

`speak` is short for `speakkit speak`. An option counts before the environment, the environment before `config.toml`,
and that before the default.
""",
}
"""Program -> the paragraphs of its DESCRIPTION section."""

ENVIRONMENT = {
    "SPEAKKIT_HOME": "One folder for settings, voices, cache and logs, in place of those of your system.",
    "SPEAKKIT_RUNTIME_DIR": "The folder in which the daemon is found; nobody else may look into it.",
    "XDG_RUNTIME_DIR": "The folder that holds it where that is not set, and the session bus where that is not.",
    "DBUS_SESSION_BUS_ADDRESS": "The session bus of D-Bus, on which players are paused.",
    "SPEAKING_AGENT_ID": "Who speaks, where --agent does not say so.",
    "SPEAKKIT_SOCKET": "The socket that the script of `speakkit daemon client-script` speaks through, in a container.",
    "TMUX": "Where it is set, the session of tmux is who speaks.",
    "PULSE_SERVER": "The sound server, which `speakkit doctor` looks for on WSL.",
    "NO_COLOR": "Where it is set and not empty, nothing is coloured.",
}
"""Environment variable that is not a setting -> its description."""
