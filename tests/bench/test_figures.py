"""Tests of the figures that are computed from rows. They include the table that speakkit bench replaces."""

from dataclasses import replace

import pytest

from speakkit.bench import figures
from speakkit.bench.figures import BASELINE, ENGINE, Prices, Row
from speakkit.bench.monitor import Reading


def of_engine(found, engine):
    return [row for row in found if row.engine == engine]


def test_scale_and_marginal_are_those_of_the_table(brief):
    """`scale` and `marginal_pct` of N instances are relative to the throughput of one instance."""
    ours = of_engine(figures.of(brief, Prices(0.35)), ENGINE)
    assert [round(row.scale, 2) for row in ours] == [1.0, 1.62, 2.04, 2.36, 2.48]
    assert [row.marginal_pct and round(row.marginal_pct) for row in ours] == [None, 62, 41, 32, 12]
    assert [round(row.throughput) for row in ours] == [56, 91, 114, 132, 139]


def test_ratio_to_baseline_is_of_as_many_instances(brief):
    """The baseline ratio needs a plain loop row with as many instances; the headline is the ratio of one to one."""
    found = figures.of(brief, Prices(0.35))
    assert [row.ratio_to_baseline for row in of_engine(found, ENGINE)] == pytest.approx([2, None, None, None, 2.78])
    assert [row.ratio_to_baseline for row in of_engine(found, BASELINE)] == [None, None]
    assert figures.headline(found) == pytest.approx(2)
    assert [row.marginal_pct for row in of_engine(found, BASELINE)] == [None, None]


def test_energy_and_costs(brief):
    """200 W at $0.35 per kilowatt-hour cost $0.07 per hour; at 56x, an hour of audio takes 200/56 watt-hours."""
    one = figures.of(brief, Prices(0.35, hour=0.5))[0]
    assert one.electricity_usd_per_hour == pytest.approx(0.07)
    assert one.energy_wh_per_audio_hour == pytest.approx(200 / 56)
    assert one.requests_per_hour == pytest.approx(56 * 3600 / 127)
    millions = one.requests_per_hour * 1638 / 1e6
    assert one.electricity_usd_per_million_characters == pytest.approx(0.07 / millions)
    assert one.rent_usd_per_million_characters == pytest.approx(0.5 / millions)
    assert (one.power_idle_w, one.power_w, one.temperature_c) == (55, 200, 61)


def test_without_a_gauge_there_is_no_cost_of_electricity(make_row):
    """Without GPU readings, the electricity figures are None; without a price per hour, the rent is None."""
    (one,) = figures.of([make_row(ENGINE, 1, 3, idle=Reading(500.0), busy=Reading(900.0))], Prices(0.35))
    assert one.energy_wh_per_audio_hour is None
    assert one.electricity_usd_per_hour is None
    assert one.rent_usd_per_million_characters is None
    assert one.memory_mb == 900


def test_vram_is_that_of_the_workers_where_it_is_known(brief, make_row):
    """VRAM is that of the workers if it is known, else that of all processes, as on WSL."""
    assert figures.of(brief, Prices(0.35))[0].vram_mb == 1100
    unknown = make_row(ENGINE, 1, 3, busy=Reading(900.0, 6300.0))
    assert figures.of([unknown], Prices(0.35))[0].vram_mb == 6300


def test_the_stage_that_takes_longest_is_the_bottleneck(make_row):
    """Each stage has its seconds in all requests, and its share of their time; the longest one is the bottleneck."""
    one = make_row(ENGINE, 1, 56)
    (found,) = figures.of([one], Prices(0.35))
    took = sum(spoken.seconds for spoken in one.requests)
    assert (found.reading, found.speaking, found.writing) == pytest.approx((0.15 * took, 0.75 * took, 0.25 * took))
    assert (found.reading_pct, found.speaking_pct, found.writing_pct) == pytest.approx((15, 75, 25))
    assert found.bottleneck == "speaking"
    slow = [replace(spoken, writing=spoken.seconds) for spoken in one.requests]
    assert figures.of([replace(one, requests=tuple(slow))], Prices(0.35))[0].bottleneck == "writing"


def test_requests_are_told_by_median_and_95th_percentile(make_row):
    """`p50` is the median request time from text to file; for fewer than 20 requests, `p95` is the maximum."""
    one = make_row(ENGINE, 1, 56)
    (found,) = figures.of([one], Prices(0.35))
    took = sorted(spoken.seconds for spoken in one.requests)
    assert found.p50 == pytest.approx((took[9] + took[10]) / 2)
    assert took[18] < found.p95 < took[19] == found.max
    (few,) = figures.of([replace(one, requests=one.requests[:19])], Prices(0.35))
    assert few.p95 == few.max
    assert figures.percentile_95(range(101)) == 95


def test_a_row_that_failed_in_part_is_compared_with_none(brief):
    """A row with failures keeps its throughput, but no row is compared with it."""
    broken = replace(brief[0], failures=("instance 1: gone",))
    found = figures.of([broken, *brief[1:]], Prices(0.35))
    assert found[0].throughput == pytest.approx(56)
    assert [row.scale for row in of_engine(found, ENGINE)] == [None] * 5
    assert figures.headline(found) is None


def test_a_row_without_requests_has_its_failure_alone():
    """A row without requests has only its failures; its figures are None."""
    (found,) = figures.of([Row(ENGINE, 3, 60, 1638, failures=("no room",))], Prices(0.35))
    assert (found.requests, found.asked, found.throughput, found.failures) == (0, 60, None, ("no room",))
