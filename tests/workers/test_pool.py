"""Many requests, some of which fail, over several workers: each is answered once, in order, in bounded memory."""

import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count, islice

import pytest

from speakkit.errors import BadValue, EngineError, ModelError, WorkerBug, WorkerDied, WorkerGivenUp
from speakkit.workers.frames import Frame
from speakkit.workers.pool import AHEAD, Answer, Workers
from speakkit.workers.worker import Limits

PLACE = "faults:load"
HARDY = Limits(deaths=1000)


@pytest.fixture
def workers():
    """Two that may die as often as they like."""
    with Workers(2, PLACE, {}, HARDY) as started:
        yield started


def numbers(answers):
    return [[reply.fields.get("number") for reply in answer.replies] for answer in answers]


def test_answers_come_in_order(workers):
    """The first takes longest, and the others do not wait for it."""
    pids = {worker.pid for worker in workers.workers}
    assert len(pids) == 2
    answers = list(workers.map(Frame({"sleep": 1 if i == 0 else 0, "echo": i}, bytes([i])) for i in range(20)))
    assert [reply.payload[0] for answer in answers for reply in answer.replies] == list(range(20))
    (first,), *others = (answer.replies for answer in answers)
    assert {reply.fields["pid"] for (reply,) in others} == pids
    assert first.fields["pid"] not in {reply.fields["pid"] for (reply,) in others[: 2 * AHEAD - 1]}
    assert list(workers.map([])) == []


def test_random_deaths_lose_nothing_and_double_nothing(workers, tmp_path):
    """Fifty requests, a third of which end their process at the first try."""
    dice = random.Random(5)
    ways = [{}, {}, {"die once": True}]
    requests = []
    for i in range(50):
        orders = {"die once": str(tmp_path / f"{i}.died")} if dice.choice(ways) else {}
        requests.append(Frame({**orders, "note": str(tmp_path / f"{i}.done"), "reply": i}))
    assert numbers(workers.map(requests)) == [[i] for i in range(50)]
    assert len(list(tmp_path.glob("*.died"))) > 9
    assert [(tmp_path / f"{i}.done").read_text() for i in range(50)] == ["x"] * 50


def test_failures_are_answers_too(workers):
    """And the others are answered."""
    faults = [{"fail": "ModelError"}, {"fail": "KeyError"}, {"exit": 1}, {"reply": 9, "exit": 1}, {}]
    answers = list(workers.map(Frame(orders) for fault in faults for orders in (fault, {"reply": 1})))
    assert numbers(answers) == [[], [1.0], [], [1.0], [], [1.0], [9.0], [1.0], [], [1.0]]
    kinds = [type(answer.error) for answer in answers[::2]]
    assert kinds == [ModelError, WorkerBug, WorkerDied, WorkerDied, type(None)]
    assert answers[1] == Answer((Frame({"number": 1.0}),))


def test_only_so_much_is_taken_ahead(workers):
    """Requests without an end are answered as they come."""
    taken = []

    def endless():
        for i in count():
            taken.append(i)
            yield Frame({"reply": i})

    assert numbers(islice(workers.map(endless()), 30)) == [[i] for i in range(30)]
    assert len(taken) <= 30 + 2 * AHEAD


def test_what_is_answered_is_given_before_more_is_taken(workers):
    """Although there is room for more ahead: requests may come slowly."""
    given = []

    def slow():
        for _ in range(3):
            time.sleep(1)
            yield Frame({"reply": len(given)})

    answers = workers.map(slow())
    while answer := next(answers, None):
        given += numbers([answer])
    assert given == [[0], [0], [1]]


def test_readers_that_stop_do_not_disturb_others(workers):
    """One is left in the middle, two are read in turn."""
    first, second = ([Frame({"reply": i}) for i in range(start, start + 20)] for start in (0, 100))
    next(workers.map(first))
    turns = zip(workers.map(first), workers.map(second), strict=True)
    assert [numbers(turn) for turn in turns] == [[[i], [100 + i]] for i in range(20)]


def test_each_may_be_asked_in_a_thread_of_its_own(workers):
    """As the bench does."""

    def drive(worker):
        return [reply.fields["pid"] for i in range(10) for reply in worker.request(Frame({"echo": i}))]

    with ThreadPoolExecutor(2) as threads:
        pids = list(threads.map(drive, workers.workers))
    assert pids == [[worker.pid] * 10 for worker in workers.workers]


def test_one_that_is_given_up_ends_all():
    """For the rest would fail alike."""
    with Workers(2, PLACE, {}) as workers:
        answers = workers.map(Frame({"exit": 1}) for _ in range(1000))
        with pytest.raises(WorkerGivenUp, match="3 deaths"):
            list(answers)


def test_what_cannot_be_loaded_is_told():
    """And a count that makes no sense is refused."""
    with pytest.raises(ModelError, match="as told"), Workers(2, PLACE, {"fail": "ModelError"}):
        pass
    with pytest.raises(BadValue, match="use 1 or more"):
        Workers(0, PLACE, {})


def test_one_that_cannot_start_ends_all(gone, tmp_path):
    """None is left that could."""
    workers = Workers(2, PLACE, {"die once": str(tmp_path / "died")})
    with pytest.raises(WorkerDied, match="exit code 9"), workers:
        pass
    assert gone([worker.pid for worker in workers.workers if worker.pid])


def test_closing_ends_all_at_once(gone):
    """Also in the middle of answers; nothing can be asked any more."""
    start = time.monotonic()
    with Workers(2, PLACE, {}) as workers:
        pids = [worker.pid for worker in workers.workers]
        answers = workers.map(Frame({"reply": i, "sleep": 60 if i else 0}) for i in range(9))
        assert numbers([next(answers)]) == [[0]]
    assert time.monotonic() - start < 20
    assert gone(pids)
    for left in (answers, workers.map([Frame({})]), workers.workers[0].request(Frame({}))):
        with pytest.raises(EngineError, match="closed"):
            list(left)


PROGRAM = """
from speakkit.workers.frames import Frame
from speakkit.workers.pool import Workers

with Workers(2, "faults:load", {}) as workers:
    print(*(worker.pid for worker in workers.workers), flush=True)
    for _ in workers.map(Frame({"sleep": 60}) for _ in range(99)):
        pass
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_behind(gone, number):
    """By a Ctrl-C, which ends them at once, or the death of the parent."""
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        pids = [int(pid) for pid in started.stdout.readline().split()]
        time.sleep(0.3)
        started.send_signal(number)
        _, err = started.communicate(timeout=20)
    assert len(pids) == 2
    assert err.count("Traceback") == (number == signal.SIGINT)
    assert started.returncode == -number
    assert gone(pids)
