"""Tests of the seconds of each stage from text to files."""

import time

import numpy as np
import pytest

from speakkit.audio import Audio
from speakkit.speech.stages import Stages

STEP = 0.02


class Slow:
    """A sink that takes STEP seconds for each piece."""

    def write(self, audio):
        time.sleep(STEP)


def slowly(items):
    for item in items:
        time.sleep(STEP)
        yield item


def test_each_stage_has_its_own_time():
    """The time in which chunks are read is not part of that of speaking, and what the caller does is part of none."""
    stages = Stages()
    sink = stages.sink(Slow())
    heard = []
    for item in stages.spoken(slowly(stages.read(slowly(range(5))))):
        sink.write(Audio(np.zeros(1, np.float32), 1))
        time.sleep(5 * STEP)
        heard.append(item)
    assert heard == list(range(5))
    for seconds in (stages.reading, stages.speaking, stages.writing):
        assert 5 * STEP <= seconds < 20 * STEP


def test_a_stage_that_fails_is_not_hidden():
    """An error in reading or in speaking is raised."""

    def broken():
        yield 1
        raise LookupError

    with pytest.raises(LookupError):
        list(Stages().spoken(Stages().read(broken())))
