"""What the manual pages say beyond what the apps know of themselves."""

from dataclasses import dataclass

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

`speak` is short for `speakkit speak`.
""",
}
"""Program -> the paragraphs of DESCRIPTION."""

ENVIRONMENT = {
    "SPEAKKIT_HOME": "One folder for cache and logs, in place of those of your system.",
    "HF_ENDPOINT": "Another Hub, in place of the Hugging Face Hub.",
    "NO_COLOR": "Where it is set and not empty, nothing is coloured.",
}
"""Variables that are no settings."""


@dataclass(frozen=True)
class Setting:
    """What can be set; `env` is the variable that sets it, where there is one."""

    name: str
    default: str
    env: str | None
    about: str


# As soon as there is such a module: from speakkit.config import SETTINGS
SETTINGS = (
    Setting("models", "", "SPEAKKIT_MODELS", "A folder with models of your own, each in a folder of its name."),
    Setting("offline", "", "SPEAKKIT_OFFLINE", "With 1, the network is never touched."),
)
