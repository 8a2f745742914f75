"""Output options of one call of `speak`, and the receipt that it prints at the end."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from msgspec import structs

from speakkit import config, voices
from speakkit.cli import output
from speakkit.errors import BadValue, ExitCode
from speakkit.speech_request import BULK
from speakkit.text import shorten

if TYPE_CHECKING:
    from speakkit.speech_request import SpeechRequest

log = logging.getLogger(__name__)

LONG = 500
"""Minimum characters of a text for which a progress bar is shown."""


@dataclass(frozen=True)
class SpeakOutput:
    """Where the speech of one call is written, and what the call prints.

    target: an audio file, "-" for standard output, or None
    audio_format: name of the format; None for the extension of `target`
    captions: a caption file, or None
    play: play the speech
    force: overwrite existing files that are not audio or captions
    as_json: print the receipt as JSON
    quiet: print nothing but errors
    """

    target: str | None
    audio_format: str | None
    captions: str | None
    play: bool
    force: bool
    as_json: bool
    quiet: bool

    @property
    def is_awaited(self) -> bool:
        """Whether somebody listens, or a program that reads standard output may play it, before all is spoken."""
        return self.play or self.target in (None, "-")


def bulk(request: SpeechRequest, out: SpeakOutput) -> int:
    """The characters that are bulk work: those of a long text that is only written to a file; 0 for any other."""
    return 0 if out.is_awaited or len(request.text) < BULK else len(request.text)


def cut(request: SpeechRequest, most: float) -> SpeechRequest:
    """Return `request` with its text shortened, if needed, so that its speech takes about `most` seconds at most."""
    language = request.lang
    with suppress(BadValue):  # a voice pack of the user, or an unknown voice, which is rejected later
        language = language or voices.find(request.voice, blends=config.load().blends).language
    return structs.replace(request, text=shorten.shortened(request.text, most, request.speed, language))


@dataclass(frozen=True)
class LostWord:
    """A word that was not spoken, or not completely. start: character offset of its first character in the text."""

    text: str
    start: int


@dataclass(frozen=True)
class Receipt:
    """The result of a call of `speak`.

    seconds: duration of the speech
    voice, language: full names
    engine, weights: the synthesizer, such as "kokoro", and its weights, such as "official"
    threads: processor threads of the synthesis
    chunks: number of chunks
    lost: the words that were not spoken
    """

    seconds: float
    voice: str
    language: str
    engine: str
    weights: str
    threads: int
    chunks: int
    lost: tuple[LostWord, ...]


def warn(lines: tuple[str, ...]) -> None:
    """Log each line as a warning, about text that was dropped or lost."""
    for line in lines:
        log.warning("%s", line)


def show(receipt: Receipt, request: SpeechRequest, out: SpeakOutput) -> ExitCode:
    """Print the receipt, and return the exit code of the command."""
    if out.as_json:
        output.show_json(_listed(receipt, request, out))
    elif not out.quiet:
        where = f"{out.target}: " if out.target not in (None, "-") else ""
        output.say(f"{where}{receipt.seconds:.1f} s by {receipt.voice} ({receipt.engine}, weights {receipt.weights})")
    return ExitCode.LOST_WORDS if receipt.lost else ExitCode.DONE


def _listed(receipt: Receipt, request: SpeechRequest, out: SpeakOutput) -> dict[str, Any]:
    return {
        "output": out.target,
        "captions": out.captions,
        "seconds": round(receipt.seconds, 3),
        "voice": receipt.voice,
        "language": receipt.language,
        "engine": receipt.engine,
        "weights": receipt.weights,
        "speed": request.speed,
        "seed": request.seed,
        "threads": receipt.threads,
        "chunks": receipt.chunks,
        "lost": [asdict(word) for word in receipt.lost],
    }


def check_terminal(target: str) -> None:
    """Raise BadValue if audio would be written to a terminal."""
    if target == "-" and sys.stdout.isatty():
        raise BadValue("standard output is a terminal; pipe it to a player, or write a file with -o FILE")
