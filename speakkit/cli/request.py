"""What one call of `speak` writes and prints, and the receipt that it shows in the end."""

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
from speakkit.text import shorten

if TYPE_CHECKING:
    from speakkit.speech_request import SpeechRequest

log = logging.getLogger(__name__)

LONG = 500
"""Characters from which on a progress bar is worth its lines."""


@dataclass(frozen=True)
class Output:
    """Where the speech of one call goes, and what the call prints.

    target: a file, "-" for standard output, or None
    audio_format: None for the format that `target` ends with
    captions: a file, or None
    play: play the speech aloud
    force: overwrite files that are no audio and no captions
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


def cut(request: SpeechRequest, most: float) -> SpeechRequest:
    """A request of which the speech takes about `most` seconds at most."""
    language = request.lang
    with suppress(BadValue):  # a voice of the user's own, or an unknown one, which is refused later
        language = language or voices.find(request.voice, blends=config.load().blends).language
    return structs.replace(request, text=shorten.shortened(request.text, most, request.speed, language))


@dataclass(frozen=True)
class LostWord:
    """A word that ought to have been heard. start: offset of its first character in the text."""

    text: str
    start: int


@dataclass(frozen=True)
class Receipt:
    """What was done.

    seconds: of speech
    voice, language: of the speech, by full names
    engine, weights: what spoke, such as "kokoro" and "official"
    threads: of the processor, that it was computed with
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
    """Print what was dropped or lost, one line each."""
    for line in lines:
        log.warning("%s", line)


def show(receipt: Receipt, request: SpeechRequest, out: Output) -> ExitCode:
    """Print the receipt, and return the exit code of the command."""
    if out.as_json:
        output.show_json(_listed(receipt, request, out))
    elif not out.quiet:
        where = f"{out.target}: " if out.target not in (None, "-") else ""
        output.say(f"{where}{receipt.seconds:.1f} s by {receipt.voice} ({receipt.engine}, weights {receipt.weights})")
    return ExitCode.LOST_WORDS if receipt.lost else ExitCode.DONE


def _listed(receipt: Receipt, request: SpeechRequest, out: Output) -> dict[str, Any]:
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
    """Raises BadValue if samples would be written to a terminal."""
    if target == "-" and sys.stdout.isatty():
        raise BadValue("standard output is a terminal; pipe it to a player, or write a file with -o FILE")
