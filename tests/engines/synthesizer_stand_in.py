"""Replaces the synthesizer in worker processes. A chunk's only sample is its index.

The phonemes "die" end the process, "die once PATH" do so if there is no such file, and "wait" never ends.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from speakkit.engines.pool import SentSynthesis
from speakkit.errors import EngineError
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk


def load(_: str) -> Callable[[list[Chunk]], Iterator[Outcome[Chunk, SentSynthesis]]]:
    return answer


def answer(chunks):
    for chunk in chunks:
        match chunk.phonemes.split(" "):
            case ["die"]:
                os._exit(9)
            case ["die", "once", path]:
                with suppress(FileExistsError):
                    Path(path).touch(exist_ok=False)
                    os._exit(9)
            case ["fail"]:
                yield Outcome(chunk, error=EngineError("it failed, as told"))
                continue
            case ["wait"]:
                time.sleep(3600)
        samples = np.full(24_000, chunk.index, np.float32)
        yield Outcome(chunk, SentSynthesis(samples.tobytes(), 24_000, (40,)))
