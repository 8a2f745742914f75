"""Tests of the chart of a run, and of the errors if it cannot be drawn."""

import sys
from dataclasses import replace

import pytest

from speakkit.bench import plot
from speakkit.bench.figures import BASELINE
from speakkit.errors import BadValue, EngineError, StorageError


def pixels(file):
    """The red, green and blue values of an image file, from 0 to 1, [height, width, 3]."""
    from matplotlib import image

    return image.imread(file)[:, :, :3]


def share(picture, colour):
    from matplotlib.colors import to_rgb

    return (abs(picture - to_rgb(colour)) < 0.02).all(axis=2).mean()


def test_bars_are_as_high_as_the_throughput(result, tmp_path):
    """Bars are as high as the throughput, one colour per engine; the plain loop has no bar if it was not measured."""
    file = tmp_path / "bench.png"
    plot.draw(result.header, result.rows, file)
    both = pixels(file)
    ours, baseline = (share(both, colour) for colour in plot.COLOURS.values())
    assert both.shape[0] > 500
    assert ours / baseline == pytest.approx((56 + 91 + 114 + 132 + 139) / (28 + 50), rel=0.2)
    alone = [row for row in result.rows if row.engine != BASELINE]
    plot.draw(result.header, alone, file)
    assert share(pixels(file), plot.COLOURS[BASELINE]) == 0


def test_a_row_that_measured_nothing_is_left_out(result, tmp_path):
    """A row without a throughput has no bar, and does not affect the other bars."""
    nothing = replace(result.rows[-1], throughput=None, p50=None, p95=None)
    plot.draw(result.header, [*result.rows[:1], nothing], tmp_path / "bench.png")
    assert share(pixels(tmp_path / "bench.png"), plot.COLOURS[BASELINE]) == 0


def test_what_cannot_be_drawn_is_refused(tmp_path, monkeypatch):
    """Another format, a missing folder, an existing file that is no PNG, or missing matplotlib raises an error."""
    with pytest.raises(BadValue, match=r"end the name bench\.pdf with \.png"):
        plot.check_target(tmp_path.joinpath("bench.pdf").relative_to(tmp_path), force=False)
    with pytest.raises(StorageError, match="there is no folder"):
        plot.check_target(tmp_path / "none" / "bench.png", force=False)
    diary = tmp_path / "diary.png"
    diary.write_text("dear diary")
    with pytest.raises(StorageError, match="exists and is no PNG file; to overwrite it, add --force"):
        plot.check_target(diary, force=False)
    plot.check_target(diary, force=True)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(plot, "find_spec", lambda _: None)
    with pytest.raises(EngineError, match=r"pip install 'speakkit\[plot\]'"):
        plot.check_target(tmp_path / "bench.png", force=False)


def test_a_file_that_is_made_meanwhile_is_kept(result, tmp_path):
    """A file that appears during the run and is no PNG is kept, unless forced; the plot is saved beside it."""
    diary = tmp_path / "diary.png"
    plot.check_target(diary, force=False)
    diary.write_text("dear diary")
    with pytest.raises(
        StorageError, match=r"exists and is no PNG file; the complete file was saved as .*diary\.1\.png"
    ):
        plot.draw(result.header, result.rows, diary)
    assert diary.read_text() == "dear diary"
    assert pixels(tmp_path / "diary.1.png").size
    plot.draw(result.header, result.rows, diary, force=True)
    assert pixels(diary).size
