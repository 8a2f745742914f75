"""A worker answers, tells failures apart, and is replaced when it dies, hangs or grows."""

import json
import math
import os
import signal
import struct
import subprocess
import sys
import time
from contextlib import suppress
from threading import Thread
from typing import Annotated, Any

import pytest
from msgspec import Meta

from speakkit import errors
from speakkit.errors import (
    EngineError,
    SpeakkitError,
    WorkerBug,
    WorkerDied,
    WorkerGivenUp,
    WorkerHung,
    WorkerOutOfMemory,
)
from speakkit.workers import frames
from speakkit.workers.frames import FrameError
from speakkit.workers.process import COMMAND, KEPT
from speakkit.workers.worker import Limits, Worker
from waiting import wait_until

PLACE = "faults:load"
ONCE = Limits(retries=0)


def asked(worker, **orders):
    return list(worker.request({name.replace("_", " "): value for name, value in orders.items()}, Any))


def is_alive(worker, pid):
    """Whether it answers, by the process `pid`."""
    (reply,) = asked(worker, echo="still here")
    return reply == {"echo": "still here", "pid": pid, "payload": b""}


def test_answers_come_from_another_process(worker):
    """As many as there are, with their payloads bit by bit, and none where there is none."""
    samples = struct.pack("<3f", 0.5, math.nan, -math.inf)
    assert asked(worker, payload=samples, echo="été", reply=2) == [
        {"echo": "été", "pid": worker.pid, "payload": samples},
        {"number": 2.0},
    ]
    assert worker.pid != os.getpid()
    assert asked(worker) == []
    assert worker.resident > 2**20


def test_replies_come_while_the_answer_is_under_way(worker):
    """The first is there long before the end."""
    start = time.monotonic()
    replies = worker.request({"reply": 1, "sleep": 30}, Any)
    assert next(replies) == {"number": 1.0}
    assert time.monotonic() - start < 20


def test_payloads_that_fill_every_buffer(worker):
    """Both ways."""
    payload = os.urandom(2**20) * 16
    (reply,) = asked(worker, payload=payload, echo=1)
    assert reply["payload"] == payload


def test_who_stops_listening_does_not_disturb_the_next(worker):
    """Nor does what failed where nobody heard of it."""
    pid = worker.pid
    for rest in ({"echo": 2}, {"fail": "ModelError"}, {"fail": "KeyError"}):
        next(worker.request({"reply": 1, **rest}, Any))
        assert is_alive(worker, pid)


def test_a_death_that_nobody_heard_of_does_not_count_against_the_next():
    """Nor a hang: the next request needs no retry."""
    with Worker(PLACE, {}, Limits(silence_s=0.5, retries=0)) as worker:
        for rest in ({"sleep": 0.2, "exit": 1}, {"sleep": 60}):
            pid = worker.pid
            next(worker.request({"reply": 1, **rest}, Any))
            assert not is_alive(worker, pid)


@pytest.mark.parametrize(
    "name", ["BadValue", "TextError", "ModelError", "StorageError", "NoAudioDevice", "EngineError"]
)
def test_expected_failures_keep_their_class_and_text(worker, name):
    """Hence their exit code; the process takes the next request."""
    pid = worker.pid
    with pytest.raises(getattr(errors, name), match=r"^it failed, as told$") as raised:
        asked(worker, fail=name)
    assert type(raised.value).__name__ == name
    assert is_alive(worker, pid)


def test_expected_failures_of_other_classes(worker):
    """By the nearest that everybody knows."""
    with pytest.raises(errors.ModelError, match="as told") as raised:
        asked(worker, fail="Own")
    assert type(raised.value) is errors.ModelError


def test_bugs_tell_where_they_are(worker):
    """And are no expected failures; the process takes the next request."""
    pid = worker.pid
    with pytest.raises(WorkerBug, match=r"^KeyError: 'it failed, as told'$") as raised:
        asked(worker, fail="KeyError")
    assert raised.value.kind == "KeyError"
    assert "faults.py" in raised.value.frames
    assert "as told" not in raised.value.frames
    assert is_alive(worker, pid)


