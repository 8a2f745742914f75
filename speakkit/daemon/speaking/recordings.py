"""Keeps ended jobs whose audio may be played again, within a memory limit."""

from msgspec import structs

from speakkit.daemon.speaking.job import KEPT, Job
from speakkit.daemon.wire.connection import Connection
from speakkit.speech_request import SpeechRequest

SYNTHESIZED = 4
"""Maximum jobs that are kept for one connection until it plays them."""


class Recordings:
    """Jobs of the last utterances that were heard, and jobs that connections had synthesized to play them later."""

    def __init__(self) -> None:
        self._heard: dict[str, Job] = {}
        self._synthesized: dict[Connection, dict[str, Job]] = {}

    def heard(self, name: str) -> Job:
        """The job of an utterance that was heard. Raises KeyError if it is not kept."""
        return self._heard[name]

    def keep_heard(self, job: Job) -> None:
        """Keep a job that was played. Its samples are kept only if all were made."""
        self._heard[job.name] = job
        if not job.is_over or job.fault:
            job.pieces = None
        self._make_room()

    def forget(self, name: str) -> None:
        """Drop an utterance that was heard."""
        self._heard.pop(name, None)

    def keep_synthesized(self, job: Job, connection: Connection) -> None:
        """Keep a job that is being synthesized for a connection, in place of its oldest if there are too many."""
        own = self._synthesized.setdefault(connection, {})
        own[job.name] = job
        while len(own) > SYNTHESIZED:
            own.pop(next(iter(own)))

    def synthesized(self, name: str, connection: Connection, speech: SpeechRequest) -> Job | None:
        """Take out the job that a connection had synthesized as `name`; None if there is none for that speech."""
        job = self._synthesized.get(connection, {}).pop(name, None)
        same = job and structs.replace(job.request, keep_alive=speech.keep_alive) == speech
        return job if same else None

    def closed(self, connection: Connection) -> None:
        """Drop what a connection had synthesized."""
        self._synthesized.pop(connection, None)

    def _make_room(self) -> None:
        """Drop the samples of the oldest utterances, until at most KEPT bytes remain."""
        room = KEPT
        for job in reversed(self._heard.values()):
            room -= job.size if job.pieces is not None else 0
            if room < 0:
                job.pieces = None
