"""The texts of the manual pages that do not come from the Typer apps."""

DESCRIPTIONS = {
    "speak": """
`speak` speaks a text with the voice model Kokoro, on this machine: no text leaves it, unless a cloud is chosen. The
text is given on the command line, in a file, or through a pipe.

Every word is spoken, or it is named on standard error and the exit status says so. A file appears whole or not at all.
The same text, voice, speed and seed give the same samples on the same device.

A text may begin with a dash, as in `speak "-5 degrees"`; put `--` before a single word that does.

`speakkit speak` is the same command.
""",
    "speakkit": """
`speakkit` gives a computer a voice, and manages the models and settings for it. It writes results to standard output,
and everything else to standard error.

`speak` is short for `speakkit speak`. An option counts before the environment, the environment before `config.toml`,
and that before the default.
""",
}
"""Program -> the paragraphs of its DESCRIPTION section."""

ENVIRONMENT = {
    "SPEAKKIT_HOME": "One folder for settings, voices, cache and logs, in place of those of your system.",
    "SPEAKKIT_RUNTIME_DIR": "The folder of the daemon's socket; only its owner may access it.",
    "XDG_RUNTIME_DIR": "The folder of the runtime directory and the session bus, unless their own variables are set.",
    "DBUS_SESSION_BUS_ADDRESS": "The D-Bus session bus, through which media players are paused.",
    "SPEAKING_AGENT_ID": "The agent name if --agent is not given.",
    "SPEAKKIT_SOCKET": "In a container, the socket that the script of `speakkit daemon client-script` connects to.",
    "TMUX": "If it is set, the name of the tmux session is the agent name.",
    "PULSE_SERVER": "The sound server that `speakkit doctor` looks for on WSL.",
    "NO_COLOR": "If it is set and not empty, no output is coloured.",
}
"""Environment variable that is not a setting -> its description."""
