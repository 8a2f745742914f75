"""Tests of the queue's rules one by one: the order of utterances, and the result of each."""

from dataclasses import replace
from typing import Any

import pytest

from speakkit.daemon.queue.actions import (
    Busy,
    Ended,
    Forgotten,
    Placed,
    Rejected,
    Result,
    Stage,
    Start,
    Stop,
    UtteranceState,
)
from speakkit.daemon.queue.queue import LONGEST_PAUSE, Queue, Scope
from speakkit.daemon.queue.utterance import Interrupt, OnFull, Priority, Resume
from speakkit.errors import BadValue
from utterances import queued


def utterance(name, *, at=0.0, **wishes):
    """Return an utterance whose agent is the first letter of its name."""
    given = {"agent": name[0], "owner": f"of {name[0]}", "text": f"The words of {name}."} | wishes
    return queued(name, given.pop("agent"), given.pop("owner"), at, **given)


def told(effects):
    """Return the effects in short words."""
    return "; ".join(map(one, effects))


def one(effect):
    match effect:
        case Placed(name, position):
            return f"{name} is {position}"
        case Start(said):
            return f"start {said.id}"
        case Stop(name, _, fade):
            return f"{'fade' if fade else 'cut'} {name}"
        case Ended(name, _, _, result, code):
            return f"{name} {result}" + f" ({code})" * bool(code)
    plain = {Forgotten: "forget {0.id}"}
    return plain.get(type(effect), "{0!r}").format(effect)


class Room:
    """A queue with a virtual clock, and a player that starts what the queue orders."""

    def __init__(self, **bounds):
        self.queue = Queue(**bounds)
        self.now = 0.0
        self.playing = None

    def say(self, name, **wishes):
        return self.hear(self.queue.submit(self.now, utterance(name, at=self.now, **wishes)))

    def hear(self, effects):
        for effect in effects:
            if isinstance(effect, Start):
                self.playing = effect
        return told(effects)

    def do(self, wish, *given, **options):
        return self.hear(getattr(self.queue, wish)(self.now, *given, **options))

    def finish(self):
        return self.do("played", self.playing.utterance.id, self.playing.turn)

    def wait(self, seconds):
        self.now += seconds
        return self.do("tick")


@pytest.fixture
def room():
    return Room()


URGENT, LOW, PROGRESS = ({"priority": priority} for priority in (Priority.urgent, Priority.low, Priority.progress))


def test_one_after_another(room):
    """The next utterance starts when the current one has been played."""
    assert room.say("a") == "a is 0; start a"
    assert room.say("b") == "b is 1"
    assert room.finish() == "a played; start b"
    assert room.finish() == "b played"


def test_agents_take_turns(room):
    """Agents take turns: an agent's next utterance waits for one of each other agent."""
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        room.say(name)
    assert room.queue.waiting() == ("a2", "b1", "c1", "a3", "b2")
    assert [room.finish() for _ in range(6)] == [
        *("a1 played; start a2", "a2 played; start b1", "b1 played; start c1"),
        *("c1 played; start a3", "a3 played; start b2", "b2 played"),
    ]


def test_more_pressing_ones_go_first(room):
    """A higher priority goes first; each priority has its own lines."""
    for name, wishes in {"a": {}, "p": PROGRESS, "l": LOW, "n": {}}.items():
        room.say(name, **wishes)
    assert room.queue.waiting() == ("n", "l", "p")


def test_an_urgent_one_cuts_in(room):
    """An urgent utterance interrupts at once, and the interrupted one is next."""
    room.say("a")
    room.say("b")
    assert room.say("u", **URGENT) == "u is 0; cut a; start u"
    assert room.queue.waiting() == ("a", "b")
    assert room.finish() == "u played; start a"


