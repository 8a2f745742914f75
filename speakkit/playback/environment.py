"""The environment of the programs that play sound and control media players."""

import os
import re

SESSION = (
    r"HOME|USER|LOGNAME|PATH|LANG|LANGUAGE|LC_.*|TZ|TMPDIR|XDG_.*|DBUS_SESSION_BUS_ADDRESS|DISPLAY|WAYLAND_DISPLAY"
    r"|WSL.*|PULSE_.*|PIPEWIRE_.*|ALSA_.*|LD_LIBRARY_PATH|DYLD_.*"
)
"""Names of the variables that describe the user's session and its sound, as a pattern."""

SECRET = re.compile(r".*(KEY|TOKEN|SECRET|PASSWORD).*", re.IGNORECASE)
"""Names of variables that no other program inherits."""


def inherited() -> dict[str, str]:
    """The variables of this process that such a program inherits: those of the session, and so no API key."""
    return {
        name: value for name, value in os.environ.items() if re.fullmatch(SESSION, name) and not SECRET.fullmatch(name)
    }
