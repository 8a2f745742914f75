"""Assigns a voice to each agent that requests none.

It is the same voice each time if possible, and none that another agent currently uses.
"""

import hashlib
from collections import OrderedDict

from msgspec import structs

from speakkit.speech_request import SpeechRequest

POOL = ("f1", "m1", "f2", "m2", "f3", "m3", "f4", "m4")
"""Voices to choose from: American and British English."""

ACTIVE = 600.0
"""Seconds without speech after which an agent counts as gone, and its voice as free."""

REMEMBERED = 256
"""Maximum number of agents that are kept."""


class VoiceAssignment:
    """Which agent uses which voice."""

    def __init__(self) -> None:
        self._cast: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def named(self, request: SpeechRequest, agent: str, now: float) -> SpeechRequest:
        """A request that names a voice: its own, or the one that is assigned to its agent. now: as in `voice`."""
        if request.voice:
            self.heard(agent, request.voice, now)
            return request
        return structs.replace(request, voice=self.voice(agent, now))

    def voice(self, agent: str, now: float) -> str:
        """The voice for an agent that speaks now. now: seconds, never decreasing."""
        kept = self._cast.pop(agent, None)
        taken = {voice for voice, heard in self._cast.values() if now - heard < ACTIVE}
        first = hashlib.blake2b(agent.encode(), digest_size=8).digest()[0] % len(POOL)
        wishes = [*([kept[0]] if kept else []), *POOL[first:], *POOL[:first]]
        voice = next((wish for wish in wishes if wish not in taken), wishes[0])
        self.heard(agent, voice, now)
        return voice

    def heard(self, agent: str, voice: str, now: float) -> None:
        """Record that an agent speaks with a voice, chosen or assigned."""
        self._cast.pop(agent, None)
        self._cast[agent] = voice, now
        if len(self._cast) > REMEMBERED:
            self._cast.popitem(last=False)
