"""Rules for versions and version requirements of packages."""

import re

from speakkit.text.english.identifiers import both, distinct, number, said, word
from speakkit.text.english.numbers import combined, spelled
from speakkit.text.rule import Readings, Rule

SUFFIXES = {"rc": "release candidate", "a": "alpha", "b": "beta", "x": "X"}

COMPARISONS = {
    ">=": ("greater than or equal to", "at least"),
    "<=": ("less than or equal to", "at most"),
    "===": ("equals", "exactly"),
    "==": ("equals", "equals equals", "double equals", "exactly"),
    "!=": ("not equal to", "not"),
    "~=": ("compatible with", "tilde equals"),
    "≥": ("greater than or equal to", "at least"),
    "≤": ("less than or equal to", "at most"),
    ">": ("greater than", "above"),
    "<": ("less than", "below"),
}

NAMED = ["Python", "Node", "Java", "Ruby", "Go", "PHP", "Django", "Rust", "Ubuntu", "CUDA", "PyTorch", "TypeScript"]
NAMED += ["Debian", "Postgres", "PostgreSQL", "Redis", "Kubernetes", "Swift", "Kotlin", "Scala", "Perl", "Node.js"]
NAMED += ["macOS", "iOS", "Android", "python", "node", "version", "Version", "versions", "release"]
"""Names after which two numbers with a point are a version rather than a decimal: 3.10 follows 3.9."""

RELEASE = r"\d{1,4}(?>(?:\.\d{1,4})*)(?:\.\*)?"
SUFFIX = r"(?:[-+]?[A-Za-z][A-Za-z0-9]*+|\.[a-z][a-z0-9]*+|[-+]\d[A-Za-z0-9]*+)(?>(?:[.+-][A-Za-z0-9]++)*)"


def parts(release: str) -> Readings:
    """Read "3.11" as "three point eleven", "three dot eleven", "three eleven", "three point one one"."""
    numbers = ["star" if part == "*" else number(part) for part in release.split(".")]
    digits = [numbers[0], *(spelled(part) or "star" for part in release.split(".")[1:])]
    return distinct(*(mark.join(numbers) for mark in (" point ", " dot ", " ")), " point ".join(digits))


def _suffix(text: str) -> Readings:
    """Read a suffix: "-rc1" -> "release candidate one", "-beta.2" -> "beta two", ".dev0" -> "dev zero"."""
    pieces = re.findall(r"[a-zA-Z]+|\d+", text)
    plain = [number(piece) if piece.isdecimal() else SUFFIXES.get(piece, word(piece)) for piece in pieces]
    return distinct(" ".join(plain), *both(text)) or ("",)


def _version(match: re.Match[str]) -> Readings:
    release, suffix, mark = match["release"], match["suffix"] or "", match["mark"] or ""
    dots = release.count(".")
    if match["v"] == "V" and not dots:
        return ()  # an engine, such as "V8"
    if not match["v"] and (
        dots < (1 if mark == "^" else 2) or any(len(part) > 3 for part in release.split("."))
    ):  # a decimal or a date
        return ()
    if not match["v"] and re.fullmatch(r"(?:[0-2]\d|3[01])\.(?:0\d|1[0-2])\.\d\d", release) and not (mark or suffix):
        return ()  # also a date
    before = {"^": "caret", "~": "tilde", "": ""}[mark]
    heads = distinct(f"{before} version".strip(), f"{before} V".strip()) if match["v"] else (before,)
    return combined(heads, parts(release), _suffix(suffix))


def _named(match: re.Match[str]) -> Readings:
    """Read "3.11" after "Python" as "three point eleven", "22.04" after "Ubuntu" as "twenty two oh four"."""
    release = match["release"]
    whole, _, part = release.partition(".")
    if part.startswith("0") and len(part) > 1:
        return tuple(f"{number(whole)} {mark}oh {number(part[1:])}" for mark in ("", "point ", "dot "))
    return combined(parts(release), _suffix(match["suffix"] or ""))


def _attached(match: re.Match[str]) -> Readings:
    """Read "python3.11" as "python three point eleven"."""
    return combined((said(match["tool"]),), parts(match["release"]))


def _comparison(match: re.Match[str]) -> Readings:
    """Read ">=3.11" as "greater than or equal to three point eleven"."""
    suffix = match["suffix"] or ""
    return combined(COMPARISONS[match["how"]], parts(match["release"].lstrip("v")), _suffix(suffix))


ONE = re.compile(rf"(?P<how>===|[><=!~]=|[<>≥≤])\s?v?(?P<release>{RELEASE})(?P<suffix>{SUFFIX})?")
ONE_MORE = ONE.pattern.replace("?P<how>", "?:").replace("?P<release>", "?:").replace("?P<suffix>", "?:")