@pytest.mark.parametrize(
    ("reply", "reason"), [("nothing that can be sent", "object cannot be sent"), ("half", "half of a character")]
)
def test_a_reply_that_cannot_be_sent_is_a_bug(worker, reply, reason):
    """Of the handler; the process takes the next request."""
    pid = worker.pid
    with pytest.raises(WorkerBug, match=reason):
        asked(worker, reply_with=reply)
    assert is_alive(worker, pid)


@pytest.mark.parametrize(
    ("orders", "kind"),
    [({"reply": 1}, str), ({"reply": "nan"}, dict[str, Annotated[float, Meta(ge=0)]]), ({"echo": 1}, dict[str, int])],
)
def test_a_reply_of_another_type_is_told(worker, orders, kind):
    """Such as NaN, which must not pass for a figure."""
    pid = worker.pid
    with pytest.raises(EngineError, match=r"^the worker of faults:load sent an invalid reply: Expected"):
        list(worker.request(orders, kind))
    assert is_alive(worker, pid)


@pytest.mark.parametrize("orders", [{"echo": 1, "payload": bytes(1000)}, {"echo": "\ud800"}])
def test_a_request_that_cannot_be_sent_is_not_sent(worker, orders, monkeypatch):
    """Too large, or no text: the process does not hear of it."""
    monkeypatch.setattr(frames, "PAYLOAD", 500)
    pid = worker.pid
    with pytest.raises(FrameError):
        list(worker.request(orders, Any))
    assert is_alive(worker, pid)


def test_a_request_may_be_larger_than_a_header(worker):
    """Texts and lists of any length are payload."""
    (reply,) = asked(worker, echo="x" * 70_000)
    assert reply["echo"] == "x" * 70_000


@pytest.mark.parametrize(
    ("place", "settings", "kind", "reason"),
    [
        (PLACE, {"fail": "ModelError"}, errors.ModelError, "as told"),
        (PLACE, {"fail": "KeyError"}, WorkerBug, "KeyError"),
        (PLACE, {"fail": "MemoryError"}, WorkerOutOfMemory, "out of memory: it failed"),
        (PLACE, {"exit": 4}, WorkerDied, "exit code 4: these were its last words$"),
        (PLACE, {"sleep": 60}, WorkerHung, r"made no progress for 0\.5 s"),
        ("faults:nothing", {}, WorkerBug, "AttributeError"),
        ("nowhere:load", {}, WorkerBug, "ModuleNotFoundError"),
    ],
)
def test_what_cannot_be_loaded(gone, place, settings, kind, reason):
    """It is told on starting, and no process is left."""
    limits = Limits(start_s=0.5 if "sleep" in settings else 60)
    worker = Worker(place, settings, limits)
    with pytest.raises(kind, match=reason):
        worker.start()
    assert worker.pid is None
    worker.close()


@pytest.mark.parametrize(
    ("orders", "reason"),
    [
        ({"exit": 1}, r"ended with exit code 1: these were its last words$"),
        ({"exit": 0}, r"ended with exit code 0"),
        ({"segfault": 0}, r"was ended by SIGSEGV$"),
        ({"signal": "SIGABRT"}, r"was ended by SIGABRT$"),
        ({"signal": "SIGKILL"}, r"was ended by SIGKILL, for lack of memory perhaps$"),
        ({"write raw": "garbage\n"}, r"sent an invalid frame \(a header that is not JSON: b'garbage"),
        ({"write raw": '{"reply": 3}\n'}, r"sent an invalid frame \(not a worker message"),
        ({"write raw": '{"type": "load", "place": ""}\n'}, r"sent an invalid frame \(an unexpected message: Load"),
        (
            {"write raw": '{"type": "failed", "error": "Exception"}\n'},
            r"sent an invalid frame \(an unknown error: Exception",
        ),
        ({"write raw": '{"n": 9}\n{}', "exit": 0}, r"sent an invalid frame \(a payload of"),
    ],
)
def test_a_death_is_told_and_made_good(orders, reason):
    """In one line; a fresh process takes the next request."""
    with Worker(PLACE, {}, ONCE) as worker:
        pid = worker.pid
        with pytest.raises(WorkerDied, match=rf"^the worker of faults:load {reason}") as raised:
            asked(worker, **orders)
        assert isinstance(raised.value, EngineError)
        assert "\n" not in str(raised.value)
        (reply,) = asked(worker, echo=1)
        assert reply["pid"] == worker.pid != pid


