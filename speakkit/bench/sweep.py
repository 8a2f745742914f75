"""Measure one instance, then two, up to N, and optionally the plain kokoro loop. Rows are yielded when measured."""

import logging
import math
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from speakkit.bench import machine, monitor
from speakkit.bench.crew import Crew, Member
from speakkit.bench.figures import BASELINE, ENGINE, Row
from speakkit.bench.messages import Facts, Setup, Work
from speakkit.bench.monitor import Gpu, Reading, Watch
from speakkit.bench.workload import Workload
from speakkit.errors import EngineError
from speakkit.progress import Report

log = logging.getLogger(__name__)

CPU_SECONDS = 60.0
"""Default of `max_seconds` on a CPU: after these, no request of a row begins."""

REST = 1.0
"""Seconds that a GPU rests before its idle gauges are read."""

INTERRUPTED = "interrupted"
"""The failure of a row that Ctrl-C interrupted."""


@dataclass(frozen=True)
class SweepPlan:
    """The plan of a sweep.

    workload: the text of all requests
    setup: configuration of speakkit's own instances
    instances: highest number of instances
    requests: requests per instance
    concurrency: requests in progress at a time, per instance
    max_seconds: time after which no request of a row begins; math.inf for no limit, None for the device's default
    baseline: whether to measure the plain loop too, with one instance and with all
    """

    workload: Workload
    setup: Setup
    instances: int
    requests: int
    concurrency: int = 1
    max_seconds: float | None = None
    baseline: bool = False


def lineup(plan: SweepPlan) -> list[tuple[str, int]]:
    """The engine and the number of instances of each row, in the order of measurement."""
    ours = [(ENGINE, instances) for instances in range(1, plan.instances + 1)]
    if not plan.baseline:
        return ours
    most = [(BASELINE, plan.instances)] if plan.instances > 1 else []
    return [ours[0], (BASELINE, 1), *ours[1:], *most]


class Sweep:
    """The execution of a plan.

    facts: properties reported by the first instance; None before the first row
    notes: remarks on the rows
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
        """Seconds after which no request of a row begins; None for no limit."""
        chosen = self._plan.max_seconds
        if chosen is None and self.facts and self.facts.device.startswith("cpu"):
            chosen = CPU_SECONDS
        return None if chosen == math.inf else chosen

    def rows(self) -> Iterator[Row]:
        """Measure the rows, and yield each one when it is complete.

        After Ctrl-C, yields the incomplete row if it has any request, then raises KeyboardInterrupt. Raises the
        SpeakkitError of the first instance if not even the first row could be measured.
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
        """Measure a row. If this is the first row and it has no request, raises the error of the first instance."""
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
        """The plan's configuration for `engine`; the plain loop does not support batches, nor several processes."""
        ours = self._plan.setup
        return ours if engine == ENGINE else replace(ours, engine=engine, batch=None, bulk=0)

    def _empty(self, engine: str, instances: int, *failures: str) -> Row:
        asked = instances * self._plan.requests
        return Row(engine, instances, asked, len(self._plan.workload.text), failures=failures)

    def _prepare(self, crew: Crew, engine: str, folder: Path) -> None:
        """Load and warm up the instances, and read their properties."""

        def tell() -> None:
            self._report(f"{_named(engine, crew)}: warming up", 0, None)

        crew.together(lambda member: member.warm_up(Work(1, member.number, 1, folder, None)), tell)
        crew.together(Member.read, tell)
        facts = next((member.facts for member in crew.members if member.facts), None)
        if facts and not self.facts:
            self.facts = facts
            self._gpu = self._gauge(facts)

    def _speak(self, crew: Crew, engine: str, folder: Path) -> None:
        """Run the requests that count."""
        count, members = self._plan.requests, len(crew.members)

        def speak(member: Member) -> None:
            seed = members + 1 + (member.number - 1) * count  # the seeds before are those of the warm-up
            member.speak(Work(count, seed, self._plan.concurrency, folder, self.max_seconds))

        def tell() -> None:
            done = sum(len(member.spoken) for member in crew.members)
            self._report(_named(engine, crew), done, members * count)

        crew.together(speak, tell)

    def _at_rest(self, crew: Crew) -> Reading:
        """The gauge values while the instances are loaded and idle."""
        if self._gpu:
            time.sleep(REST)
        return monitor.read(crew.pids, self._gpu)

    def _gauge(self, facts: Facts) -> Gpu | None:
        unknown = "VRAM, utilisation, power, temperature, energy and the cost of electricity are not measured"
        if not facts.gpu:
            self.notes.append(f"{unknown}: no NVIDIA GPU is in use")
            return None
        try:
            return Gpu(facts.gpu)
        except EngineError as error:
            self.notes.append(f"{unknown}: {error}")
            return None

    def _lack(self, engine: str, instances: int) -> str:
        """Why memory does not suffice for that many instances, judged by the measured rows; "" if it does."""
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
                return f"{instances} instances need {wanted / 1000:.1f} GB of {what}, and {free / 1000:.1f} GB are free"
        return ""

    def _warn(self) -> None:
        """Warn early if lack of memory will end the sweep before its last row."""
        lack = self._lack(ENGINE, self._plan.instances)
        if lack:
            log.warning("%s; the sweep will end before that", lack)


def _named(engine: str, crew: Crew) -> str:
    return f"{engine} x{len(crew.members)}"


def _share(row: Row, held: float | None, others: float | None) -> float:
    """Megabytes per instance of `row`: `held` in all, minus those held by other processes; 0 if one is unknown."""
    return 0.0 if held is None or others is None else (held - others) / row.instances
