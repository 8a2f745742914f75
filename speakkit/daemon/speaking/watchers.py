"""Connections that watch the queue. Each event is sent to all of them; texts only for a connection's own agent."""

import time
from typing import Any

from speakkit.daemon.queue.utterance import QueuedUtterance
from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import Happening, Watched

SHOWN = 1000
"""Maximum characters of a text that are sent."""


class Watchers:
    """The watching connections. One that does not read its messages is closed, as `Connection.post` describes."""

    def __init__(self) -> None:
        self._requests: dict[Connection, str] = {}

    def __bool__(self) -> bool:
        return bool(self._requests)

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._requests

    def add(self, connection: Connection, request_id: str) -> None:
        """Send all events to `connection` from now on, as answers to its request."""
        self._requests[connection] = request_id

    def remove(self, connection: Connection, request_id: str | None = None) -> bool:
        """Stop watching. request_id: only if this is the request. Returns whether the connection was watching."""
        if request_id is not None and self._requests.get(connection) != request_id:
            return False
        return self._requests.pop(connection, None) is not None

    def tell(
        self, happening: Happening, utterance_id: str, agent: str, *, only: Connection | None = None, **facts: Any
    ) -> None:
        """Send an event about an utterance of `agent`. only: to that watcher; facts: fields of `Watched`.

        A watcher gets texts only of utterances of its own agent.
        """
        now = time.time()
        for connection, request_id in tuple(self._requests.items()):
            if only not in (None, connection):
                continue
            shown = facts
            if connection.agent != agent:
                shown = {name: value for name, value in facts.items() if name != "text"}
            connection.post(Watched(request_id, happening, utterance_id, agent, now, **shown))

    def tell_of_text(
        self, happening: Happening, utterance: QueuedUtterance, *, only: Connection | None = None, **facts: Any
    ) -> None:
        """As `tell`, with the text, voice and priority of the utterance."""
        self.tell(
            happening,
            utterance.id,
            utterance.agent,
            only=only,
            text=utterance.request.text[:SHOWN],
            voice=utterance.request.voice,
            priority=utterance.options.priority.value,
            **facts,
        )
