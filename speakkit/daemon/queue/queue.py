"""The speech queue: which utterance is spoken now, which is next, and how each one ends.

A state machine without clock, thread or socket. Each method takes the time (`now`, in seconds, never decreasing), and
returns the actions that the server must carry out, in order. Invariants; an utterance is "being spoken" from its
`Start` until it is reported `played`, or until its `Stop`:

I1 at most one utterance is spoken at any time;
I2 each accepted id gets exactly one `Ended`;
I3 within an agent and a priority, utterances are spoken in order of arrival;
I4 agents of equal priority take turns: at most one utterance of each other waiting agent precedes an agent's next; all
   containers together take the turns of one agent;
I5 cancelling or skipping an utterance never delays another one, nor changes its audio;
I6 `fail_all` ends everything, and no utterance waits while none is spoken, unless speech is paused.

Rules for combinations:
- Urgent utterances interrupt, also during a pause. An interrupted normal utterance is next, from its current sentence,
  or ends as `interrupted` if `resume` is `drop`. Low and progress end as `interrupted`, because they would be outdated.
  Urgent utterances never interrupt urgent ones.
- `interrupt` ends only utterances of the same or a lower rank. With `agent` the new one takes its agent's turn, so
  that an agent that interrupts itself all the time keeps its turns and takes none of others. With `all` the new one is
  the next of its priority.
- `replace` never stops an utterance that is being spoken: that is spoken to its end, and the newer one waits. An
  interrupted or paused utterance counts as waiting. If an utterance is replaced, interrupted or failed, those that were
  joined to it end with it.
- An utterance that says the same as a waiting one of its agent (`QueuedUtterance.says_as`) joins it, and ends with it:
  as `deduped` if that was played, else with the same result. If the first is cancelled, expires, or loses its
  connection, the second takes its place. With a `dedupe` key it also joins an utterance that is being spoken. Keys are
  per agent, because "done" means a different thing for each.
- In these rules an agent is a `QueuedUtterance.scope`: utterances of containers act only on those of their connection.
- Only utterances that have not begun can expire, so a pause or an urgent one cuts off no second half of a message.
- Muting ends everything, urgent ones included, and everything that arrives: the user wants silence, and nothing is
  spoken late.
- A repeat is requested by a person: it comes before all but urgent and interrupted utterances, and interrupts nothing.
- The limits count utterances that have not begun. `drop_oldest` drops only utterances of the same agent.
"""

from collections.abc import Collection
from dataclasses import replace
from enum import StrEnum

from speakkit.daemon.queue.actions import (
    Actions,
    Busy,
    Placed,
    QueueRow,
    Rejected,
    Result,
    Snapshot,
    Stage,
    UtteranceState,
)
from speakkit.daemon.queue.round_robin import Item
from speakkit.daemon.queue.state import QueueState
from speakkit.daemon.queue.utterance import Interrupt, OnFull, QueuedUtterance, QueueOptions, Rank, Resume
from speakkit.errors import BadValue

MOST = 256
"""Maximum number of waiting utterances."""

MOST_OF_AGENT = 32
"""Maximum number of waiting utterances of one agent."""

LONGEST_PAUSE = 300.0
"""Seconds after which a pause ends by itself. 30 s were too short for a telephone call."""

RETRY = (0.2, 10.0)
"""Minimum and maximum seconds after which a client may retry if the queue is full."""


class Scope(StrEnum):
    """Which utterances to clear: those of a connection, of an agent, or all."""

    mine = "mine"
    agent = "agent"
    all = "all"