def test_a_hang_is_ended(gone):
    """After the time without progress that is allowed."""
    with Worker(PLACE, {}, Limits(silence_s=0.5, retries=0)) as worker:
        pid = worker.pid
        start = time.monotonic()
        with pytest.raises(WorkerHung, match=r"made no progress for 0\.5 s$"):
            asked(worker, sleep=60)
        assert time.monotonic() - start < 20
        assert gone([pid])


def test_a_process_that_does_not_read_hangs():
    """A request that it never takes is a silence too."""
    with Worker(PLACE, {}, Limits(silence_s=0.5, retries=0)) as worker:
        os.kill(worker.pid, signal.SIGSTOP)
        with pytest.raises(WorkerHung):
            asked(worker, payload=bytes(2**24), echo=1)


@pytest.mark.parametrize(
    "orders",
    [
        {"fail": "MemoryError"},
        {"fail": "OutOfMemoryError"},
        {"fail for memory": "CUDA failed with error out of memory"},
        {"fail for memory": "DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."},
    ],
)
def test_lack_of_memory_is_told_apart(orders):
    """Python's, torch's by its name, that of others by what they say; and a fresh process has all of it again."""
    with Worker(PLACE, {}, ONCE) as worker:
        pid = worker.pid
        with pytest.raises(WorkerOutOfMemory, match="out of memory"):
            asked(worker, **orders)
        assert not is_alive(worker, pid)


def test_a_request_is_tried_once_more(tmp_path):
    """By a fresh process, and it is answered once."""
    with Worker(PLACE, {}) as worker:
        pid = worker.pid
        (reply,) = asked(worker, die_once=str(tmp_path / "died"), echo=1)
        assert reply["pid"] == worker.pid != pid


def test_a_request_is_tried_only_so_often(tmp_path):
    """And never again once something was replied, for that would be said twice."""
    with Worker(PLACE, {}, Limits(deaths=9)) as worker:
        with pytest.raises(WorkerDied):
            asked(worker, note=str(tmp_path / "twice"), exit=1)
        assert (tmp_path / "twice").read_text() == "xx"
        replies = worker.request({"note": str(tmp_path / "once"), "reply": 1, "exit": 1}, Any)
        next(replies)
        with pytest.raises(WorkerDied):
            next(replies)
        assert (tmp_path / "once").read_text() == "x"


def test_three_lost_requests_in_a_row_are_too_many(monkeypatch):
    """It is given up, with the last reason, until a minute is over; then one more is tried."""
    from speakkit.workers import worker as module

    with Worker(PLACE, {}, Limits(deaths=3, retries=0)) as worker:
        for _ in range(2):
            with pytest.raises(WorkerDied):
                asked(worker, exit=1)
        with pytest.raises(WorkerDied):
            asked(worker, exit=2)
        reason = r"exit code 2: these.* words; it is given up, after 3 deaths in a row$"
        for _ in range(2):
            with pytest.raises(WorkerGivenUp, match=reason):
                asked(worker, echo=1)
        assert worker.pid is None
        monkeypatch.setattr(module, "WINDOW", 0)
        assert len(asked(worker, echo=1)) == 1


@pytest.mark.parametrize("well", [{"reply": 1}, {"fail": "ModelError"}])
def test_requests_that_are_answered_in_between_are_a_sign_of_life(well):
    """However many others were lost: each of those is told of its own death."""
    with Worker(PLACE, {}, Limits(deaths=2, retries=0)) as worker:
        for _ in range(3):
            with pytest.raises(WorkerDied):
                asked(worker, exit=1)
            with suppress(errors.ModelError):
                asked(worker, **well)


