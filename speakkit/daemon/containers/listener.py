"""The daemon's second listener, for containers, which may speak through the common queue and do little else.

The socket is in a folder of its own, which is mounted into containers. The folder around it stays closed, so that only
containers that have it mounted can reach the socket. The folder is mounted, and not the socket file: a mounted file
would remain the socket of a daemon that has ended, after a new one has started.
"""

import asyncio
import logging
import os
import socket
import stat
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from msgspec import structs

from speakkit.config import Settings
from speakkit.daemon.process import lifecycle, peer
from speakkit.daemon.process.lifecycle import Published
from speakkit.daemon.process.rundir import RuntimeDir
from speakkit.daemon.queue import quiet_hours
from speakkit.daemon.queue.actions import Result, Stage
from speakkit.daemon.queue.utterance import Interrupt, Priority, QueueOptions
from speakkit.daemon.wire import codec, messages
from speakkit.daemon.wire.connection import Connection, ConnectionLimits
from speakkit.daemon.wire.messages import Accepted, Event, Finished, Hello, Message, Request, Started
from speakkit.daemon.wire.protocol import Code, ProtocolError, text_of
from speakkit.daemon.wire.requests import Refused, Speak, required_id
from speakkit.errors import DaemonError, ExitCode, storage_error
from speakkit.speech_request import SpeechRequest
from speakkit.workers.frames import JsonValue

log = logging.getLogger(__name__)

SOCKET = "speak.sock"
"""Name of the socket in its folder."""

PREFIX = "c:"
"""Prefix of the names of all agents in containers, so that none can use the name of one of the user's agents."""

CONNECTIONS = 16
"""Maximum connections of containers at once; the user's own are counted separately."""

CHARACTERS = 4096
"""Maximum characters of a text."""

QUEUED = 20
"""Maximum utterances of all containers together that have not ended."""

REQUESTS = 10
"""Maximum requests of all containers together in any second."""

REST = 0.1
"""Seconds to wait before a request beyond that limit is refused, so that a flood of requests costs little."""

FREE = {"text", "voice", "lang", "speed", "seed", "markup", "prio", "interrupt", "dedupe", "replace", "ttl"}
"""Fields of a `speak` that a container may set; `text` is the payload."""

NO_AGENT = f"an agent must be 1 to {64 - len(PREFIX)} letters, digits or . _ : -"
"""Message for an invalid agent name."""
NO_OP = "a container may use only hello, speak, cancel and status"
"""Message for an operation that containers may not use."""
UNTOLD = "speech failed on the host; try there: speakkit doctor"
"""Message for a failure on the host; the real one may contain file names of the host."""

HINT = "; did you mean "
"""Beginning of the hint in a message of `voices.find`; it may contain names of the user's own voices and blends."""


class Stages(Event, frozen=True):
    """Reply to a status request. stages: id of each of its utterances that have not ended -> waiting or playing."""

    id: str | None
    stages: Mapping[str, str]


def listen(place: RuntimeDir, settings: Settings) -> "Containers | None":
    """The listener for containers; None if it cannot be created. That is logged, and does not stop the daemon."""
    try:
        _make(place.containers)
        published = lifecycle.bound(place.containers / SOCKET, 0o111)
    except DaemonError as error:
        log.error("does not listen for containers: %s", error)  # noqa: TRY400  the message is enough
        return None
    return Containers(published, (0, os.geteuid()), settings)


class Containers:
    """All connections of the listener, and the limits that they share.

    published: the socket
    guests: the connections
    refused: number of connections and requests that were refused
    """

    def __init__(self, published: Published, uids: Sequence[int], settings: Settings) -> None:
        """Listen at `published`. uids: user ids that may connect, in addition to those of the settings."""
        self.published = published
        self.guests: set[Guest] = set()
        self.refused = 0
        self._uids = (*(range(uid, uid + 1) for uid in uids), *_ranges(settings.container_uids))
        self._agents, self._quiet_hours = settings.agents, settings.quiet_hours
        self._delivery: Mapping[str, JsonValue] = {"lang": settings.lang, "speed": settings.speed}
        self._threads = settings.threads
        self._asked: deque[float] = deque(maxlen=REQUESTS)

    @property
    def status(self) -> Mapping[str, Any]:
        """Fields for the daemon's status: the folder to mount, and how often something was refused."""
        return {"containers": str(self.published.path.parent), "refused": self.refused}

    def admits(self, channel: socket.socket) -> bool:
        """Whether the peer process may connect, by the uid from the kernel; 0 is root in most containers."""
        found = peer.of(channel)
        if found is not None and any(found.uid in uids for uids in self._uids):
            return True
        self.refused += 1
        who = "a process with unknown uid" if found is None else f"uid {found.uid}"
        log.warning("%s tried to connect from a container; see the setting container_uids", who)
        return False

    async def keep_pace(self) -> None:
        """Count a request. Raises Refused, after a pause, if there are too many in one second."""
        now = time.monotonic()
        if len(self._asked) == REQUESTS and now - self._asked[0] < 1.0:
            await asyncio.sleep(REST)
            raise Refused(Code.busy, f"containers sent more than {REQUESTS} requests in a second", round(1000 * REST))
        self._asked.append(now)

    def script(self, request: Request, agent: str) -> Mapping[str, JsonValue]:
        """The fields of a container's `speak`, with defaults. Raises Refused or ProtocolError if it is not allowed.

        Voice, language and speed that the request does not set come from the settings of `agent`, then from the common
        settings. A voice that is still missing is assigned by the daemon.
        """
        known = self._agents.get(agent)
        persona = {"voice": known.voice, "speed": known.speed} if known else {}
        defaults = {**self._delivery, **{name: value for name, value in persona.items() if value is not None}}
        given: dict[str, JsonValue] = {**defaults, **request.fields}
        options = codec.read(QueueOptions, given)
        for kind in (SpeechRequest, QueueOptions, Speak):
            wish = codec.read(kind, given)
            for each in structs.fields(kind):
                if each.encode_name not in FREE and getattr(wish, each.name) != each.default:
                    raise Refused(Code.denied, f"a container cannot set {each.encode_name}")
        if options.priority is Priority.urgent or options.interrupt is Interrupt.all:
            raise Refused(Code.denied, "containers cannot interrupt others: prio up to normal, interrupt none or agent")
        if quiet_hours.is_quiet(self._quiet_hours, datetime.now().time()):  # noqa: DTZ005  local time
            raise Refused(Code.denied, f"containers cannot speak in the quiet hours, {self._quiet_hours}")
        if len(text_of(request.payload)) > CHARACTERS:
            raise Refused(Code.too_large, f"a container can send at most {CHARACTERS} characters at once")
        return {**given, "threads": self._threads}

    def require_room(self) -> None:
        """Raises Refused if there are too many utterances already."""
        if sum(len(guest.stages) for guest in self.guests) >= QUEUED:
            raise Refused(Code.busy, f"{QUEUED} utterances of containers are queued already", 1000)


