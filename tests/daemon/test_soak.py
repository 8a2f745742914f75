"""Soak test: ten clients send random requests while voice, clients and the daemon itself are killed.

SPEAKKIT_TEST_SOAK=300 sets its length in seconds (default 600). In the second half the daemon is not killed, so that
growth can be told from its memory at the start.
"""

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from speakkit.daemon.queue.utterance import Interrupt, Priority
from speakkit.daemon.wire import client
from speakkit.daemon.wire.messages import LAST, Accepted, ErrorReply, Finished
from speakkit.errors import DaemonError

SECONDS = float(os.environ.get("SPEAKKIT_TEST_SOAK", "600"))
EVERY = 5.0
"""Seconds between two kills."""

PATIENCE = 60.0
"""Timeout in seconds for the end of a request; the queue holds only some seconds of sound."""

MIB = 1 << 20
ENDS = (*LAST, ErrorReply)


class Actor(threading.Thread):
    """One agent, over many connections.

    broken: the violations found.
    ended: number of utterances per result.
    """

    def __init__(self, bit, caller, over):
        super().__init__(daemon=True)
        self.bit, self.come, self.over = bit, caller, over
        self.dice = random.Random(bit)
        self.broken, self.caller = [], None
        self.ended: Counter[str] = Counter()

    def run(self):
        while not self.over.is_set():
            try:
                self.caller = self.come(f"agent-{self.bit}")
            except (DaemonError, AssertionError, OSError) as error:
                self.broken += [f"no daemon: {error!r}"[:200]]
                continue
            with suppress(OSError):
                while not (self.over.is_set() or self.caller.is_over or self.dice.random() < 0.02):
                    self.act()
                    time.sleep(self.dice.random() / 5)
            self.caller.close()

    def act(self):
        op = self.dice.choices(
            ("speak", "synth", "again", "skip", "cancel", "clear", "pause", "mute", "queue", "status"),
            (50, 8, 6, 6, 8, 3, 4, 1, 4, 4),
        )[0]
        if op in ("speak", "synth", "again", "cancel"):
            self.wait([self.sound("speak" if op == "cancel" else op) for _ in range(self.dice.randint(1, 3))], op)
        elif op in ("pause", "mute"):
            self.wait([self.caller.ask(op)], op)
            time.sleep(self.dice.random() / 2)
            self.wait([self.caller.ask({"pause": "resume", "mute": "unmute"}[op])], op)
        else:
            self.wait([self.caller.ask(op, **({"scope": "mine"} if op == "clear" else {}))], op)

    def sound(self, op):
        if op == "again":
            return self.caller.ask(op, back=self.dice.randint(1, 8), stream=self.dice.random() < 0.5)
        dice, wishes = self.dice, {"voice": "f1"}
        if op == "speak":
            wishes["prio"] = dice.choices([*Priority], (2, 8, 1, 1))[0].value
            wishes["interrupt"] = dice.choices([*Interrupt], (30, 3, 1))[0].value
            wishes["replace"] = dice.choice(("", "", "", "news"))
        text = f"bit={self.bit} seconds={dice.uniform(0.02, 0.2):.3f} pieces={dice.randint(1, 3)} n={dice.random()}"
        fault = dice.choices(("", " do=error", " do=bug", " do=nan"), (60, 1, 1, 1))[0]
        return self.caller.ask(op, (text + fault).encode(), **wishes)

    def wait(self, names, op):
        """Check that each request has exactly one end, unless the daemon is gone."""
        caller = self.caller
        if op == "cancel":
            for name in names:
                caller.send("cancel", id=name)
        for name in names:
            with caller.news:
                is_told = caller.news.wait_for(
                    lambda n=name: caller.all(n, (*LAST, ErrorReply)) or caller.is_over, PATIENCE
                )
            ends = caller.all(name, (*LAST, ErrorReply))
            if not is_told:
                self.broken += [f"{op} has no end: {caller.said.get(name)}"[:300]]
            if sum(isinstance(event, Finished) for _, event in ends) > 1:
                self.broken += [f"{op} has two ends: {ends}"[:300]]
            if ends and op in ("speak", "synth", "again", "cancel"):
                event = ends[0][1]
                self.ended[event.result if isinstance(event, Finished) else event.code] += 1
                if isinstance(event, Finished) and not caller.all(name, Accepted):
                    self.broken += [f"{op} ended before it was accepted"]
            caller.said.pop(name, None)


