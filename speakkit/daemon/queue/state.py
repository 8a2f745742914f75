"""Who has the floor, who is next, and what becomes of those behind one that leaves: the moves of the queue's rules."""

from collections import OrderedDict, deque
from collections.abc import Collection, Iterator

from speakkit.daemon.queue.actions import (
    Action,
    Actions,
    Ended,
    Forgotten,
    Result,
    Start,
    Stop,
)
from speakkit.daemon.queue.round_robin import Item, RoundRobin
from speakkit.daemon.queue.utterance import QueuedUtterance, Rank

HEARD = 8
"""Utterances that can be repeated."""

REMEMBERED = 4096
"""Ended ids that are still known, so that a client which lost its connection hears what became of its own."""


class Past:
    """What has ended.

    heard: those that can be repeated, the last one last; ended after they began, not by a failure, and no repeats
    """

    def __init__(self) -> None:
        self.heard: deque[QueuedUtterance] = deque()
        self._ended: OrderedDict[str, tuple[Ended, int]] = OrderedDict()

    def get(self, utterance_id: str) -> tuple[Ended, int] | None:
        """How it ended, and `QueuedUtterance.content`; of each only that is kept, and no text."""
        return self._ended.get(utterance_id)

    def add(self, item: Item, ended: Ended) -> QueuedUtterance | None:
        """Remember it. Gives back one that can no longer be repeated, if there is one."""
        self._ended[ended.id] = ended, item.utterance.content
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        if item.has_begun and ended.result is not Result.failed and not item.utterance.repeats:
            self.heard.append(item.utterance)
        return self.heard.popleft() if len(self.heard) > HEARD else None


class QueueState:
    """Each item that has not ended has one place: it is spoken, was cut off, waits in a line, or is joined to another.

    live: all of them by id, in the order in which they came
    playing: the one that is spoken
    cut_off: the one that was stopped half-way, or stands in its place; it goes before all but urgent ones
    past: what has ended
    """

    def __init__(self) -> None:
        self.live: dict[str, Item] = {}
        self.playing: Item | None = None
        self.cut_off: Item | None = None
        self.past = Past()
        self._ranks = {rank: RoundRobin() for rank in Rank}
        self._joined: dict[Item, Item] = {}
        self._turn = 0
        self._actions: list[Action] = []

    @property
    def has_urgent(self) -> bool:
        """Whether an urgent one waits."""
        return bool(self._ranks[Rank.urgent])

    def order(self) -> Iterator[Item]:
        """All but the joined, in the order in which they will be spoken; first the one that is spoken now."""
        if self.playing:
            yield self.playing
        yield from self._ranks[Rank.urgent]
        if self.cut_off:
            yield self.cut_off
        for rank in list(Rank)[1:]:
            yield from self._ranks[rank]

    def leader(self, item: Item) -> Item:
        """The one that is spoken for it: the one it is joined to, or itself."""
        return self._joined.get(item, item)

    def group(self, item: Item | None) -> list[Item]:
        """It and those that are joined to it."""
        return [item, *(other for other, leader in self._joined.items() if leader is item)] if item else []

    def deadlines(self) -> Iterator[tuple[Item, float]]:
        """Those that can still become stale, and when. What has begun cannot: half a message helps nobody."""
        for item in self.live.values():
            deadline = item.utterance.deadline
            if deadline is not None and not self.leader(item).has_begun:
                yield item, deadline

    def add(self, item: Item) -> None:
        """At the end of its line."""
        self.live[item.utterance.id] = item
        self._ranks[item.rank].add(item)

    def add_first(self, item: Item) -> None:
        """At the head of those of its rank."""
        self.live[item.utterance.id] = item
        self._ranks[item.rank].add_first(item)

    def add_joined(self, item: Item, leader: Item) -> None:
        """To be spoken by `leader`, which is of the same rank."""
        self.live[item.utterance.id] = item
        self._joined[item] = leader

    def add_instead(self, item: Item, old: Item) -> None:
        """In the place of `old`, which waits, is of the same agent and rank, and is about to be ended."""
        self.live[item.utterance.id] = item
        if old is self.cut_off:
            self.cut_off = item
        else:
            self._ranks[old.rank].swap(old, item)

    def end(self, items: Collection[Item], result: Result, code: str = "") -> None:
        """Let them leave. The first of those that were joined to one, and stay, stands in for it where it was."""
        leaving = set(items)
        for item in items:
            heirs = [other for other in self.group(item)[1:] if other not in leaving]
            self._leave(item, heirs[0] if heirs else None)
            for other in heirs[1:]:
                self._joined[other] = heirs[0]
            del self.live[item.utterance.id]
            ended = Ended(item.utterance.id, item.agent, item.owner, result, code)
            self._actions.append(ended)
            if forgotten := self.past.add(item, ended):
                self._actions.append(Forgotten(forgotten.id))

    def _leave(self, item: Item, heir: Item | None) -> None:
        if heir:
            del self._joined[heir]
            heir.stand_in_for(item)
        if item in self._joined:
            del self._joined[item]
        elif item is self.playing:
            self.stop()
            if heir:
                self.put_back(heir)
        elif item is self.cut_off:
            self.cut_off = heir
        elif heir:
            self._ranks[item.rank].swap(item, heir)
        else:
            self._ranks[item.rank].remove(item)

    def put_back(self, item: Item) -> None:
        """Let it be the next, from the sentence that it is at."""
        if item.rank is Rank.urgent:
            self._ranks[item.rank].add_first(item)
        else:
            self.cut_off = item

    def stop(self) -> Item:
        """Silence the one that is spoken. A fade sounds better, but takes time: none where an urgent one waits."""
        assert self.playing
        stopped, self.playing = self.playing, None
        self._actions.append(Stop(stopped.utterance.id, stopped.turn, fade=not self.has_urgent))
        return stopped

    def begin(self, now: float, *, paused: bool) -> None:
        """Where nobody speaks, let the next one; in a pause only an urgent one."""
        if not self.playing and (item := self._taken(paused=paused)):
            self._turn += 1
            self.playing, item.turn, item.since = item, self._turn, now
            self._actions.append(Start(item.utterance, item.turn))

    def _taken(self, *, paused: bool) -> Item | None:
        if not paused and not self.has_urgent and self.cut_off:
            item, self.cut_off = self.cut_off, None
            return item
        ranks = list(Rank)[:1] if paused else list(Rank)
        return next((self._ranks[rank].take() for rank in ranks if self._ranks[rank]), None)

    def flush(self) -> Actions:
        """What was done since the last call."""
        actions, self._actions = tuple(self._actions), []
        return actions
