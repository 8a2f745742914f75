"""A fake voice for tests of the daemon: it gives constant samples, or fails in a chosen way.

The text is a list of key=value options. "bit=3 seconds=0.5 pieces=2" gives two pieces of 0.5 s with the sample value
2 ** (3 - 20). If up to twenty texts have different bits, a sum of samples shows which of them overlapped. With ramp=1,
the sample value is the sample's number in the text * 2 ** -20, so that lost and repeated samples are found. Faults, at
the piece `at` (default 0): do=hang, do=exit, do=segv, do=garbage, do=nan, do=oom, do=error, do=voice, do=bug, do=spin.
slow=0.2 sleeps 0.2 s before each piece, and busy=0.2 uses 0.2 s of processor time before it. note=FILE appends a line
to a file for each order.
"""

import array
import ctypes
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from speakkit.daemon.speaking.synthesis_request import Begin, Order, Save, SpeechPiece
from speakkit.daemon.wire.messages import Span, SpokenWord
from speakkit.errors import BadValue, EngineError
from speakkit.speech_request import SpeechRequest

RATE = 24_000
TEXTS: dict[str, str] = {}


def load(likely: SpeechRequest) -> Callable[[Order], Iterator[SpeechPiece]]:
    time.sleep(float(os.environ.get("FAKE_LOAD", "0")))
    return answer


def answer(asked):
    if isinstance(asked, Save):
        time.sleep(float(os.environ.get("FAKE_SAVE", "0")))
        asked.file.parent.mkdir(exist_ok=True)
        asked.file.write_bytes(asked.sound)
        return
    if isinstance(asked, Begin):
        TEXTS[asked.id] = asked.request.text
    elif asked.id not in TEXTS:
        yield SpeechPiece(is_unknown=True)
        return
    wishes = dict(part.split("=") for part in TEXTS[asked.id].split() if "=" in part)
    if "note" in wishes:
        with Path(wishes["note"]).open("a") as notes:
            notes.write(f"{type(asked).__name__} {asked.number}\n")
    number, at = asked.number, int(wishes.get("at", "0"))
    if number >= int(wishes.get("pieces", "1")):
        yield SpeechPiece(is_over=True, lost=(Span(0, 1),) if "lost" in wishes else ())
        return
    time.sleep(float(wishes.get("slow", "0")))
    _work(float(wishes.get("busy", "0")))
    if "do" in wishes and number == at and not _was_done(wishes):
        DEEDS[wishes["do"]]()
    count = round(float(wishes.get("seconds", "0.2")) * RATE)
    value = float("nan") if wishes.get("do") == "nan" else 2.0 ** (int(wishes.get("bit", "0")) - 20)
    sound = array.array("f", [value]) * count
    if "ramp" in wishes:
        sound = array.array("f", [(number * count + place) / 2**20 for place in range(1, count + 1)])
    yield SpeechPiece(words=(SpokenWord(0, 1, 0.0, 0.1),), sound=sound.tobytes())


def _was_done(wishes):
    """With once=FILE, return whether the fault already happened, and record that it has."""
    if "once" not in wishes:
        return False
    if Path(wishes["once"]).exists():
        return True
    Path(wishes["once"]).touch()
    return False


def _work(seconds):
    """Use processor time, in seconds."""
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def _error():
    raise EngineError("this voice is broken; mend it")


def _voice():
    raise BadValue("there is no voice 'a'; did you mean b?")


def _bug():
    raise KeyError("a bug")


def _oom():
    raise MemoryError


def _garbage():
    os.write(int(sys.argv[1]), b"\xff" * 100 + b"\n")


DEEDS = {
    "hang": lambda: time.sleep(3600),
    "exit": lambda: os._exit(1),
    "segv": lambda: ctypes.string_at(0),
    "garbage": _garbage,
    "nan": lambda: None,
    "oom": _oom,
    "error": _error,
    "voice": _voice,
    "bug": _bug,
    "spin": lambda: _work(3600),
}
