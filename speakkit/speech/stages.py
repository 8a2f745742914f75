"""The time that each stage from text to files takes: reading, speaking and writing."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from speakkit.audio import Audio
from speakkit.audiofile import Sink

Item = TypeVar("Item")


class Stages:
    """Adds up the seconds of each stage of one text.

    reading: in which the thread that drives the synthesizer converted text to chunks, or waited for processes that do
    speaking: in which that thread waited for speech. Processes may read and write meanwhile
    writing: in which audio was encoded and written, in whichever thread
    """

    def __init__(self) -> None:
        self.reading = self.speaking = self.writing = 0.0

    def read(self, chunks: Iterable[Item]) -> Iterator[Item]:
        """Yield the chunks, and count the time in which they are made. It is not part of the time of speaking."""
        for chunk, seconds in _timed(chunks):
            self.reading += seconds
            self.speaking -= seconds
            yield chunk

    def spoken(self, segments: Iterable[Item]) -> Iterator[Item]:
        """Yield the segments, and count the time in which they are made."""
        for segment, seconds in _timed(segments):
            self.speaking += seconds
            yield segment

    def sink(self, sink: Sink) -> Sink:
        """Return a sink that writes to `sink`, and counts the time."""
        return _TimedSink(sink, self)


class _TimedSink:
    """Sink of `Stages.sink`."""

    def __init__(self, sink: Sink, stages: Stages) -> None:
        self._sink, self._stages = sink, stages

    def write(self, audio: Audio) -> None:
        began = time.perf_counter()
        self._sink.write(audio)
        self._stages.writing += time.perf_counter() - began


def _timed(items: Iterable[Item]) -> Iterator[tuple[Item, float]]:
    """Yield each item, with the seconds in which it was made."""
    remaining = iter(items)
    while True:
        began = time.perf_counter()
        for item in remaining:
            yield item, time.perf_counter() - began
            break
        else:
            return
