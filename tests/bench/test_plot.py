"""The picture is one, and what could not be drawn is refused."""

import sys
from dataclasses import replace

import pytest

from speakkit.bench import plot
from speakkit.bench.figures import BASELINE
from speakkit.errors import BadValue, EngineError, StorageError


def pixels(file):
    """Red, green and blue between 0 and 1 [height, width, 3]."""
    from matplotlib import image

    return image.imread(file)[:, :, :3]


def share(picture, colour):
    from matplotlib.colors import to_rgb

    return (abs(picture - to_rgb(colour)) < 0.02).all(axis=2).mean()


def test_bars_are_as_high_as_the_throughput(result, tmp_path):
    """In the colours of ours and of the plain loop, which has no bars where it was not measured."""
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
    """A failed row does not spoil the picture."""
    nothing = replace(result.rows[-1], throughput=None, p50=None, p95=None)
    plot.draw(result.header, [*result.rows[:1], nothing], tmp_path / "bench.png")
    assert share(pixels(tmp_path / "bench.png"), plot.COLOURS[BASELINE]) == 0


def test_what_cannot_be_drawn_is_refused(tmp_path, monkeypatch):
    """Another format, no such folder, a file that is no picture, no matplotlib."""
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