def test_an_urgent_one_ends_what_does_not_want_to_resume(room):
    """An interrupted utterance ends if it has resume=drop, or a low or progress priority.

    An urgent utterance does not interrupt another.
    """
    room.say("a", resume=Resume.drop)
    assert room.say("u", **URGENT) == "u is 0; cut a; a interrupted; start u"
    assert room.say("v", **URGENT) == "v is 1"
    for wishes in (LOW, PROGRESS):
        room = Room()
        room.say("b", **wishes)
        assert room.say("u", **URGENT) == "u is 0; cut b; b interrupted; start u"


def test_all_who_asked_for_it_learn_that_it_was_cut_off(room):
    """If an interrupted low utterance ends, its duplicates end too and do not restart it."""
    room.say("a1", dedupe="k", **LOW)
    room.say("a2", dedupe="k", **LOW)
    assert room.say("u", **URGENT) == "u is 0; cut a1; a1 interrupted; a2 interrupted; start u"


@pytest.mark.parametrize(("wishes", "limit"), [(LOW, 30), (PROGRESS, 5), ({"ttl": 7}, 7), ({"ttl": 7, **PROGRESS}, 5)])
def test_what_waited_too_long_is_not_said(room, wishes, limit):
    """An utterance expires at its time limit, which next_deadline() gives; normal ones without ttl never expire."""
    room.say("a")
    room.say("b")
    room.say("c", **wishes)
    assert room.queue.next_deadline() == limit
    assert room.wait(limit - 0.1) == ""
    assert room.wait(0.1) == "c expired (expired)"
    assert room.queue.next_deadline() is None
    assert room.wait(10**6) == ""


def test_stale_ones_take_no_room(room):
    """Expired utterances take no room, even before the timer has removed them."""
    room = Room(most=1)
    room.say("a")
    room.say("b", **PROGRESS)
    room.now = 6.0
    assert room.say("c") == "c is 1; b expired (expired)"


def test_what_has_begun_does_not_become_stale(room):
    """An utterance that has begun does not expire, whether it is playing or paused."""
    room.say("a", **PROGRESS)
    room.do("pause")
    assert room.wait(100) == ""
    assert room.do("resume") == "start a"
    assert room.say("a2", dedupe="k", **LOW) == "a2 is 1"
    room.finish()
    assert room.say("a3", dedupe="k", **LOW) == "a3 is 0"
    assert room.wait(100) == ""
    assert room.finish() == "a3 deduped; a2 played"


def test_a_late_timer_speaks_nothing_stale(room):
    """Expired utterances end before the next one is chosen, even if the timer is late."""
    room.say("a")
    room.say("b", **PROGRESS)
    room.now = 6.0
    assert room.finish() == "a played; b expired (expired)"


def test_the_last_of_a_series_of_progress_wins(room):
    """A newer progress utterance replaces the waiting one of its agent, or of its `replace` key.

    Its time limit counts from its own arrival.
    """
    room.say("a")
    room.say("b40", **PROGRESS)
    room.say("b50", replace="other", **PROGRESS)
    room.now = 4.0
    assert room.say("b60", **PROGRESS) == "b60 is 1; b40 replaced"
    assert room.say("c60", **PROGRESS) == "c60 is 2"
    assert room.queue.waiting() == ("b60", "c60", "b50")
    assert room.wait(1) == "b50 expired (expired)"
    assert room.wait(4) == "b60 expired (expired); c60 expired (expired)"


def test_the_newer_takes_the_place_of_the_older(room):
    """A newer utterance takes the place of the waiting one with the same key and the same agent."""
    for name in ("a1", "b1", "a2", "b2"):
        room.say(name, replace="build" if name in ("a2", "b2") else "")
    assert room.queue.waiting() == ("b1", "a2", "b2")
    assert room.say("a3", replace="build") == "a3 is 2; a2 replaced"


def test_the_newer_cuts_no_word(room):
    """A newer utterance does not interrupt one that is playing; an interrupted one is replaced and does not resume."""
    room.say("a1", replace="build")
    assert room.say("a2", replace="build") == "a2 is 1"
    room.say("u", **URGENT)
    room.say("b")
    assert room.say("a3", replace="build") == "a3 is 1; a1 replaced; a2 replaced"
    assert room.finish() == "u played; start a3"


