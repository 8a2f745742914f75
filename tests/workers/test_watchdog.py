"""Tests of the watchdog: a slow process that makes progress is not killed, and a hanging one is."""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from threading import Thread
from typing import Any

import pytest

from speakkit.errors import WorkerHung
from speakkit.workers import watchdog
from speakkit.workers.watchdog import UNLIMITED, Allowance, Usage, Watchdog
from speakkit.workers.worker import Limits, Worker

PLACE = "faults:load"
BRIEF = Limits(silence_s=0.25, retries=0)
SPINNERS = 8


@pytest.mark.parametrize("orders", [{"burn": 0.75}, {"trickle": 0.75}])
def test_what_works_in_silence_is_left_alone(orders):
    """A process that sends nothing but uses the processor or reads is not killed, even after three times the limit."""
    with Worker(PLACE, {}, BRIEF) as worker:
        assert list(worker.request({**orders, "reply": 1}, Any)) == [{"number": 1.0}]


def test_loading_that_works_is_left_alone():
    """Loading that makes progress is not killed, however long it takes; above its limit of processor time it is."""
    with Worker(PLACE, {"burn": 0.75}, Limits(start_s=0.25)):
        pass
    limits = Limits(start_cpu_s=0.3)
    with pytest.raises(WorkerHung, match=r"more than 0\.3 s of processor time"), Worker(PLACE, {"burn": 60}, limits):
        pass


def test_work_of_descendants_counts(tmp_path):
    """Progress of child processes counts, because a process may wait for another one, such as npm."""
    command = [sys.executable, "-c", "import time\nwhile time.process_time() < 0.75: pass"]
    with subprocess.Popen(["sh", "-c", f"{' '.join(map(repr, command))}; true"], start_new_session=True) as started:
        dog = Watchdog(started.pid, Allowance(0.25, 100, 100))
        while started.poll() is None:
            time.sleep(dog.tick)
            assert dog.look() == ""


def test_processor_time_is_limited_by_the_length_of_the_audio():
    """Processor time is limited in proportion to the audio, so that an endless loop is ended."""
    with Worker(PLACE, {}, Limits(cpu_s=0.1, cpu_per_audio_s=0.1, retries=0)) as worker:
        assert list(worker.request({"burn": 0.6}, Any, audio_s=20)) == []
        with pytest.raises(WorkerHung, match=r"used more than 0\.3 s of processor time$"):
            list(worker.request({"burn": 60}, Any, audio_s=2))


def test_a_process_that_was_stopped_for_a_while_goes_on(at_work):
    """A process that was stopped and continued within its time answers its request."""
    with Worker(PLACE, {}, Limits(silence_s=20, retries=0)) as worker:
        note = at_work(os.kill, worker.pid, signal.SIGSTOP)
        answers = []
        thread = Thread(target=lambda: answers.extend(worker.request({"note": note, "sleep": 0.1, "reply": 1}, Any)))
        thread.start()
        assert _stopped(worker.pid)
        os.kill(worker.pid, signal.SIGCONT)
        thread.join()
        assert answers == [{"number": 1.0}]


def _stopped(pid):
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with open(f"/proc/{pid}/stat") as stat:
            if stat.read().rpartition(")")[2].split()[0] == "T":
                return True
    return False


@pytest.fixture
def clock(monkeypatch):
    """A fake clock and a fake usage. clock.looked(dog, 1, cpu=0.1) advances both and returns the watchdog's verdict."""

    class Clock:
        now = 1000.0
        usage = Usage(5.0, 100, is_active=False)

        def looked(self, dog, seconds, *, cpu=0.0, io=0, is_active=False):
            self.now += seconds
            self.usage = Usage(self.usage.cpu_s + cpu, self.usage.io_bytes + io, is_active)
            return dog.look()

    told = Clock()
    monkeypatch.setattr("speakkit.workers.watchdog.time.monotonic", lambda: told.now)
    monkeypatch.setattr(watchdog, "usage", lambda _: told.usage)
    return told


IDLE = "made no progress for 10 s"


@pytest.mark.parametrize(
    ("work", "verdict"),
    [
        ({}, IDLE),
        ({"cpu": 0.001}, IDLE),  # a thread of a library that polls
        ({"cpu": 0.05}, ""),
        ({"io": 1}, ""),
        ({"is_active": True}, ""),
    ],
)
def test_signs_of_progress(clock, work, verdict):
    """I/O, activity, or enough processor time is progress; a very small amount of processor time is not."""
    dog = Watchdog(1, Allowance(10, 1000, 1000))
    assert [clock.looked(dog, 0.25, **work) for _ in range(60)][-1] == verdict


def test_one_sign_is_enough(clock):
    """A single sign of progress restarts the time limit."""
    dog = Watchdog(1, Allowance(10, 1000, 1000))
    for _ in range(3):
        assert {clock.looked(dog, 0.25) for _ in range(38)} == {""}
        assert clock.looked(dog, 0.25, io=1) == ""
    dog.heard()
    assert {clock.looked(dog, 0.25) for _ in range(39)} == {""}
    assert clock.looked(dog, 0.25) == IDLE


def test_the_clock_is_a_limit_too(clock):
    """A process that works but sends nothing is ended after a longer limit of wall time."""
    dog = Watchdog(1, Allowance(10, 1000, 100))
    for _ in range(2):
        assert {clock.looked(dog, 0.25, cpu=0.25) for _ in range(399)} == {""}
        assert clock.looked(dog, 0.25, cpu=0.25) == "sent nothing for 100 s"
        dog.heard()


def test_time_in_which_nobody_looked_does_not_count(clock):
    """Time between two looks counts only up to a limit, because the machine or this process may have been suspended."""
    dog = Watchdog(1, Allowance(10, 1000, 100))
    assert {clock.looked(dog, 3600) for _ in range(19)} == {""}
    assert clock.looked(dog, 3600) == IDLE


def test_usage_of_a_process_that_is_no_more():
    """The usage of a process that has ended is zero, and its watchdog reports nothing."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    assert watchdog.usage(ended.pid) == Usage(0.0, 0, is_active=False)
    assert Watchdog(ended.pid, UNLIMITED).look() == ""


@pytest.mark.slow
def test_nothing_is_killed_while_every_core_is_busy():
    """With eight busy processes and the lowest priority, a worker that makes progress is not killed.

    It gets at most a hundredth of a core.
    """
    spin = [sys.executable, "-c", "while True: pass"]
    with ExitStack() as stack:
        for _ in range(SPINNERS):
            stack.callback(stack.enter_context(subprocess.Popen(spin)).kill)
        worker = stack.enter_context(Worker(PLACE, {}, BRIEF))
        began = time.monotonic()
        assert list(worker.request({"nice": 19, "burn": 0.05, "reply": 1}, Any)) == [{"number": 1.0}]
        assert time.monotonic() - began > 4 * BRIEF.silence_s
        with pytest.raises(WorkerHung):
            list(worker.request({"sleep": 600}, Any))
