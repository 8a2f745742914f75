"""Tests of the queue's invariants I1 to I6 under any sequence of requests, judged from its effects alone.

The clock is virtual, reports of the player come late, and connections open and close. The witness keeps its own
record of all effects, and does not read the queue's internal state.
"""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from speakkit.daemon.queue.actions import (
    Busy,
    Ended,
    Placed,
    Rejected,
    Result,
    Stage,
    Start,
    Stop,
    UtteranceState,
)
from speakkit.daemon.queue.queue import LONGEST_PAUSE, Queue, Scope
from speakkit.daemon.queue.utterance import Interrupt, OnFull, Priority, QueuedUtterance, Resume
from utterances import queued

RANKS = ["urgent", "repeated", "normal", "low", "progress"]
AGENTS = ["ann", "bob", "cat"]
OWNERS = ["1", "2", "3", "4"]
GUESTS = ["", "", "", "5", "6"]
MOST, MOST_OF_AGENT = 8, 4
LIMITS = {"low": 30.0, "progress": 5.0}


@dataclass
class Book:
    """The witness's record of one accepted utterance.

    ticket: its place in its line.
    joined: id of the utterance that is spoken for it.
    jumped: whether it was put before the others, outside its line.
    """

    said: QueuedUtterance
    owner: str
    ticket: int
    joined: str = ""
    begun: bool = False
    jumped: bool = False

    @property
    def line(self):
        return self.turn_taker, self.rank

    @property
    def turn_taker(self):
        return "containers" if self.said.guest else self.said.agent

    @property
    def scope(self):
        return self.said.agent, self.said.guest

    @property
    def rank(self):
        return 1 if self.said.repeats else RANKS.index(self.said.options.priority)


