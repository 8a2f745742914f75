"""The daemon's work: each utterance waits for its turn, is made into sound in time, and played, one at a time."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec import structs

from speakkit.daemon.handler import Operation, Refused
from speakkit.daemon.queue import actions as queued
from speakkit.daemon.queue.actions import Actions, Result, Stage
from speakkit.daemon.queue.queue import Queue, Scope
from speakkit.daemon.queue.voice_assignment import VoiceAssignment
from speakkit.daemon.speaking.job import KEPT, Fault, Job, ended, into
from speakkit.daemon.speaking.loudspeaker import Loudspeaker
from speakkit.daemon.speaking.scheduler import LIMITS, PLACE, Scheduler
from speakkit.daemon.speaking.streams import Streams
from speakkit.daemon.wire import messages
from speakkit.daemon.wire.connection import Connection
from speakkit.daemon.wire.messages import Done, Listing, Request
from speakkit.daemon.wire.protocol import Code, text_of
from speakkit.daemon.wire.requests import Again, Clear, Speak, Synth, required_id
from speakkit.errors import BadValue, ExitCode
from speakkit.playback import events
from speakkit.playback.feed import Feed
from speakkit.workers.worker import Limits

Wish = TypeVar("Wish", bound=Synth)

AHEAD = 2
"""Utterances that are begun to be made while another is heard."""

ROWS, SHOWN = 60, 60
"""Utterances in a listing at most, and characters of the text of one: a header has no more room."""

FULL = "too many utterances wait already; come again, or say --on-full wait"


class Controller:
    """`work.Work`: queue, player and synthesis, joined."""

    def __init__(
        self,
        loudspeaker: Callable[[Callable[[events.Event], None]], Loudspeaker],
        keep_alive: float,
        *,
        autosave: Path | None = None,
        place: str = PLACE,
        limits: Limits = LIMITS,
    ) -> None:
        """`loudspeaker` makes one, given whom to tell.

        autosave: a folder for what was played, or None; keep_alive, place, limits: of `Scheduler`
        """
        self._autosave = autosave
        self.ops: Mapping[str, Operation] = {
            "speak": self._speak,
            "synth": self._synth,
            "again": self._again,
            "cancel": self._cancel,
            "skip": self._skip,
            "clear": self._clear,
            "pause": self._pause,
            "resume": self._resume,
            "mute": self._mute,
            "unmute": self._unmute,
            "queue": self._list,
        }
        self._queue = Queue()
        self._synthesis = Scheduler(self._needed, self._made, self.is_busy, keep_alive, place, limits)
        self._streams = Streams(self._moved)
        self._loudspeaker = loudspeaker(self._told)
        self._casting = VoiceAssignment()
        self._loop = asyncio.get_running_loop()
        self._connections: dict[str, Connection] = {}
        self._sounds: dict[str, Job] = {}
        self._feeds: dict[str, Feed] = {}
        self._playing: tuple[str, int] | None = None
        self._heard: dict[str, Job] = {}
        self._seconds: dict[str, float] = {}
        self._faults: dict[str, Fault] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_draining = False
        self._changed = asyncio.Event()

    # Work

    def opened(self, connection: Connection) -> None:
        """See `work.Work`."""
        self._connections[str(connection.number)] = connection

    def closed(self, connection: Connection) -> None:
        """See `work.Work`."""
        owner = str(connection.number)
        self._connections.pop(owner, None)
        self._streams.closed(connection)
        self._carry(self._queue.disconnected(time.monotonic(), owner))

    def holds(self, connection: Connection) -> bool:
        """See `work.Work`."""
        owner = str(connection.number)
        return self._streams.has(connection) or any(self._queue.owner(name) == owner for name in self._sounds)

    def is_busy(self) -> bool:
        """See `work.Work`."""
        return bool(self._sounds or self._streams)

    def status(self) -> Mapping[str, Any]:
        """See `work.Work`."""
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
            **self._synthesis.status,
        }

    async def drain(self) -> None:
        """See `work.Work`. A pause ends: nobody could end it later."""
        self._is_draining = True
        self._carry(self._queue.resume(time.monotonic()))
        while self.is_busy():
            self._changed.clear()
            await self._changed.wait()
        await self._synthesis.rests()
        await self._close()

    async def stop(self) -> None:
        """See `work.Work`."""
        self._is_draining = True
        self._streams.fail_all(Code.shutting_down, "the daemon ends")
        self._carry(self._queue.fail_all(time.monotonic(), Code.shutting_down))
        await self._close()

    async def _close(self) -> None:
        await self._synthesis.close()
        await self._loudspeaker.close()

    # What clients ask for

    async def _speak(self, connection: Connection, request: Request) -> None:
        wish = self._cast(messages.read(Speak, request.fields), connection)
        try:
            utterance = wish.utterance(request, connection, time.monotonic())
        except BadValue as error:
            raise Refused(Code.bad_request, str(error)) from error
        self._require_open()
        if utterance.id not in self._sounds:
            script = replace(wish.script, is_heard=True)
            sound = Job(utterance.id, utterance.text, script, wish.keep_alive, is_shown=wish.show)
            self._prepare(sound)
        self._answer(connection, self._queue.submit(utterance.arrival, utterance))

    async def _again(self, connection: Connection, request: Request) -> None:
        wish = messages.read(Again, request.fields)
        name, heard = required_id(request), self._queue.heard
        self._require_open()
        if not 1 <= wish.back <= len(heard):
            raise Refused(Code.not_found, f"only {len(heard)} utterances can be said again")
        old = self._heard[heard[-wish.back].id]
        sound = Job(name, old.text, old.script, old.keep_alive) if old.pieces is None else replace(old, name=name)
        if wish.stream:
            self._streams.add(sound, connection)
            return
        if name not in self._sounds:
            self._prepare(sound)
        owner = str(connection.number)
        self._answer(connection, self._queue.again(time.monotonic(), name, owner, wish.back, detach=wish.detach))

    async def _synth(self, connection: Connection, request: Request) -> None:
        wish = self._cast(messages.read(Synth, request.fields), connection)
        self._require_open()
        sound = Job(required_id(request), text_of(request.payload), wish.script, wish.keep_alive)
        self._streams.add(sound, connection)

    async def _cancel(self, connection: Connection, request: Request) -> None:
        name = required_id(request)
        if self._streams.cancel(name, connection):
            return
        if self._queue.owner(name) != str(connection.number):
            raise Refused(Code.not_found, "there is no such utterance of this connection")
        self._carry(self._queue.cancel(time.monotonic(), name))

    async def _skip(self, connection: Connection, request: Request) -> None:
        self._do(connection, request, self._queue.skip(time.monotonic()))

    async def _clear(self, connection: Connection, request: Request) -> None:
        wish = messages.read(Clear, request.fields)
        whose = str(connection.number) if wish.scope is Scope.mine else wish.agent or connection.agent
        self._do(connection, request, self._queue.clear(time.monotonic(), wish.scope, whose))

    async def _pause(self, connection: Connection, request: Request) -> None:
        self._require_open()
        self._do(connection, request, self._queue.pause(time.monotonic()))

    async def _resume(self, connection: Connection, request: Request) -> None:
        self._do(connection, request, self._queue.resume(time.monotonic()))

    async def _mute(self, connection: Connection, request: Request) -> None:
        self._do(connection, request, self._queue.mute(time.monotonic()))

    async def _unmute(self, connection: Connection, request: Request) -> None:
        self._do(connection, request, self._queue.unmute(time.monotonic()))

    async def _list(self, connection: Connection, request: Request) -> None:
        found = self._queue.snapshot(time.monotonic(), connection.agent)
        rows = tuple(asdict(replace(row, text=row.text and row.text[:SHOWN])) for row in found.rows[:ROWS])
        more = max(0, len(found.rows) - ROWS)
        connection.post(Listing(rows, paused=found.paused, muted=found.muted, more=more, id=request.id))

    def _cast(self, wish: Wish, connection: Connection) -> Wish:
        """With a voice, if it has none."""
        now = time.monotonic()
        if wish.voice:
            self._casting.heard(connection.agent, wish.voice, now)
            return wish
        return structs.replace(wish, voice=self._casting.voice(connection.agent, now))

    def _require_open(self) -> None:
        if self._is_draining:
            raise Refused(Code.shutting_down, "the daemon ends; the next client starts another")

    def _do(self, connection: Connection, request: Request, effects: Actions) -> None:
        self._carry(effects)
        connection.post(Done(request.id))

    # Sounds

    def _prepare(self, sound: Job) -> None:
        """Have it made when its turn comes near."""
        feed = Feed(self._on_room)
        sound.take, sound.wants = into(feed)
        for piece in (sound.pieces or ()) if sound.is_over else ():
            feed.put(piece)
        if sound.is_over:
            feed.end()
        self._sounds[sound.name], self._feeds[sound.name] = sound, feed

    def _needed(self) -> Job | None:
        """Whose next piece is needed most: what is heard, what is heard next, and then the streams in turn."""
        names = [self._playing[0]] if self._playing else []
        for name in (*names, *self._queue.waiting()[:AHEAD]):
            sound = self._sounds.get(name)
            if sound and not sound.is_over and sound.wants():
                return sound
        return self._streams.needed()

    def _made(self, sound: Job) -> None:
        """A sound has come to its end."""
        self._streams.made(sound)
        feed = self._feeds.get(sound.name)
        if feed is None or self._sounds.get(sound.name) is not sound:
            return
        if sound.fault is None:
            feed.end()
            return
        self._faults[sound.name] = sound.fault
        feed.fail(sound.fault.code, sound.fault.message)
        if sound.number == 0:
            self._carry(self._queue.failed(time.monotonic(), sound.name, sound.fault.code))

    # What the queue orders

    def _answer(self, connection: Connection, effects: Actions) -> None:
        """Carry out what follows from a request to speak; the first effect is its answer."""
        answer, *rest = effects
        if isinstance(answer, queued.Placed):
            connection.post(messages.Accepted(answer.id, answer.position, round(1000 * answer.eta)))
        elif isinstance(answer, queued.Busy):
            self._forget(answer.id)
            connection.fail(answer.id, Code.busy, FULL, answer.retry_ms)
        elif isinstance(answer, queued.Rejected):
            self._forget(answer.id)
            connection.fail(answer.id, Code(answer.code), "that id is another utterance's")
        elif isinstance(answer, queued.UtteranceState) and answer.stage is Stage.ended:
            self._forget(answer.id)
            connection.post(ended(answer.id, answer.result or Result.failed, answer.code))
        elif isinstance(answer, queued.UtteranceState):
            connection.post(messages.Accepted(answer.id, answer.position, round(1000 * answer.eta)))
        self._carry(tuple(rest))

    def _carry(self, effects: Actions) -> None:
        """Do what the queue orders, in that order."""
        for effect in effects:
            if isinstance(effect, queued.Start):
                name, turn = self._playing = effect.utterance.id, effect.turn
                goes_on = name in self._seconds
                self._loudspeaker.play(str(turn), self._feeds[name], effect.utterance, goes_on=goes_on)
            elif isinstance(effect, queued.Stop):
                self._playing = None
                self._loudspeaker.stop(str(effect.turn), fade=effect.fade)
            elif isinstance(effect, queued.Ended):
                self._end(effect)
            elif isinstance(effect, queued.Forgotten):
                self._heard.pop(effect.id, None)
        self._schedule()
        self._moved()

    def _moved(self) -> None:
        """Something has ended, or has room."""
        self._synthesis.wake()
        self._changed.set()

    def _end(self, end: queued.Ended) -> None:
        """Tell its owner, and keep its sound if it may be asked for again."""
        if self._playing and self._playing[0] == end.id:
            self._playing = None
        sound = self._sounds.pop(end.id)
        self._feeds.pop(end.id)
        fault, heard = self._faults.pop(end.id, None), self._seconds.pop(end.id, None)
        owner = self._connections.get(end.owner)
        if owner:
            owner.post(sound.finished(end.result, end.code, fault, heard or 0.0))
        if self._autosave and end.result is Result.played and sound.pieces:
            name = f"{datetime.now():%Y-%m-%d_%H%M%S}_{end.id}.mp3"  # noqa: DTZ005  a person looks for their own time
            self._synthesis.save(self._autosave / name, b"".join(sound.pieces))
        if any(each.id == end.id for each in self._queue.heard):
            self._keep(sound)

    def _keep(self, sound: Job) -> None:
        """To be said again: its samples too, if all were made, as far as there is room."""
        self._heard[sound.name] = sound
        if not sound.is_over or sound.fault:
            sound.pieces = None
        room = KEPT
        for each in reversed(self._heard.values()):
            room -= each.size if each.pieces is not None else 0
            if room < 0:
                each.pieces = None

    def _forget(self, name: str) -> None:
        """Of a request that was not taken; one that is live keeps its sound."""
        if self._queue.utterance(name) is None:
            self._sounds.pop(name, None)
            self._feeds.pop(name, None)

    def _schedule(self) -> None:
        """Be there when something becomes stale."""
        if self._timer:
            self._timer.cancel()
        deadline = self._queue.next_deadline()
        self._timer = (
            None
            if deadline is None
            else self._loop.call_at(self._loop.time() + max(0.0, deadline - time.monotonic()), self._tick)
        )

    def _tick(self) -> None:
        self._carry(self._queue.tick(time.monotonic()))

    # What the player tells

    def _on_room(self) -> None:
        """On the player's thread."""
        self._loop.call_soon_threadsafe(self._synthesis.wake)

    def _told(self, event: events.Event) -> None:
        if not self._playing or getattr(event, "key", None) != str(self._playing[1]):
            return
        name, turn = self._playing
        now = time.monotonic()
        if isinstance(event, events.PlaybackStarted):
            owner = self._connections.get(self._queue.owner(name) or "")
            if owner and name not in self._seconds:  # one that goes on has started before
                owner.post(messages.Started(name))
            self._seconds.setdefault(name, 0.0)
        elif isinstance(event, events.Progress):
            self._seconds[name] = event.seconds
            owner = self._connections.get(self._queue.owner(name) or "")
            if owner and (word := self._sounds[name].word_at(event.seconds)):
                owner.post(messages.Hearing(name, word.start, word.end))
        elif isinstance(event, events.PlaybackFinished):
            self._seconds[name] = event.seconds
            self._carry(self._queue.played(now, name, turn))
        elif isinstance(event, events.Lost):
            self._seconds[name] = self._feeds[name].position
            fault = Fault(Code.audio_unavailable, event.about, ExitCode.NO_AUDIO_DEVICE)
            self._faults.setdefault(name, fault)
            self._carry(self._queue.failed(now, name, self._faults[name].code))