def taken(pid):
    """Return the bytes of memory, the descriptors and the threads of a process."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text().split()[1])
    return pages * 4096, len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))


def status():
    with client.connect("observer") as found:
        return found.status()


def strike(dice, actors, *, spare_daemon):
    """Kill the voice, a client or the daemon; the voice so rarely that it is hardly ever given up."""
    kind = dice.choices(("voice", "client", "daemon"), (1, 4, 0 if spare_daemon else 1))[0]
    with suppress(DaemonError, ProcessLookupError, OSError):
        found = status()
        with client.connect("observer") as one:
            list(one.request("resume")), list(one.request("unmute"))
        if kind == "client":
            dice.choice(actors).caller.close()
        elif kind == "daemon":
            os.kill(found.pid, signal.SIGKILL)
        elif found.work["voice"]:
            os.kill(found.work["voice"], signal.SIGKILL)
    return kind


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 300)
def test_a_long_day(heard, caller):
    """No samples overlap, every request ends, and memory, descriptors and threads do not grow."""
    over, dice = threading.Event(), random.Random(1)
    actors = [Actor(bit, caller, over) for bit in range(10)]
    for actor in actors:
        actor.start()
    begun, samples = time.monotonic(), []
    killed: Counter[str] = Counter()
    next_kill = begun + EVERY
    while (now := time.monotonic()) < begun + SECONDS:
        is_second_half = now > begun + SECONDS / 2
        if now > next_kill:
            killed[strike(dice, actors, spare_daemon=is_second_half)] += 1
            next_kill += EVERY
        if is_second_half:
            with suppress(DaemonError, FileNotFoundError):
                pid = status().pid
                samples.append((pid, sum(actor.ended.total() for actor in actors), *taken(pid)))
        time.sleep(0.5)
    over.set()
    for actor in actors:
        actor.join(2 * PATIENCE)
    assert [actor for actor in actors if actor.is_alive()] == []
    report(samples, actors, killed, heard())


def report(samples, actors, killed, sound):
    """Print the results and check them against the limits."""
    broken = [line for actor in actors for line in actor.broken]
    exact = sound.astype("f8") * 2**20
    whole = exact[exact == np.rint(exact)].astype(int)
    overlapping = int(np.count_nonzero(whole & (whole - 1)))
    time.sleep(2)  # until the device is closed and the last connection has ended
    pid = status().pid
    at_rest = taken(pid)
    samples = [row for row in samples[len(samples) // 5 :] if row[0] == pid]
    _, count, memory, descriptors, threads = (np.array(column) for column in zip(*samples, strict=True))
    slope = np.polyfit(count / 1000, memory / MIB, 1)[0]
    ended: Counter[str] = sum((actor.ended for actor in actors), Counter())
    print(f"{ended.total()} requests: {dict(ended)}; killed: {dict(killed)}")
    print(f"{len(sound) / 24_000:.0f} s heard, {overlapping} samples overlap, invariants broken: {len(broken)}")
    print(f"memory: {memory[0] / MIB:.1f} to {memory[-1] / MIB:.1f} MiB, {slope:.2f} MiB per 1000 requests")
    print(f"descriptors {descriptors.min()} to {descriptors.max()}, threads {threads.min()} to {threads.max()}")
    print(f"at rest: {at_rest[0] / MIB:.1f} MiB, {at_rest[1]} descriptors, {at_rest[2]} threads")
    assert broken == []
    assert overlapping == 0
    # The daemon remembers the ends of 4096 utterances, and the heap settles: this much growth is not a leak.
    assert memory[-1] - memory[0] < (3 + (count[-1] - count[0]) / 1000) * MIB
    assert at_rest[1] < 30
    assert at_rest[2] < 12
