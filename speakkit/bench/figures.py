"""Compute the figures of the report from the measurements: one `Figures` per row of the table."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from speakkit.bench.messages import Spoken
from speakkit.bench.monitor import Reading

ENGINE = "kokoro"
"""Name of speakkit's own engine."""

BASELINE = "upstream"
"""Name of the engine that runs the plain kokoro loop."""

FEWEST_FOR_P95 = 20
"""Number of requests below which the longest one is reported as the 95th percentile."""

STAGES = ("reading", "speaking", "writing")
"""Stages of a request, as fields of `Spoken`."""

HOUR = 3600
MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """Prices in US dollars.

    kwh: price of a kilowatt-hour
    hour: price of the machine per hour, electricity included; None for a machine that is not rented
    """

    kwh: float
    hour: float | None = None


@dataclass(frozen=True)
class Row:
    """The measurements of some instances that ran at the same time.

    engine: the engine's name
    instances: number of instances
    asked: number of requests planned, of all instances together
    characters: characters in each request
    requests: the completed requests
    clock: seconds from the start of the first request to the end of the last one
    cold_starts, g2p: seconds, per instance
    idle, busy: gauge readings before the requests, and during them
    failures: one line per failure
    """

    engine: str
    instances: int
    asked: int
    characters: int
    requests: tuple[Spoken, ...] = ()
    clock: float = 0.0
    cold_starts: tuple[float, ...] = ()
    g2p: tuple[float, ...] = ()
    idle: Reading = field(default_factory=Reading)
    busy: Reading = field(default_factory=Reading)
    failures: tuple[str, ...] = ()

    @property
    def throughput(self) -> float | None:
        """Seconds of audio per second of wall time; None if no request was completed."""
        return sum(spoken.audio for spoken in self.requests) / self.clock if self.requests else None


@dataclass(frozen=True)
class Figures:
    """A row of the table. Times are in seconds, and figures that are not available are None.

    requests, asked: number of completed and of planned requests
    throughput: seconds of audio per second of wall time
    mean, p50, p95, max: time of a request from its text to its file; p95 equals max if there are fewer than 20 requests
    scale: the throughput divided by that of one instance
    marginal_pct: the throughput that the last instance added, in percent of that of one instance
    ratio_to_baseline: the throughput divided by that of as many instances of the plain kokoro loop
    first_audio, g2p: medians
    reading, speaking, writing: time of each stage (see `speech.stages`), in all requests together; reading_pct and so
        on: in percent of the time of the requests. Stages overlap
    bottleneck: the stage that took longest
    cold_start: from spawning a process to its first audio, of the slowest instance
    audio, clock: speech and wall time of all requests together
    memory_mb: memory of the workers
    vram_mb, vram_idle_mb: GPU memory of the workers, or of all processes if NVML does not distinguish them
    power_w, power_idle_w, energy_wh_per_audio_hour, electricity_*: of the GPU only
    rent_*: computed from the price of an hour
    """

    engine: str
    instances: int
    requests: int
    asked: int
    throughput: float | None = None
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    max: float | None = None
    scale: float | None = None
    marginal_pct: float | None = None
    ratio_to_baseline: float | None = None
    first_audio: float | None = None
    cold_start: float | None = None
    g2p: float | None = None
    reading: float | None = None
    speaking: float | None = None
    writing: float | None = None
    reading_pct: float | None = None
    speaking_pct: float | None = None
    writing_pct: float | None = None
    bottleneck: str | None = None
    audio: float | None = None
    clock: float | None = None
    requests_per_hour: float | None = None
    memory_mb: float | None = None
    vram_mb: float | None = None
    vram_idle_mb: float | None = None
    sm_pct: float | None = None
    power_w: float | None = None
    power_idle_w: float | None = None
    temperature_c: float | None = None
    energy_wh_per_audio_hour: float | None = None
    electricity_usd_per_hour: float | None = None
    electricity_usd_per_million_characters: float | None = None
    rent_usd_per_million_characters: float | None = None
    failures: tuple[str, ...] = ()