class Guest(Connection):
    """A connection of a container. Its request ids get a prefix with the connection's number inside the daemon.

    stages: id of each utterance that has not ended -> its stage
    """

    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        limits: ConnectionLimits,
        containers: Containers,
    ) -> None:
        super().__init__(number, reader, writer, limits)
        self.stages: dict[str, Stage] = {}
        self._containers = containers
        self._mark = f"{PREFIX}{number}:"
        containers.guests.add(self)

    async def passed(self, request: Request) -> Request | None:
        """The request as the daemon is to handle it, if a container may send it. Raises Refused or ProtocolError."""
        try:
            await self._containers.keep_pace()
            return self._allowed(request)
        except (Refused, ProtocolError):
            self._containers.refused += 1
            raise

    def post(self, message: Message) -> None:
        """As in Connection. Also records the stage of each utterance."""
        if isinstance(message, Accepted):
            self.stages.setdefault(message.id, Stage.waiting)
        elif isinstance(message, Started):
            self.stages[message.id] = Stage.playing
        elif isinstance(message, Finished):
            self.stages.pop(message.id, None)
            message = _discreet(message)
        name = getattr(message, "id", None)
        if name and name.startswith(self._mark):
            message = structs.replace(cast("Any", message), id=name.removeprefix(self._mark))
        super().post(message)

    async def close(self) -> None:
        """As in Connection."""
        self._containers.guests.discard(self)
        await super().close()

    def _allowed(self, request: Request) -> Request | None:
        """The request with its fields and id changed; None for a status request, which is answered here."""
        if request.op == "hello":
            return replace(request, fields=self._hello(request))
        if request.op == "speak":
            return self._speak(request)
        if request.op == "cancel":
            return replace(request, id=self._mark + required_id(request))
        if request.op != "status":
            raise Refused(Code.denied, NO_OP)
        own = {name.removeprefix(self._mark): stage for name, stage in self.stages.items()}
        self.post(Stages(request.id, own))
        return None

    def _hello(self, request: Request) -> Mapping[str, JsonValue]:
        """The fields of a hello, with a prefix before the agent's name. Raises ProtocolError for an invalid name."""
        hello = codec.read(Hello, request.fields)
        agent = PREFIX + hello.agent
        if not messages.NAME.fullmatch(hello.agent) or not messages.NAME.fullmatch(agent):
            raise ProtocolError(Code.bad_request, NO_AGENT)
        return {"proto": hello.proto, "agent": agent, "upgrade": False}

    def _speak(self, request: Request) -> Request:
        """A `speak` with its id and fields changed. Raises Refused or ProtocolError."""
        name = self._mark + required_id(request)
        script = self._containers.script(request, self.agent)
        if name not in self.stages:
            self._containers.require_room()
        return replace(request, id=name, fields=script)


def _discreet(end: Finished) -> Finished:
    """A `Finished` without facts and names of the host, and with at most one warning; `lost` covers the others."""
    own = tuple(each.partition(HINT)[0] for each in end.warnings[-1:])
    warnings = own if end.exit == ExitCode.USAGE else (UNTOLD,) if end.result is Result.failed else ()
    return structs.replace(end, warnings=warnings, facts={})


def _ranges(uids: str) -> Iterator[range]:
    """Ranges of user ids in the setting container_uids."""
    for part in filter(None, uids.split(",")):
        first, _, last = part.partition("-")
        yield range(int(first), int(last or first) + 1)


def _make(folder: Path) -> None:
    """Create a folder that all users can enter and only this user can write to. Raises DaemonError."""
    try:
        folder.mkdir(exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise DaemonError(f"{folder} is not a folder of yours; remove it")
        folder.chmod(0o755)  # a container's root may have changed the mode, and the umask restricts it
    except OSError as error:
        raise DaemonError(str(storage_error(error, f"make the folder {folder}"))) from error
