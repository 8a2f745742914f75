"""Units for systemd, for those who want it to start the daemon in place of the first client."""

import shlex
import sys

FOLDER = "~/.config/systemd/user"

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


def units() -> dict[str, str]:
    """The kind of each unit -> its text, for the Python that runs this."""
    command = f"{shlex.quote(sys.executable)} -P -m speakkit.daemon"
    return {
        "socket": SOCKET.format(folder=FOLDER),
        "service": SERVICE.format(folder=FOLDER, command=command.replace("%", "%%")),
    }
