"""A decoder in a worker process that is ended by the file, or never ends."""

import os
import signal
import time
from collections.abc import Callable, Iterator


def load(_: int) -> Callable[[bytes], Iterator[bytes]]:
    """The handler, in place of that of `speakkit.ffmpeg`."""

    def answer(name: bytes) -> Iterator[bytes]:
        yield bytes(64_000)
        if b"deadly" in name:
            os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(600)

    return answer
