"""Tests of a worker: replies, kinds of failure, and replacement of a process that dies, hangs or grows."""

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
    """Whether the worker answers, and by the process `pid`."""
    (reply,) = asked(worker, echo="still here")
    return reply == {"echo": "still here", "pid": pid, "payload": b""}


def test_answers_come_from_another_process(worker):
    """Replies come from another process, any number per request, with their payloads bit for bit."""
    samples = struct.pack("<3f", 0.5, math.nan, -math.inf)
    assert asked(worker, payload=samples, echo="été", reply=2) == [
        {"echo": "été", "pid": worker.pid, "payload": samples},
        {"number": 2.0},
    ]
    assert worker.pid != os.getpid()
    assert asked(worker) == []
    assert worker.resident > 2**20


def test_replies_come_while_the_answer_is_under_way(worker):
    """A reply is returned as soon as it is sent, long before the request ends."""
    start = time.monotonic()
    replies = worker.request({"reply": 1, "sleep": 30}, Any)
    assert next(replies) == {"number": 1.0}
    assert time.monotonic() - start < 20


def test_payloads_that_fill_every_buffer(worker):
    """Payloads larger than every buffer are sent in both directions."""
    payload = os.urandom(2**20) * 16
    (reply,) = asked(worker, payload=payload, echo=1)
    assert reply["payload"] == payload


def test_who_stops_listening_does_not_disturb_the_next(worker):
    """A request whose replies are not read to the end does not affect the next one, even if it fails later."""
    pid = worker.pid
    for rest in ({"echo": 2}, {"fail": "ModelError"}, {"fail": "KeyError"}):
        next(worker.request({"reply": 1, **rest}, Any))
        assert is_alive(worker, pid)


def test_a_death_that_nobody_heard_of_does_not_count_against_the_next():
    """A death or a hang during unread replies does not count against the next request, which needs no retry."""
    with Worker(PLACE, {}, Limits(silence_s=0.5, retries=0)) as worker:
        for rest in ({"sleep": 0.2, "exit": 1}, {"sleep": 60}):
            pid = worker.pid
            next(worker.request({"reply": 1, **rest}, Any))
            assert not is_alive(worker, pid)


@pytest.mark.parametrize(
    "name", ["BadValue", "TextError", "ModelError", "StorageError", "NoAudioDevice", "EngineError"]
)
def test_expected_failures_keep_their_class_and_text(worker, name):
    """An expected error keeps its class and text, and thus its exit code; the same process takes the next request."""
    pid = worker.pid
    with pytest.raises(getattr(errors, name), match=r"^it failed, as told$") as raised:
        asked(worker, fail=name)
    assert type(raised.value).__name__ == name
    assert is_alive(worker, pid)


def test_expected_failures_of_other_classes(worker):
    """An expected error of an unknown class is raised as its nearest known base class."""
    with pytest.raises(errors.ModelError, match="as told") as raised:
        asked(worker, fail="Own")
    assert type(raised.value) is errors.ModelError


def test_bugs_tell_where_they_are(worker):
    """An unexpected exception is raised as WorkerBug with its stack frames; the same process takes the next request."""
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
    """A reply that cannot be encoded is a bug of the handler; the same process takes the next request."""
    pid = worker.pid
    with pytest.raises(WorkerBug, match=reason):
        asked(worker, reply_with=reply)
    assert is_alive(worker, pid)


@pytest.mark.parametrize(
    ("orders", "kind"),
    [({"reply": 1}, str), ({"reply": "nan"}, dict[str, Annotated[float, Meta(ge=0)]]), ({"echo": 1}, dict[str, int])],
)
def test_a_reply_of_another_type_is_told(worker, orders, kind):
    """A reply of the wrong type, such as NaN in place of a number, raises EngineError."""
    pid = worker.pid
    with pytest.raises(EngineError, match=r"^the worker of faults:load sent an invalid reply: Expected"):
        list(worker.request(orders, kind))
    assert is_alive(worker, pid)