def _requirement(match: re.Match[str]) -> Readings:
    """Read "python>=3.11,<4" as "python greater than or equal to three point eleven, less than four"."""
    name = said(match["name"] or "")
    extras = said((match["extras"] or "").strip("[]"))
    ways = [_comparison(found) for found in ONE.finditer(match["how"])]
    if not match["name"] and len(ways) == 1 and "." not in match["how"]:
        return ()
    named = " with ".join(filter(None, [name, extras]))
    first = ", ".join(way[0] for way in ways)
    second = ", ".join(way[min(len(way) - 1, len(parts_) - 1)] for way, parts_ in zip(ways, ways, strict=True))
    return distinct(
        f"{named} {first}".strip(), f"{named} {first.replace(', ', ' comma ')}".strip(), f"{named} {second}".strip()
    )


def _pinned(match: re.Match[str]) -> Readings:
    """Read "react@18.2.0" as "react at eighteen point two point zero"."""
    return combined((f"{said(match['name'])} at",), parts(match["release"]), _suffix(match["suffix"] or ""))


def _image(match: re.Match[str]) -> Readings:
    """Read "nginx:1.25-alpine" as "nginx one point twenty five alpine"."""
    name = said(match["name"])
    return combined((name, f"{name} colon"), parts(match["release"]), _suffix(match["suffix"] or ""))


def _branch(match: re.Match[str]) -> Readings:
    """Read "1.x" as "one point X"."""
    return tuple(f"{form} {mark} X" for form in parts(match["release"]) for mark in ("point", "dot"))


def _model(match: re.Match[str]) -> Readings:
    """Read "llama-3.1-8b" as "llama three point one eight B"; return () for words: "mid-19th", "under-18s"."""
    name, *rest = match[0].split("-")
    numbered = [part for part in rest if part[0].isdecimal()]
    odd = [part for part in numbered if not re.fullmatch(r"\d+(?:s|st|nd|rd|th)?", part)]
    if not odd and len(numbered) < 2:
        return ()
    pieces = [said(name), *(said(part, {".": "point"}) for part in rest)]
    return distinct(" ".join(pieces), " dash ".join(pieces))


RULES: tuple[Rule, ...] = (
    Rule("version", re.compile(r"(?<![\w./-])v?(?P<release>\d{1,3}(?:\.\d{1,3})?)\.x(?!\w)"), _branch),
    Rule(
        "release",
        re.compile(r"(?<![\w./@-])[A-Za-z][A-Za-z0-9]*+(?>(?:-[A-Za-z0-9]++(?>(?:\.\d++)*)){1,6})(?![\w-]|\.\w)"),
        _model,
    ),
    Rule(
        "image",
        re.compile(
            r"(?<![\w./-])(?P<name>[a-z][a-z0-9_-]*+):(?P<release>\d{1,3}(?:\.\d{1,4})+)(?P<suffix>-[a-z][\w.]*+)?(?!\w)"
        ),
        _image,
    ),
    Rule(
        "requirement",
        re.compile(
            r"(?<![\w.<>=!~-])(?P<name>[A-Za-z][\w.-]*+)?(?P<extras>\[[\w,-]{1,40}\])?"
            rf"(?P<how>{ONE_MORE}(?>(?:,\s?{ONE_MORE})*))(?![\w]|\.\d)"
        ),
        _requirement,
    ),
    Rule(
        "version",
        re.compile(
            r"(?<![\w.@/-])(?P<name>@?[A-Za-z][\w-]*+(?:/[A-Za-z][\w-]*+)?)@[v^~]?"
            rf"(?P<release>\d{{1,4}}(?>(?:\.\d{{1,4}})*))(?P<suffix>{SUFFIX})?(?!\w)"
        ),
        _pinned,
    ),
    Rule(
        "version",
        re.compile(
            rf"(?<![\w./])(?P<mark>[\^~])?(?P<v>[vV])?(?P<release>\d{{1,4}}(?>(?:\.\d{{1,4}})*))(?P<suffix>{SUFFIX})?(?!\w|\.\d|/\d|:\d)"
        ),
        _version,
    ),
    Rule(
        "version",
        re.compile(
            rf"(?:{'|'.join(f'(?<={name} )' for name in NAMED)})(?P<release>\d{{1,3}}\.\d{{1,3}})"
            rf"(?P<suffix>{SUFFIX}|\+(?!\w))?(?![\w%]|[.,]\d)"
        ),
        _named,
    ),
    Rule(
        "version",
        re.compile(
            r"(?<![\w./-])(?P<tool>TLSv|[Pp]ython|pip|gcc|clang|php|node|lua|ruby|go)(?P<release>\d{1,2}(?:\.\d{1,3})+)(?![\w])"
        ),
        _attached,
    ),
)
