"""Marks that stand alone: [pause:1s], misaki's [word](/phonemes/) and [word](+1), &amp;."""

import html
import re

from speakkit.text.edits import Edits
from speakkit.text.ipa import misaki_symbols
from speakkit.text.script import Rewrite

PAUSE = re.compile(r"\[pause: ?([0-9]*\.?[0-9]+) ?(m?)s\]", re.IGNORECASE)
"""As Kokoro-FastAPI writes it, and in milliseconds."""

PRONUNCIATION = re.compile(r"\[([^\[\]\n]{1,200})\]\(/([^/()\[\]\n]{1,200})/\)")
STRESS = re.compile(r"\[([^\[\]\n]{1,200})\]\(([+-]?(?:[0-9](?:\.5)?|\.5))\)")
"""As misaki's G2P.preprocess knows them (en.py)."""

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

STRONGEST = 2.0


def read_bracket(draft: Edits, at: int, *, plain_phonemes: bool = True) -> int:
    """Take in the pause, pronunciation or stress that begins at `at`: its end; `at` itself where there is none.

    plain_phonemes: whether phonemes may be plain letters: [docs](/docs/) is a link in Markdown
    """
    if found := PAUSE.match(draft.text, at):
        draft.pause(at, float(found[1]) / (1000 if found[2] else 1))
        draft.separate(*found.span(), "pause")
        return found.end()
    found = PRONUNCIATION.match(draft.text, at)
    if found and (plain_phonemes or not found[2].isascii()) and misaki_symbols(found[2]):
        return _pronounce(draft, found, "pronunciation given", phonemes=misaki_symbols(found[2]))
    if found := STRESS.match(draft.text, at):
        stress = max(-STRONGEST, min(float(found[2]), STRONGEST))
        return _pronounce(draft, found, "stress given", stress=stress)
    return at


def _pronounce(draft: Edits, found: re.Match[str], rule: str, *, phonemes: str = "", stress: float = 0.0) -> int:
    """Take in what `found` says of its first group. Nothing to say in there is no pronunciation."""
    start, end = found.span(1)
    word = found[1].strip("*_~` ")
    if not any(letter.isalnum() for letter in word):
        return found.start()
    draft.leave_out(found.start(), start, "pronunciation mark")
    rewrite = Rewrite(start, end, word, rule, phonemes, stress)
    if phonemes:
        draft.pronounce(rewrite, *found.span())
    else:
        draft.say(rewrite)
    draft.leave_out(end, found.end(), "pronunciation mark")
    return found.end()


def read_entity(draft: Edits, at: int) -> int:
    """Take in the entity that begins at `at`, such as &amp; its end; `at` itself where there is none."""
    found = ENTITY.match(draft.text, at)
    meant = html.unescape(found.group()) if found else ""
    if not found or meant == found.group():
        return at
    spoken = " " if meant.isspace() else meant
    draft.say(Rewrite(*found.span(), spoken, "entity"), shown=meant if meant.isprintable() else spoken)
    return found.end()


def resolved(text: str) -> str:
    """`text` with the characters that its entities stand for."""
    return ENTITY.sub(lambda found: html.unescape(found.group()), text)
