"""Messages to and from a bench instance. This module imports no engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

SHOWN = 20
"""Number of lost words that are reported at most, so that they fit below a table."""

Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
"""A measured duration in seconds; never NaN."""


@dataclass(frozen=True)
class Setup:
    """The configuration of an instance.

    engine: a name of `engines.registry.SYNTHESIZERS`
    batch: chunks per pass through the network; None for the best size for the device
    threads: CPU threads; 0 for the default of torch, or 1 for bulk work on a CPU
    bulk: as for `synthesize.speaker`
    """

    engine: str
    device: str
    batch: int | None
    voice: str
    language: str
    speed: float
    threads: int = 0
    bulk: int = 0


@dataclass(frozen=True)
class Work:
    """A series of requests.

    count: number of requests
    seed: seed of the first request; each following request has the next seed
    concurrency: number of requests in progress at a time
    folder: folder for the output files; each file is removed when it is complete
    seconds: time after which no further request begins; None for no limit
    """

    count: int
    seed: int
    concurrency: int
    folder: Path
    seconds: float | None


@dataclass(frozen=True)
class Spoken:
    """Measurements of one completed request.

    seconds: time from the text to the complete file
    first_audio: seconds from the text to the first playable audio
    audio: seconds of speech
    reading, speaking, writing: seconds of each stage, see `speech.stages`; they may overlap
    """

    seconds: Seconds
    first_audio: Seconds
    audio: Seconds
    reading: Seconds = 0.0
    speaking: Seconds = 0.0
    writing: Seconds = 0.0


@dataclass(frozen=True)
class Facts:
    """Properties of an instance, and of its processing of the text.

    weights: the source of the weights, such as "official"
    device: description of the device, such as "cpu (8 threads)"
    gpu: UUID of the GPU for NVML, or ""
    torch: version of torch
    threads: number of CPU threads it computes with
    processes: number of processes that speak, each with that many threads
    g2p: seconds from the text to all of its phonemes; these are included in `Spoken.seconds` too
    chunks: number of chunks of the text
    lost: words that the voice cannot say, at most SHOWN of them
    """

    weights: str
    device: str
    gpu: str
    torch: str
    threads: int
    g2p: Seconds
    chunks: int
    lost: tuple[str, ...]
    processes: int = 1


class Speak(msgspec.Struct, frozen=True, tag="speak"):
    """Request to synthesize a text repeatedly. The responses are `Spoken`."""

    text: str
    work: Work


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Request to process a text without synthesis. The response is `Facts`."""

    text: str
