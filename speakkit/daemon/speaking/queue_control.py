"""Operations that show or change the queue, and request no speech: skip, clear, pause, resume, mute, unmute, queue."""

import time
from collections.abc import Callable, Mapping
from functools import partial

from speakkit.daemon.queue.actions import Actions
from speakkit.daemon.queue.queue import Queue, Scope
from speakkit.daemon.speaking.replies import listing
from speakkit.daemon.wire import codec
from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import Done, Request
from speakkit.daemon.wire.requests import Clear, Operation


class QueueControl:
    """The operations. ops: name of each one -> its handler."""

    def __init__(self, queue: Queue, carry_out: Callable[[Actions], None], require_open: Callable[[], None]) -> None:
        """`carry_out` is called with the queue's actions; `require_open` raises Refused if the daemon is ending."""
        self._queue, self._carry_out, self._require_open = queue, carry_out, require_open
        self.ops: Mapping[str, Operation] = {
            "skip": self._carries_out(queue.skip),
            "clear": self._clear,
            "pause": self._pause,
            "resume": self._carries_out(queue.resume),
            "mute": self._carries_out(queue.mute),
            "unmute": self._carries_out(queue.unmute),
            "queue": self._list,
        }

    async def _clear(self, connection: Connection, request: Request) -> None:
        wish = codec.read(Clear, request.fields)
        whose = str(connection.number) if wish.scope is Scope.mine else wish.agent or connection.agent
        await self._carries_out(partial(self._queue.clear, scope=wish.scope, whose=whose))(connection, request)

    async def _pause(self, connection: Connection, request: Request) -> None:
        self._require_open()
        await self._carries_out(self._queue.pause)(connection, request)

    async def _list(self, connection: Connection, request: Request) -> None:
        connection.post(listing(self._queue.snapshot(time.monotonic(), connection.agent), request.id))

    def _carries_out(self, change: Callable[[float], Actions]) -> Operation:
        """The operation that makes a change of the queue. change: takes the time in seconds."""

        async def operation(connection: Connection, request: Request) -> None:
            self._carry_out(change(time.monotonic()))
            connection.post(Done(request.id))

        return operation