def of(rows: Sequence[Row], prices: Prices) -> list[Figures]:
    """The figures of `rows`, in the same order."""
    return [_figures(row, rows, prices) for row in rows]


def headline(found: Sequence[Figures]) -> float | None:
    """The throughput ratio of one speakkit instance to one plain loop; None if one was not measured, or failed."""
    return next((row.ratio_to_baseline for row in found if row.engine == ENGINE and row.instances == 1), None)


def percentile_95(values: Sequence[float]) -> float:
    """The 95th percentile, linearly interpolated; for fewer than 20 values, the highest one."""
    if len(values) < FEWEST_FOR_P95:
        return max(values)
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _figures(row: Row, rows: Sequence[Row], prices: Prices) -> Figures:
    if row.throughput is None:
        return Figures(row.engine, row.instances, 0, row.asked, failures=row.failures)
    took = [spoken.seconds for spoken in row.requests]
    hourly = len(took) / row.clock * HOUR
    spoken_millions = hourly * row.characters / MILLION
    watts = row.busy.power_w
    stages = {stage: sum(getattr(spoken, stage) for spoken in row.requests) for stage in STAGES}
    electricity = watts / 1000 * prices.kwh if watts is not None else None
    return Figures(
        engine=row.engine,
        instances=row.instances,
        requests=len(took),
        asked=row.asked,
        throughput=row.throughput,
        mean=statistics.fmean(took),
        p50=statistics.median(took),
        p95=percentile_95(took),
        max=max(took),
        scale=_over(row, _found(rows, row.engine, 1)),
        marginal_pct=_marginal_pct(row, rows),
        ratio_to_baseline=_over(row, _found(rows, BASELINE, row.instances)) if row.engine == ENGINE else None,
        first_audio=statistics.median(spoken.first_audio for spoken in row.requests),
        cold_start=max(row.cold_starts, default=None),
        g2p=statistics.median(row.g2p) if row.g2p else None,
        **stages,
        **{f"{stage}_pct": 100 * seconds / sum(took) for stage, seconds in stages.items()},
        bottleneck=max(stages, key=stages.__getitem__),
        audio=sum(spoken.audio for spoken in row.requests),
        clock=row.clock,
        requests_per_hour=hourly,
        memory_mb=row.busy.memory_mb,
        vram_mb=_vram_mb(row.busy),
        vram_idle_mb=_vram_mb(row.idle),
        sm_pct=row.busy.sm_pct,
        power_w=watts,
        power_idle_w=row.idle.power_w,
        temperature_c=row.busy.temperature_c,
        energy_wh_per_audio_hour=watts / row.throughput if watts is not None else None,
        electricity_usd_per_hour=electricity,
        electricity_usd_per_million_characters=electricity / spoken_millions if electricity is not None else None,
        rent_usd_per_million_characters=prices.hour / spoken_millions if prices.hour is not None else None,
        failures=row.failures,
    )


def _found(rows: Sequence[Row], engine: str, instances: int) -> Row | None:
    return next((row for row in rows if (row.engine, row.instances) == (engine, instances)), None)


def _over(row: Row, other: Row | None) -> float | None:
    """The throughput of `row` divided by that of `other`; None if one is missing or has failures."""
    if other is None or not row.throughput or not other.throughput or row.failures or other.failures:
        return None
    return row.throughput / other.throughput


def _marginal_pct(row: Row, rows: Sequence[Row]) -> float | None:
    one, before = _found(rows, row.engine, 1), _found(rows, row.engine, row.instances - 1)
    scale = _over(row, one)
    scale_before = _over(before, one) if before else None
    return (scale - scale_before) * 100 if scale is not None and scale_before is not None else None


def _vram_mb(reading: Reading) -> float | None:
    return reading.vram_mb if reading.vram_workers_mb is None else reading.vram_workers_mb
