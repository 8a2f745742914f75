"""Requests that ended the voice's process on each try. They are refused for a while, so that others can be spoken."""

import time
from collections import OrderedDict

from speakkit.daemon.wire.protocol import Code
from speakkit.daemon.wire.requests import Refused
from speakkit.speech_request import SpeechRequest

REST = 600.0
"""Seconds for which a request is refused. Its text may be harmless: the machine may have been short of memory."""

KEPT = 64
"""Maximum number of requests; beyond that, the oldest is accepted again."""


class Quarantine:
    """The requests, by hash, so that their texts are not kept."""

    def __init__(self) -> None:
        self._since: OrderedDict[int, float] = OrderedDict()

    def add(self, request: SpeechRequest) -> None:
        """Refuse a request from now on."""
        self._since[hash(request)] = time.monotonic()
        while len(self._since) > KEPT:
            self._since.popitem(last=False)

    def require_free(self, request: SpeechRequest) -> None:
        """Raises Refused if a request is refused."""
        since = self._since.get(hash(request))
        if since is not None and time.monotonic() - since < REST:
            raise Refused(
                Code.engine_failed,
                f"this text ended the voice's process on each try; it is refused for {REST / 60:g} minutes,"
                " so that other texts can be spoken",
            )