def test_a_newer_one_of_another_priority_joins_its_own_line(room):
    """A newer utterance of another priority joins the line of that priority at its end."""
    room.say("a")
    room.say("b40", replace="build", **PROGRESS)
    room.say("c")
    assert room.say("b", replace="build") == "b is 2; b40 replaced"


def test_the_newest_message_of_an_agent_can_be_its_only_one(room):
    """interrupt=agent ends the current and waiting utterances of its agent only."""
    for name in ("a1", "b1", "a2", "a3"):
        room.say(name)
    ends = "fade a1; a1 interrupted; a2 interrupted; a3 interrupted; start b1"
    assert room.say("a4", interrupt=Interrupt.agent) == f"a4 is 1; {ends}"


def test_an_agent_that_interrupts_itself_keeps_its_turn(room):
    """An agent that interrupts itself keeps its turn and takes no turn of others."""
    for name in ("a1", "b1", "c1", "a2", "c2"):
        room.say(name)
    for i in range(3, 6):
        assert f"b{i - 1}" in room.say(f"b{i}", interrupt=Interrupt.agent) or i == 3
        assert room.queue.waiting() == (f"b{i}", "c1", "a2", "c2")


def test_to_interrupt_all_is_to_be_next(room):
    """interrupt=all ends the current utterance of any agent and plays next; other waiting utterances stay."""
    for name in ("a1", "a2", "b1"):
        room.say(name)
    assert room.say("c1", interrupt=Interrupt.all) == "c1 is 0; fade a1; a1 interrupted; start c1"
    assert room.queue.waiting() == ("a2", "b1")


def test_to_interrupt_all_ends_what_was_cut_off_too(room):
    """interrupt=all also ends an interrupted utterance, which would resume otherwise; the newer of two is next."""
    room.say("a1", dedupe="k")
    room.say("a2", dedupe="k")
    room.say("u", **URGENT)
    assert room.say("b", interrupt=Interrupt.all) == "b is 1; a1 interrupted; a2 interrupted"
    room.say("c", interrupt=Interrupt.all)
    assert room.queue.waiting() == ("c", "b")


def test_all_who_asked_for_it_are_interrupted(room):
    """If an utterance is interrupted, its duplicates end too, whichever agent interrupts."""
    room.say("a1", dedupe="k")
    room.say("a2", dedupe="k")
    assert room.say("b", interrupt=Interrupt.all) == "b is 0; fade a1; a1 interrupted; a2 interrupted; start b"


def test_nothing_more_pressing_is_interrupted(room):
    """An utterance does not interrupt one of a higher priority."""
    room.say("a", **URGENT)
    room.say("b")
    assert room.say("c", interrupt=Interrupt.all, **LOW) == "c is 2"
    assert room.say("a2", interrupt=Interrupt.agent) == "a2 is 2"
    assert room.say("d", interrupt=Interrupt.all, **URGENT) == "d is 0; cut a; a interrupted; start d"


def test_the_same_is_said_once(room):
    """An equal waiting utterance is spoken once, and the duplicate gets its result; one that is playing is repeated."""
    room.say("a")
    room.say("b1", text="Done.")
    assert room.say("b2", text="Done.") == "b2 is 1"
    assert room.say("c1", text="Done.") == "c1 is 2"
    assert room.finish() == "a played; start b1"
    assert room.say("b3", text="Done.") == "b3 is 2"
    assert room.finish() == "b2 deduped; b1 played; start c1"


def test_what_differs_is_not_the_same(room):
    """A different voice, priority, dedupe key or replace key makes a different utterance."""
    room.say("a")
    wishes: list[dict[str, Any]] = [
        {},
        {"voice": "f1"},
        {"voice": "f2"},
        LOW,
        {"dedupe": "1"},
        {"dedupe": "2"},
        {"replace": "1"},
    ]
    for i, different in enumerate(wishes):
        assert " with " not in room.say(f"b{i}", text="Done.", **different)


