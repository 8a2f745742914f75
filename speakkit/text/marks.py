"""Read marks that work in every kind of markup: [pause:1s], misaki's [word](/phonemes/) and [word](+1), &amp;."""

import html
import re

from speakkit.text.edits import Edits
from speakkit.text.ipa import misaki_symbols
from speakkit.text.script import Rewrite

PAUSE = re.compile(r"\[pause: ?([0-9]*\.?[0-9]+) ?(m?)s\]", re.IGNORECASE)
"""The form of Kokoro-FastAPI, and also milliseconds."""

PRONUNCIATION = re.compile(r"\[([^\[\]\n]{1,200})\]\(/([^/()\[\]\n]{1,200})/\)")
STRESS = re.compile(r"\[([^\[\]\n]{1,200})\]\(([+-]?(?:[0-9](?:\.5)?|\.5))\)")
"""The forms of misaki's G2P.preprocess (en.py)."""

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

STRONGEST = 2.0


def read_bracket(draft: Edits, at: int, *, plain_phonemes: bool = True) -> int:
    """Apply the pause, pronunciation or stress that begins at `at`; return its end, or `at` if there is none.

    plain_phonemes: whether phonemes may be ASCII letters only; False in Markdown, where [docs](/docs/) is a link
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
    """Apply the phonemes or stress to the first group of `found`. Return its end, or its start if no word is in it."""
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
    """Replace the entity at `at`, such as &amp;, by its character; return its end, or `at` if there is none."""
    found = ENTITY.match(draft.text, at)
    meant = html.unescape(found.group()) if found else ""
    if not found or meant == found.group():
        return at
    spoken = " " if meant.isspace() else meant
    draft.say(Rewrite(*found.span(), spoken, "entity"), shown=meant if meant.isprintable() else spoken)
    return found.end()


def resolved(text: str) -> str:
    """Return `text` with its entities replaced by their characters."""
    return ENTITY.sub(lambda found: html.unescape(found.group()), text)