@pytest.mark.parametrize("orders", [{"echo": 1, "payload": bytes(1000)}, {"echo": "\ud800"}])
def test_a_request_that_cannot_be_sent_is_not_sent(worker, orders, monkeypatch):
    """A request that is too large, or has invalid text, raises FrameError and is not sent."""
    monkeypatch.setattr(frames, "PAYLOAD", 500)
    pid = worker.pid
    with pytest.raises(FrameError):
        list(worker.request(orders, Any))
    assert is_alive(worker, pid)


def test_a_request_may_be_larger_than_a_header(worker):
    """A request may be larger than a header, because texts and lists are in the payload."""
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
    """If loading fails, `start` raises the error, and no process is left."""
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
    """If a process dies, a one-line error gives the reason, and a new process takes the next request."""
    with Worker(PLACE, {}, ONCE) as worker:
        pid = worker.pid
        with pytest.raises(WorkerDied, match=rf"^the worker of faults:load {reason}") as raised:
            asked(worker, **orders)
        assert isinstance(raised.value, EngineError)
        assert "\n" not in str(raised.value)
        (reply,) = asked(worker, echo=1)
        assert reply["pid"] == worker.pid != pid


def test_a_hang_is_ended(gone):
    """A process that makes no progress for the allowed time is ended."""
    with Worker(PLACE, {}, Limits(silence_s=0.5, retries=0)) as worker:
        pid = worker.pid
        start = time.monotonic()
        with pytest.raises(WorkerHung, match=r"made no progress for 0\.5 s$"):
            asked(worker, sleep=60)
        assert time.monotonic() - start < 20
        assert gone([pid])


def test_a_process_that_does_not_read_hangs():
    """A process that does not read its request is ended as hanging."""
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
    """Lack of memory is recognised from Python, from torch by the class, and from others by the message.

    A new process takes the next request, with all memory free again.
    """
    with Worker(PLACE, {}, ONCE) as worker:
        pid = worker.pid
        with pytest.raises(WorkerOutOfMemory, match="out of memory"):
            asked(worker, **orders)
        assert not is_alive(worker, pid)


def test_a_request_is_tried_once_more(tmp_path):
    """A request whose process dies is tried once more in a new process, and answered once."""
    with Worker(PLACE, {}) as worker:
        pid = worker.pid
        (reply,) = asked(worker, die_once=str(tmp_path / "died"), echo=1)
        assert reply["pid"] == worker.pid != pid


def test_a_request_is_tried_only_so_often(tmp_path):
    """A request is retried only once, and not at all after its first reply, which would be sent twice."""
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
    """After three lost requests in a row, the worker is given up with the last reason.

    After a minute, one more request is tried.
    """
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
    """Requests answered in between reset the count of lost requests, and each lost request raises its own error."""
    with Worker(PLACE, {}, Limits(deaths=2, retries=0)) as worker:
        for _ in range(3):
            with pytest.raises(WorkerDied):
                asked(worker, exit=1)
            with suppress(errors.ModelError):
                asked(worker, **well)


def test_loading_that_dies_each_time_is_given_up(tmp_path):
    """A request gives up after three deaths while loading; `start` raises the error of the first one."""
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
    """A process above its memory limit answers its request, and is then replaced; without a limit it stays."""
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
    """If loading alone exceeds the memory limit, `start` raises an error; every request would need a restart."""
    with (
        pytest.raises(EngineError, match=r"faults:load takes \d+ MB once loaded"),
        Worker(PLACE, {}, Limits(rss_bytes=9)),
    ):
        pass


def test_a_process_that_died_while_nobody_asked_is_replaced(gone):
    """A process that died between two requests is replaced without a retry."""
    with Worker(PLACE, {}, ONCE) as worker:
        pid = worker.pid
        os.kill(pid, signal.SIGKILL)
        assert gone([pid])
        wait_until(lambda: worker._process._process.poll() is not None)  # its other threads may take longer
        (reply,) = asked(worker, echo=1)
        assert reply["pid"] != pid


