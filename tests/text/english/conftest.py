"""What the tests of English share: texts with rules done, and texts that try the patience of a pattern."""

import time

import pytest

from speakkit.text.english import addresses, code, emoji, terminal, versions
from speakkit.text.rule import rule_matches
from speakkit.text.verbalize import verbalize

RULES = (*terminal.RULES, *addresses.RULES, *versions.RULES, *code.RULES, *emoji.RULES)
LENGTH = 100_000
PIECES = (
    *("a", "-", "/", ".", "_", "aA", "aA ", "1", "@", "a@", "A", "#", "a.", "1.", "a/", "/a", "\\", "\\a", "a:", "::"),
    *("a::", "[", "[=", "(", "<", "a<", "=", "a=", "--a", "--a ", "-a-", "f-", "$", "~", "*", "+", "v1.", "1:", "0a"),
    *("a://", "http://", "😂", "\u200d", "█", "a[", "a[1,", ">=1,", "0-", "..", "a..", "L1-", "@a.", "a_", "\x1b["),
)


def found(text):
    """Each match with its stretch, rule and readings, but those that are read as they are written."""
    for claim in rule_matches(text, RULES):
        if claim.readings[0] != text[claim.start : claim.end]:
            yield claim.start, claim.end, claim.rule, claim.readings


@pytest.fixture
def rewrites():
    """A text -> what these rules say of it, in order."""
    return lambda text: sorted(found(text))


@pytest.fixture
def said(rewrites):
    """A text -> the same with its rewrites done."""

    def done(text):
        spoken, at = "", 0
        for start, end, _, readings in rewrites(text):
            spoken += f"{text[at:start]}{' ' * spoken[-1:].isalnum() * (at == start)}{readings[0]}"
            at = end
        return spoken + text[at:]

    return done


@pytest.fixture
def all_readings(rewrites):
    """A text that one rule takes whole -> every reading of it."""

    def readings(text):
        ((start, end, _, ways),) = rewrites(text)
        assert (start, end) == (0, len(text))
        return ways

    return readings


@pytest.fixture(params=PIECES)
def trap(request):
    """A text of one piece, over and over."""
    return (request.param * LENGTH)[:LENGTH]


@pytest.fixture
def slow():
    """Rules and a text -> those that take longer than any pattern that looks at a character a few times."""

    def names(rules, text):
        taken = {}
        for rule in rules:
            start = time.process_time()
            for match in rule.pattern.finditer(text):
                rule.read(match)
            taken[rule.name] = time.process_time() - start
        return [name for name, seconds in taken.items() if seconds > 5]

    return names


@pytest.fixture
def aloud():
    """A text -> the text with its rewrites done, in single spaces."""

    def read(text, language="en-us"):
        out, at = "", 0
        for rewrite in verbalize(text, language):
            out += text[at : rewrite.start] + rewrite.spoken
            at = rewrite.end
        return " ".join((out + text[at:]).split())

    return read
