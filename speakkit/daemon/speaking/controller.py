"""Handles the requests of clients: queues utterances, has them synthesized in time, and plays them one at a time."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from speakkit.daemon.queue import actions as queued
from speakkit.daemon.queue.actions import Actions, Result, Stage
from speakkit.daemon.queue.queue import Queue
from speakkit.daemon.queue.utterance import QueuedUtterance, QueueOptions
from speakkit.daemon.queue.voice_assignment import VoiceAssignment
from speakkit.daemon.speaking.job import Job
from speakkit.daemon.speaking.loudspeaker import Loudspeaker
from speakkit.daemon.speaking.past import EndedUtterances
from speakkit.daemon.speaking.queue_control import QueueControl
from speakkit.daemon.speaking.recordings import Recordings
from speakkit.daemon.speaking.replies import reply
from speakkit.daemon.speaking.scheduler import LIMITS, PLACE, Scheduler
from speakkit.daemon.speaking.streams import Streams
from speakkit.daemon.speaking.watchers import Watchers
from speakkit.daemon.wire import codec, messages
from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.fault import Fault
from speakkit.daemon.wire.messages import DISPLACED, ENDING, EXITS, Accepted, Done, Happening, Request
from speakkit.daemon.wire.protocol import Code
from speakkit.daemon.wire.requests import (
    Again,
    Operation,
    Refused,
    Speak,
    Synth,
    required_id,
    speech_request,
)
from speakkit.errors import BadValue, ExitCode
from speakkit.playback import events
from speakkit.playback.feed import Feed
from speakkit.speech_request import SpeechRequest
from speakkit.workers.worker import Limits

AHEAD = 2
"""Maximum number of waiting utterances that are synthesized while another is played."""

LONGEST_SHOWN = 200
"""Maximum characters of a word that are sent to watchers."""


class Controller:
    """The daemon's implementation of `handler.RequestHandler`. It connects queue, scheduler and loudspeaker."""

    def __init__(
        self,
        loudspeaker: Callable[[Callable[[events.Event], None]], Loudspeaker],
        keep_alive: float,
        *,
        autosave: Path | None = None,
        place: str = PLACE,
        limits: Limits = LIMITS,
        keeps_place: Callable[[], bool] = lambda: True,
    ) -> None:
        """`loudspeaker` creates one, given the function that it calls with each event.

        autosave: folder for audio files of played utterances, or None; keep_alive, place, limits: of `Scheduler`
        keeps_place: whether clients find this daemon and no other one; called before each utterance
        """
        self._autosave, self._keeps_place = autosave, keeps_place
        self._queue, self._past = Queue(), EndedUtterances()
        self.ops: Mapping[str, Operation] = {
            "speak": self._speak,
            "synth": self._synth,
            "warm": self._warm,
            "again": self._again,
            "cancel": self._cancel,
            "watch": self._watch,
            "history": self._past.show,
            **QueueControl(self._queue, self._carry_out, self._require_open).ops,
        }
        self._scheduler = Scheduler(self._needed, self._made, self.is_busy, keep_alive, place, limits)
        self._streams = Streams(self._moved)
        self._loudspeaker = loudspeaker(self._played)
        self._voices = VoiceAssignment()
        self._watchers = Watchers()
        self._recordings = Recordings()
        self._loop = asyncio.get_running_loop()
        self._connections: dict[str, Connection] = {}
        self._jobs: dict[str, Job] = {}
        self._playing: tuple[str, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._is_draining = self._is_displaced = False
        self._changed = asyncio.Event()

    # RequestHandler

    def opened(self, connection: Connection) -> None:
        """See `handler.RequestHandler`."""
        self._connections[str(connection.number)] = connection

    def closed(self, connection: Connection) -> None:
        """See `handler.RequestHandler`."""
        self._connections.pop(str(connection.number), None)
        self._streams.closed(connection)
        self._recordings.closed(connection)
        self._watchers.remove(connection)
        self._carry_out(self._queue.disconnected(time.monotonic(), str(connection.number)))

    def holds(self, connection: Connection) -> bool:
        """See `handler.RequestHandler`."""
        if self._streams.has(connection) or connection in self._watchers:
            return True
        return any(self._queue.owner(name) == str(connection.number) for name in self._jobs)

    def is_busy(self) -> bool:
        """See `handler.RequestHandler`."""
        return bool(self._jobs or self._streams)

    def status(self) -> Mapping[str, Any]:
        """See `handler.RequestHandler`."""
        now, player = time.monotonic(), self._loudspeaker.status
        snapshot = self._queue.snapshot(now)
        return {
            "speaking": self._playing is not None,
            "waiting": len(self._queue.waiting()),
            "streams": len(self._streams),
            "paused": snapshot.paused,
            "muted": snapshot.muted,
            "sink": player.sink,
            "latency": player.latency,
            "underruns": player.underruns,
            "starved": round(player.starved, 3),
            "waits_for": self._loudspeaker.waits_for,
            "ended": self._past.counts,
            **self._scheduler.status,
        }

    async def drain(self) -> None:
        """See `handler.RequestHandler`. A pause ends, because no client could end it later."""
        self._is_draining = True
        self._carry_out(self._queue.resume(time.monotonic()))
        while self.is_busy():
            self._changed.clear()
            await self._changed.wait()
        await self._scheduler.rests()
        await self._close()

    async def stop(self) -> None:
        """See `handler.RequestHandler`."""
        self._is_draining = True
        self._streams.fail_all(Code.shutting_down, ENDING)
        self._fail_all(ENDING)
        await self._close()

    def _fail_all(self, about: str) -> None:
        """End all utterances, because the daemon ends. about: message for their clients."""
        for job in self._jobs.values():
            job.fault = Fault(Code.shutting_down, about, EXITS[Code.shutting_down])
        self._carry_out(self._queue.fail_all(time.monotonic(), Code.shutting_down))

    async def _close(self) -> None:
        await self._scheduler.close()
        await self._loudspeaker.close()

    # Operations

    async def _speak(self, connection: Connection, request: Request) -> None:
        wish, options = codec.read(Speak, request.fields), codec.read(QueueOptions, request.fields)
        name, now = required_id(request), time.monotonic()
        speech = self._voices.named(speech_request(request), connection.agent, now)
        try:
            owner, guest = str(connection.number), connection.guest
            utterance = QueuedUtterance(name, connection.agent, owner, now, speech, options, guest=guest)
        except BadValue as error:
            raise Refused(Code.bad_request, str(error)) from error
        self._require_open()
        self._scheduler.quarantine.require_free(speech)
        if name not in self._jobs:
            synthesized = self._recordings.synthesized(wish.audio_of, connection, speech)
            job = synthesized.again(name) if synthesized else Job(name, speech)
            job.starts_early, job.is_shown = True, wish.show
            self._prepare(job)
        self._answer(connection, self._queue.submit(utterance.arrival, utterance))

    async def _again(self, connection: Connection, request: Request) -> None:
        wish = codec.read(Again, request.fields)
        name, heard = required_id(request), self._queue.heard
        self._require_open()
        if not 1 <= wish.back <= len(heard):
            raise Refused(Code.not_found, f"only {len(heard)} utterances can be repeated")
        job = self._recordings.heard(heard[-wish.back].id).again(name)
        if wish.stream:
            self._streams.add(job, connection)
            return
        if name not in self._jobs:
            self._prepare(job)
        again = self._queue.again(time.monotonic(), name, str(connection.number), wish.back, detach=wish.detach)
        self._answer(connection, again)

    async def _synth(self, connection: Connection, request: Request) -> None:
        wish = codec.read(Synth, request.fields)
        speech = self._voices.named(speech_request(request), connection.agent, time.monotonic())
        self._require_open()
        self._scheduler.quarantine.require_free(speech)
        job = Job(required_id(request), speech)
        self._streams.add(job, connection, keeps=wish.keep)
        if wish.keep:
            self._recordings.keep_synthesized(job, connection)

    async def _warm(self, connection: Connection, request: Request) -> None:
        self._require_open()
        self._scheduler.warm(codec.read(SpeechRequest, request.fields))
        connection.post(Done(request.id))

    async def _cancel(self, connection: Connection, request: Request) -> None:
        name = required_id(request)
        if self._streams.cancel(name, connection):
            return
        if self._watchers.remove(connection, name):
            connection.post(Done(name))
            return
        if self._queue.owner(name) != str(connection.number):
            raise Refused(Code.not_found, "this connection has no utterance of that id")
        self._carry_out(self._queue.cancel(time.monotonic(), name))

    async def _watch(self, connection: Connection, request: Request) -> None:
        self._watchers.add(connection, required_id(request))
        for row in self._queue.snapshot(time.monotonic()).rows:
            utterance = self._queue.utterance(row.id)
            assert utterance  # it is in the snapshot
            is_playing = row.stage is Stage.playing
            happening = Happening.started if is_playing else Happening.queued
            self._watchers.tell_of_text(happening, utterance, only=connection, position=row.position)

    def _require_open(self) -> None:
        """Raises Refused if the daemon is ending."""
        is_displaced = not self._keeps_place()
        if is_displaced or self._is_draining:
            raise Refused(Code.shutting_down, DISPLACED if is_displaced else ENDING)

    # Synthesis

    def _prepare(self, job: Job) -> None:
        """Register a job for playback, so that the scheduler can choose it."""
        job.play_into(Feed(self._on_room))
        self._jobs[job.name] = job

    def _needed(self) -> Job | None:
        """The job whose next piece is needed first: of the current utterance, of the next ones, then of streams."""
        now = [self._playing[0]] if self._playing else []
        for name in (*now, *self._queue.waiting()[:AHEAD]):
            job = self._jobs.get(name)
            if job and not job.is_over and job.has_room():
                return job
        return self._streams.needed()

    def _made(self, job: Job) -> None:
        """Called when a job is over."""
        self._streams.made(job)
        if job.feed is None or self._jobs.get(job.name) is not job:
            return
        if job.fault is None:
            job.feed.end()
            return
        job.feed.fail(job.fault.code, job.fault.message)
        if job.number == 0:
            self._carry_out(self._queue.failed(time.monotonic(), job.name, job.fault.code))

    # Actions of the queue

    def _answer(self, connection: Connection, actions: Actions) -> None:
        """Send the first action as the answer to a request to speak, and carry out the others."""
        answer, *rest = actions
        assert isinstance(answer, queued.Answer)
        message = reply(answer)
        connection.post(message)
        if not isinstance(message, Accepted):
            self._forget(answer.id)
        if isinstance(answer, queued.Placed) and (utterance := self._queue.utterance(answer.id)):
            self._watchers.tell_of_text(Happening.queued, utterance, position=answer.position)
        self._carry_out(tuple(rest))

    def _carry_out(self, actions: Actions) -> None:
        """Carry out the queue's actions, in order."""
        for action in actions:
            if isinstance(action, queued.Start):
                self._start(action)
            elif isinstance(action, queued.Stop):
                self._playing = None
                self._loudspeaker.stop(str(action.turn), fade=action.fade)
            elif isinstance(action, queued.Ended):
                self._end(action)
            elif isinstance(action, queued.Forgotten):
                self._recordings.forget(action.id)
        self._schedule_tick()
        self._moved()

    def _moved(self) -> None:
        """Wake the scheduler after something has ended, or has room for more samples."""
        self._scheduler.wake()
        self._changed.set()

    def _start(self, action: queued.Start) -> None:
        """Play an utterance, unless clients find another daemon, which could play at the same time."""
        if not self._keeps_place():
            self._is_displaced = True
            self._fail_all(DISPLACED)
            return
        name, turn = self._playing = action.utterance.id, action.turn
        job = self._jobs[name]
        assert job.feed  # each job of the queue has one
        if self._loudspeaker.play(str(turn), job.feed, action.utterance, goes_on=job.heard is not None):
            self._watchers.tell(Happening.beep, name, action.utterance.agent)

    def _end(self, end: queued.Ended) -> None:
        """Send the final event to the owner, and keep the audio if the utterance can be repeated."""
        if self._playing and self._playing[0] == end.id:
            self._playing = None
        job = self._jobs.pop(end.id)
        finished = job.finished(end.result, end.code, heard=job.heard or 0.0)
        if self._is_displaced and job.heard is None:
            finished = structs.replace(finished, moved=True)
        if owner := self._connections.get(end.owner):
            owner.post(finished)
        self._past.add(end, job, finished)
        facts: dict[str, Any] = {"result": end.result, "code": end.code or None, "audio_ms": finished.audio_ms}
        self._watchers.tell(Happening.ended, end.id, end.agent, **facts)
        if self._autosave and end.result is Result.played and job.pieces:
            name = f"{datetime.now():%Y-%m-%d_%H%M%S}_{end.id}.mp3"  # noqa: DTZ005  file names in local time
            self._scheduler.save(self._autosave / name, b"".join(job.pieces))
        if any(each.id == end.id for each in self._queue.heard):
            self._recordings.keep_heard(job)

    def _forget(self, name: str) -> None:
        """Drop the job of a request that was not accepted, unless an utterance of that id has not ended."""
        if self._queue.utterance(name) is None:
            self._jobs.pop(name, None)

    def _schedule_tick(self) -> None:
        """Schedule `_tick` at the queue's next deadline."""
        if self._timer:
            self._timer.cancel()
        deadline = self._queue.next_deadline()
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        self._timer = None if left is None else self._loop.call_later(left, self._tick)

    def _tick(self) -> None:
        self._carry_out(self._queue.tick(time.monotonic()))

    # Events of the player

    def _on_room(self) -> None:
        """Called on the player's thread when the feed has room."""
        self._loop.call_soon_threadsafe(self._scheduler.wake)

    def _played(self, event: events.Event) -> None:
        """Handle an event of the player. Events of earlier playbacks are ignored."""
        if not self._playing or getattr(event, "key", None) != str(self._playing[1]):
            return
        name, turn = self._playing
        job, now = self._jobs[name], time.monotonic()
        if isinstance(event, events.PlaybackStarted):
            self._started(job)
        elif isinstance(event, events.Progress):
            job.heard = event.seconds
            self._show_word(job)
        elif isinstance(event, events.PlaybackFinished):
            job.heard = event.seconds
            self._carry_out(self._queue.played(now, name, turn))
        elif isinstance(event, events.Lost):
            job.heard = job.feed.position if job.feed else 0.0
            job.fault = job.fault or Fault(Code.audio_unavailable, event.about, ExitCode.NO_AUDIO_DEVICE)
            self._carry_out(self._queue.failed(now, name, job.fault.code))

    def _started(self, job: Job) -> None:
        """Report the start of an utterance, unless it continues after an interruption."""
        if job.heard is not None:  # it continues, and was reported before
            return
        job.heard = 0.0
        if owner := self._connections.get(self._queue.owner(job.name) or ""):
            owner.post(messages.Started(job.name))
        if utterance := self._queue.utterance(job.name):
            self._watchers.tell_of_text(Happening.started, utterance)

    def _show_word(self, job: Job) -> None:
        """Send the word that is being played to the owner and the watchers."""
        if not (job.is_shown or self._watchers) or not (word := job.word_at(job.heard or 0.0)):
            return
        owner = self._connections.get(self._queue.owner(job.name) or "")
        if owner and job.is_shown:
            owner.post(messages.Hearing(job.name, word.start, word.end))
        if utterance := self._queue.utterance(job.name):
            text = word.text or utterance.request.text[word.start : word.end]
            facts: dict[str, Any] = {"start": word.start, "end": word.end, "text": text[:LONGEST_SHOWN]}
            self._watchers.tell(Happening.word, job.name, utterance.agent, **facts)
