"""Decode bytes from a file or a pipe to text that can be spoken, or raise an error with the reason.

Every text passes `checked` before it is spoken, wherever it is from, so that the same text gives the same error.
"""

import re

from speakkit.errors import TextError

MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
"""Byte-order marks of encodings that are named in the error rather than guessed."""

UNSPEAKABLE = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ud800-\udfff]")
"""Control characters that do not occur in text, except escape (0x1b), because terminals colour text with it."""

END_OF_FILE = "\x1a"
"""The character that DOS wrote after a text; old files still end with it."""


def decode(raw: bytes, source: str) -> str:
    """Return `raw` as text, without a byte-order mark. `source` names it in errors.

    Raises TextError if it is not UTF-8 text, or is empty.
    """
    return checked(decoded(raw, source).removeprefix("\ufeff").removesuffix(END_OF_FILE), source)


def decoded(raw: bytes, source: str) -> str:
    """Return all characters of `raw`. `source` names it in errors. Raises TextError if it is not UTF-8."""
    for mark, encoding in MARKS.items():
        if raw.startswith(mark):
            raise TextError(f"{source} is {encoding} text; convert it first: iconv -f {encoding} -t UTF-8")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise TextError(
            f"{source} is not UTF-8 text (byte 0x{raw[error.start]:02x} at offset {error.start});"
            " convert it first, for instance with iconv -f LATIN1 -t UTF-8"
        ) from None


def checked(text: str, source: str) -> str:
    """Return `text`. Raises TextError if it contains control characters (UNSPEAKABLE), or only white space."""
    found = UNSPEAKABLE.search(text)
    if found:
        raise TextError(
            f"{source} is not text: it holds the character U+{ord(found.group()):04X} at offset {found.start()}"
        )
    if not text.strip():
        raise TextError(f"there is nothing to speak: {source} is empty")
    return text