def test_a_key_says_that_it_is_the_same(room):
    """Utterances of an agent with the same dedupe key are duplicates, whatever their text, even during playback."""
    room.say("a1", dedupe="build 7")
    assert room.say("a2", dedupe="build 7") == "a2 is 0"
    assert room.say("b1", dedupe="build 7") == "b1 is 1"
    assert room.finish() == "a2 deduped; a1 played; start b1"


def test_all_learn_that_it_was_not_said(room):
    """Duplicates get the result of the first if that is skipped or fails."""
    room.say("a1", dedupe="k")
    room.say("a2", dedupe="k")
    assert room.do("skip") == "fade a1; a1 skipped (skipped); a2 skipped (skipped)"
    room.say("a3", dedupe="k")
    room.say("a4", dedupe="k")
    assert room.do("failed", "a3", "engine_failed") == ("fade a3; a3 failed (engine_failed); a4 failed (engine_failed)")


def test_the_second_stands_in_for_the_first(room):
    """If the first is cancelled, disconnected or expires, its duplicate takes its place."""
    room.say("a")
    for name, owner in {"b1": "x", "b2": "y", "b3": "z"}.items():
        room.say(name, text="Done.", owner=owner)
    room.say("c1")
    assert room.do("disconnected", "x") == "b1 skipped (disconnected)"
    assert room.queue.waiting() == ("b2", "c1")
    room.finish()
    assert room.do("cancel", "b2") == "fade b2; b2 skipped (cancelled); start b3"
    room.say("d1", text="Half.", **LOW)
    room.now = 20
    assert room.say("d2", text="Half.", **LOW) == "d2 is 2"
    assert room.wait(10) == "d1 expired (expired)"
    assert room.queue.waiting() == ("c1", "d2")


def test_standing_in_for_one_that_was_cut_off(room):
    """A duplicate of an interrupted utterance with the same text resumes it."""
    room.say("a1", dedupe="k", text="One. Two. Three.")
    room.say("a2", dedupe="k", text="One. Two. Three.")
    room.do("pause")
    assert room.do("cancel", "a1") == "a1 skipped (cancelled)"
    assert room.do("resume") == "start a2"


def test_standing_in_for_other_words(room):
    """A duplicate with another text starts from its beginning, since sentences of different texts cannot be matched."""
    room.say("a1", dedupe="k", text="One. Two. Three.")
    room.say("a2", dedupe="k", text="Four.")
    assert room.do("cancel", "a1") == "fade a1; a1 skipped (cancelled); start a2"


def test_standing_in_for_one_that_has_begun(room):
    """A duplicate that takes over from one that had begun counts as begun, and does not expire."""
    room.say("a1", dedupe="k", **LOW)
    room.say("a2", dedupe="k", **LOW)
    room.do("pause")
    room.do("cancel", "a1")
    assert room.wait(100) == ""
    assert room.do("resume") == "start a2"


def test_standing_in_for_an_urgent_one(room):
    """A duplicate that takes over from an urgent utterance is urgent: neither a pause nor other utterances delay it."""
    room.say("a", **URGENT)
    for name in ("b1", "b2"):
        room.say(name, dedupe="k", **URGENT)
    room.say("c", **URGENT)
    room.finish()
    room.do("pause")
    assert room.do("cancel", "b1") == "cut b1; b1 skipped (cancelled); start b2"


def test_one_that_interrupts_does_not_join_what_it_ends(room):
    """A duplicate with interrupt=agent ends the first and starts from the beginning."""
    room.say("a1", dedupe="k")
    assert room.say("a2", dedupe="k", interrupt=Interrupt.agent) == "a2 is 0; fade a1; a1 interrupted; start a2"


def test_sending_again_says_nothing_twice(room):
    """Sending an utterance with the same id again returns its state and speaks nothing twice.

    The utterance then belongs to the new connection.
    """
    room.say("a")
    room.say("b")
    again = replace(utterance("b"), owner="new")
    (state,) = room.queue.submit(1.0, again)
    left: Any = pytest.approx(room.queue.utterance("a").seconds - 1)
    assert state == UtteranceState("b", Stage.waiting, 1, left)
    assert room.do("disconnected", "of b") == ""
    room.finish()
    assert room.queue.submit(1.0, again) == (UtteranceState("b", Stage.playing, 0, 0.0),)
    room.finish()
    assert room.queue.submit(1.0, again) == (UtteranceState("b", Stage.ended, result=Result.played),)


