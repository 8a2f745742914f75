"""Fake recognizers for tests of the daemon, each named after what it does: fake, slow, busy, hang, exit, error, bug.

They are loaded by the daemon's own worker.
"""

import os
import time
from collections.abc import Callable, Iterator

from speakkit.daemon.transcription import worker
from speakkit.daemon.transcription.order import Order
from speakkit.daemon.wire.transcription import Recognition
from speakkit.engines import fake, registry
from speakkit.errors import BadValue, EngineError

SLOW, BUSY = 0.3, 1.0
"""Seconds that the slow recognizer takes for a clip, and seconds of processor time that the busy one uses for it."""


def _work():
    until = time.process_time() + BUSY
    while time.process_time() < until:
        pass


def _error():
    raise EngineError("this recognizer is broken; mend it")


def _value():
    raise BadValue("this recognizer knows no such language; try en")


DEEDS = {
    "fake": lambda: None,
    "slow": lambda: time.sleep(SLOW),
    "busy": _work,
    "hang": lambda: time.sleep(3600),
    "exit": lambda: os._exit(1),
    "error": _error,
    "value": _value,
}


class Scripted(fake.FakeRecognizer):
    """A recognizer that does its deed, then returns "word" once per second of the clip."""

    @classmethod
    def load(cls, name, _device="auto"):
        return cls(lambda clip: DEEDS[name]() or fake.counted(clip), name)

    def transcribe(self, clips, language):
        if self.identity.name == "bug":
            raise KeyError("a bug")
        return super().transcribe(clips, language)


def load(niceness: int) -> Callable[[Order], Iterator[Recognition]]:
    vars(fake)["Scripted"] = Scripted
    registry.RECOGNIZERS = dict.fromkeys([*DEEDS, "bug"], "fake.Scripted")
    registry.default_recognizer = lambda *_: "fake"
    return worker.load(niceness)