def test_loading_that_dies_each_time_is_given_up(tmp_path):
    """By a request at its third process; `start` tells of the first."""
    settings = {"note": str(tmp_path / "loads"), "exit": 3}
    worker = Worker(PLACE, settings, Limits(deaths=3))
    with pytest.raises(WorkerGivenUp, match=r"exit code 3.*3 deaths in a row$"):
        asked(worker, echo=1)
    assert (tmp_path / "loads").read_text() == "xxx"
    fresh = Worker(PLACE, settings, Limits(deaths=3))
    with pytest.raises(WorkerDied, match=r"exit code 3: these were its last words$"):
        fresh.start()
    assert (tmp_path / "loads").read_text() == "xxxx"


def test_growth_is_bounded(worker):
    """Beyond its limit a process answers, and a fresh one answers next; without a limit it stays."""
    pid = worker.pid
    asked(worker, grow=100)
    assert worker.resident > 100 * 2**20
    assert is_alive(worker, pid)
    with Worker(PLACE, {}, Limits(rss_bytes=worker.resident - 10 * 2**20)) as small:
        pid = small.pid
        asked(small, grow=10)
        assert is_alive(small, pid)
        asked(small, grow=100)
        assert small.resident > 100 * 2**20
        assert not is_alive(small, pid)
        assert small.resident < 100 * 2**20


def test_a_limit_below_what_is_loaded_is_told():
    """Instead of a fresh process for each request."""
    with (
        pytest.raises(EngineError, match=r"faults:load takes \d+ MB once loaded"),
        Worker(PLACE, {}, Limits(rss_bytes=9)),
    ):
        pass


def test_a_process_that_died_while_nobody_asked_is_replaced(gone):
    """Without a retry."""
    with Worker(PLACE, {}, ONCE) as worker:
        pid = worker.pid
        os.kill(pid, signal.SIGKILL)
        assert gone([pid])
        wait_until(lambda: worker._process._process.poll() is not None)  # its other threads may take longer
        (reply,) = asked(worker, echo=1)
        assert reply["pid"] != pid


def test_what_is_printed_does_not_reach_the_frames(worker):
    """By Python or by C; and however much is written to standard error, it neither blocks nor fills the memory."""
    pid = worker.pid
    asked(worker, say='{"end": 1}\n', warn="warning")
    assert is_alive(worker, pid)
    with pytest.raises(WorkerDied, match=r"SIGABRT: (warning){20}") as raised:
        list(worker.request({"reply": 1, "warn": "warning", "signal": "SIGABRT"}, Any))
    assert len(str(raised.value)) < 300


def test_only_the_end_of_standard_error_is_kept(worker):
    """Whatever an engine warns of."""
    asked(worker, warn="warning")
    assert len(worker._process._last_words) <= KEPT


def test_a_death_is_heard_of_although_others_live_on(tmp_path, number_in, gone):
    """A process that the dead one left behind does not keep its channel open, and is ended too."""
    left = tmp_path / "left"
    with Worker(PLACE, {}, Limits(silence_s=5, retries=0)) as worker, pytest.raises(WorkerDied) as raised:
        asked(worker, leave_behind=str(left), signal="SIGTERM")
    assert "SIGTERM" in str(raised.value)
    assert gone([number_in(left)])


def test_closing_ends_what_the_process_started(worker, tmp_path, number_in, gone):
    """Its whole process group."""
    asked(worker, leave_behind=str(tmp_path / "left"))
    worker.close()
    assert gone([number_in(tmp_path / "left")])


def test_closing_ends_it_at_once(gone, at_work):
    """Also in the middle of an answer, for which another thread waits; nothing is started any more."""
    worker = Worker(PLACE, {}, Limits(retries=5))
    worker.start()
    pid, start = worker.pid, time.monotonic()
    note = at_work(worker.close)
    for _ in range(2):
        with pytest.raises(EngineError, match=r"^the worker of faults:load was closed before it answered$"):
            asked(worker, note=note, sleep=60)
    assert time.monotonic() - start < 20
    assert gone([pid])
    worker.close()