def test_an_id_of_another_utterance_is_refused(room):
    """An id that is used, or was used, by another text is refused, since the new text would be lost."""
    room.say("a")
    other = utterance("a", text="Other words.")
    assert room.queue.submit(0.0, other) == (Rejected("a", "bad_request"),)
    room.finish()
    assert room.queue.submit(0.0, other) == (Rejected("a", "bad_request"),)


def test_cancelling(room):
    """cancel() ends a waiting or playing utterance, returns the state of an ended one, and rejects an unknown id."""
    room.say("a")
    room.say("b")
    room.say("c")
    assert room.do("cancel", "b") == "b skipped (cancelled)"
    assert room.do("cancel", "a") == "fade a; a skipped (cancelled); start c"
    assert room.queue.cancel(0.0, "a") == (UtteranceState("a", Stage.ended, result=Result.skipped, code="cancelled"),)
    assert room.queue.cancel(0.0, "x") == (Rejected("x", "not_found"),)


def test_the_connection_is_the_lease(room):
    """When a connection ends, its utterances end, except detached ones."""
    room.say("a1", owner="x")
    room.say("a2", owner="x", detach=True)
    room.say("a3", owner="y")
    room.say("b", owner="x")
    ends = "fade a1; a1 skipped (disconnected); b skipped (disconnected); start a2"
    assert room.do("disconnected", "x") == ends
    assert room.queue.waiting() == ("a3",)


@pytest.mark.parametrize(
    ("scope", "whose", "left"),
    [(Scope.mine, "x", ["b1"]), (Scope.agent, "a", ["b1", "b2"]), (Scope.all, "", [])],
)
def test_clearing(room, scope, whose, left):
    """clear() ends the waiting and current utterances of a connection, of an agent, or of all."""
    for name, owner in {"a1": "x", "a2": "x", "b1": "y", "b2": "x"}.items():
        room.say(name, owner=owner)
    assert "fade a1; a1 skipped (cleared)" in room.do("clear", scope, whose)
    assert [row.id for row in room.queue.snapshot(0.0).rows] == left


def test_pausing(room):
    """After a pause, the interrupted utterance resumes before all waiting ones."""
    room.say("a", **LOW)
    room.say("b")
    assert room.do("pause") == "fade a"
    assert room.say("c") == "c is 2"
    assert room.do("resume") == "start a"


def test_urgent_ones_speak_in_a_pause(room):
    """Urgent utterances play during a pause, and a pause does not stop them."""
    room.say("a")
    room.do("pause")
    assert room.say("u", **URGENT) == "u is 0; start u"
    assert room.do("pause") == ""
    assert room.finish() == "u played"
    assert room.do("resume") == "start a"


def test_a_forgotten_pause_ends(room):
    """A pause ends 5 minutes after the last pause request."""
    room.say("a")
    room.do("pause")
    room.now = 100.0
    room.do("pause")
    room.say("b", **LOW)
    assert room.wait(LONGEST_PAUSE - 1) == "b expired (expired)"
    assert room.queue.next_deadline() == 100 + LONGEST_PAUSE
    assert room.wait(1) == "start a"


def test_skipping(room):
    """skip() ends only the current utterance, playing or paused."""
    assert room.do("skip") == ""
    room.say("a")
    room.say("b")
    assert room.do("skip") == "fade a; a skipped (skipped); start b"
    room.do("pause")
    room.say("c")
    assert room.do("skip") == "b skipped (skipped)"
    assert room.do("skip") == ""


