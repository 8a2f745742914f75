"""Order of waiting utterances of one rank: round robin over turn takers, and order of arrival within each of them.

A turn taker is an agent, or all containers together. At most one utterance of each other one comes before its next,
however many these have. Removing an utterance moves up only those behind it of the same turn taker, and never delays
another.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest

from speakkit.daemon.queue.utterance import QueuedUtterance, Rank


@dataclass(eq=False, slots=True)
class Item:
    """An utterance that was accepted and has not ended.

    owner: key of the connection that sent it last, which may differ from the one that sent it first
    turn: number of its last `Start`; 0 if it has not begun
    since: time of that `Start`, in seconds
    """

    utterance: QueuedUtterance
    owner: str
    turn: int = 0
    since: float = 0.0

    @property
    def agent(self) -> str:
        """Name of the agent."""
        return self.utterance.agent

    @property
    def turn_taker(self) -> str:
        """Name of the line in which it waits."""
        return self.utterance.turn_taker

    @property
    def rank(self) -> Rank:
        """Rank of its line."""
        return self.utterance.rank

    @property
    def has_begun(self) -> bool:
        """Whether some of it may have been heard."""
        return self.turn > 0

    def stand_in_for(self, other: "Item") -> None:
        """Take over the turn of `other`."""
        self.turn = other.turn


class RoundRobin:
    """Waiting items of one rank. Iteration yields them in the order in which `take` would return them."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Item]] = {}
        self._first: list[Item] = []

    def __bool__(self) -> bool:
        return bool(self._first or self._lines)

    def __iter__(self) -> Iterator[Item]:
        rounds = zip_longest(*self._lines.values())
        return chain(self._first, filter(None, chain.from_iterable(rounds)))

    def add(self, item: Item) -> None:
        """Append an item to its line. The first turn of a new line comes after all others."""
        self._lines.setdefault(item.turn_taker, []).append(item)

    def add_first(self, item: Item) -> None:
        """Insert an item before all others, in addition to the turns of its line."""
        self._first.insert(0, item)

    def take(self) -> Item:
        """Remove and return the next item; its line's next turn is after all others. Raises StopIteration if empty."""
        if self._first:
            return self._first.pop(0)
        turn_taker = next(iter(self._lines))
        item, *rest = self._lines.pop(turn_taker)
        if rest:
            self._lines[turn_taker] = rest
        return item

    def swap(self, item: Item, other: Item) -> None:
        """Put `other`, of the same turn taker, in the place of `item`."""
        line = self._first if item in self._first else self._lines[item.turn_taker]
        line[line.index(item)] = other

    def remove(self, item: Item) -> None:
        """Remove an item, if it is there."""
        for line in (self._first, self._lines.get(item.turn_taker, [])):
            if item in line:
                line.remove(item)
        if not self._lines.get(item.turn_taker, [item]):
            del self._lines[item.turn_taker]
