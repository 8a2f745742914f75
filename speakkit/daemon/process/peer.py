"""Who is at the other end of a socket, as the kernel says."""

import os
import socket
import struct
import sys
from dataclasses import dataclass

LINUX = struct.Struct("iII")
"""struct ucred of unix(7): pid, uid, gid."""

MACOS = struct.Struct("II")
"""The beginning of struct xucred of <sys/ucred.h>: version, uid. Unverified: never run on macOS."""

MACOS_CREDENTIALS = (0, 1)  # SOL_LOCAL, LOCAL_PEERCRED of <sys/un.h>


@dataclass(frozen=True)
class Peer:
    """A process. pid: None where the kernel does not say."""

    uid: int
    pid: int | None


def of(channel: socket.socket) -> Peer | None:
    """Who connected, or who listens; None where the kernel does not say."""
    try:
        if sys.platform == "darwin":
            version, uid = MACOS.unpack(channel.getsockopt(*MACOS_CREDENTIALS, MACOS.size))
            return None if version else Peer(uid, None)
        pid, uid, _ = LINUX.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, LINUX.size))
    except (AttributeError, OSError, struct.error):
        return None
    return Peer(uid, pid)


def is_ours(channel: socket.socket) -> bool:
    """Whether the same user is at the other end. Root is no exception: a container's root is root to the kernel."""
    found = of(channel)
    return found is not None and found.uid == os.geteuid()