def test_muting(room):
    """mute() ends all utterances, and all that are submitted later, urgent ones too."""
    room.say("a")
    room.say("b")
    assert room.do("mute") == "fade a; a skipped (muted); b skipped (muted)"
    assert room.say("u", **URGENT) == "u is 0; u skipped (muted)"
    assert room.do("unmute") == ""
    assert room.say("c") == "c is 0; start c"


def test_full_lines(room):
    """A full queue of an agent or of all is busy; the utterance that is playing takes no room."""
    for i in range(33):
        room.say(f"a{i}")
    assert isinstance(room.queue.submit(0.0, utterance("a33"))[0], Busy)
    for i in range(256 - 32):
        assert "Busy" not in room.say(f"{chr(98 + i % 20)}{i}")
    (busy,) = room.queue.submit(0.0, utterance("z"))
    assert busy == Busy("z", round(1000 * room.queue.utterance("a0").seconds))
    room.finish()
    assert room.say("z") == "z is 22"


def test_making_room(room):
    """drop_oldest ends the agent's own oldest utterance of no higher priority, and none of other agents."""
    room = Room(most=3, most_of_agent=2)
    for name in ("a0", "a1", "a2"):
        room.say(name)
    assert room.say("a3", on_full=OnFull.drop_oldest) == "a3 is 2; a1 skipped (busy)"
    assert "Busy" in room.say("a4", on_full=OnFull.drop_oldest, **LOW)
    room.say("b1")
    assert "Busy" in room.say("c1", on_full=OnFull.drop_oldest)


def test_one_that_finds_no_room_changes_nothing(room):
    """An utterance that is refused as busy changes nothing and interrupts nothing."""
    room = Room(most=2)
    for name in ("a", "b", "c"):
        room.say(name)
    assert "Busy" in room.say("d", interrupt=Interrupt.all)
    assert room.say("b2", interrupt=Interrupt.agent) == "b2 is 1; b interrupted"


def test_repeating(room):
    """again() repeats the last utterance, or an earlier one, before the waiting ones and without interrupting."""
    assert room.queue.again(0.0, "r0", "x") == (Rejected("r0", "not_found"),)
    for name in ("a", "b", "c", "d"):
        room.say(name, voice=f"voice of {name}")
    room.finish()
    room.do("skip")
    assert room.do("again", "r1", "x") == "r1 is 1"
    assert room.do("again", "r2", "x", back=2) == "r2 is 2"
    assert room.finish() == "c played; start r1"
    said = room.playing.utterance
    assert (said.repeats, said.request.voice, said.request.text, said.owner) == (
        "b",
        "voice of b",
        "The words of b.",
        "x",
    )
    assert room.finish() == "r1 played; start r2"
    assert room.do("again", "r3", "x") == "r3 is 1"
    assert room.queue.utterance("r3").repeats == "c"
    with pytest.raises(BadValue, match="use 1 or more"):
        room.queue.again(0.0, "r4", "x", back=0)


def test_an_urgent_one_cuts_a_repeat(room):
    """An urgent utterance interrupts a repeat, which then resumes."""
    room.say("a")
    room.finish()
    room.do("again", "r", "x")
    assert room.say("u", **URGENT) == "u is 0; cut r; start u"
    assert room.finish() == "u played; start r"


def test_only_so_many_can_be_repeated(room):
    """Only the last eight utterances can be repeated; the effect Forgotten names the one that is dropped."""
    for i in range(8):
        room.say(f"a{i}")
        room.finish()
    room.say("a8")
    assert room.finish() == "a8 played; forget a0"
    assert room.queue.again(0.0, "r", "x", back=9) == (Rejected("r", "not_found"),)


def test_what_was_never_heard_cannot_be_repeated(room):
    """An utterance that was cancelled while waiting, or failed, cannot be repeated."""
    room.say("a")
    room.say("b")
    room.do("cancel", "b")
    room.do("failed", "a", "engine_failed")
    assert room.queue.again(0.0, "r", "x") == (Rejected("r", "not_found"),)


