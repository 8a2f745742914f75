"""The daemon's worker process that recognizes speech, one clip at a time."""

import os
from collections.abc import Callable, Iterator

import numpy as np

from speakkit import config
from speakkit.audio import Audio
from speakkit.daemon.transcription.order import Order
from speakkit.daemon.wire.transcription import RATE, Recognition
from speakkit.engines import locations, registry


def load(niceness: int) -> Callable[[Order], Iterator[Recognition]]:
    """The handler of the worker. A recognizer is loaded by the first order for it, and kept.

    niceness: of this process, as by nice(1)
    It fetches nothing, since other clips would wait for that: clients fetch before they send a request.
    """
    niceness = max(niceness, os.getpriority(os.PRIO_PROCESS, 0))
    os.setpriority(os.PRIO_PGRP, 0, niceness)  # of all threads, also of those that the imports above have started
    locations.use(config.locations, fetches=False)
    return answer


def answer(order: Order) -> Iterator[Recognition]:
    """The reply to an order. Raises SpeakkitError if the clip cannot be recognized."""
    wish = order.wish
    clip = Audio(np.frombuffer(order.sound, "<f4").astype(np.float32), RATE)
    name = wish.recognizer or registry.default_recognizer(wish.device, wish.language)
    with registry.recognizer(name, wish.device) as recognizer:
        (outcome,) = recognizer.transcribe([clip], wish.language)
        yield Recognition(outcome.result(), recognizer.identity, recognizer.device)
