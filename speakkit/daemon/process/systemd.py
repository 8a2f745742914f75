"""systemd units that start the daemon, as an alternative to its start by the first client."""

import shlex
import sys

FOLDER = "~/.config/systemd/user"
"""Folder of the units, for the comment in each of them."""

SOCKET = """\
# {folder}/speakkit.socket
# Set it up: speakkit daemon stop; systemctl --user daemon-reload; systemctl --user enable --now speakkit.socket

[Unit]
Description=Socket of speakkit, one voice at a time

[Socket]
ListenStream=%t/speakkit/daemon.sock
SocketMode=0600
DirectoryMode=0700

[Install]
WantedBy=sockets.target
"""
"""Template of speakkit.socket."""

SERVICE = """\
# {folder}/speakkit.service

[Unit]
Description=speakkit, one voice at a time
Requires=speakkit.socket
After=speakkit.socket

[Service]
ExecStart={command}
Environment=SPEAKKIT_RUNTIME_DIR=%t/speakkit
UMask=0077
LimitCORE=0
NoNewPrivileges=yes
TimeoutStopSec=10
Restart=on-failure
"""
"""Template of speakkit.service."""


def units() -> dict[str, str]:
    """Kind of each unit -> its text, for the running Python."""
    command = f"{shlex.quote(sys.executable)} -P -m speakkit.daemon"
    return {
        "socket": SOCKET.format(folder=FOLDER),
        "service": SERVICE.format(folder=FOLDER, command=command.replace("%", "%%")),
    }
