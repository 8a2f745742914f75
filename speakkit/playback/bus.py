"""A connection to the D-Bus session bus, by jeepney: calls, and what is told unasked."""

import asyncio
import os
import struct
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jeepney
from jeepney.auth import BEGIN, Authenticator
from jeepney.bus import get_bus
from jeepney.io.asyncio import DBusConnection
from jeepney.wrappers import unwrap_msg

from speakkit.playback.holding import Unanswered, Unreachable

ANSWER = 1.0
"""Seconds in which the bus itself takes a connection."""

Told = Callable[[str, Any], None]
"""Is called with the unique name of who told something, and the body of the message."""


@dataclass(frozen=True)
class Interface:
    """Some methods of an object of a program."""

    program: str
    path: str
    name: str


DAEMON = Interface("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
"""The bus itself."""


class Bus:
    """A connection, until it breaks. jeepney's own router breaks when an answer comes just after its time-out."""

    def __init__(self, connection: DBusConnection, told: Told) -> None:
        """Is called by `open`."""
        self._connection = connection
        self._told = told
        self._answers: dict[int, asyncio.Future[jeepney.Message]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, told: Told) -> Self:
        """Connect to the bus that the environment names, or else to that of the user. Raises Unreachable."""
        address = _address()
        try:
            async with asyncio.timeout(ANSWER):
                bus = cls(await _connected(get_bus(address)), told)
                try:
                    await bus.call(DAEMON, "Hello")
                except (Unanswered, asyncio.CancelledError):
                    await bus.close()
                    raise
                return bus
        # An address in an unknown form is a ValueError or a RuntimeError; so is one who does not know us.
        except (OSError, ValueError, RuntimeError, Unanswered) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"the D-Bus session bus at {address} does not answer ({reason})") from error

    @property
    def is_open(self) -> bool:
        """Whether it has not broken."""
        return not self._reader.done()

    def send(self, interface: Interface, method: str, *arguments: str) -> int:
        """Call a method whose answer does not matter. Returns the call's number."""
        address = jeepney.DBusAddress(interface.path, interface.program, interface.name)
        message = jeepney.new_method_call(address, method, "s" * len(arguments), arguments)
        serial: int = next(self._connection.outgoing_serial)
        self._connection.writer.write(message.serialise(serial))
        return serial

    async def call(self, interface: Interface, method: str, *arguments: str) -> tuple[Any, ...]:
        """What a method answers, however long that takes. Raises Unanswered for an error, or where the bus is gone."""
        if not self.is_open:
            raise Unanswered
        serial = self.send(interface, method, *arguments)
        answer = self._answers[serial] = asyncio.get_running_loop().create_future()
        try:
            return tuple(unwrap_msg(await answer))
        except jeepney.DBusErrorResponse as error:
            raise Unanswered from error
        finally:
            self._answers.pop(serial, None)

    async def close(self) -> None:
        """Hang up."""
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader

    async def _read(self) -> None:
        try:
            # Of what cannot be parsed nobody knows where it ends.
            with suppress(OSError, EOFError, ValueError, LookupError, TypeError, struct.error):
                while True:
                    self._dispatch(await self._connection.receive())
        finally:
            self._connection.writer.close()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(Unanswered())

    def _dispatch(self, message: jeepney.Message) -> None:
        fields = message.header.fields
        answer = self._answers.get(fields.get(jeepney.HeaderFields.reply_serial, 0))
        if answer and not answer.done():
            answer.set_result(message)
        elif message.header.message_type is jeepney.MessageType.signal:
            self._told(fields.get(jeepney.HeaderFields.sender, ""), message.body)


def _address() -> str:
    """Raises Unreachable."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    # Cron and some agents have lost the variable, and systemd's bus is where it always is.
    path = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}") / "bus"
    if not path.is_socket():
        raise Unreachable("there is no D-Bus session bus")
    return f"unix:path={path}"


async def _connected(path: str) -> DBusConnection:
    """Raises OSError, and ValueError where we are not who may use it."""
    reader, writer = await asyncio.open_unix_connection(path)
    with ExitStack() as stack:
        stack.callback(writer.close)
        conversation = Authenticator()
        for words in conversation:
            writer.write(words)
            conversation.feed(await reader.readline() or b"no answer\r\n")
        writer.write(BEGIN)
        stack.pop_all()
    return DBusConnection(reader, writer)