def test_what_is_printed_does_not_reach_the_frames(worker):
    """Printed output does not reach the frames, and long output to standard error neither blocks nor fills memory."""
    pid = worker.pid
    asked(worker, say='{"end": 1}\n', warn="warning")
    assert is_alive(worker, pid)
    with pytest.raises(WorkerDied, match=r"SIGABRT: (warning){20}") as raised:
        list(worker.request({"reply": 1, "warn": "warning", "signal": "SIGABRT"}, Any))
    assert len(str(raised.value)) < 300


def test_only_the_end_of_standard_error_is_kept(worker):
    """At most KEPT characters of standard error are kept, from its end."""
    asked(worker, warn="warning")
    assert len(worker._process._last_words) <= KEPT


def test_a_death_is_heard_of_although_others_live_on(tmp_path, number_in, gone):
    """The death of a process is noticed although its child process keeps the socket open; the child is ended too."""
    left = tmp_path / "left"
    with Worker(PLACE, {}, Limits(silence_s=5, retries=0)) as worker, pytest.raises(WorkerDied) as raised:
        asked(worker, leave_behind=str(left), signal="SIGTERM")
    assert "SIGTERM" in str(raised.value)
    assert gone([number_in(left)])


def test_closing_ends_what_the_process_started(worker, tmp_path, number_in, gone):
    """Closing ends the whole process group of the worker."""
    asked(worker, leave_behind=str(tmp_path / "left"))
    worker.close()
    assert gone([number_in(tmp_path / "left")])


def test_closing_ends_it_at_once(gone, at_work):
    """Closing ends the process immediately, even if another thread waits for a reply, and no new process is started."""
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
    """Closing ends a process that is still loading."""

    def close():
        worker.close()

    worker = Worker(PLACE, {"note": at_work(close), "sleep": 60})
    with pytest.raises(EngineError, match="closed"):
        worker.start()
    with pytest.raises(EngineError, match="closed"):
        worker.start()


def test_ctrl_c_is_the_affair_of_the_parent(worker):
    """SIGINT has no effect on the worker process, because the parent handles Ctrl-C."""
    pid = worker.pid
    os.kill(pid, signal.SIGINT)
    assert is_alive(worker, pid)
    assert os.getpgid(pid) != os.getpgid(0)


def test_ctrl_c_in_the_parent_ends_it(worker, gone, at_work):
    """Ctrl-C in the parent ends the worker process, even if the parent goes on.

    The interrupted read may have consumed half a frame.
    """
    pid = worker.pid
    with pytest.raises(KeyboardInterrupt):
        asked(worker, note=at_work(os.kill, os.getpid(), signal.SIGINT), sleep=60)
    assert gone([pid])
    assert not is_alive(worker, pid)


def test_it_outlives_the_thread_that_started_it(worker):
    """A worker process outlives the thread that started it.

    The kernel can end a process together with that thread, but the worker does not request this.
    """
    other = Worker(PLACE, {})
    thread = Thread(target=other.start)
    thread.start()
    thread.join()
    assert is_alive(other, other.pid)
    assert other._last_death is None
    other.close()


def test_files_of_the_folder_are_no_modules(tmp_path, monkeypatch):
    """A file in the current folder does not replace a module of the worker process, whatever its name."""
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
"""A worker on a system whose kernel does not end a process group when a pipe closes, such as macOS."""


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
    """After Ctrl-C or the death of the parent, no busy or idle worker process and none of its children is left.

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
    """Errors of workers are expected errors (exit code 1); a bug of a worker is not."""
    assert issubclass(WorkerGivenUp, SpeakkitError)
    assert not issubclass(WorkerBug, SpeakkitError)
