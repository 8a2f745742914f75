"""Read emoji by their CLDR short names, each name once per run of emoji."""

import re

from speakkit.text.english.identifiers import distinct
from speakkit.text.english.tables import readings
from speakkit.text.rule import Readings, Rule

JOINER = "\u200d"
SELECTOR = "\ufe0f"
TONES = re.compile("[\U0001f3fb-\U0001f3ff]")
LONGEST = 10
"""Characters of the longest sequence that has its own name, such as a family or the flag of Wales."""

SYMBOLS = (
    "\u203c\u2049\u2139\u231a\u231b\u2328\u23cf\u23e9-\u23f3\u23f8-\u23fa\u24c2\u25b6\u25c0\u25fb-\u25fe\u2600-\u27bf"
    "\u2934\u2935\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf"
    "\U0001f170-\U0001f251\U0001f300-\U0001faff"
)
FOLLOWERS = f"{JOINER}{SELECTOR}\ufe0e\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
EMOJI = rf"(?:[0-9#*]\ufe0f?\u20e3|[\u00a9\u00ae\u2122\u2194-\u2199\u21a9\u21aa]\ufe0f|[{SYMBOLS}])[{FOLLOWERS}]*+"


def _names(run: str) -> list[str]:
    """Return the names in a run of emoji without selectors and tones, each once; emoji without names are skipped."""
    known = readings("emoji")
    names, at = [], 0
    while at < len(run):
        length = next((n for n in range(LONGEST, 0, -1) if len(run[at : at + n]) == n and run[at : at + n] in known), 0)
        if length:
            names.append(known[run[at : at + length]][0])
        at += length or 1
    return list(dict.fromkeys(names))


def _emoji(match: re.Match[str]) -> Readings:
    names = _names(TONES.sub("", match[0].replace(SELECTOR, "").replace("\ufe0e", "")))
    if not names:
        return ()
    said = " ".join(names)
    flags = [name.removeprefix("flag of ").removeprefix("the ") for name in names]
    ways = distinct(
        said, said.replace("flag of ", ""), " ".join(f"{name} flag" for name in flags) if flags != names else ""
    )
    return tuple(_apart(match, way) for way in (*ways, ""))


def _apart(match: re.Match[str], said: str) -> str:
    """Return `said` with a space before it if the emoji directly follows a mark, as in "Done!🎉"."""
    before = match.string[max(0, match.start() - 1) : match.start()]
    return f" {said}" if said and before.strip() and not before.isalnum() else said


RULES: tuple[Rule, ...] = (Rule("emoji", re.compile(rf"{EMOJI}(?>(?:\s?{EMOJI})*)"), _emoji),)
