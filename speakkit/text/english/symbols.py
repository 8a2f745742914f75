"""Signs that stand for words: & + = % @ # and their kin."""

import re

from speakkit.text.english.numbers import cardinal
from speakkit.text.english.rule import Readings, Rule

KEYS = r"(?:Ctrl|Control|Cmd|Command|Alt|Opt|Option|Shift|Super|Win|Meta|Fn)"
KEY_NAMES = {
    "Ctrl": "Control",
    "Cmd": "Command",
    "Opt": "Option",
    "Esc": "Escape",
    "Del": "Delete",
    "PgUp": "Page Up",
    "PgDn": "Page Down",
}
GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "Δ": "delta",
    "ε": "epsilon",
    "θ": "theta",
    "λ": "lambda",
    "μ": "mu",
    "µ": "mu",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "Σ": "sigma",
    "τ": "tau",
    "φ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Ω": "omega",
    "η": "eta",
    "κ": "kappa",
    "ζ": "zeta",
}
SIGNS: dict[str, Readings] = {
    "&": ("and", "ampersand"),
    "≈": ("is about", "is approximately equal to", "approximately equals", "approximately", "about"),
    "≠": ("is not equal to", "does not equal", "not equal to"),
    "≤": ("is less than or equal to", "less than or equal to"),
    "≥": ("is greater than or equal to", "greater than or equal to"),
    "±": ("plus or minus",),
    "×": ("times", "by"),
    "÷": ("divided by",),
    "→": ("to", "arrow", "right arrow"),
    "⇒": ("implies", "arrow"),
    "←": ("left arrow",),
    "↔": ("to and from", "double arrow"),
    "↑": ("up", "up arrow"),
    "↓": ("down", "down arrow"),
    "∞": ("infinity",),
    "√": ("the square root of", "square root of"),
    "∑": ("the sum of",),
    "∈": ("in", "is in"),
    "∴": ("therefore",),
    "©": ("copyright",),
    "®": ("registered", "registered trademark"),
    "™": ("trademark", "T M"),
    "°": ("degrees",),
    "℅": ("care of",),
    "№": ("number",),
    "=": ("equals", "is equal to", "is"),
    "%": ("percent",),
    "✓": ("check", "check mark"),
    "✔": ("check", "check mark"),
    "✗": ("cross", "cross mark"),
    "✘": ("cross", "cross mark"),
    "†": ("dagger",),
    "…": ("…",),
}
SPACED = {
    "+": ("plus",),
    "-": ("minus",),
    "−": ("minus",),
    "–": ("minus", "to"),
    "<": ("is less than", "less than"),
    ">": ("is greater than", "greater than"),
    "*": ("times",),
    "/": ("divided by", "slash"),
    "^": ("to the power of",),
    "~": ("about",),
    "@": ("at",),
    "|": ("pipe", ""),
}


def _sign(match: re.Match[str]) -> Readings:
    return SIGNS[match["it"]]


def _spaced(match: re.Match[str]) -> Readings:
    return SPACED[match["it"]]


def _keys(match: re.Match[str]) -> Readings:
    keys = re.split(r"\s?[+-]\s?", match.group())
    names = [
        KEY_NAMES.get(key) or re.sub(r"\d+", lambda digits: f" {cardinal(digits[0])}", key).strip() for key in keys
    ]
    return (" ".join(names), " plus ".join(names))


def _grade(match: re.Match[str]) -> Readings:
    return (f"{match['letter']} {'plus' if match['sign'] == '+' else 'minus'}",)


def _number_sign(match: re.Match[str]) -> Readings:
    digits = match["digits"]
    return (f"number {cardinal(digits)}", f"hash {cardinal(digits)}", cardinal(digits))


def _letters(match: re.Match[str]) -> Readings:
    """As "A–Z"."""
    return (
        f"{match['first']} to {match['last']}",
        f"{match['first']} through {match['last']}",
        f"{match['first']} {match['last']}",
    )


def _greek(match: re.Match[str]) -> Readings:
    return (GREEK[match.group()],)


def _slashed_words(match: re.Match[str]) -> Readings:
    """As "and/or", "TCP/IP"; the capitals of initialisms are read one after the other."""
    first, last = match["first"], match["last"]
    if first.isupper() and last.isupper() and len(first) <= 4 and len(last) <= 4:
        return (f"{first} {last}", f"{first} slash {last}")
    if match.group().lower() == "and/or":
        return ("and or", "and slash or")
    return (f"{first} slash {last}", f"{first} or {last}", f"{first} {last}")


FIRST = (
    Rule(
        "keys",
        re.compile(
            rf"\b{KEYS}(?:\s?\+\s?(?:{KEYS}|Esc|Del|Enter|Tab|Space|F\d{{1,2}}|[A-Z0-9]|PgUp|PgDn|[A-Z][a-z]+)\b){{1,3}}"
        ),
        _keys,
    ),
    Rule("keys", re.compile(rf"\b{KEYS}-(?:{KEYS}-)?[A-Z]\b"), _keys),
    Rule("grade", re.compile(r"(?<![\w+-])(?P<letter>[A-F])(?P<sign>[+−]|-(?=[\s.,;:!?)]|$))(?![\w+])"), _grade),
    Rule("number sign", re.compile(r"(?<![\w#&/])#\s?(?P<digits>\d{1,6})(?![\w-]|\.\d)"), _number_sign),
)
"""Those that come before numbers."""

RULES = (
    Rule("letters", re.compile(r"(?<!\w)(?P<first>[A-Z])(?:\s?[–—]\s?|-(?=Z))(?P<last>[A-Z])(?!\w)"), _letters),
    Rule(
        "slash",
        re.compile(r"(?<![\w/.:~-])(?P<first>[A-Za-z][A-Za-z'’]*)/(?P<last>[A-Za-z][A-Za-z'’]*)(?![\w/.-]\w|/|\w)"),
        _slashed_words,
    ),
    Rule(
        "symbol",
        re.compile(
            r"(?<=[\d\w)\]\s])\s?(?P<it>[-+−–<>*/^])(?=\s[\w(\[$€£])(?<=\s[-+−–<>*/^])(?:(?<=[\d)] .)|(?=\s\d)|(?<=[ ][a-z] .)|(?=\s[a-z]\b))"
        ),
        _spaced,
    ),
    Rule("symbol", re.compile(r"(?<=\d)(?P<it>[+*^/])(?=\d)"), _spaced),
    Rule("symbol", re.compile(r"(?:^|(?<=[\s(]))(?P<it>[<>~])(?=\s?[\d$€£])"), _spaced),
    Rule("symbol", re.compile(r"(?<=\s)(?P<it>[@|+])(?=\s)"), _spaced),
    Rule("symbol", re.compile(rf"(?P<it>[{''.join(re.escape(sign) for sign in SIGNS if sign not in '…')}])"), _sign),
    Rule("Greek letter", re.compile(rf"(?<!\w)[{''.join(GREEK)}](?!\w)"), _greek),
)
