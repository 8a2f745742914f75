"""Tests of a pool: each of many requests, some of which fail, is answered once, in order, in bounded memory."""

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import wait
from contextlib import ExitStack
from itertools import count, islice
from typing import Any

import pytest

from speakkit.errors import (
    BadValue,
    EngineError,
    ModelError,
    WorkerBug,
    WorkerDied,
    WorkerGivenUp,
    WorkerHung,
    WorkerOutOfMemory,
)
from speakkit.outcome import Outcome
from speakkit.workers import frames
from speakkit.workers.pool import AHEAD, Pool
from speakkit.workers.worker import Limits

PLACE = "faults:each"
HARDY = Limits(deaths=1000)


@pytest.fixture
def pool():
    """A pool of two workers with a limit of 1000 deaths."""
    with Pool(PLACE, {}, Any, 2, HARDY) as started:
        yield started


def numbers(outcomes):
    return [outcome.value and outcome.value["number"] for outcome in outcomes]


def kinds(outcomes):
    return [type(outcome.error) for outcome in outcomes]


def test_an_item_waits_for_one_engine_and_not_for_all(tmp_path):
    """`start` returns before any engine is loaded, and the first one that is loaded answers, without the others."""
    first = tmp_path / "first"
    pool: Pool[Any, Any] = Pool(PLACE, {"take turns": str(first)}, Any, 2)
    pool.start()
    assert not first.exists()
    with ExitStack() as ending:
        ending.callback(pool.close)
        (outcome,) = pool.map([{"echo": 1}])
        assert outcome.result()["pid"] == int(first.read_text())


def test_what_fails_to_load_after_start_is_told_with_the_first_item():
    """An error in loading after `start` is raised once an outcome is asked for, and nothing is left running."""
    pool: Pool[Any, Any] = Pool(PLACE, {"fail": "ModelError"}, Any, 2)
    with ExitStack() as ending:
        ending.callback(pool.close)
        pool.start()
        with pytest.raises(ModelError, match="as told"):
            next(pool.map([{"echo": 1}]))


def test_answers_come_in_order(pool):
    """Outcomes are in order; a slow first request does not delay the other ones."""
    pids = {worker.pid for worker in pool.workers}
    assert len(pids) == 2
    items = [{"sleep": 1 if i == 0 else 0, "echo": i} for i in range(20)]
    outcomes = list(pool.map(items))
    assert all(outcome.item is item for outcome, item in zip(outcomes, items, strict=True))
    assert [outcome.value["echo"] for outcome in outcomes] == list(range(20))
    first, *others = (outcome.value["pid"] for outcome in outcomes)
    assert set(others) == pids
    assert first not in others[: 2 * AHEAD - 1]
    assert list(pool.map([])) == []


def test_random_deaths_lose_nothing_and_double_nothing(pool, tmp_path):
    """All of fifty requests are answered once, although a third of them end their process at the first attempt."""
    dice = random.Random(5)
    ways = [{}, {}, {"die once": True}]
    requests = []
    for i in range(50):
        orders = {"die once": str(tmp_path / f"{i}.died")} if dice.choice(ways) else {}
        requests.append({**orders, "note": str(tmp_path / f"{i}.done"), "reply": i})
    assert numbers(pool.map(requests)) == list(range(50))
    assert len(list(tmp_path.glob("*.died"))) > 9
    assert [(tmp_path / f"{i}.done").read_text() for i in range(50)] == ["x"] * 50


FAULTS = [{"fail": "ModelError"}, {"fail": "KeyError"}, {"exit": 1}, {"fail alone": "error"}, {"stay silent": 1}]
FAULTS += [{"fail": "MemoryError"}, {"reply": 1, "say more": 1}, {"echo": "\ud800"}, {}]
ERRORS = [ModelError, WorkerBug, WorkerDied, ModelError, EngineError]
ERRORS += [WorkerOutOfMemory, EngineError, EngineError, type(None)]


@pytest.mark.parametrize("most", [1, 4])
def test_failures_are_outcomes_too(pool, most):
    """A failed item is an outcome with an error, and the others are answered, however many items a request has."""
    items = [orders for fault in FAULTS for orders in (fault, {"reply": 1})]
    outcomes = list(pool.map(items, most=most))
    assert [outcome.item for outcome in outcomes] == items
    assert kinds(outcomes)[::2] == ERRORS
    assert numbers(outcomes)[1::2] == [1.0] * len(FAULTS)
    assert outcomes[1] == Outcome(items[1], {"number": 1.0})


@pytest.mark.parametrize("poisoned", [(0, 1), (16, 17)])
def test_two_poisoned_items_do_not_end_a_scan(poisoned):
    """Two items of eighteen that end their process fail alone, even with a single worker and the default limits."""
    with Pool(PLACE, {}, Any, 1) as pool:
        outcomes = list(pool.map(({"exit": 1} if i in poisoned else {"reply": i} for i in range(18)), most=9))
    assert [i for i, kind in enumerate(kinds(outcomes)) if kind is WorkerDied] == list(poisoned)
    assert numbers(outcomes) == [None if i in poisoned else i for i in range(18)]


