"""The environment of the programs that play sound and control media players."""

import os

SESSION = {
    *("HOME", "USER", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ"),
    *("LANG", "LANGUAGE", "LC_ALL", "LC_COLLATE", "LC_CTYPE", "LC_MESSAGES", "LC_MONETARY", "LC_NUMERIC", "LC_TIME"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_DIRS", "XDG_DATA_DIRS"),
    *("XDG_RUNTIME_DIR", "XDG_SESSION_ID", "XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "DBUS_SESSION_BUS_ADDRESS"),
    *("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME", "WSL_INTEROP", "WSLENV"),
    *("PULSE_SERVER", "PULSE_SINK", "PULSE_COOKIE", "PULSE_RUNTIME_PATH", "PULSE_CLIENTCONFIG", "PULSE_CONFIG_PATH"),
    *("PULSE_LATENCY_MSEC", "PULSE_PROP", "PIPEWIRE_REMOTE", "PIPEWIRE_RUNTIME_DIR", "PIPEWIRE_LATENCY"),
    *("PIPEWIRE_PROPS", "PIPEWIRE_ALSA", "ALSA_CARD", "ALSA_CONFIG_DIR", "ALSA_CONFIG_PATH", "ALSA_PLUGIN_DIR"),
    *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
}
"""Names of the variables that describe the user's session and its sound. Any other may hold a key or a password."""


def inherited() -> dict[str, str]:
    """The variables of this process that such a program inherits: those of the session, and so no API key."""
    return {name: value for name, value in os.environ.items() if name in SESSION}
