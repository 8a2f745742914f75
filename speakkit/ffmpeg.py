"""Decode the sound of a file by FFmpeg, in a worker process of its own.

FFmpeg opens files that were made to damage it. One that ends its process, or never ends, fails alone.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from speakkit.errors import StorageError, WorkerDied
from speakkit.workers.worker import Limits, Worker

if TYPE_CHECKING:
    import av

PLACE = f"{__name__}:load"

LIMITS = Limits(silence_s=30.0, cpu_s=3600.0, wall_s=300.0, retries=0)
"""Limits of a file. Sound of six hours takes some 100 s of processor time."""

BLOCK = 1 << 18
"""Samples of a reply, at least; a frame of FFmpeg has some 1,000."""

Samples = npt.NDArray[np.float32]


def decoded(path: Path, rate: int) -> Iterator[Samples]:
    """Yield the sound of a file as blocks of one channel at `rate`, the mean of its channels.

    If the sound of a video begins after its pictures, silence comes before it. A stretch that is damaged is left out.
    Raises StorageError if FFmpeg finds no sound in the file, or fails.
    """
    with closing(Worker(PLACE, rate, LIMITS)) as worker:
        try:
            for block in worker.request(os.fsencode(path), bytes):
                yield np.frombuffer(block, np.float32)
        except WorkerDied as error:
            raise StorageError(f"{path} cannot be decoded: {error}") from error


def load(rate: int) -> Callable[[bytes], Iterator[bytes]]:
    """Return the handler of the worker: file name -> blocks of float32 samples at `rate`."""

    def answer(name: bytes) -> Iterator[bytes]:
        path = Path(os.fsdecode(name))
        size, parts = 0, []
        for samples in _sound(path, rate):
            parts.append(samples)
            size += len(samples)
            if size >= BLOCK:
                yield np.concatenate(parts).tobytes()
                size, parts = 0, []
        yield from (part.tobytes() for part in parts)

    return answer


def _sound(path: Path, rate: int) -> Iterator[Samples]:
    """See `decoded`."""
    import av  # noqa: PLC0415  it takes 50 ms, and only the worker needs it

    try:
        # The prefix, because FFmpeg would take a name such as "http:x" for an address.
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            if not container.streams.audio:
                raise StorageError(f"{path} has no sound")
            yield from _of_stream(container, rate)
    except av.FFmpegError as error:
        raise StorageError(
            f"{path} is no audio or video file that can be read: {str(error.strerror).lower()}"
        ) from error


def _of_stream(container: "av.container.InputContainer", rate: int) -> Iterator[Samples]:
    """Yield the samples of the first stream of sound."""
    import av  # noqa: PLC0415  see `_sound`

    stream = container.streams.audio[0]
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    begins = (container.start_time or 0) / av.time_base
    is_first = True
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            if is_first and frame.time is not None:
                yield np.zeros(max(0, round((frame.time - begins) * rate)), np.float32)
            is_first = False
            for made in resampler.resample(frame):
                yield made.to_ndarray()[0]
    if not is_first:
        for made in resampler.resample(None):
            yield made.to_ndarray()[0]