class Queue:
    """All utterances of a user. most, most_of_agent: maximum numbers of waiting utterances."""

    def __init__(self, most: int = MOST, most_of_agent: int = MOST_OF_AGENT) -> None:
        self._most = most
        self._most_of_agent = most_of_agent
        self._state = QueueState()
        self._paused: float | None = None
        self._muted = False

    # Requests of clients

    def submit(self, now: float, utterance: QueuedUtterance) -> Actions:
        """Add an utterance. The first action is `Placed` or `Busy`.

        For an id that is known it is its `UtteranceState` (or `Rejected` for other content), and nothing is spoken
        twice. The connection that sends an id again becomes its owner, so that the end of a lost connection does not
        end the utterance.
        """
        if known := self._known(now, utterance):
            return (known, *self._settled(now))
        self._expire(now)
        interrupted = self._interrupted(utterance)
        replaced = [item for item in self._replaced(utterance) if item not in interrupted]
        dropped = self._dropped(utterance, [*interrupted, *replaced])
        if dropped is None:
            return (Busy(utterance.id, self._retry_ms(now)), *self._settled(now))
        item = Item(utterance, utterance.owner)
        leader = self._leader(utterance, [*interrupted, *replaced])
        self._stand(item, leader, replaced)
        self._state.end(interrupted, Result.interrupted)
        self._state.end(replaced, Result.replaced)
        self._state.end(dropped, Result.skipped, "busy")
        actions = self._settled(now)
        position, eta = self._places(now).get(item, (0, 0.0))
        return (Placed(utterance.id, position, eta), *actions)

    def again(self, now: float, utterance_id: str, owner: str, back: int = 1, *, detach: bool = False) -> Actions:
        """Repeat the last utterance that was heard (back=1) or an earlier one, as a new utterance with its own id.

        Counted are utterances that ended after they began, skipped ones included, but no repeats: asking twice repeats
        the same one. `QueuedUtterance.repeats` names the utterance whose audio is played; if that audio is deleted, the
        text is synthesized again. Raises BadValue for back < 1.
        """
        if back < 1:
            raise BadValue(f"cannot repeat the utterance {back} back; use 1 or more")
        if utterance_id in self._state.live or self._state.past.get(utterance_id):
            return (self.state(now, utterance_id), *self._settled(now))
        if back > len(self._state.past.heard):
            return (Rejected(utterance_id, "not_found"), *self._settled(now))
        heard = self._state.past.heard[-back]
        repeat = replace(
            heard,
            id=utterance_id,
            owner=owner,
            arrival=now,
            options=QueueOptions(detach=detach, media=heard.options.media, beep=heard.options.beep),
            repeats=heard.id,
        )
        return self.submit(now, repeat)

    def cancel(self, now: float, utterance_id: str) -> Actions:
        """End an utterance. `Rejected` if its id is unknown, `UtteranceState` if it has ended already."""
        if item := self._state.live.get(utterance_id):
            self._state.end([item], Result.skipped, "cancelled")
            return self._settled(now)
        return (self.state(now, utterance_id), *self._settled(now))

    def disconnected(self, now: float, owner: str) -> Actions:
        """End all utterances of a connection that are not detached."""
        gone = [item for item in self._state.live.values() if item.owner == owner and not item.utterance.options.detach]
        self._state.end(gone, Result.skipped, "disconnected")
        return self._settled(now)

    def skip(self, now: float) -> Actions:
        """End the utterance that is being spoken; during a pause, the one that the pause stopped."""
        self._state.end(self._state.group(self._state.playing or self._state.cut_off), Result.skipped, "skipped")
        return self._settled(now)

    def clear(self, now: float, scope: Scope, whose: str = "") -> Actions:
        """End all utterances of a connection or an agent (`whose`), or all; also the one that is being spoken."""
        gone = [
            item
            for item in self._state.live.values()
            if scope is Scope.all or whose == (item.owner if scope is Scope.mine else item.agent)
        ]
        self._state.end(gone, Result.skipped, "cleared")
        return self._settled(now)

    def pause(self, now: float) -> Actions:
        """Stop after the current block of samples, until `resume`. Urgent utterances are still spoken.

        A second call restarts the time limit of the pause.
        """
        self._paused = now
        if self._state.playing and self._state.playing.rank is not Rank.urgent:
            self._state.put_back(self._state.stop())
        return self._settled(now)

    def resume(self, now: float) -> Actions:
        """Continue from the sentence at which speech was paused."""
        self._paused = None
        return self._settled(now)

    def mute(self, now: float) -> Actions:
        """End everything, and everything that arrives, until `unmute`."""
        self._muted = True
        return self._settled(now)

    def unmute(self, now: float) -> Actions:
        """Speak utterances that arrive from now on."""
        self._muted = False
        return self._settled(now)

    # Reports of player and engines

    def played(self, now: float, utterance_id: str, turn: int) -> Actions:
        """Report that all of an utterance was played.

        A report on a turn that was stopped meanwhile counts too: the utterance need not be spoken again.
        """
        item = self._state.live.get(utterance_id)
        if item and item.turn == turn:
            if item is self._state.playing:
                self._state.playing = None
            self._state.end(self._state.group(item)[1:], Result.deduped)
            self._state.end([item], Result.played)
        return self._settled(now)

    def failed(self, now: float, utterance_id: str, code: str) -> Actions:
        """Report that an utterance cannot be spoken. It may be waiting (it is synthesized ahead) or half spoken."""
        self._state.end(self._state.group(self._state.live.get(utterance_id)), Result.failed, code)
        return self._settled(now)

    def fail_all(self, now: float, code: str) -> Actions:
        """End everything as failed: "audio_unavailable" or "shutting_down"."""
        self._state.end(list(self._state.live.values()), Result.failed, code)
        return self._settled(now)

    # Time

    def tick(self, now: float) -> Actions:
        """Apply the passage of time: end expired utterances, and a pause that is too long."""
        return self._settled(now)

    def next_deadline(self) -> float | None:
        """Time at which to call `tick`, unless another method is called before; None for never."""
        times = [deadline for _, deadline in self._state.deadlines()]
        if self._paused is not None:
            times.append(self._paused + LONGEST_PAUSE)
        return min(times, default=None)

    # Queries

    def waiting(self) -> tuple[str, ...]:
        """Ids in the order in which they will be spoken after the current one: those to synthesize ahead."""
        return tuple(item.utterance.id for item in self._state.order() if item is not self._state.playing)

    def utterance(self, utterance_id: str) -> QueuedUtterance | None:
        """An utterance that has not ended, or None."""
        item = self._state.live.get(utterance_id)
        return item.utterance if item else None

    def owner(self, utterance_id: str) -> str | None:
        """The connection that owns an utterance that has not ended: the one that sent it last. None if it has ended."""
        item = self._state.live.get(utterance_id)
        return item.owner if item else None

    @property
    def heard(self) -> tuple[QueuedUtterance, ...]:
        """Utterances that can be repeated, the latest last."""
        return tuple(self._state.past.heard)

    def state(self, now: float, utterance_id: str) -> UtteranceState | Rejected:
        """State of an utterance; `Rejected` if its id is unknown or ended too long ago."""
        if item := self._state.live.get(utterance_id):
            return UtteranceState(utterance_id, self._stage(item), *self._places(now)[item])
        if past := self._state.past.get(utterance_id):
            ended, _ = past
            return UtteranceState(utterance_id, Stage.ended, result=ended.result, code=ended.code)
        return Rejected(utterance_id, "not_found")

    def snapshot(self, now: float, agent: str = "") -> Snapshot:
        """All current and waiting utterances. It contains only the texts of `agent`."""
        rows = []
        for item, (position, eta) in self._places(now).items():
            said = item.utterance
            shown = said.request.text if said.agent == agent else None
            size, age = len(said.request.text), now - said.arrival
            rows.append(
                QueueRow(said.id, said.agent, said.options.priority, self._stage(item), position, eta, size, age, shown)
            )
        return Snapshot(tuple(rows), paused=self._paused is not None, muted=self._muted)

    # Rules

    def _settled(self, now: float) -> Actions:
        """Apply muting, expiry and urgent interruptions, start the next utterance, and return all actions."""
        state = self._state
        if self._muted:
            state.end(list(state.live.values()), Result.skipped, "muted")
        self._expire(now)
        if state.has_urgent and state.playing and state.playing.rank is not Rank.urgent:
            self._give_way()
        state.begin(now, paused=self._paused is not None)
        return state.flush()

    def _expire(self, now: float) -> None:
        """End expired utterances, and a pause that is too long."""
        stale = [item for item, deadline in self._state.deadlines() if now >= deadline]
        self._state.end(stale, Result.expired, "expired")
        if self._paused is not None and now >= self._paused + LONGEST_PAUSE:
            self._paused = None

    def _give_way(self) -> None:
        """Stop the current utterance for an urgent one."""
        stopped = self._state.stop()
        self._state.put_back(stopped)
        can_resume = stopped.rank in (Rank.repeated, Rank.normal) and stopped.utterance.options.resume is Resume.restart
        if not can_resume:
            self._state.end(self._state.group(stopped), Result.interrupted)

    def _known(self, now: float, utterance: QueuedUtterance) -> UtteranceState | Rejected | None:
        """The reply for an id that was sent before; None if it is new."""
        item, past = self._state.live.get(utterance.id), self._state.past.get(utterance.id)
        if not item and not past:
            return None
        if utterance.content != (item.utterance.content if item else past and past[1]):
            return Rejected(utterance.id, "bad_request")
        if item:
            item.owner = utterance.owner
        return self.state(now, utterance.id)

    def _interrupted(self, utterance: QueuedUtterance) -> list[Item]:
        """Utterances that a new one ends by its `interrupt`."""
        if utterance.options.interrupt is Interrupt.none:
            return []
        heard = (self._state.playing, self._state.cut_off) if utterance.options.interrupt is Interrupt.all else ()
        return [
            item
            for item in self._state.live.values()
            if item.rank >= utterance.rank
            and (item.utterance.scope == utterance.scope or self._state.leader(item) in heard)
        ]

    def _replaced(self, utterance: QueuedUtterance) -> list[Item]:
        """Utterances that a new one replaces: of the same slot, and not being spoken."""
        if not utterance.slot:
            return []
        return [
            item
            for item in self._state.live.values()
            if item.utterance.slot == utterance.slot and self._state.leader(item) is not self._state.playing
        ]

    def _leader(self, utterance: QueuedUtterance, leaving: Collection[Item]) -> Item | None:
        """The utterance that says the same, and that a new one joins; None if there is none."""
        for item in self._state.order():
            if (
                utterance.says_as(item.utterance)
                and item not in leaving
                and (utterance.options.dedupe or not item.has_begun)
            ):
                return item
        return None

    def _dropped(self, utterance: QueuedUtterance, leaving: Collection[Item]) -> list[Item] | None:
        """Utterances to drop to make room for a new one; None if there is no room.

        Repeats do not count for an agent, because it did not request them.
        """
        waiting = [item for item in self._state.live.values() if not item.has_begun and item not in leaving]
        own = [item for item in waiting if item.utterance.scope == utterance.scope and not item.utterance.repeats]
        if len(waiting) < self._most and (utterance.repeats or len(own) < self._most_of_agent):
            return []
        oldest = next((item for item in own if item.rank >= utterance.rank), None)
        return [oldest] if oldest and utterance.options.on_full is OnFull.drop_oldest else None

    def _stand(self, item: Item, leader: Item | None, replaced: Collection[Item]) -> None:
        """Add an item at its place. Call it before others leave, so that its agent keeps its turn."""
        places = [old for old in self._state.order() if old in replaced and old.rank is item.rank]
        if leader:
            self._state.add_joined(item, leader)
        elif item.utterance.options.interrupt is Interrupt.all:
            self._state.add_first(item)
        elif places:
            self._state.add_instead(item, places[0])
        else:
            self._state.add(item)

    def _places(self, now: float) -> dict[Item, tuple[int, float]]:
        """Position and estimated seconds until the start of each item, in the order in which they will be spoken."""
        places = {}
        eta = 0.0
        for position, item in enumerate(self._state.order()):
            places.update(dict.fromkeys(self._state.group(item), (position, eta)))
            eta += self._seconds_left(now, item)
        return places

    def _seconds_left(self, now: float, item: Item) -> float:
        """Estimated seconds of speech that remain of an item."""
        spoken = now - item.since if item is self._state.playing else 0.0
        return max(0.0, item.utterance.seconds - spoken)

    def _retry_ms(self, now: float) -> int:
        """Milliseconds after which a client may retry: the time that remains of the current utterance, within RETRY."""
        left = self._seconds_left(now, self._state.playing) if self._state.playing else 0.0
        return round(1000 * min(max(RETRY[0], left), RETRY[1]))

    def _stage(self, item: Item) -> Stage:
        """Stage of an item that has not ended."""
        return Stage.playing if self._state.leader(item) is self._state.playing else Stage.waiting