@pytest.mark.parametrize("most", [1, 3])
def test_the_error_of_an_item_is_its_own(pool, most):
    """An error of a single item is its outcome as the engine reported it, and the process goes on."""
    items = [{"fail alone": error} for error in ("error", "bug", "memory")]
    pids = {worker.pid for worker in pool.workers}
    outcomes = list(pool.map(items, most=most))
    assert kinds(outcomes) == [ModelError, WorkerBug, WorkerOutOfMemory]
    assert str(outcomes[0].error) == "it failed, as told"
    assert (str(outcomes[1].error), outcomes[1].error.frames) == ("KeyError: it failed, as told", "line 7")
    assert str(outcomes[2].error) == "out of memory: it failed, as told"
    assert {worker.pid for worker in pool.workers} == pids


def test_what_is_answered_is_not_asked_again(pool, tmp_path):
    """If a process dies in the middle of a request, only the unanswered items are sent again."""
    items = [{"note": str(tmp_path / f"{i}"), **({"exit": 1} if i == 2 else {})} for i in range(5)]
    assert kinds(pool.map(items, most=5)) == [type(None)] * 2 + [WorkerDied] + [type(None)] * 2
    assert [(tmp_path / f"{i}").read_text() for i in range(5)] == ["x", "x", "xxx", "x", "x"]


def test_requests_are_filled_by_weight(pool):
    """A request is filled with items up to a total weight."""
    items = [{"echo": weight} for weight in (1, 1, 5, 1, 1, 1, 9)]
    batches = []
    handed = pool._outcomes
    pool._outcomes = lambda batch, audio_s: batches.append(batch) or handed(batch, audio_s)
    assert len(list(pool.map(items, most=3, weight=lambda item: item["echo"]))) == 7
    assert [[item["echo"] for item in batch] for batch in batches] == [[1, 1, 5], [1, 1, 1], [9]]


def test_an_item_that_is_too_large_is_told(pool, monkeypatch):
    """An item that is too large to send fails alone, whichever request it would have been in."""
    monkeypatch.setattr(frames, "PAYLOAD", 500)
    items = [{"reply": 1}, {"payload": bytes(1000)}, {"reply": 3}]
    outcomes = list(pool.map(items, most=3))
    assert numbers(outcomes) == [1, None, 3]
    assert str(outcomes[1].error).startswith("cannot be sent: the payload of a frame takes 1013 bytes")


def test_a_hang_is_quarantined():
    """An item that makes its process hang fails alone, like an item that ends its process."""
    with Pool(PLACE, {}, Any, 1, Limits(silence_s=0.4, retries=0)) as pool:
        outcomes = list(pool.map([{"reply": 1}, {"sleep": 60}, {"reply": 3}], most=3))
    assert kinds(outcomes) == [type(None), WorkerHung, type(None)]
    assert numbers(outcomes) == [1, None, 3]


def test_audio_seconds_of_all_items_of_a_request_count():
    """The processor time limit of a request is computed from the audio seconds of all its items."""
    with Pool(PLACE, {}, Any, 1, Limits(cpu_s=0, cpu_per_audio_s=1, retries=0)) as pool:
        lengths = {0.3: 9, 0.6: 9, 1.0: 0.1, 0.0: 0}
        outcomes = list(
            pool.map([{"burn": burn} for burn in lengths], most=2, audio_s=lambda item: lengths[item["burn"]])
        )
    assert kinds(outcomes) == [type(None), type(None), WorkerHung, type(None)]


def test_only_so_much_is_taken_ahead(pool):
    """Of endless items, only a bounded number is read ahead."""
    taken = []

    def endless():
        for i in count():
            taken.append(i)
            yield {"reply": i}

    assert numbers(islice(pool.map(endless()), 30)) == list(range(30))
    assert len(taken) <= 30 + 2 * AHEAD


def test_what_is_answered_is_given_before_more_is_taken(pool):
    """An outcome that is ready is returned before another item is read, because items may come slowly."""
    given, futures = [], []
    submit = pool._threads.submit
    pool._threads.submit = lambda *task: futures.append(submit(*task)) or futures[-1]

    def slow():
        for _ in range(3):
            yield {"reply": len(given)}
            wait(futures)

    for outcome in pool.map(slow()):
        given += numbers([outcome])
    assert given == [0, 0, 1]


def test_readers_that_stop_do_not_disturb_others(pool):
    """Reading one result only in part does not affect two others that are read alternately."""
    first, second = ([{"reply": i} for i in range(start, start + 20)] for start in (0, 100))
    next(pool.map(first))
    turns = zip(pool.map(first), pool.map(second), strict=True)
    assert [numbers(turn) for turn in turns] == [[i, 100 + i] for i in range(20)]