def test_closing_while_it_loads(gone, at_work):
    """The process that is not yet ready ends too."""

    def close():
        worker.close()

    worker = Worker(PLACE, {"note": at_work(close), "sleep": 60})
    with pytest.raises(EngineError, match="closed"):
        worker.start()
    with pytest.raises(EngineError, match="closed"):
        worker.start()


def test_ctrl_c_is_the_affair_of_the_parent(worker):
    """It does nothing to the process."""
    pid = worker.pid
    os.kill(pid, signal.SIGINT)
    assert is_alive(worker, pid)
    assert os.getpgid(pid) != os.getpgid(0)


def test_ctrl_c_in_the_parent_ends_it(worker, gone, at_work):
    """Even where the parent goes on: who was interrupted may have read half a frame."""
    pid = worker.pid
    with pytest.raises(KeyboardInterrupt):
        asked(worker, note=at_work(os.kill, os.getpid(), signal.SIGINT), sleep=60)
    assert gone([pid])
    assert not is_alive(worker, pid)


def test_it_outlives_the_thread_that_started_it(worker):
    """The kernel can end a process with the thread that started it, which is not asked for."""
    other = Worker(PLACE, {})
    thread = Thread(target=other.start)
    thread.start()
    thread.join()
    assert is_alive(other, other.pid)
    assert other._last_death is None
    other.close()


def test_files_of_the_folder_are_no_modules(tmp_path, monkeypatch):
    """Whatever the user calls them."""
    (tmp_path / "socket.py").write_text("raise SystemExit('the wrong one')")
    monkeypatch.chdir(tmp_path)
    with Worker(PLACE, {}) as worker:
        assert is_alive(worker, worker.pid)


PROGRAM = """
import json, sys, time
from speakkit.workers.worker import Worker

with Worker("faults:load", {}, command=json.loads(sys.argv[2])) as worker:
    print(worker.pid, flush=True)
    list(worker.request(json.loads(sys.argv[1]), dict))
    print("answered", flush=True)
    time.sleep(60)
"""
CHILD = [*COMMAND]
PORTABLE = "import fcntl; fcntl.fcntl = lambda *_: 0; from speakkit.workers import child; child.main()"
"""A child on a system whose kernel does not end a process group with a pipe, such as macOS."""


@pytest.mark.parametrize(
    ("number", "command", "orders"),
    [
        (signal.SIGINT, CHILD, {"sleep": 60}),
        (signal.SIGKILL, CHILD, {"sleep": 60}),
        (signal.SIGINT, CHILD, {}),
        (signal.SIGKILL, CHILD, {}),
        (signal.SIGKILL, CHILD, {"hold": 60}),
        (signal.SIGKILL, [sys.executable, "-P", "-c", PORTABLE], {"sleep": 60}),
        (signal.SIGKILL, [sys.executable, "-P", "-c", PORTABLE], {}),
    ],
)
def test_no_process_is_left_behind(gone, number_in, tmp_path, number, command, orders):
    """Neither one at work nor an idle one nor one that it started, by a Ctrl-C or the death of the parent.

    On Linux the kernel ends even a process whose C code lets no thread run.
    """
    orders = {"leave behind": str(tmp_path / "left"), **orders}
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(orders), json.dumps(command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with started:
        pid, left = int(started.stdout.readline()), number_in(tmp_path / "left")
        if len(orders) == 1:
            assert started.stdout.readline() == "answered\n"
        started.send_signal(number)
        assert started.wait(20) == -number
    assert gone([pid, left])


def test_errors_of_workers_are_expected_ones():
    """Exit code 1, and a bug's is not."""
    assert issubclass(WorkerGivenUp, SpeakkitError)
    assert not issubclass(WorkerBug, SpeakkitError)
