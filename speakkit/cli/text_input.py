"""Text input of a command: its options, and the text as arguments, from a file, from a pipe, or inside JSON."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer
import typer.core

from speakkit.cli import complete, jsonpath
from speakkit.errors import BadValue, TextError, storage_error
from speakkit.speech_request import Markup
from speakkit.text.decode import checked, decode
from speakkit.text.markup import guessed

if TYPE_CHECKING:
    from collections.abc import Sequence


Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        "-l",
        metavar="LANGUAGE",
        help="Language of the text; default: the voice's own.",
        autocompletion=complete.languages,
        rich_help_panel="Voice",
    ),
]
TextFile = Annotated[
    Path | None, typer.Option("--file", "-f", help="Read the text from a file.", rich_help_panel="Text")
]

JsonPath = Annotated[
    str | None,
    typer.Option(
        "--from-json",
        metavar="PATH",
        help="Read JSON, such as an agent hook's, and speak the text at PATH: .message.content[-1].text",
        rich_help_panel="Text",
    ),
]

STDIN = "standard input"

LONGEST_TEXT = 64 << 20
"""Maximum bytes of a text: about two months of speech."""

DASHED = "\0"
"""Prefix that marks an argument that starts with a dash and is text. No argument can contain this character."""


class TextCommand(typer.core.TyperCommand):
    """A command that parses "-5 degrees" and "- an item" as text, and "--voise" as a mistyped option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        valued = {name for option in self.params for name in option.opts if not getattr(option, "is_flag", True)}
        marked = [
            DASHED + argument if _is_dashed_text(argument) and before not in valued else argument
            for before, argument in zip(["", *args], args, strict=False)
        ]
        return super().parse_args(ctx, marked)


def _is_dashed_text(argument: str) -> bool:
    """Whether an argument that starts with a dash is text: a number, or words with white space before any "="."""
    if re.fullmatch(r"-\d[\d.,:%]*", argument):
        return True
    name = argument.split("=", 1)[0]
    return argument.startswith("-") and any(character.isspace() for character in name)


def text(words: Sequence[str], file: Path | None, json_path: str | None = None) -> str:
    """Return the text to speak: from the arguments, a file or standard input.

    json_path: if given, the input is JSON, and the text is at this path in it
    Raises BadValue if the input is missing or ambiguous, StorageError if the file cannot be read, and TextError if the
    input is too long or is not text.
    """
    found = _written(words, file)
    if json_path is None:
        return found
    return jsonpath.text_at(found, json_path, str(file or STDIN if not words else "the text"))


def _written(words: Sequence[str], file: Path | None) -> str:
    if file is not None:
        if words:
            raise BadValue("give the text as words or with --file, not both")
        try:
            opened = file.open("rb")
        except OSError as error:
            raise storage_error(error, f"read {file}") from error
        with opened:
            return _bounded(opened, str(file))
    if sys.stdin and (list(words) == ["-"] or (not words and not sys.stdin.isatty())):
        return _bounded(sys.stdin.buffer, STDIN)
    if not words:
        raise BadValue("there is nothing to speak: give a text, --file or a pipe")
    # Interactive shells pass "wow\!" with its backslash.
    return checked(" ".join(words).replace(DASHED, "").replace("\\!", "!"), "the text")


def markup(written: str, file: Path | None, *, raw: bool) -> Markup:
    """Return the markup of a text: none if `raw`, else by the name of its file, or else by its content."""
    return Markup.RAW if raw else guessed(written, file.name if file else "")


def _bounded(stream: BinaryIO, source: str) -> str:
    try:
        raw = stream.read(LONGEST_TEXT + 1) or b""  # None if nothing has arrived yet in a pipe that does not block
    except OSError as error:
        raise storage_error(error, f"read {source}") from error
    if len(raw) > LONGEST_TEXT:
        raise TextError(f"{source} is longer than {LONGEST_TEXT >> 20} MB; split it")
    return decode(raw, source)
