"""The process at the other end of a Unix socket, as the kernel reports it."""

import os
import socket
import struct
import sys
from dataclasses import dataclass

LINUX = struct.Struct("iII")
"""struct ucred of unix(7): pid, uid, gid."""

MACOS = struct.Struct("II")
"""Beginning of struct xucred of <sys/ucred.h>: version, uid. Unverified: never run on macOS."""

MACOS_CREDENTIALS = (0, 1)  # SOL_LOCAL, LOCAL_PEERCRED of <sys/un.h>


@dataclass(frozen=True)
class Peer:
    """A process. uid: its effective user id; pid: its process id, None if the kernel does not report it."""

    uid: int
    pid: int | None


def of(channel: socket.socket) -> Peer | None:
    """The process at the other end of `channel`; None if the kernel does not report it."""
    try:
        if sys.platform == "darwin":
            version, uid = MACOS.unpack(channel.getsockopt(*MACOS_CREDENTIALS, MACOS.size))
            return None if version else Peer(uid, None)
        pid, uid, _ = LINUX.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, LINUX.size))
    except (AttributeError, OSError, struct.error):
        return None
    return Peer(uid, pid)


def is_ours(channel: socket.socket) -> bool:
    """Whether a process of the same user is at the other end.

    Root is not accepted either: the root of a container is root to the kernel.
    """
    found = of(channel)
    return found is not None and found.uid == os.geteuid()
