"""Foreign text, made safe to show: on a terminal, and in a log."""

import re

UNSAFE = re.compile(
    "["
    r"\x00-\x1f\x7f-\x9f"  # control characters, which a terminal obeys
    r"\u2028\u2029"  # ends of lines and paragraphs
    r"\u202a-\u202e\u2066-\u2069"  # change the order in which other characters are shown
    r"\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"  # have no width
    r"\ud800-\udfff"  # halves of a character, which stand for bytes that are not UTF-8
    r"]|(?<![^\x00-\u058f\u1e00-\u206f])[\u200c\u200d]"  # joiners, except in scripts that have them, and in emoji
    r"|(?<![\U0001f3f4\U000e0030-\U000e007a])[\U000e0000-\U000e007f]"  # tags, except in flags
)
"""Characters that steer a terminal, or that make a text look like another one. All other characters are kept."""


def printable(text: str) -> str:
    r"""`text` in one line, with each character of UNSAFE as an escape that a person can read, such as \n or \u202e."""
    return UNSAFE.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
