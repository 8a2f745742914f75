"""One synthesis job: the request, the audio made so far, and its receiver."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from msgspec import structs

from speakkit.daemon.queue.actions import Result
from speakkit.daemon.speaking.synthesis_request import Begin, Next, SpeechPiece
from speakkit.daemon.wire.fault import Fault
from speakkit.daemon.wire.messages import Finished, Span, SpokenWord, exit_of
from speakkit.daemon.wire.protocol import Code
from speakkit.playback import pcm
from speakkit.playback.feed import AHEAD, Feed
from speakkit.speech_request import SpeechRequest

KEPT = 64 << 20
"""Maximum bytes of samples that are kept for replay: of one job, and of all together."""

LONGEST = 60.0
"""Maximum seconds of speech in a piece, at normal speed: 510 phonemes, read slowly."""

_keys = count()
"""Counter for `Job.key`."""


@dataclass(eq=False)
class Job:
    """The audio of one request, piece by piece.

    name: id of the request, which two clients may both choose
    key: id of the job for the voice worker
    starts_early: the first piece is short, because it is played at once
    receive: takes each piece; has_room: whether another piece is wanted now
    pieces: float32 samples as in `pcm`; None if they are too many to be kept
    number: index of the next piece; is_begun: the worker was sent the text
    size: bytes of all pieces
    facts: voice, language, engine, weights and threads, as `SpeechPiece` has them
    feed: source of samples for the player; None for a job that is not played
    is_shown: the client wants an event for each word while it is played; shown: index of the last one
    heard: seconds that were played; None if it has not started
    is_over: no piece will follow; fault: why, if that is not the end of the text
    """

    name: str
    request: SpeechRequest = field(repr=False)
    starts_early: bool = False
    receive: Callable[[bytes], None] = lambda _: None
    has_room: Callable[[], bool] = lambda: False
    pieces: list[bytes] | None = field(default_factory=list, repr=False)
    number: int = 0
    is_begun: bool = False
    size: int = 0
    words: list[SpokenWord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lost: list[Span] = field(default_factory=list)
    facts: dict[str, str | int] = field(default_factory=dict)
    key: int = field(default_factory=_keys.__next__)
    feed: Feed | None = None
    is_shown: bool = False
    shown: int = -1
    heard: float | None = None
    is_over: bool = False
    fault: Fault | None = None

    @property
    def begin(self) -> Begin:
        """The order for the next piece that holds the text."""
        return Begin(str(self.key), self.request, self.starts_early, self.number, self.seconds)

    @property
    def next(self) -> Next:
        """The order for the next piece of a text that the worker has."""
        return Next(str(self.key), self.number)

    @property
    def longest(self) -> float:
        """Upper bound for the seconds of audio in a piece: one second per character at speed 1, at most 60 s."""
        return min(LONGEST, len(self.request.text)) / self.request.speed

    @property
    def seconds(self) -> float:
        """Seconds of audio made so far."""
        return pcm.duration(self.size)

    def again(self, name: str) -> "Job":
        """A new job for the same audio. It has the pieces of this one if they are complete."""
        if self.pieces is None or not self.is_over or self.fault:
            return Job(name, self.request, self.starts_early)
        return replace(self, name=name, feed=None, is_shown=False, shown=-1, heard=None, key=next(_keys))

    def play_into(self, feed: Feed) -> None:
        """Send all pieces, past and future, to `feed`."""
        self.feed, self.receive, self.has_room = feed, feed.put, lambda: feed.ahead < AHEAD
        for piece in (self.pieces or ()) if self.is_over else ():
            feed.put(piece)
        if self.is_over:
            feed.end()

    def word_at(self, seconds: float) -> SpokenWord | None:
        """The word that is being played after `seconds`; None if there is none, or if it is that of the last call."""
        number = bisect_right(self.words, seconds, key=lambda word: word.begins) - 1
        if number < 0 or number == self.shown:
            return None
        self.shown = number
        return self.words[number]

    def add(self, piece: SpeechPiece) -> None:
        """Take the next piece."""
        self.words += piece.words
        self.warnings += piece.warnings
        self.lost += piece.lost
        if piece.is_over:
            self.is_over = True
            return
        self.facts = {name: getattr(piece, name) for name in ("voice", "language", "engine", "weights", "threads")}
        self.number += 1
        self.size += len(piece.sound)
        if self.pieces is not None:
            self.pieces.append(piece.sound)
            if self.size > KEPT:
                self.pieces = None
        self.receive(piece.sound)

    def break_off(self, fault: Fault) -> None:
        """End the job without its remaining pieces."""
        self.is_over, self.fault = True, fault

    def finished(self, result: Result, code: str = "", *, heard: float | None = None) -> Finished:
        """The last event for the client. code: of the queue; heard: seconds that were played, None for all."""
        fault = self.fault if result is Result.failed else None
        told = ended(self.name, result, fault.code if fault else code, lost=bool(self.lost))
        return structs.replace(
            told,
            exit=fault.exit if fault else told.exit,
            audio_ms=round(1000 * (self.seconds if heard is None else heard)),
            words=tuple(self.words),
            lost=tuple(self.lost),
            warnings=(*self.warnings, *([fault.message] if fault else [])),
            facts={**self.facts, "chunks": self.number},
        )


def ended(name: str, result: Result, code: str = "", *, lost: bool = False) -> Finished:
    """A `Finished` with result, code (if the protocol has it) and exit code only."""
    known = Code.__members__.get(code)
    return Finished(name, result, exit_of(result, known, lost=lost and result is Result.played), code=known)
