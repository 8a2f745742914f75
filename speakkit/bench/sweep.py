"""One instance, then two, up to N, in turn with the plain kokoro loop: plan -> rows, each when it is there."""

import logging
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from speakkit.bench import machine, monitor
from speakkit.bench.crew import Crew, Member
from speakkit.bench.figures import BASELINE, ENGINE, Row
from speakkit.bench.messages import Facts, Setup, Work
from speakkit.bench.monitor import Gpu, Reading, Watch
from speakkit.bench.workload import Workload
from speakkit.errors import EngineError

log = logging.getLogger(__name__)

CPU_SECONDS = 60.0
"""After which no request of a row is begun on a CPU, where nothing else is asked for."""

REST = 1.0
"""Seconds that a GPU is let rest before its gauges are read."""

INTERRUPTED = "interrupted"


class Report(Protocol):
    """Is told how far a row is: requests done, and requests in all where they are counted."""

    def __call__(self, what: str, done: int, total: int | None) -> None: ...


@dataclass(frozen=True)
class SweepPlan:
    """What is to be measured.

    setup: of our own instances
    instances: from one to how many; requests: of each; concurrency: how many of them at once
    max_seconds: after which none is begun in a row; math.inf for never, None for what the device makes sensible
    baseline: the plain loop too, with one and with all instances
    """

    workload: Workload
    setup: Setup
    instances: int
    requests: int
    concurrency: int = 1
    max_seconds: float | None = None
    baseline: bool = False


def lineup(plan: SweepPlan) -> list[tuple[str, int]]:
    """The engine and the number of instances of each row, in the order in which they are measured."""
    ours = [(ENGINE, instances) for instances in range(1, plan.instances + 1)]
    if not plan.baseline:
        return ours
    most = [(BASELINE, plan.instances)] if plan.instances > 1 else []
    return [ours[0], (BASELINE, 1), *ours[1:], *most]


