"""An external engine that answers a clip of 16,000 + n samples as its argument n says."""

import json
import os
import signal
import sys
import time
import wave
from pathlib import Path

WORDS = [
    {"text": "hello", "start": 0.1, "end": 0.4, "confidence": 0.9},
    {"text": " world", "start": 0.4, "end": 1.05, "confidence": 0},
]

request: dict[str, str] = {}


def write(*answers, **fields):
    for line in answers or [json.dumps({"id": request["id"], "text": " Hello world.", "words": WORDS} | fields)]:
        print(line, flush=True)


def word(**fields):
    write(words=[WORDS[0] | fields])


def once(then):
    """Call `then` in the first process only."""
    if not Path("once").exists():
        Path("once").touch()
        then()
    write()


def blow():
    for _ in range(1024):
        sys.stdout.write("x" * 2**20)


def say(text):
    print(text, file=sys.stderr, flush=True)


def path():
    """Answers the path, the mode of its folder, the format and what else was asked."""
    mode = oct(Path(request["path"]).parent.stat().st_mode)[-3:]
    write(text=json.dumps([request, mode, sound.getparams()[:3]]), language="fr")


ANSWERS = {
    "well": write,
    "path": path,
    "environment": lambda: write(text=json.dumps(dict(os.environ))),
    "error": lambda: write(error="no speech\nin \x1b[31mit"),
    "late": lambda: write('{"id": "1", "text": "late"}', json.dumps({"id": request["id"], "text": "in time"})),
    "other id": lambda: write('{"id": "someone else", "text": "x"}'),
    "id of a number": lambda: write(id=1),
    "no id": lambda: write('{"text": "x"}'),
    "no JSON": lambda: write("Hello world."),
    "a list": lambda: write("[]"),
    "two at once": lambda: write('{"id": "1"} {"id": "1"}'),
    "deep": lambda: write('{"id": "1", "x": ' + "[" * 100_000 + "]" * 100_000 + "}"),
    "noise": lambda: write("Loading the model...", json.dumps({"id": request["id"], "text": "x"})),
    "NaN": lambda: word(confidence=float("nan")),
    "huge": lambda: write(f'{{"id": "{request["id"]}", "text": "x", "words": [{{"text": "x", "start": 1e999}}]}}'),
    "disorder": lambda: write(words=WORDS[::-1]),
    "backwards": lambda: word(start=0.5),
    "before": lambda: word(start=-0.1),
    "beyond": lambda: word(end=1.2),
    "far beyond": lambda: word(start=9.0, end=None),
    "too sure": lambda: word(confidence=1.1),
    "blank word": lambda: word(text=" "),
    "text of a number": lambda: write(text=3),
    "no text": lambda: write(text=None),
    "odd language": lambda: write(language="English\x1b[31m"),
    "language and more": lambda: write(language="en\n"),
    "half": lambda: write('{"id": "1", "text": "\\ud800"}'),
    "exit": lambda: (say("Traceback ...\nKeyError: 'x'"), sys.exit(3)),
    "signal": lambda: os.kill(os.getpid(), signal.SIGSEGV),
    "close": lambda: (os.close(1), time.sleep(60)),
    "hang": lambda: (print("...", end="", flush=True), time.sleep(60)),
    "blow": blow,
    "exit once": lambda: once(lambda: sys.exit(3)),
}

for line in sys.stdin:
    request = json.loads(line)
    with wave.open(request["path"], "rb") as sound:
        ANSWERS[sys.argv[1:][sound.getnframes() - 16_000]]()
