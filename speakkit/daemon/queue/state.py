"""State of the queue: the current utterance, the order of the rest, and the transitions when one ends."""

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
"""Number of utterances that can be repeated."""

REMEMBERED = 4096
"""Number of ended ids that are kept, so that a client that lost its connection can get the results."""


class Past:
    """Utterances that have ended.

    heard: those that can be repeated, the latest last: they ended after they began, did not fail, and are no repeats
    """

    def __init__(self) -> None:
        self.heard: deque[QueuedUtterance] = deque()
        self._ended: OrderedDict[str, tuple[Ended, int]] = OrderedDict()

    def get(self, utterance_id: str) -> tuple[Ended, int] | None:
        """How an utterance ended, and its `QueuedUtterance.content`; no text is kept. None if it is unknown."""
        return self._ended.get(utterance_id)

    def add(self, item: Item, ended: Ended) -> QueuedUtterance | None:
        """Record an end. Returns the utterance that can no longer be repeated because of it, or None."""
        self._ended[ended.id] = ended, item.utterance.content
        if len(self._ended) > REMEMBERED:
            self._ended.popitem(last=False)
        if item.has_begun and ended.result is not Result.failed and not item.utterance.repeats:
            self.heard.append(item.utterance)
        return self.heard.popleft() if len(self.heard) > HEARD else None


class QueueState:
    """All items that have not ended. Each is current, interrupted, waiting in a line, or joined to another.

    live: all of them by id, in order of arrival
    playing: the one that is being spoken
    cut_off: the one that was stopped half-way, or took its place; it comes before all but urgent ones
    past: utterances that have ended
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
        """Whether an urgent item waits."""
        return bool(self._ranks[Rank.urgent])

    def order(self) -> Iterator[Item]:
        """All items that are not joined, in the order in which they will be spoken; the current one is first."""
        if self.playing:
            yield self.playing
        yield from self._ranks[Rank.urgent]
        if self.cut_off:
            yield self.cut_off
        for rank in list(Rank)[1:]:
            yield from self._ranks[rank]

    def leader(self, item: Item) -> Item:
        """The item that is spoken for `item`: the one that it is joined to, or itself."""
        return self._joined.get(item, item)

    def group(self, item: Item | None) -> list[Item]:
        """The item and those that are joined to it; empty for None."""
        return [item, *(other for other, leader in self._joined.items() if leader is item)] if item else []

    def deadlines(self) -> Iterator[tuple[Item, float]]:
        """Items that can still expire, and when. An item that has begun cannot: half a message is of no use."""
        for item in self.live.values():
            deadline = item.utterance.deadline
            if deadline is not None and not self.leader(item).has_begun:
                yield item, deadline

    def add(self, item: Item) -> None:
        """Add an item at the end of its line."""
        self.live[item.utterance.id] = item
        self._ranks[item.rank].add(item)

    def add_first(self, item: Item) -> None:
        """Add an item before all others of its rank."""
        self.live[item.utterance.id] = item
        self._ranks[item.rank].add_first(item)

    def add_joined(self, item: Item, leader: Item) -> None:
        """Add an item that is joined to `leader`, which has the same rank."""
        self.live[item.utterance.id] = item
        self._joined[item] = leader

    def add_instead(self, item: Item, old: Item) -> None:
        """Add an item in the place of `old`, a waiting item of the same scope and rank that is about to end."""
        self.live[item.utterance.id] = item
        if old is self.cut_off:
            self.cut_off = item
        else:
            self._ranks[old.rank].swap(old, item)

    def end(self, items: Collection[Item], result: Result, code: str = "") -> None:
        """End `items` with a result.

        If others were joined to one of them and stay, the first of those takes its place.
        """
        leaving = set(items)
        for item in items:
            heirs = [other for other in self.group(item)[1:] if other not in leaving]
            self._leave(item, heirs[0] if heirs else None)
            for other in heirs[1:]:
                self._joined[other] = heirs[0]
            del self.live[item.utterance.id]
            said = item.utterance
            ended = Ended(said.id, said.agent, item.owner, result, code, said.options.detach)
            self._actions.append(ended)
            if forgotten := self.past.add(item, ended):
                self._actions.append(Forgotten(forgotten.id))

    def _leave(self, item: Item, heir: Item | None) -> None:
        """Remove an item from its place, and put `heir` there if there is one."""
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
        """Make a stopped item the next one, from its current sentence."""
        if item.rank is Rank.urgent:
            self._ranks[item.rank].add_first(item)
        else:
            self.cut_off = item

    def stop(self) -> Item:
        """Stop the current item and return it. The stop is faded, unless an urgent item waits: a fade takes time."""
        assert self.playing
        stopped, self.playing = self.playing, None
        self._actions.append(Stop(stopped.utterance.id, stopped.turn, fade=not self.has_urgent))
        return stopped

    def begin(self, now: float, *, paused: bool) -> None:
        """If none is being spoken, start the next item; during a pause, only an urgent one."""
        if not self.playing and (item := self._taken(paused=paused)):
            self._turn += 1
            self.playing, item.turn, item.since = item, self._turn, now
            self._actions.append(Start(item.utterance, item.turn))

    def _taken(self, *, paused: bool) -> Item | None:
        """Remove and return the next item to speak; None if there is none."""
        if not paused and not self.has_urgent and self.cut_off:
            item, self.cut_off = self.cut_off, None
            return item
        ranks = list(Rank)[:1] if paused else list(Rank)
        return next((self._ranks[rank].take() for rank in ranks if self._ranks[rank]), None)

    def flush(self) -> Actions:
        """Return the actions since the last call."""
        actions, self._actions = tuple(self._actions), []
        return actions
