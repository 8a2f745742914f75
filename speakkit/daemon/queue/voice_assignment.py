"""Which voice an agent gets who asks for none: the same each time, and one that no other agent speaks with now."""

import hashlib
from collections import OrderedDict

POOL = ("f1", "m1", "f2", "m2", "f3", "m3", "f4", "m4")
"""The voices to choose from: American and British English."""

ACTIVE = 600.0
"""Seconds after which an agent who has said nothing more is gone, and its voice free for others."""

REMEMBERED = 256
"""Agents."""


class VoiceAssignment:
    """Who speaks with which voice."""

    def __init__(self) -> None:
        self._cast: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def voice(self, agent: str, now: float) -> str:
        """The voice of an agent who speaks now. now: seconds, never falling."""
        kept = self._cast.pop(agent, None)
        taken = {voice for voice, heard in self._cast.values() if now - heard < ACTIVE}
        first = hashlib.blake2b(agent.encode(), digest_size=8).digest()[0] % len(POOL)
        wishes = [*([kept[0]] if kept else []), *POOL[first:], *POOL[:first]]
        voice = next((wish for wish in wishes if wish not in taken), wishes[0])
        self.heard(agent, voice, now)
        return voice

    def heard(self, agent: str, voice: str, now: float) -> None:
        """An agent speaks with a voice, of its own choice or ours."""
        self._cast.pop(agent, None)
        self._cast[agent] = voice, now
        if len(self._cast) > REMEMBERED:
            self._cast.popitem(last=False)
