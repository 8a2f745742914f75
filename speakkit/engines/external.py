"""Recognizers that are commands in environments of their own: speech -> text, in lines of JSON over pipes.

See `environments` for how they are defined, and `json_lines` for how they are asked.
"""

import struct
import wave
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Annotated

import msgspec

from speakkit.audio import Audio
from speakkit.engines import sources
from speakkit.engines.attempt import each
from speakkit.engines.environments import Definition
from speakkit.engines.json_lines import Command, Request
from speakkit.errors import EngineError, SpeakkitError, WorkerGivenUp
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.transcript import Transcript, Word
from speakkit.workers.worker import Limits, Worker

PLACE = "speakkit.engines.json_lines:load"
"""Loader that the worker process runs."""

LIMITS = Limits(cpu_s=1800.0)
"""Limits of the worker process and the command. The first request includes the time to load, or fetch, the weights."""

SLACK = 0.1
"""Seconds that a word may end after its clip, because the engine counts in frames. Its end is then that of the clip."""

Seconds = Annotated[float, msgspec.Meta(ge=0.0)]
Probability = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}\Z")]


class _Word(msgspec.Struct, frozen=True):
    """A word of an answer, as `Word`."""

    text: Annotated[str, msgspec.Meta(pattern=r"\S")]
    start: Seconds | None = None
    end: Seconds | None = None
    confidence: Probability | None = None


class _Answer(msgspec.Struct, frozen=True):
    """The answer of a recognizer. Other fields are ignored.

    language: may be left out if the request named it
    """

    text: str
    language: Language | None = None
    words: tuple[_Word, ...] = ()


class External:
    """Recognizer that is a command in an environment of its own. Its memory is not limited.

    device: the name that was given; "cpu" hides GPUs from the command, which otherwise chooses its device itself
    """

    def __init__(self, name: str, folder: Path, definition: Definition, device: str, limits: Limits = LIMITS) -> None:
        """Start the command. Raises EngineError if it cannot be run."""
        self.device = device
        self.identity = Identity(
            name,
            version=definition.version,
            weights="not pinned",
            licence=definition.licence,
            deterministic=False,
        )
        command = Command(definition.command, folder, _variables(device))
        self._worker = Worker(PLACE, command, limits)
        self._numbers = count(1)
        self._lock = Lock()
        self._answered: Audio | None = None
        try:
            self._worker.start()
        except SpeakkitError as error:
            raise EngineError(f"{name} cannot be started: {self._told(error)}") from error

    def close(self) -> None:
        """See `base.Engine`."""
        self._worker.close()

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:
        """See `base.Recognizer`. Clips are sent one by one."""
        return each(clips, partial(self._heard, language), self.identity.name)

    def _heard(self, language: str | None, clip: Audio) -> Transcript:
        """Return the transcript of one clip. Raises EngineError, which names the engine and the clip."""
        with self._lock:
            number = next(self._numbers)
            try:
                return _transcript(self._asked(clip, language, number), clip, language)
            except SpeakkitError as error:
                raise EngineError(f"{self.identity.name}, clip {number}: {self._told(error)}") from error

    def _asked(self, clip: Audio, language: str | None, number: int) -> bytes:
        """Return the answer about a clip.

        If so many clips in a row ended the command that it may be broken, a clip that it answered before is tried
        again. If it is answered, those clips were at fault.
        """
        try:
            return self._requested(clip, language, f"{number}")
        except WorkerGivenUp:
            known, self._answered = self._answered, None
            if known is None:
                raise
        self._worker.trust()
        self._requested(known, language, f"{number}-known")
        return self._requested(clip, language, f"{number}-again")

    def _requested(self, clip: Audio, language: str | None, name: str) -> bytes:
        """Ask about a clip, which is in a file for that time, and return the answer."""
        with _file(clip) as path:
            (answer,) = self._worker.request(Request(name, str(path), language), bytes, clip.duration)
        self._answered = clip
        return answer

    def _told(self, error: SpeakkitError) -> str:
        """Return the message of an error, without names of speakkit's modules."""
        return str(error).replace(f"the worker of {PLACE}", "it")


def _variables(device: str) -> dict[str, str]:
    """Return the environment variables that tell a command which device to use, and whether it may use the network."""
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"} if sources.is_offline() else {}
    return hidden | offline


@contextmanager
def _file(clip: Audio) -> Iterator[Path]:
    """Return a context with a wav file of the clip, 16 bits, in a folder that no other user can read.

    Raises EngineError if a wav file cannot hold the clip.
    """
    with TemporaryDirectory(prefix="speakkit-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "clip.wav"
        try:
            with wave.open(str(path), "wb") as file:
                file.setparams((1, 2, clip.sample_rate, 0, "NONE", ""))
                file.writeframes(clip.pcm16())
        except (wave.Error, struct.error) as error:  # the latter beyond 4 GB
            raise EngineError(f"a wav file cannot hold it: {error}") from error
        yield path


def _transcript(answer: bytes, clip: Audio, language: str | None) -> Transcript:
    """Decode and check an answer. Raises EngineError if it is no transcript of the clip."""
    try:
        found = msgspec.json.decode(answer, type=_Answer)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise EngineError(f"its answer is no transcript: {error}") from error
    spoken = found.language or language
    if spoken is None:
        raise EngineError("its answer names no language, and none was given")
    _require_order(found.words, clip.duration)
    words = tuple(
        Word(word.text.strip(), _within(clip, word.start), _within(clip, word.end), word.confidence)
        for word in found.words
    )
    return Transcript(found.text.strip(), spoken, words, raw_text=found.text)


def _within(clip: Audio, time: float | None) -> float | None:
    """Return a time, or the end of the clip if that is earlier."""
    return None if time is None else min(time, clip.duration)


def _require_order(words: tuple[_Word, ...], duration: float) -> None:
    """Raise EngineError if words are not in the order of time, or not in the clip of `duration` seconds."""
    for number, word in enumerate(words, 1):
        start, end = (0.0 if word.start is None else word.start), word.end
        if max(start, end or 0.0) > duration + SLACK:
            raise EngineError(f"its word {number} is at {max(start, end or 0.0):.2f} s of a clip of {duration:.2f} s")
        if end is not None and end < start:
            raise EngineError(f"its word {number} ends before it starts")
    starts = [word.start for word in words if word.start is not None]
    if any(after < before for before, after in pairwise(starts)):
        raise EngineError("its words are not in the order of time")
