"""Utterances for tests of the queue, from keyword arguments."""

from typing import Any

from msgspec import structs

from speakkit.daemon.queue.utterance import QueuedUtterance, QueueOptions
from speakkit.speech_request import SpeechRequest

SPEECH = {field.name for field in structs.fields(SpeechRequest)}


def queued(
    name: str, agent: str, owner: str, arrival: float, *, repeats: str = "", guest: str = "", **wishes: Any
) -> QueuedUtterance:
    """Return an utterance; each keyword in `wishes` is a field of `SpeechRequest` or of `QueueOptions`."""
    speech = SpeechRequest(**{key: value for key, value in wishes.items() if key in SPEECH})
    options = QueueOptions(**{key: value for key, value in wishes.items() if key not in SPEECH})
    return QueuedUtterance(name, agent, owner, arrival, speech, options, repeats, guest)