@dataclass
class Witness:
    """Records all effects in order, and asserts the invariants about each of them."""

    live: dict = field(default_factory=dict)
    ended: dict = field(default_factory=dict)
    playing: tuple | None = None
    sounding: tuple | None = None
    cut_off: str = ""
    turn: int = 0
    tickets: int = 0
    passed: dict = field(default_factory=dict)
    is_content: bool = True

    def hear(self, effects, submitted=None, leader=""):
        """Record the effects; `leader` is the id of the utterance that is spoken for the submitted one."""
        self.is_content = False
        ending = {effect.id for effect in effects if isinstance(effect, Ended)}
        for effect in effects:
            match effect:
                case Placed():
                    self.accepted(effect, submitted, effects, leader)
                case Start():
                    self.started(effect)
                case Stop():
                    self.stopped(effect, ending)
                case Ended():
                    self.leave(effect, ending)
        for line in list(self.passed):
            if not any(book.line == line and not book.jumped for book in self.waiting()):
                del self.passed[line]
        self.is_content = True

    def accepted(self, effect, submitted, effects, leader):
        assert effect is effects[0]
        assert effect.id == submitted.id
        assert effect.id not in self.live, "accepted twice"
        assert effect.id not in self.ended, "accepted after its end"
        self.tickets += 1
        leader = leader or self.dropped_leader(submitted, effects)
        book = self.live[effect.id] = Book(submitted, submitted.owner, self.tickets, leader)
        replaced = [self.live[e.id] for e in effects if isinstance(e, Ended) and e.result == Result.replaced]
        assert all(old.scope == book.scope for old in replaced), "one scope does nothing to another"
        if leader:
            assert (self.live[leader].line, self.live[leader].scope) == (book.line, book.scope)
            return
        places = [old for old in replaced if old.rank == book.rank and not old.joined]
        if submitted.options.interrupt == Interrupt.all:
            book.ticket, book.jumped = -self.tickets, True
        elif any(old.said.id == self.cut_off for old in places):
            book.ticket, book.jumped, self.cut_off = -self.tickets, True, effect.id
        elif places:
            first = min(places, key=lambda old: old.ticket)
            book.ticket, book.jumped = first.ticket, first.jumped

    def dropped_leader(self, submitted, effects):
        """Return the id that said the same, if it was dropped to make room: the submitted one stands in for it."""
        dropped = [effect.id for effect in effects if isinstance(effect, Ended) and effect.code == "busy"]
        same = (name for name in dropped if submitted.says_as(self.live[name].said) and not self.live[name].joined)
        return next(same, "")

    def started(self, effect):
        name = effect.utterance.id
        book = self.live[name]
        assert self.playing is None, "I1: two at once"
        assert self.sounding is None, "I1: two at once"
        assert not book.joined
        assert effect.turn > self.turn
        ahead = [other for other in self.waiting() if other is not book]
        assert not any(other.rank < book.rank for other in ahead if name != self.cut_off or other.rank == 0)
        if self.cut_off and book.rank > 0:
            assert name == self.cut_off, "what was cut off is next"
        if name == self.cut_off:
            self.cut_off = ""
        if not book.begun:
            self.begun(book, ahead)
        book.begun, self.turn = True, effect.turn
        self.playing = self.sounding = (name, effect.turn)

    def begun(self, book, ahead):
        assert all(other.ticket > book.ticket for other in ahead if other.line == book.line), "I3: first come"
        if book.jumped:
            return
        self.passed.pop(book.line, None)
        for line in {other.line for other in ahead if other.rank == book.rank and not other.jumped} - {book.line}:
            counts = self.passed.setdefault(line, Counter())
            counts[book.turn_taker] += 1
            assert counts[book.turn_taker] <= 1, "I4: an agent had two turns while another waited"

    def stopped(self, effect, ending):
        assert self.playing == (effect.id, effect.turn), "only what is spoken is stopped"
        self.playing = self.sounding = None
        book = self.live[effect.id]
        heirs = [other for other in self.live if self.live[other].joined == effect.id and other not in ending]
        if effect.id not in ending:
            assert book.rank > 0, "urgent ones are not put off"
            self.cut_off = effect.id
        elif heirs and book.rank > 0:
            self.cut_off = effect.id

    def leave(self, effect, ending):
        assert effect.id not in self.ended, "I2: it ended twice"
        assert effect.id in self.live, "I2: it ended, and was not accepted"
        assert self.playing is None or self.playing[0] != effect.id, "it ended, and is still spoken"
        book = self.live.pop(effect.id)
        assert effect.owner == book.owner
        self.ended[effect.id] = effect
        heirs = [name for name, other in self.live.items() if other.joined == effect.id and name not in ending]
        for name in heirs[:1]:
            heir = self.live[name]
            heir.joined, heir.ticket, heir.jumped = "", book.ticket, book.jumped
            heir.begun = book.begun
        for name in heirs[1:]:
            self.live[name].joined = heirs[0]
        if self.cut_off == effect.id:
            self.cut_off = heirs[0] if heirs else ""

    def waiting(self):
        """Return the utterances that have not begun and are not joined to another."""
        return [book for book in self.live.values() if not book.begun and not book.joined]

    def deadline(self, book):
        """Return when an utterance expires; None if it does not."""
        leader = self.live.get(book.joined, book)
        limits = [
            limit for limit in (book.said.options.ttl, LIMITS.get(book.said.options.priority)) if limit is not None
        ]
        return book.said.arrival + min(limits) if limits and not leader.begun else None


WISHES = {
    "agent": st.sampled_from(AGENTS),
    "guest": st.sampled_from(GUESTS),
    "owner": st.sampled_from(OWNERS),
    "text": st.sampled_from(["Done.", "Failed.", "Five words of some length."]),
    "priority": st.sampled_from([*Priority, Priority.normal, Priority.normal]),
    "interrupt": st.sampled_from([Interrupt.none] * 5 + [Interrupt.agent, Interrupt.all]),
    "on_full": st.sampled_from(list(OnFull)),
    "resume": st.sampled_from(list(Resume)),
    "dedupe": st.sampled_from(["", "", "k"]),
    "replace": st.sampled_from(["", "", "", "r"]),
    "ttl": st.sampled_from([None, None, None, 3.0, 40.0]),
    "detach": st.booleans(),
}


