"""Whose turn it is: round robin over agents, and first come, first served within each.

So an agent's next utterance is behind at most one of each other agent, however many these have. Taking one out of its
line brings nothing forward but what stood behind it there, and nothing is ever put back by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest

from speakkit.daemon.queue.utterance import QueuedUtterance, Rank


@dataclass(eq=False, slots=True)
class Item:
    """An utterance that was accepted and has not ended.

    owner: the connection it hangs on, which may be another than it came by
    turn: that of its last `Start`; 0 where it has not begun
    since: when that was
    """

    utterance: QueuedUtterance
    owner: str
    turn: int = 0
    since: float = 0.0

    @property
    def agent(self) -> str:
        """Who speaks."""
        return self.utterance.agent

    @property
    def rank(self) -> Rank:
        """Its line."""
        return self.utterance.rank

    @property
    def has_begun(self) -> bool:
        """Whether some of it may have been heard."""
        return self.turn > 0

    def stand_in_for(self, other: "Item") -> None:
        """Take the turn of `other`."""
        self.turn = other.turn


class RoundRobin:
    """Those of one rank that wait. Iterating gives them in the order in which they would be taken."""

    def __init__(self) -> None:
        self._lines: dict[str, list[Item]] = {}
        self._first: list[Item] = []

    def __bool__(self) -> bool:
        return bool(self._first or self._lines)

    def __iter__(self) -> Iterator[Item]:
        rounds = zip_longest(*self._lines.values())
        return chain(self._first, filter(None, chain.from_iterable(rounds)))

    def add(self, item: Item) -> None:
        """At the end of its agent's line. An agent without one has its first turn after all the others."""
        self._lines.setdefault(item.agent, []).append(item)

    def add_first(self, item: Item) -> None:
        """Before all others, and beside the turns of its agent."""
        self._first.insert(0, item)

    def take(self) -> Item:
        """The next one; its agent's next turn is after all the others. Raises StopIteration where nobody waits."""
        if self._first:
            return self._first.pop(0)
        agent = next(iter(self._lines))
        item, *rest = self._lines.pop(agent)
        if rest:
            self._lines[agent] = rest
        return item

    def swap(self, item: Item, other: Item) -> None:
        """Put `other`, of the same agent, in the place of `item`."""
        line = self._first if item in self._first else self._lines[item.agent]
        line[line.index(item)] = other

    def remove(self, item: Item) -> None:
        """Take it out, if it is there."""
        for line in (self._first, self._lines.get(item.agent, [])):
            if item in line:
                line.remove(item)
        if not self._lines.get(item.agent, [item]):
            del self._lines[item.agent]