def test_each_may_be_asked_in_a_thread_of_its_own(pool):
    """`each` calls a function for every worker in a thread of its own, as the bench does."""

    def drive(worker):
        return [reply["pid"] for i in range(10) for reply in worker.request([{"echo": i}], Any)]

    pids = [future.result() for future in pool.each(drive)]
    assert pids == [[worker.pid] * 10 for worker in pool.workers]


def test_an_engine_that_answers_nothing_ends_all():
    """If a new engine answers nothing, the map ends with WorkerGivenUp, because the rest would fail too."""
    with Pool(PLACE, {}, Any, 2, Limits(deaths=3, retries=0)) as pool:
        outcomes = pool.map({"exit": 1} for _ in range(1000))
        with pytest.raises(WorkerGivenUp, match="3 deaths"):
            list(outcomes)


@pytest.mark.parametrize("most", [1, 4])
def test_many_items_in_a_row_are_quarantined_where_the_engine_is_sound(most):
    """If an engine has answered before, any number of failing items in a row fails alone."""
    with Pool(PLACE, {}, Any, 1, Limits(deaths=2, retries=0)) as pool:
        items = [{"reply": 0}, *({"exit": i} for i in range(1, 5)), {"reply": 5}]
        outcomes = list(pool.map(items, most=most))
    assert numbers(outcomes) == [0, *[None] * 4, 5]
    assert kinds(outcomes)[1:-1] == [WorkerDied] * 4


def test_an_engine_that_breaks_ends_all(tmp_path):
    """If an engine fails even for an item that it answered before, the map ends with WorkerGivenUp."""
    broken = str(tmp_path / "broken")
    with Pool(PLACE, {"die if": broken}, Any, 1, Limits(deaths=2, retries=0)) as pool:
        outcomes = pool.map([{"die if": broken, "reply": i} for i in range(1000)])
        assert numbers(islice(outcomes, 5)) == [0, 1, 2, 3, 4]
        with pytest.raises(WorkerGivenUp, match="2 deaths"):
            list(pool.map([{"note": broken}, *[{"die if": broken}] * 100]))


def test_what_cannot_be_loaded_is_told():
    """If the engine cannot be loaded, its error is raised; a pool of 0 workers is refused."""
    with pytest.raises(ModelError, match="as told"), Pool(PLACE, {"fail": "ModelError"}, Any, 2):
        pass
    with pytest.raises(BadValue, match="use 1 or more"):
        Pool(PLACE, {}, Any, 0)


def test_what_cannot_be_loaded_again_ends_all(tmp_path):
    """If a replaced process cannot load the engine, the map ends with that error; it is not the next item's fault."""
    with Pool(PLACE, {"fail if": str(tmp_path / "gone")}, Any, 1) as pool:
        outcomes = pool.map([{"reply": 1}, {"note": str(tmp_path / "gone"), "exit": 1}, {"reply": 3}])
        assert numbers([next(outcomes)]) == [1]
        with pytest.raises(ModelError, match="as told"):
            list(outcomes)


def test_one_that_cannot_start_ends_all(gone, tmp_path):
    """If one worker cannot start, the error is raised, and the other one is ended."""
    pool = Pool(PLACE, {"die once": str(tmp_path / "died")}, Any, 2)
    with pytest.raises(WorkerDied, match="exit code 9"), pool:
        pass
    assert gone([worker.pid for worker in pool.workers if worker.pid])


def test_closing_ends_all_at_once(gone):
    """Closing ends all processes immediately, even during a request; later requests raise an EngineError."""
    start = time.monotonic()
    with Pool(PLACE, {}, Any, 2) as pool:
        pids = [worker.pid for worker in pool.workers]
        outcomes = pool.map({"sleep": 60 if i else 0, "reply": i} for i in range(9))
        assert numbers([next(outcomes)]) == [0]
    assert time.monotonic() - start < 20
    assert gone(pids)
    for left in (outcomes, pool.map([{}]), pool.workers[0].request([{}], Any)):
        with pytest.raises(EngineError, match="closed"):
            list(left)


PROGRAM = """
import sys
from typing import Any
from speakkit.workers.pool import Pool

with Pool("faults:each", {}, Any, 2) as pool:
    print(*(worker.pid for worker in pool.workers), flush=True)
    for _ in pool.map({"note": sys.argv[1], "sleep": 60} for _ in range(99)):
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(gone, at_work, number):
    """No process is left running after Ctrl-C, which ends the workers immediately, or after the death of the parent."""
    sent = []
    started: subprocess.Popen
    note = at_work(lambda: sent.append(started.send_signal(number)))
    command = [sys.executable, "-c", PROGRAM, note]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        pids = [int(pid) for pid in started.stdout.readline().split()]
        _, err = started.communicate(timeout=20)
    assert len(pids) == 2
    assert err.count("Traceback") == (number == signal.SIGINT)
    assert started.returncode == -number
    assert gone(pids)
