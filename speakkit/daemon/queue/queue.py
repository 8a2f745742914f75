"""One voice at a time: who speaks now, who is next, and how each utterance ends.

A state machine without clock, thread or socket. Each method is told the time (`now`, seconds, never falling), and gives
back what the server has to carry out, in this order. Invariants, where "spoken" lies between a `Start` and the `played`
that is reported of it, or its `Stop`:

I1 at most one utterance is spoken at any instant;
I2 each accepted id gets exactly one `Ended`;
I3 within agent and priority, first come is first served;
I4 within a priority agents take turns: before an agent's next one begins at most one of each other waiting agent;
I5 to cancel or skip one never puts another back, nor changes its sound;
I6 `fail_all` ends everything, and nothing waits while nobody speaks, unless speech is paused.

What the rules are where they meet:
- Urgent ones cut in, in a pause too. A normal one that was cut off is next, from the sentence that it was at, or is
  `interrupted` if it wishes so; low and progress are `interrupted`, for they would be stale. Urgent never cuts urgent.
- `interrupt` ends only what ranks no higher. With `agent` the newest takes the line's place, so that an agent which
  interrupts itself all day still gets its turns and takes none of others; with `all` it is the next of its priority.
- `replace` never cuts a word: what is spoken is spoken to its end, and the newer waits. What was cut off or paused
  counts as waiting. Replaced, interrupted and failed utterances take with them those that had been joined to them.
- The same said twice by an agent (`QueuedUtterance.says_as`) joins what waits, and ends with it: `deduped` if that was
  played, else with its very result. If the first is cancelled, stale, or loses its connection, the second stands in.
  With a `dedupe` key it joins what is being spoken too. Keys belong to an agent: two that say "done" mean two things.
- Only who has not begun can become stale, so a pause or an urgent one makes nobody lose the second half of a message.
- To mute ends everything, urgent too, and all that comes: silence was asked for, and nothing shall come late.
- To repeat is a person's wish: it is before all but the urgent and what was cut off, but cuts nothing.
- The bounds count what has not begun. `drop_oldest` drops the agent's own only.
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
"""Utterances that may wait."""

MOST_OF_AGENT = 32
"""Utterances of one agent that may wait."""

LONGEST_PAUSE = 300.0
"""Seconds after which a pause is taken for forgotten. Half a minute was too short for a telephone call."""

RETRY = (0.2, 10.0)
"""Seconds after which one that found no room is told to come back, at least and at most."""


class Scope(StrEnum):
    """Whose utterances to clear: those of a connection, of an agent, or all."""

    mine = "mine"
    agent = "agent"
    all = "all"


class Queue:
    """All utterances of a user. most, most_of_agent: how many may wait."""

    def __init__(self, most: int = MOST, most_of_agent: int = MOST_OF_AGENT) -> None:
        self._most = most
        self._most_of_agent = most_of_agent
        self._state = QueueState()
        self._paused: float | None = None
        self._muted = False

    # What clients ask for

    def submit(self, now: float, utterance: QueuedUtterance) -> Actions:
        """Accepted first, or Busy; for an id that is known its State, and nothing is spoken twice.

        Who sends an id again owns it from then on, so that the end of a lost connection does not end it.
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
        """Repeat the last that was heard (back=1) or an earlier one, as a new utterance with an id of its own.

        What counts is what has ended after it began, skipped ones too, and no repeats: asked twice, the same is said.
        `QueuedUtterance.repeats` tells whose sound it is; where that is gone, its text is there to be synthesized.
        Raises BadValue for back < 1.
        """
        if back < 1:
            raise BadValue(f"{back} utterances back is none that was heard; use 1 or more")
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
        """End one. Refused where it is unknown; its State where it has ended."""
        if item := self._state.live.get(utterance_id):
            self._state.end([item], Result.skipped, "cancelled")
            return self._settled(now)
        return (self.state(now, utterance_id), *self._settled(now))

    def disconnected(self, now: float, owner: str) -> Actions:
        """End what hangs on this connection, but for what was detached."""
        gone = [item for item in self._state.live.values() if item.owner == owner and not item.utterance.options.detach]
        self._state.end(gone, Result.skipped, "disconnected")
        return self._settled(now)

    def skip(self, now: float) -> Actions:
        """End what is spoken; in a pause, what was stopped by it."""
        self._state.end(self._state.group(self._state.playing or self._state.cut_off), Result.skipped, "skipped")
        return self._settled(now)

    def clear(self, now: float, scope: Scope, whose: str = "") -> Actions:
        """End all of a connection or an agent (`whose`), or everything, also what is spoken."""
        gone = [
            item
            for item in self._state.live.values()
            if scope is Scope.all or whose == (item.owner if scope is Scope.mine else item.agent)
        ]
        self._state.end(gone, Result.skipped, "cleared")
        return self._settled(now)

    def pause(self, now: float) -> Actions:
        """Stop after this slice of sound, until `resume`. Urgent ones speak on. Asked again, the pause begins anew."""
        self._paused = now
        if self._state.playing and self._state.playing.rank is not Rank.urgent:
            self._state.put_back(self._state.stop())
        return self._settled(now)

    def resume(self, now: float) -> Actions:
        """Go on from the sentence at which speech was paused."""
        self._paused = None
        return self._settled(now)

    def mute(self, now: float) -> Actions:
        """End everything, and all that comes, until `unmute`."""
        self._muted = True
        return self._settled(now)

    def unmute(self, now: float) -> Actions:
        """Speak what comes from now on."""
        self._muted = False
        return self._settled(now)

    # What the player and the engines report

    def played(self, now: float, utterance_id: str, turn: int) -> Actions:
        """All of it was heard. A report on a turn that was stopped meanwhile holds too: it need not be said again."""
        item = self._state.live.get(utterance_id)
        if item and item.turn == turn:
            if item is self._state.playing:
                self._state.playing = None
            self._state.end(self._state.group(item)[1:], Result.deduped)
            self._state.end([item], Result.played)
        return self._settled(now)

    def failed(self, now: float, utterance_id: str, code: str) -> Actions:
        """It cannot be spoken, be it waiting (it was synthesized ahead) or half spoken."""
        self._state.end(self._state.group(self._state.live.get(utterance_id)), Result.failed, code)
        return self._settled(now)

    def fail_all(self, now: float, code: str) -> Actions:
        """Nothing can be spoken any more: "audio_unavailable", "shutting_down"."""
        self._state.end(list(self._state.live.values()), Result.failed, code)
        return self._settled(now)

    # Time

    def tick(self, now: float) -> Actions:
        """Let time pass: what is stale ends, and a pause that was forgotten too."""
        return self._settled(now)

    def next_deadline(self) -> float | None:
        """When to call `tick`, unless something else is called before."""
        times = [deadline for _, deadline in self._state.deadlines()]
        if self._paused is not None:
            times.append(self._paused + LONGEST_PAUSE)
        return min(times, default=None)

    # Questions

    def waiting(self) -> tuple[str, ...]:
        """Ids in the order in which they will be spoken, after what is spoken now: what to synthesize ahead."""
        return tuple(item.utterance.id for item in self._state.order() if item is not self._state.playing)

    def utterance(self, utterance_id: str) -> QueuedUtterance | None:
        """One that has not ended."""
        item = self._state.live.get(utterance_id)
        return item.utterance if item else None

    def owner(self, utterance_id: str) -> str | None:
        """The connection that one which has not ended hangs on: that which sent it last."""
        item = self._state.live.get(utterance_id)
        return item.owner if item else None

    @property
    def heard(self) -> tuple[QueuedUtterance, ...]:
        """Those that can be repeated, the last one last."""
        return tuple(self._state.past.heard)

    def state(self, now: float, utterance_id: str) -> UtteranceState | Rejected:
        """What has become of an utterance. Refused where it is unknown, or ended long ago."""
        if item := self._state.live.get(utterance_id):
            return UtteranceState(utterance_id, self._stage(item), *self._places(now)[item])
        if past := self._state.past.get(utterance_id):
            ended, _ = past
            return UtteranceState(utterance_id, Stage.ended, result=ended.result, code=ended.code)
        return Rejected(utterance_id, "not_found")

    def snapshot(self, now: float, agent: str = "") -> Snapshot:
        """All that is spoken and waits. Only texts of `agent` are in it."""
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
        """What follows from what was done and from the time."""
        state = self._state
        if self._muted:
            state.end(list(state.live.values()), Result.skipped, "muted")
        self._expire(now)
        if state.has_urgent and state.playing and state.playing.rank is not Rank.urgent:
            self._give_way()
        state.begin(now, paused=self._paused is not None)
        return state.flush()

    def _expire(self, now: float) -> None:
        """End what is stale, and a pause that was forgotten."""
        stale = [item for item, deadline in self._state.deadlines() if now >= deadline]
        self._state.end(stale, Result.expired, "expired")
        if self._paused is not None and now >= self._paused + LONGEST_PAUSE:
            self._paused = None

    def _give_way(self) -> None:
        """Let what is spoken make room for an urgent one."""
        stopped = self._state.stop()
        self._state.put_back(stopped)
        can_resume = stopped.rank in (Rank.repeated, Rank.normal) and stopped.utterance.options.resume is Resume.restart
        if not can_resume:
            self._state.end(self._state.group(stopped), Result.interrupted)

    def _known(self, now: float, utterance: QueuedUtterance) -> UtteranceState | Rejected | None:
        """The answer for one that was sent before, if it was."""
        item, past = self._state.live.get(utterance.id), self._state.past.get(utterance.id)
        if not item and not past:
            return None
        if utterance.content != (item.utterance.content if item else past and past[1]):
            return Rejected(utterance.id, "bad_request")
        if item:
            item.owner = utterance.owner
        return self.state(now, utterance.id)

    def _interrupted(self, utterance: QueuedUtterance) -> list[Item]:
        """What it ends by its `interrupt`."""
        if utterance.options.interrupt is Interrupt.none:
            return []
        heard = (self._state.playing, self._state.cut_off) if utterance.options.interrupt is Interrupt.all else ()
        return [
            item
            for item in self._state.live.values()
            if item.rank >= utterance.rank and (item.agent == utterance.agent or self._state.leader(item) in heard)
        ]

    def _replaced(self, utterance: QueuedUtterance) -> list[Item]:
        """What is stale since it came, and is not spoken."""
        if not utterance.slot:
            return []
        return [
            item
            for item in self._state.live.values()
            if item.utterance.slot == utterance.slot and self._state.leader(item) is not self._state.playing
        ]

    def _leader(self, utterance: QueuedUtterance, leaving: Collection[Item]) -> Item | None:
        """The one that says the same already."""
        for item in self._state.order():
            if (
                utterance.says_as(item.utterance)
                and item not in leaving
                and (utterance.options.dedupe or not item.has_begun)
            ):
                return item
        return None

    def _dropped(self, utterance: QueuedUtterance, leaving: Collection[Item]) -> list[Item] | None:
        """What is dropped to make room for it; None where there is no room. Repeats are not an agent's doing."""
        waiting = [item for item in self._state.live.values() if not item.has_begun and item not in leaving]
        own = [item for item in waiting if item.agent == utterance.agent and not item.utterance.repeats]
        if len(waiting) < self._most and (utterance.repeats or len(own) < self._most_of_agent):
            return []
        oldest = next((item for item in own if item.rank >= utterance.rank), None)
        return [oldest] if oldest and utterance.options.on_full is OnFull.drop_oldest else None

    def _stand(self, item: Item, leader: Item | None, replaced: Collection[Item]) -> None:
        """Give it its place. It stands there before others leave, so that its agent keeps its turn."""
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
        """How many are before each, and for how many seconds, in the order in which they will be heard."""
        places = {}
        eta = 0.0
        for position, item in enumerate(self._state.order()):
            places.update(dict.fromkeys(self._state.group(item), (position, eta)))
            eta += self._seconds_left(now, item)
        return places

    def _seconds_left(self, now: float, item: Item) -> float:
        spoken = now - item.since if item is self._state.playing else 0.0
        return max(0.0, item.utterance.seconds - spoken)

    def _retry_ms(self, now: float) -> int:
        """When to come back: when the one that is spoken has ended."""
        left = self._seconds_left(now, self._state.playing) if self._state.playing else 0.0
        return round(1000 * min(max(RETRY[0], left), RETRY[1]))

    def _stage(self, item: Item) -> Stage:
        return Stage.playing if self._state.leader(item) is self._state.playing else Stage.waiting
