"""The sound of one text: what was asked, what was made of it so far, and who gets it."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from msgspec import structs

from speakkit.daemon.queue.actions import Result
from speakkit.daemon.speaking.synthesis_request import Ask, SpeechPiece, SpeechRequest
from speakkit.daemon.wire.messages import Finished, Span, SpokenWord, exit_of
from speakkit.daemon.wire.protocol import Code
from speakkit.errors import ExitCode
from speakkit.playback import pcm
from speakkit.playback.feed import AHEAD, Feed

KEPT = 64 << 20
"""Bytes of samples that are kept to be said again: of one text, and of all together."""


@dataclass(frozen=True)
class Fault:
    """Why there is no more of it. message: one line, for whoever asked; exit: what their command ends with."""

    code: Code
    message: str
    exit: ExitCode


@dataclass(eq=False)
class Job:
    """The sound of a text, piece by piece.

    name: by which its client knows it
    key: by which the voice knows it: two clients may choose one name
    keep_alive: seconds for which the voice stays loaded after it; None for as the daemon is configured
    take: whoever gets each piece as it comes, with its number; wants: whether they want another now
    pieces: float32 samples as in `pcm`; None once they are too many to be kept
    number: of the next piece
    """

    name: str
    text: str = field(repr=False)
    script: SpeechRequest
    keep_alive: float | None = None
    take: Callable[[bytes], None] = lambda _: None
    wants: Callable[[], bool] = lambda: False
    pieces: list[bytes] | None = field(default_factory=list)
    number: int = 0
    size: int = 0
    words: list[SpokenWord] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    lost: list[Span] = field(default_factory=list)
    facts: dict[str, str | int] = field(default_factory=dict)
    key: int = field(default_factory=count().__next__)
    is_shown: bool = False
    shown: int = -1
    is_over: bool = False
    fault: Fault | None = None

    @property
    def request(self) -> Ask:
        """What the voice is asked for the next piece by."""
        return Ask(str(self.key), self.number, self.seconds, self.script, self.text)

    def word_at(self, seconds: float) -> SpokenWord | None:
        """The word that is heard after so many seconds, where that is to be shown, and it is not the same as before."""
        if not self.is_shown:
            return None
        number = bisect_right(self.words, seconds, key=lambda word: word.begins) - 1
        if number < 0 or number == self.shown:
            return None
        self.shown = number
        return self.words[number]

    @property
    def seconds(self) -> float:
        """How much there is of it."""
        return pcm.duration(self.size)

    def add(self, piece: SpeechPiece) -> None:
        """The next piece has come."""
        self.words += [SpokenWord(*word) for word in piece.words]
        self.warnings += piece.warnings
        self.lost += [Span(*span) for span in piece.lost]
        if piece.is_over:
            self.is_over = True
            return
        spoke = {"voice": piece.voice, "language": piece.language, "engine": piece.engine, "weights": piece.weights}
        self.facts = {**spoke, "threads": piece.threads}
        self.number += 1
        self.size += len(piece.sound)
        if self.pieces is not None:
            self.pieces.append(piece.sound)
            if self.size > KEPT:
                self.pieces = None
        self.take(piece.sound)

    def break_off(self, fault: Fault) -> None:
        """There will be no more."""
        self.is_over, self.fault = True, fault

    def finished(
        self, result: Result, code: str = "", fault: Fault | None = None, heard: float | None = None
    ) -> Finished:
        """What a client is told of the end. code: of the queue; fault: of the player; heard: seconds, None for all."""
        fault = (fault or self.fault) if result is Result.failed else None
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
    """The bare end of an utterance: its result, its code where the wire has it, and the exit code of both."""
    known = Code.__members__.get(code)
    return Finished(name, result, exit_of(result, known, lost=lost and result is Result.played), code=known)


def into(feed: Feed) -> tuple[Callable[[bytes], None], Callable[[], bool]]:
    """`take` and `wants` of a sound that goes into `feed`."""
    return feed.put, lambda: feed.ahead < AHEAD