class Sweep:
    """The measurement of a plan.

    facts: what the first instance told of itself, once a row is there
    notes: what is to be known of the rows
    """

    def __init__(self, plan: SweepPlan, report: Report) -> None:
        self.facts: Facts | None = None
        self.notes: list[str] = []
        self._plan = plan
        self._report = report
        self._gpu: Gpu | None = None
        self._rows: list[Row] = []

    @property
    def max_seconds(self) -> float | None:
        """The limit of a row; None where there is none."""
        chosen = self._plan.max_seconds
        if chosen is None and self.facts and self.facts.device.startswith("cpu"):
            chosen = CPU_SECONDS
        return None if chosen == math.inf else chosen

    def rows(self) -> Iterator[Row]:
        """Each row. After Ctrl-C the one that was under way, as far as it came, and then KeyboardInterrupt.

        Raises the SpeakkitError of the first instance where not even the first row could be measured.
        """
        ended = set()
        for engine, instances in lineup(self._plan):
            if engine in ended:
                continue
            lack = self._lack(engine, instances)
            row = self._empty(engine, instances, lack) if lack else self._measured(engine, instances)
            self._rows.append(row)
            if INTERRUPTED not in row.failures or row.requests:
                yield row
            if INTERRUPTED in row.failures:
                raise KeyboardInterrupt
            if not row.requests:
                ended.add(engine)
            elif len(self._rows) == 1:
                self._warn()

    def _measured(self, engine: str, instances: int) -> Row:
        """Raises what the first instance raised where there is no row yet, and will be none now."""
        setup, text = self._setup(engine), self._plan.workload.text
        failures: tuple[str, ...] = ()
        idle, began, watch = Reading(), 0.0, Watch((), None)
        with tempfile.TemporaryDirectory(prefix="speakkit-bench-") as name, Crew(setup, instances, text) as crew:
            folder = Path(name)
            try:
                self._prepare(crew, engine, folder)
                idle = self._at_rest(crew)
                watch, began = Watch(crew.pids, self._gpu), time.perf_counter()
                with watch:
                    self._speak(crew, engine, folder)
            except KeyboardInterrupt:
                failures = (INTERRUPTED,)
            done = [spoken for member in crew.members for spoken in member.spoken]
            if not (self._rows or done or failures) and crew.members[0].failure:
                raise crew.members[0].failure
            return replace(
                self._empty(engine, instances),
                requests=tuple(done),
                clock=max((member.ended for member in crew.members), default=began) - began,
                cold_starts=tuple(member.cold_start for member in crew.members if member.cold_start is not None),
                g2p=tuple(member.facts.g2p for member in crew.members if member.facts),
                idle=idle,
                busy=watch.seen,
                failures=(*(f"instance {one.number}: {one.failure}" for one in crew.members if one.failure), *failures),
            )

    def _setup(self, engine: str) -> Setup:
        """That of the plan for `engine`; the plain loop knows no batches."""
        ours = self._plan.setup
        return ours if engine == ENGINE else replace(ours, engine=engine, batch=None)

    def _empty(self, engine: str, instances: int, *failures: str) -> Row:
        asked = instances * self._plan.requests
        return Row(engine, instances, asked, len(self._plan.workload.text), failures=failures)

    def _prepare(self, crew: Crew, engine: str, folder: Path) -> None:
        """Load, warm up, and learn what the instances are."""

        def tell() -> None:
            self._report(f"{_named(engine, crew)}: warming up", 0, None)

        crew.together(lambda member: member.warm_up(Work(1, member.number, 1, folder, None)), tell)
        crew.together(Member.read, tell)
        facts = next((member.facts for member in crew.members if member.facts), None)
        if facts and not self.facts:
            self.facts = facts
            self._gpu = self._gauge(facts)

    def _speak(self, crew: Crew, engine: str, folder: Path) -> None:
        """The requests that count."""
        count, members = self._plan.requests, len(crew.members)

        def speak(member: Member) -> None:
            seed = members + 1 + (member.number - 1) * count  # those before are of the warm-up
            member.speak(Work(count, seed, self._plan.concurrency, folder, self.max_seconds))

        def tell() -> None:
            done = sum(len(member.spoken) for member in crew.members)
            self._report(_named(engine, crew), done, members * count)

        crew.together(speak, tell)

    def _at_rest(self, crew: Crew) -> Reading:
        """What the gauges show of instances that are loaded and do nothing."""
        if self._gpu:
            time.sleep(REST)
        return monitor.read(crew.pids, self._gpu)

    def _gauge(self, facts: Facts) -> Gpu | None:
        unknown = "VRAM, utilisation, power, temperature, energy and the cost of electricity are not measured"
        if not facts.gpu:
            self.notes.append(f"{unknown}: no NVIDIA GPU is at work")
            return None
        try:
            return Gpu(facts.gpu)
        except EngineError as error:
            self.notes.append(f"{unknown}: {error}")
            return None

    def _lack(self, engine: str, instances: int) -> str:
        """Why there is no room for that many, by the rows that were measured; "" where nothing speaks against it."""
        rows = [row for row in self._rows if row.engine == engine]
        taken = self._gpu.read(()).vram_mb if self._gpu else None
        for what, free, needed in (
            ("memory", machine.free_mb(), [_share(row, row.busy.memory_mb, 0.0) for row in rows]),
            (
                "VRAM",
                self._gpu.free_mb() if self._gpu else None,
                [_share(row, row.busy.vram_mb, taken) for row in rows],
            ),
        ):
            wanted = instances * max(needed, default=0.0)
            if free is not None and wanted > free:
                return f"{instances} instances want {wanted / 1000:.1f} GB of {what}, and {free / 1000:.1f} GB are free"
        return ""

    def _warn(self) -> None:
        """Say early what will end the sweep before its last row."""
        lack = self._lack(ENGINE, self._plan.instances)
        if lack:
            log.warning("%s; the sweep will end before that", lack)


def _named(engine: str, crew: Crew) -> str:
    return f"{engine} x{len(crew.members)}"


def _share(row: Row, held: float | None, others: float | None) -> float:
    """Megabytes that one instance of `row` took, of what was held in all, by others too; 0 where that is not known."""
    return 0.0 if held is None or others is None else (held - others) / row.instances
