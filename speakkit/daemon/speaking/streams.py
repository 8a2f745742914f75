"""Streams of samples that are sent to clients while they are synthesized, each at the speed of its client."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from speakkit.daemon.queue.actions import Result
from speakkit.daemon.speaking.job import Job
from speakkit.daemon.wire.connection import Closed, Connection
from speakkit.daemon.wire.messages import Accepted, AudioChunk
from speakkit.daemon.wire.protocol import PCM, Code
from speakkit.daemon.wire.requests import Refused
from speakkit.playback import pcm

MOST = 16
"""Maximum streams at once, which bounds the number of half-synthesized texts."""

SOON_MS = 1000
"""`retry_ms` if there are too many streams, in milliseconds."""


@dataclass(eq=False)
class Stream:
    """A job whose samples are sent to a client.

    pieces: samples that were made and not sent; moved: set when a piece was added, or the job is over
    """

    job: Job
    connection: Connection
    pieces: deque[bytes] = field(default_factory=deque)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def receive(self, piece: bytes) -> None:
        """Add a piece; see `Job.receive`."""
        self.pieces.append(piece)
        self.moved.set()

    async def send(self, told: Callable[[], None]) -> None:
        """Send all samples and the end. `told` is called each time that there is room for a piece. Raises Closed."""
        seq = 0
        while self.pieces or not self.job.is_over:
            if not self.pieces:
                self.moved.clear()
                await self.moved.wait()
                continue
            piece = self.pieces[0]
            for at in range(0, len(piece), PCM):
                await self.connection.send(AudioChunk(self.job.name, seq, pcm.RATE, piece[at : at + PCM], "f32le"))
                seq += 1
            self.pieces.popleft()
            told()
        self.connection.post(self.job.finished(Result.failed if self.job.fault else Result.played))


class Streams:
    """All current streams."""

    def __init__(self, told: Callable[[], None]) -> None:
        """`told` is called each time that a stream has room, or has ended."""
        self._told = told
        self._all: deque[Stream] = deque()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, job: Job, connection: Connection, *, keeps: bool = False) -> None:
        """Send the audio of a job, from its beginning. keeps: the job keeps its pieces after they were sent.

        Raises Refused if there are too many streams, or one of that name on the connection.
        """
        if any(each.connection is connection and each.job.name == job.name for each in self._all):
            raise Refused(Code.bad_request, "that id belongs to another stream")
        if len(self._all) >= MOST:
            raise Refused(Code.busy, "too many texts are being synthesized already; try again later", SOON_MS)
        stream = Stream(job, connection)
        stream.pieces.extend((job.pieces or ()) if job.is_over else ())
        if not keeps:
            job.pieces = None
        job.receive, job.has_room = stream.receive, lambda: not stream.pieces
        self._all.append(stream)
        connection.post(Accepted(job.name))
        stream.task = asyncio.create_task(stream.send(self._told))
        stream.task.add_done_callback(lambda task: self._ended(stream, task))
        self._told()

    def needed(self) -> Job | None:
        """The job whose next piece is to be synthesized, in turn; None if there is none."""
        for _ in range(len(self._all)):
            self._all.rotate(-1)
            job = self._all[-1].job
            if not job.is_over and job.has_room():
                return job
        return None

    def made(self, job: Job) -> None:
        """Notify the stream of a job that is over."""
        for stream in self._all:
            if stream.job is job:
                stream.moved.set()

    def cancel(self, name: str, connection: Connection) -> bool:
        """End the stream `name` of a connection. Returns whether there was one."""
        for stream in tuple(self._all):
            if stream.connection is connection and stream.job.name == name:
                self._drop(stream)
                connection.post(stream.job.finished(Result.skipped))
                return True
        return False

    def closed(self, connection: Connection) -> None:
        """End all streams of a connection."""
        for stream in tuple(self._all):
            if stream.connection is connection:
                self._drop(stream)

    def fail_all(self, code: Code, about: str) -> None:
        """End all streams with an error reply. about: its message."""
        for stream in tuple(self._all):
            self._drop(stream)
            stream.connection.fail(stream.job.name, code, about)

    def has(self, connection: Connection) -> bool:
        """Whether a connection has a stream."""
        return any(each.connection is connection for each in self._all)

    def _drop(self, stream: Stream) -> None:
        """Remove a stream, and synthesize and send no more of it."""
        stream.job.is_over = True
        self._all.remove(stream)
        if stream.task:
            stream.task.cancel()
        self._told()

    def _ended(self, stream: Stream, task: asyncio.Task[None]) -> None:
        """Remove a stream after its task has ended. Raises the task's error, unless that is Closed."""
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, Closed):
            raise error
        if stream in self._all:
            self._drop(stream)