class Machine(RuleBasedStateMachine):
    """Submits any request at any time, and checks the invariants after each step."""

    def __init__(self):
        super().__init__()
        self.queue = Queue(MOST, MOST_OF_AGENT)
        self.witness = Witness()
        self.now = 0.0
        self.paused = None
        self.muted = False
        self.reports = []
        self.sent = {}
        self.count = 0

    def do(self, wish, *given, submitted=None):
        """Call the queue and record its effects.

        Effects of elapsed time are recorded before, so that they do not count as effects of the call.
        """
        if self.paused is not None and self.now >= self.paused + LONGEST_PAUSE:
            self.paused = None
        self.witness.hear(self.queue.tick(self.now))
        effects = getattr(self.queue, wish)(self.now, *given)
        self.witness.hear(effects, submitted, self.leader(submitted))
        return effects

    def leader(self, submitted):
        """Return the id listed at the place of the submitted utterance; "" if the place is its own."""
        rows = self.queue.snapshot(self.now).rows
        own = next((row.position for row in rows if submitted and row.id == submitted.id), None)
        first = next((row.id for row in rows if row.position == own), "")
        return "" if own is None or first == submitted.id else first

    def order(self):
        """Return the ids that are playing and waiting, in playback order."""
        playing = [self.witness.playing[0]] if self.witness.playing else []
        return [*playing, *self.queue.waiting()]

    def name(self, data):
        """Return the id of an utterance that has not ended."""
        return data.draw(st.sampled_from(sorted(self.witness.live)))

    # Requests of clients

    @rule(wishes=st.fixed_dictionaries(WISHES), late=st.sampled_from([0.0, 0.0, 0.5]))
    def submit(self, wishes, late):
        self.count += 1
        said = queued(f"u{self.count:03}", arrival=self.now, **wishes)
        self.now += late
        scopes = {name: book.scope for name, book in self.witness.live.items()}
        effects = self.do("submit", said, submitted=said)
        assert isinstance(effects[0], Placed | Busy)
        if said.options.interrupt == Interrupt.agent and said.options.priority != Priority.urgent:
            ended = [e.id for e in effects if isinstance(e, Ended) and e.result == Result.interrupted]
            assert {scopes[name] for name in ended if name != said.id} <= {said.scope}, "one scope interrupts another"
        if isinstance(effects[0], Placed):
            self.sent[said.id] = said
            return
        assert len(effects) == 1, "one that finds no room changes nothing"
        assert 200 <= effects[0].retry_ms <= 10_000
        waiting = [book.scope for book in self.witness.live.values() if not book.begun]
        assert len(waiting) == MOST or waiting.count(said.scope) >= MOST_OF_AGENT

    @rule(several=st.lists(st.fixed_dictionaries(WISHES), min_size=3, max_size=8))
    def submit_several(self, several):
        for wishes in several:
            self.submit(wishes, 0.0)

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), owner=st.sampled_from(OWNERS))
    def send_again(self, data, owner):
        name = data.draw(st.sampled_from(sorted(self.sent)))
        said = self.sent[name]
        self.witness.hear(self.queue.tick(self.now))
        effects = self.do("submit", queued(name, said.agent, owner, self.now, text=said.request.text))
        assert [type(effect) for effect in effects] == [UtteranceState], "nothing is spoken twice"
        if name in self.witness.live:
            self.witness.live[name].owner = owner

    @rule(owner=st.sampled_from(OWNERS), back=st.integers(1, 3))
    def again(self, owner, back):
        self.count += 1
        name = f"u{self.count:03}"
        self.witness.hear(self.queue.tick(self.now))
        effects = self.queue.again(self.now, name, owner, back)
        said = self.queue.utterance(name)
        if isinstance(effects[0], Placed):
            assert self.muted or said.repeats
            said = said or queued(name, "ann", owner, self.now, repeats="unknown")
        else:
            assert isinstance(effects[0], Rejected | Busy)
        self.witness.hear(effects, said, self.leader(said))

    @precondition(lambda self: self.witness.live)
    @rule(data=st.data())
    def cancel(self, data):
        self.leave_in_peace("cancel", self.name(data))

    @precondition(lambda self: self.witness.playing)
    @rule()
    def skip(self):
        self.leave_in_peace("skip", self.witness.playing[0])

    def leave_in_peace(self, wish, name):
        """I5: the call ends one utterance; the order and the sound of the others stay."""
        self.witness.hear(self.queue.tick(self.now))
        before = self.order()
        books = dict(self.witness.live)
        was_playing, was_heard = self.witness.playing, name in before
        if name not in self.witness.live and wish == "cancel":
            return
        effects = self.do(wish, *([name] if wish == "cancel" else []))
        after = self.order()
        assert self.witness.ended[name].result == Result.skipped
        if not was_playing or was_playing[0] != name:
            assert not any(isinstance(effect, Start | Stop) for effect in effects), "I5: the sound of others"
        heirs = [other for other in after if other not in before]
        assert len(heirs) <= 1
        if heirs or not was_heard:
            assert [name if other in heirs else other for other in after] == before, "I5: the order"
            return
        stayed = [other for other in before if other != name]
        assert sorted(after) == sorted(stayed)
        for turn_taker in (*AGENTS, "containers"):
            own = [[i for i in order if books[i].turn_taker == turn_taker] for order in (stayed, after)]
            assert own[0] == own[1], "I5: the order of an agent"
        others = [[i for i in order if books[i].turn_taker != books[name].turn_taker] for order in (stayed, after)]
        assert others[0] == others[1], "I5: the order of the others"
        assert all(after.index(other) <= before.index(other) for other in after), "I5: nobody is put back"

    @precondition(lambda self: self.witness.ended)
    @rule(data=st.data())
    def cancel_too_late(self, data):
        name = data.draw(st.sampled_from([*sorted(self.witness.ended), "nobody"]))
        effects = self.do("cancel", name)
        assert [type(effect) for effect in effects] == [UtteranceState if name in self.witness.ended else Rejected]

    @rule(owner=st.sampled_from(OWNERS))
    def disconnect(self, owner):
        self.witness.hear(self.queue.tick(self.now))
        lost = {n for n, b in self.witness.live.items() if b.owner == owner and not b.said.options.detach}
        effects = self.do("disconnected", owner)
        assert {effect.id for effect in effects if isinstance(effect, Ended)} == lost

    @rule(
        scope=st.sampled_from([Scope.mine, Scope.mine, Scope.agent, Scope.agent, Scope.all]),
        agent=st.sampled_from(AGENTS),
        owner=st.sampled_from(OWNERS),
    )
    def clear(self, scope, agent, owner):
        self.witness.hear(self.queue.tick(self.now))
        whose = owner if scope == "mine" else agent
        cleared = {
            name
            for name, book in self.witness.live.items()
            if scope == "all" or whose == (book.owner if scope == "mine" else book.said.agent)
        }
        effects = self.do("clear", scope, whose)
        assert {effect.id for effect in effects if isinstance(effect, Ended)} == cleared

    @rule(wish=st.sampled_from(["pause", "resume", "resume", "mute", "unmute"]))
    def switch(self, wish):
        effects = self.do(wish)
        self.paused = {"pause": self.now, "resume": None}.get(wish, self.paused)
        self.muted = {"mute": True, "unmute": False}.get(wish, self.muted)
        codes = {effect.code for effect in effects if isinstance(effect, Ended)}
        assert codes <= ({"muted"} if self.muted else set())

    @precondition(lambda self: self.muted)
    @rule()
    def unmute(self):
        self.switch("unmute")

    # Actions of the player; its reports are delivered later

    @precondition(lambda self: self.witness.sounding)
    @rule()
    def finish(self):
        self.reports.append(("played", *self.witness.sounding))
        self.witness.sounding = None

    @precondition(lambda self: self.reports)
    @rule()
    def deliver(self):
        wish, *given = self.reports.pop(0)
        self.witness.hear(self.queue.tick(self.now))
        if wish == "played" and self.witness.playing == tuple(given):
            self.witness.playing = None
        self.do_played(wish, *given)

    def do_played(self, wish, name, turn):
        effects = getattr(self.queue, wish)(self.now, name, turn)
        self.witness.hear(effects)
        results = {effect.result for effect in effects if isinstance(effect, Ended)}
        assert results <= {Result.played, Result.deduped}

    @precondition(lambda self: self.witness.sounding and not self.reports)
    @rule()
    def finish_and_deliver(self):
        self.finish()
        self.deliver()

    @precondition(lambda self: self.witness.live)
    @rule(data=st.data(), everything=st.sampled_from([False, False, False, True]))
    def fail(self, data, everything):
        if everything:
            self.do("fail_all", "shutting_down")
            assert not self.witness.live, "I6"
        else:
            self.do("failed", self.name(data), "engine_failed")

    # Time

    @rule(seconds=st.sampled_from([0.1, 1.0, 4.0, 20.0, 200.0]))
    def wait(self, seconds):
        """Advance the clock, with a timer that fires at each deadline."""
        until = self.now + seconds
        while (deadline := self.queue.next_deadline()) is not None and deadline <= until:
            self.now = max(self.now, deadline)
            self.do("tick")
            later = self.queue.next_deadline()
            assert later is None or later > self.now, "the timer would spin"
        self.now = until
        self.do("tick")

    # Invariants after each step

    @invariant()
    def nothing_waits_in_silence(self):
        """I6: something plays if anything waits, urgent utterances first."""
        urgent = [book for book in self.witness.waiting() if book.rank == 0]
        if self.witness.waiting() and self.paused is None:
            assert self.witness.playing
        if urgent:
            assert self.witness.live[self.witness.playing[0]].rank == 0
        if self.paused is not None and self.witness.playing:
            assert self.witness.live[self.witness.playing[0]].rank == 0
        if self.muted:
            assert not self.witness.live

    @invariant()
    def bounds_hold(self):
        waiting = [book for book in self.witness.live.values() if not book.begun]
        assert len(waiting) <= MOST
        own = Counter(book.scope for book in waiting if not book.said.repeats)
        assert all(count <= MOST_OF_AGENT for count in own.values())

    @invariant()
    def nothing_stale_waits(self):
        deadlines = [self.witness.deadline(book) for book in self.witness.live.values()]
        known = [deadline for deadline in deadlines if deadline is not None]
        assert all(deadline > self.now for deadline in known)
        if self.paused is not None:
            known.append(self.paused + LONGEST_PAUSE)
        assert self.queue.next_deadline() == min(known, default=None)

    @invariant()
    def books_agree(self):
        """I2: the listing shows exactly the live utterances, in playback order."""
        listed = self.queue.snapshot(self.now, "ann").rows
        assert {row.id for row in listed} == set(self.witness.live)
        assert [row.position for row in listed] == sorted(row.position for row in listed)
        assert all((row.text is None) == (row.agent != "ann") for row in listed)
        order = self.order()
        assert list(dict.fromkeys(order)) == order
        assert order == [row.id for row in listed if not self.witness.live[row.id].joined]
        for name, ended in self.witness.ended.items():
            assert self.queue.state(self.now, name) == UtteranceState(
                name, Stage.ended, result=ended.result, code=ended.code
            )

    def teardown(self):
        """I2: after all is played, everything accepted has ended once; skipped if an assertion has failed before."""
        if not self.witness.is_content:
            return
        self.do("resume")
        self.paused = None
        while self.witness.playing:
            if self.witness.sounding:
                self.finish()
            self.deliver()
        assert not self.witness.live
        assert len(self.witness.ended) == self.witness.tickets
        assert self.queue.next_deadline() is None


class TestShort(Machine.TestCase):  # type: ignore[misc, valid-type]
    """The short run, part of every test run."""

    settings = settings(max_examples=100, stateful_step_count=50, deadline=None)


@pytest.mark.slow
class TestLong(Machine.TestCase):  # type: ignore[misc, valid-type]
    """The long run, with -m slow."""

    settings = settings(max_examples=2000, stateful_step_count=50, deadline=None)
