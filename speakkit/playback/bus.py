"""A connection to the D-Bus session bus through jeepney: method calls and signals."""

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
"""Timeout in seconds for connecting to the bus."""

Told = Callable[[str, Any], None]
"""Signal handler: called with the unique name of the sender and the body of the message."""


@dataclass(frozen=True)
class Interface:
    """A D-Bus interface of an object.

    program: the bus name of the program that owns the object
    path: the object's path
    name: the interface's name
    """

    program: str
    path: str
    name: str


DAEMON = Interface("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
"""The interface of the bus itself."""


class Bus:
    """A connection to the bus, usable until it breaks.

    It replaces jeepney's own router, which fails when a reply arrives just after its timeout.
    """

    def __init__(self, connection: DBusConnection, told: Told) -> None:
        """Use `open` instead. told: handler of all signals."""
        self._connection = connection
        self._told = told
        self._answers: dict[int, asyncio.Future[jeepney.Message]] = {}
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, told: Told) -> Self:
        """Connect to the bus named in the environment, or else to the user's systemd bus. Raises Unreachable."""
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
        # A malformed address is a ValueError or a RuntimeError; so is a failed authentication.
        except (OSError, ValueError, RuntimeError, Unanswered) as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"the D-Bus session bus at {address} does not answer ({reason})") from error

    @property
    def is_open(self) -> bool:
        """Whether the connection has not broken."""
        return not self._reader.done()

    def send(self, interface: Interface, method: str, *arguments: str) -> int:
        """Call a method without waiting for the reply. Returns the serial number of the call."""
        address = jeepney.DBusAddress(interface.path, interface.program, interface.name)
        message = jeepney.new_method_call(address, method, "s" * len(arguments), arguments)
        serial: int = next(self._connection.outgoing_serial)
        self._connection.writer.write(message.serialise(serial))
        return serial

    async def call(self, interface: Interface, method: str, *arguments: str) -> tuple[Any, ...]:
        """The reply of a method, without a timeout. Raises Unanswered for an error reply or a broken connection."""
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
        """Close the connection. Calls in progress raise Unanswered."""
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader

    async def _read(self) -> None:
        try:
            # The end of a message that cannot be parsed is unknown, so nothing after it can be read.
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
    """The address of the session bus. Raises Unreachable if there is none."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    # Under cron and in some agents the variable is missing; systemd's bus always has this path.
    path = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}") / "bus"
    if not path.is_socket():
        raise Unreachable("there is no D-Bus session bus")
    return f"unix:path={path}"


async def _connected(path: str) -> DBusConnection:
    """An authenticated connection. Raises OSError, and ValueError if the bus rejects this user."""
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
