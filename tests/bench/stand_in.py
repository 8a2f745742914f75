"""Loaded by workers in place of an instance: it speaks nothing, and fails as its voice or its text says."""

import time
from typing import Any

from speakkit.errors import BadValue, ModelError
from speakkit.workers.frames import Frame

FACTS: dict[str, Any] = {
    "weights": "none",
    "device": "cpu (1 threads)",
    "gpu": "",
    "torch": "2",
    "g2p": 0.01,
    "chunks": 1,
}


def load(settings):
    """The voice "missing" has no weights, "upstream" none for the plain loop, and "buggy" has a bug."""
    if settings["voice"] in ("missing", settings["engine"]):
        raise ModelError("there are no weights")
    if settings["engine"] == "upstream" and settings["batch"]:
        raise BadValue("the plain loop knows no batches")
    held = b"x" * 50_000_000

    def answer(asked):
        assert held
        if asked.fields["do"] == "read":
            yield Frame({**FACTS, "lost": ["日本"] if "日本" in asked.payload.decode() else []})
            return
        until = time.monotonic() + (asked.fields["seconds"] or 1e9)
        for seed in range(asked.fields["seed"], asked.fields["seed"] + asked.fields["count"]):
            if time.monotonic() > until:
                return
            time.sleep(0.1)
            if settings["voice"] == "buggy":
                raise KeyError(seed)
            yield Frame({"seconds": 0.1, "first_audio": 0.05, "audio": 2.0})

    return answer
