"""The daemon's second listener, for containers: who comes by it may speak, in turn with all others, and little else.

The socket lies in a folder of its own, which is what a container gets. The folder around that one stays closed, so that
nobody but the containers it is mounted into comes near it. It is mounted as a folder, since a socket that is mounted
by itself is the one of a daemon that has ended, once there is another.
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
"""The name of the socket in its folder."""

PREFIX = "c:"
"""What the names of all agents in containers begin with: none passes for one of the user's own."""

CONNECTIONS = 16
"""Containers that are connected at once; those of the user have a count of their own."""

CHARACTERS = 4096
"""Of a text at most."""

QUEUED = 20
"""Utterances of all containers together that were accepted and have not ended."""

REQUESTS = 10
"""Requests of all containers together that are heard within any second."""

REST = 0.1
"""Seconds for which one who asks for too much is not listened to: a flood of requests costs little."""

FREE = {"text", "voice", "lang", "speed", "seed", "markup", "prio", "interrupt", "dedupe", "replace", "ttl"}
"""The fields of a `speak` that a container may set; `text` is the payload."""

NO_AGENT = f"an agent must be 1 to {64 - len(PREFIX)} letters, digits or . _ : -"
NO_OP = "a container may ask for hello, speak, cancel and status, and nothing else"
UNTOLD = "the voice of the host failed; there, try: speakkit doctor"
"""What a container hears of a fault that is none of its own: what is to be told of that names files of the host."""


class Stages(Event, frozen=True):
    """What has become of a container's utterances that have not ended: id -> waiting or playing."""

    id: str | None
    stages: Mapping[str, str]


def listen(place: RuntimeDir, settings: Settings) -> "Containers | None":
    """The listener, or None where there can be none: that is logged, and stops no voice."""
    try:
        _make(place.containers)
        published = lifecycle.bound(place.containers / SOCKET, 0o111)
    except DaemonError as error:
        log.error("does not listen for containers: %s", error)  # noqa: TRY400  the line says all
        return None
    return Containers(published, (0, os.geteuid()), settings)


class Containers:
    """All that come by the listener: who is let in, and what they may have together."""

    def __init__(self, published: Published, uids: Sequence[int], settings: Settings) -> None:
        """uids: who may connect, besides those of the settings."""
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
        """For the status of the daemon: the folder to mount, and how often something was refused."""
        return {"containers": str(self.published.path.parent), "refused": self.refused}

    def admits(self, channel: socket.socket) -> bool:
        """Whether whoever connected may. By the uid that the kernel tells: 0 is root in most containers."""
        found = peer.of(channel)
        if found is not None and any(found.uid in uids for uids in self._uids):
            return True
        self.refused += 1
        who = "somebody" if found is None else f"uid {found.uid}"
        log.warning("%s tried to connect from a container; see the setting container_uids", who)
        return False

    async def keep_pace(self) -> None:
        """Raises Refused, after a while, for one request too many."""
        now = time.monotonic()
        if len(self._asked) == REQUESTS and now - self._asked[0] < 1.0:
            await asyncio.sleep(REST)
            raise Refused(Code.busy, f"containers ask for more than {REQUESTS} things a second", round(1000 * REST))
        self._asked.append(now)

    def script(self, request: Request, agent: str) -> Mapping[str, JsonValue]:
        """The fields of a request to speak, if it is one that a container may make. Raises Refused, ProtocolError.

        How `agent` speaks where that is not said is found in the settings; and else in the daemon's casting.
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
            raise Refused(Code.denied, "a container cuts in on nobody: prio is at most normal, interrupt none or agent")
        if quiet_hours.is_quiet(self._quiet_hours, datetime.now().time()):  # noqa: DTZ005  by the clock on the wall
            raise Refused(Code.denied, f"nothing is heard in the quiet hours, {self._quiet_hours}")
        if len(text_of(request.payload)) > CHARACTERS:
            raise Refused(Code.too_large, f"a container speaks at most {CHARACTERS} characters at once")
        return {**given, "threads": self._threads}

    def require_room(self) -> None:
        """Raises Refused where there is none for one more utterance."""
        if sum(len(guest.stages) for guest in self.guests) >= QUEUED:
            raise Refused(Code.busy, f"{QUEUED} utterances of containers wait already", 1000)


class Guest(Connection):
    """A container, as the daemon sees it. Its ids are its own: within the daemon they bear the connection's number.

    stages: what has become of each utterance that has not ended
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
        """What a container may ask for, as the daemon understands it. Raises Refused, ProtocolError."""
        try:
            await self._containers.keep_pace()
            return self._allowed(request)
        except (Refused, ProtocolError):
            self._containers.refused += 1
            raise

    def post(self, message: Message) -> None:
        """As in Connection; what becomes of each utterance is noted."""
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
        hello = codec.read(Hello, request.fields)
        agent = PREFIX + hello.agent
        if not messages.NAME.fullmatch(hello.agent) or not messages.NAME.fullmatch(agent):
            raise ProtocolError(Code.bad_request, NO_AGENT)
        return {"proto": hello.proto, "agent": agent, "upgrade": False}

    def _speak(self, request: Request) -> Request:
        name = self._mark + required_id(request)
        script = self._containers.script(request, self.agent)
        if name not in self.stages:
            self._containers.require_room()
        return replace(request, id=name, fields=script)


def _discreet(end: Finished) -> Finished:
    """An end as a container may know it. `lost` says what the warnings do."""
    warnings = end.warnings[-1:] if end.exit == ExitCode.USAGE else (UNTOLD,) if end.result is Result.failed else ()
    return structs.replace(end, warnings=warnings, facts={})


def _ranges(uids: str) -> Iterator[range]:
    """Those of the setting container_uids."""
    for part in filter(None, uids.split(",")):
        first, _, last = part.partition("-")
        yield range(int(first), int(last or first) + 1)


def _make(folder: Path) -> None:
    """A folder that others may look into and nobody else may write to. Raises DaemonError."""
    try:
        folder.mkdir(exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise DaemonError(f"{folder} is no folder of yours; remove it")
        folder.chmod(0o755)  # a container's root may have opened it, or our umask closed it
    except OSError as error:
        raise DaemonError(str(storage_error(error, f"make the folder {folder}"))) from error
