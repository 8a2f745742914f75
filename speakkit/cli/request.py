"""What one call of `speak` asks for, and what it shows in the end."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from speakkit import config, voices
from speakkit.cli import output
from speakkit.errors import BadValue, ExitCode
from speakkit.text import shorten

if TYPE_CHECKING:
    from pathlib import Path


LONG = 500
"""Characters from which on a progress bar is worth its lines."""


@dataclass(frozen=True)
class SpeakRequest:
    """What one call of `speak` asks for.

    file: where `text` is from, if it is from a file; raw: nothing in it is markup
    lang: None for the voice's own; target: a file, "-" or None; audio_format: None for what `target` says
    captions: a file, or None
    threads: of the processor; 0 for as many as torch takes
    keep_alive: seconds for which the model stays loaded afterwards; None for as it is configured
    """

    text: str
    file: Path | None
    raw: bool
    voice: str
    speed: float
    lang: str | None
    seed: int
    threads: int
    engine: str
    device: str
    target: str | None
    audio_format: str | None
    captions: str | None
    keep_alive: float | None
    play: bool
    force: bool
    as_json: bool
    quiet: bool


def cut(order: SpeakRequest, most: float) -> SpeakRequest:
    """An order that takes no more than some seconds, roughly."""
    language = order.lang or ""
    with suppress(BadValue):  # a voice of the user's own, or none: whoever speaks it will say so
        language = language or voices.find(order.voice, blends=config.load().blends).language
    return replace(order, text=shorten.shortened(order.text, most, order.speed, language))


def checked_target(target: str, audio_format: str | None, *, force: bool) -> str:
    """The format that `target` is to be written in. Raises now what could not be written later."""
    from speakkit import audiofile  # noqa: PLC0415  start-up: it loads numpy

    found = audiofile.format_of(target, audio_format)
    if target == "-" and sys.stdout.isatty():
        raise BadValue("standard output is a terminal; pipe it to a player, or write a file with -o FILE")
    if target != "-":
        audiofile.check_target(target, force=force)
    return found


@dataclass(frozen=True)
class LostWord:
    """A word that ought to have been heard. start: its first character in the text."""

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


def show(receipt: Receipt, order: SpeakRequest) -> ExitCode:
    """Show what was done, and return how the command ends."""
    if order.as_json:
        output.show_json(_listed(receipt, order))
    elif not order.quiet:
        where = f"{order.target}: " if order.target not in (None, "-") else ""
        output.say(f"{where}{receipt.seconds:.1f} s by {receipt.voice} ({receipt.engine}, weights {receipt.weights})")
    return ExitCode.LOST_WORDS if receipt.lost else ExitCode.DONE


def _listed(receipt: Receipt, order: SpeakRequest) -> dict[str, Any]:
    return {
        "output": order.target,
        "captions": order.captions,
        "seconds": round(receipt.seconds, 3),
        "voice": receipt.voice,
        "language": receipt.language,
        "engine": receipt.engine,
        "weights": receipt.weights,
        "speed": order.speed,
        "seed": order.seed,
        "threads": receipt.threads,
        "chunks": receipt.chunks,
        "lost": [asdict(word) for word in receipt.lost],
    }