def test_a_late_report_of_the_end_counts(room):
    """A late report that an utterance ended counts while it is paused; a report with an old turn is ignored."""
    room.say("a")
    first = room.playing
    room.do("pause")
    assert room.do("played", "a", first.turn) == "a played"
    room.say("b")
    old = room.playing
    room.do("resume")
    assert room.do("played", "b", old.turn) == ""


def test_all_can_fail(room):
    """fail_all() ends all utterances, for example without a device or at the daemon's end."""
    room.say("a")
    room.say("b")
    ends = "fade a; a failed (audio_unavailable); b failed (audio_unavailable)"
    assert room.do("fail_all", "audio_unavailable") == ends


def test_listing(room):
    """snapshot() lists the utterances in playback order, with texts of the given agent only."""
    room.say("a", text="x" * 150)
    room.now = 4.0
    room.say("b", text="y" * 30)
    room.say("b2", text="y" * 30)
    room.say("u", text="z" * 15, **URGENT)
    listed = room.queue.snapshot(6.0, "b")
    shown = [(row.id, row.stage, row.position, row.characters, row.age, row.text) for row in listed.rows]
    assert shown == [
        ("u", "playing", 0, 15, 2.0, None),
        ("a", "waiting", 1, 150, 6.0, None),
        ("b", "waiting", 2, 30, 2.0, "y" * 30),
        ("b2", "waiting", 2, 30, 2.0, "y" * 30),
    ]
    assert [row.eta for row in listed.rows] == [0.0, 0.0, 10.0, 10.0]
    assert (listed.paused, listed.muted) == (False, False)
    assert {row.text for row in room.queue.snapshot(6.0).rows} == {None}


def test_estimates_know_speed_and_script():
    """The estimated seconds depend on speed and script: a Chinese character counts as several letters."""
    assert utterance("a", text="x" * 30, speed=2.0).seconds == pytest.approx(1.0)
    assert utterance("a", text="你好世界").seconds == pytest.approx(14 / 15)


def test_senseless_wishes_are_refused():
    """Invalid options raise BadValue before they are queued, and the repr contains no text."""
    with pytest.raises(BadValue, match="use more than 0"):
        utterance("a", ttl=0.0)
    with pytest.raises(BadValue, match="above 0"):
        utterance("a", speed=0.0)
    assert "words" not in repr(utterance("a"))


def guests(room, *names, **wishes):
    """Say something as containers: the digit of each name is its connection, and the letters are its agent."""
    for name in names:
        room.say(name, agent="c:" + name.rstrip("0123456789"), guest=name[-1], **wishes)


def test_all_containers_take_the_turns_of_one_agent(room):
    """However many names containers choose, one utterance of theirs precedes the next of each agent."""
    room.say("a1")
    room.say("a2")
    room.say("b1")
    guests(room, "w1", "x2", "y3", "z4")
    room.say("a3")
    assert room.queue.waiting() == ("a2", "b1", "w1", "a3", "x2", "y3", "z4")


@pytest.mark.parametrize(
    "wishes",
    [
        {"interrupt": Interrupt.agent},
        {"replace": "k"},
        {"dedupe": "k"},
        {"priority": Priority.progress},
        {"text": "The same."},
    ],
)
def test_containers_of_one_name_do_nothing_to_one_another(room, wishes):
    """No option of a container acts on an utterance of another connection, though the agent's name is the same."""
    guests(room, "w1")
    guests(room, "w2", "w3", **wishes)
    room.say("host", agent="c:w", **wishes)
    assert {row.id: row.stage for row in room.queue.snapshot(0.0).rows} == {
        "w1": "playing",
        "w2": "waiting",
        "w3": "waiting",
        "host": "waiting",
    }
    assert [row.position for row in room.queue.snapshot(0.0).rows] == [0, 1, 2, 3]


def test_a_container_acts_on_its_own_connection(room):
    """Within a connection, the newest message of a container can be its only one."""
    guests(room, "w1", "x1")
    guests(room, "w2")
    room.say("again1", agent="c:w", guest="1", interrupt=Interrupt.agent)
    assert {row.id for row in room.queue.snapshot(0.0).rows} == {"x1", "w2", "again1"}
