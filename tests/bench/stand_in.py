"""Replaces the bench instance in worker processes. It makes no speech, and fails as the voice or the text specifies."""

import time
from collections.abc import Callable, Iterator

from speakkit.bench.messages import Facts, Read, Setup, Speak, Spoken
from speakkit.errors import BadValue, ModelError


def load(setup: Setup) -> Callable[[Speak | Read], Iterator[Spoken | Facts]]:
    """Return the stand-in's answer function.

    Voice "missing" has no weights. Voice "upstream" has no weights for the plain loop. Voice "buggy" raises KeyError.
    """
    if setup.voice in ("missing", setup.engine):
        raise ModelError("there are no weights")
    if setup.engine == "upstream" and setup.batch:
        raise BadValue("the plain loop knows no batches")
    held = b"x" * 50_000_000

    def answer(asked):
        assert held
        if isinstance(asked, Read):
            yield Facts("none", "cpu (1 threads)", "", "2", 1, 0.01, 1, ("日本",) if "日本" in asked.text else ())
            return
        work = asked.work
        until = time.monotonic() + (work.seconds or 1e9)
        for seed in range(work.seed, work.seed + work.count):
            if time.monotonic() > until:
                return
            time.sleep(0.1)
            if setup.voice == "buggy":
                raise KeyError(seed)
            yield Spoken(0.1, 0.05, 2.0)

    return answer
