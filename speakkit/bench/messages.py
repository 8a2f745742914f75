"""Messages to and from a bench instance. Imports no engine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import msgspec

SHOWN = 20
"""Words that are named; a table has not room for any number of them."""

Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
"""A time that was measured; never NaN."""


@dataclass(frozen=True)
class Setup:
    """What an instance speaks with.

    engine: a name of `engines.registry.SYNTHESIZERS`
    batch: chunks that go through the network at once; None for what is best on the device
    threads: of the processor; 0 for as many as torch takes
    """

    engine: str
    device: str
    batch: int | None
    voice: str
    language: str
    speed: float
    threads: int = 0


@dataclass(frozen=True)
class Work:
    """Requests to be spoken.

    count: how many
    seed: of the first; the others have those that follow
    concurrency: how many at once
    folder: where their files are written, each of which is removed when it is whole
    seconds: after these no further one is begun; None for never
    """

    count: int
    seed: int
    concurrency: int
    folder: Path
    seconds: float | None


@dataclass(frozen=True)
class Spoken:
    """One request.

    seconds: from the text to the file, whole and in its place
    first_audio: seconds from the text to the first audio that could be played
    audio: seconds of speech
    """

    seconds: Seconds
    first_audio: Seconds
    audio: Seconds


@dataclass(frozen=True)
class Facts:
    """What an instance turned out to be, and how it reads the text.

    weights: which ones speak, such as "official"
    device: with its name, such as "cpu (8 threads)"; gpu: its UUID as NVML knows it, or ""
    torch: its version; threads: of the processor, that it computes with
    g2p: seconds from the text to the phonemes of all of it, which are a part of `Spoken.seconds` too
    chunks: that the text is spoken in
    lost: the words that the voice cannot say, the first SHOWN of them
    """

    weights: str
    device: str
    gpu: str
    torch: str
    threads: int
    g2p: Seconds
    chunks: int
    lost: tuple[str, ...]


class Speak(msgspec.Struct, frozen=True, tag="speak"):
    """Request to speak a text, again and again."""

    text: str
    work: Work


class Read(msgspec.Struct, frozen=True, tag="read"):
    """Request to read a text and say nothing."""

    text: str
