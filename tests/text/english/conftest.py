"""Shared fixtures of the English tests: texts with rules applied, and texts that could make a pattern slow."""

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
    """Yield the start, end, rule and readings of each match, except those that are read as written."""
    for claim in rule_matches(text, RULES):
        if claim.readings[0] != text[claim.start : claim.end]:
            yield claim.start, claim.end, claim.rule, claim.readings


@pytest.fixture
def rewrites():
    """Return a function from a text to its matches by these rules, in order."""
    return lambda text: sorted(found(text))


@pytest.fixture
def said(rewrites):
    """Return a function from a text to the same text with its rewrites applied."""

    def done(text):
        spoken, at = "", 0
        for start, end, _, readings in rewrites(text):
            spoken += f"{text[at:start]}{' ' * spoken[-1:].isalnum() * (at == start)}{readings[0]}"
            at = end
        return spoken + text[at:]

    return done


@pytest.fixture
def all_readings(rewrites):
    """Return a function from a text that one rule matches as a whole to all its readings."""

    def readings(text):
        ((start, end, _, ways),) = rewrites(text)
        assert (start, end) == (0, len(text))
        return ways

    return readings


@pytest.fixture(params=PIECES)
def trap(request):
    """Return a text of LENGTH characters that repeats one piece."""
    return (request.param * LENGTH)[:LENGTH]


@pytest.fixture
def slow():
    """Return a function from rules and a text to the names of the rules that take more than 5 s of processor time."""

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
    """Return a function from a text to the same text with its rewrites applied, in single spaces."""

    def read(text, language="en-us"):
        out, at = "", 0
        for rewrite in verbalize(text, language):
            out += text[at : rewrite.start] + rewrite.spoken
            at = rewrite.end
        return " ".join((out + text[at:]).split())

    return read
