"""Rules for terminal output: colours, rulers, bars, marks, prompts, flags, variables, diffs, hashes."""

import re
from collections.abc import Callable

from speakkit.text.english import addresses, versions
from speakkit.text.english.identifiers import both, distinct, letters, number, path, said
from speakkit.text.english.numbers import cardinal, combined, decimal, spelled
from speakkit.text.rule import Readings, Rule, exact

SHORT_HASH = 12
"""Characters; of a longer hash only the first ABBREVIATED are spoken, as git shows them."""

ABBREVIATED = 7

WORDS_AFTER_DASHES = frozenset(
    (
        *("and", "but", "or", "so", "yet", "yes", "no", "oh", "ah", "i", "he", "she", "it", "we", "you", "they", "the"),
        *("a", "an", "that", "this", "there", "then", "if", "in", "at", "on", "to", "for", "of", "as", "what", "who"),
        *("why", "how", "when", "where", "not", "all", "my", "his", "her", "their", "its", "is", "was"),
    )
)
"""Words before which "--" begins an aside rather than a flag."""

RANKED = re.compile(r"\b(?:is|are|am|was|were|be|been|ranked|the|our|your|my|his|her|their)\s$", re.IGNORECASE)
"""Words before "#1" if it means the best of all."""

ENDINGS = frozenset(
    ("ing", "ed", "er", "est", "ly", "s", "es", "ness", "less", "ful", "able", "ish", "ity", "ism", "ist")
)
"""Word endings: a dash before one marks the end of a word rather than a flag."""


def value(text: str) -> str:
    """Return the reading of the text after the "=" of a flag or a variable."""
    if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
        return decimal(text)
    power = re.fullmatch(r"(-?\d+(?:\.\d+)?)[eE]\+?(-?\d{1,3})", text)
    if power:
        return f"{decimal(power[1])} times ten to the {cardinal(power[2])}"
    for rule in (*addresses.RULES, *versions.RULES):
        found = rule.pattern.fullmatch(text)
        readings = rule.read(found) if found else ()
        if readings:
            return readings[0]
    return said(text)


def _between_cells(match: re.Match[str]) -> Readings:
    """Read the bar between two cells of a table row, which begins and ends with a bar."""
    row = match.string.strip()
    return (",", "") if row.startswith("|") and row.endswith("|") else ()


def _nothing(_: re.Match[str]) -> Readings:
    return ("",)


def _always(*readings: str) -> Callable[[re.Match[str]], Readings]:
    return lambda _: readings


def _is_flag(match: re.Match[str]) -> bool:
    """Return whether the match is a flag rather than a dash directly before a word."""
    text, name = match.string, match["name"]
    before = text[max(0, match.start() - 40) : match.start()]
    if before.endswith(("`", "'", '"')):
        return text[match.end() : match.end() + 1] == before[-1]
    last = before.split()[-1:] or [""]
    if last[0].endswith("-") and not last[0].startswith("-"):
        return False  # the second half of a dash, at the start of a line
    if last[0].endswith((";", ".", "!", "?")) or (last[0].endswith(",") and not last[0].startswith("-")):
        return False
    if match["dashes"] == "--":
        return name.lower() not in WORDS_AFTER_DASHES and not (name[0].isupper() and name[1:].islower())
    return name.lower() not in ENDINGS


def _flag(match: re.Match[str]) -> Readings:
    """Read a flag: "--dry-run" -> "dash dash dry run", "-rf" -> "dash R F".

    With a value: "--color=auto" -> "dash dash color equals auto".
    """
    if not _is_flag(match):
        return ()
    name, short = match["name"], match["dashes"] == "-"
    is_word = not short or (len(name) > 3 and name.islower())  # "-exec" and "-rf"
    ways = both(name) if is_word else (letters(name),)
    if short and name[1:].isdigit():
        ways = (f"{name[0].upper()} {number(name[1:])}",)
    given = match["value"]
    tail = (f"equals {value(given)}", value(given)) if given else ("",)
    dashes = ("dash",) if short else ("dash dash", "double dash")
    return combined(dashes, ways, tail)


def _variable(match: re.Match[str]) -> Readings:
    name = said(match["name"] or match["braced"] or match["percent"])
    ways = (name, f"percent {name}") if match["percent"] else (f"dollar {name}", name)
    return combined(ways, (path(match["rest"] or "").removesuffix(" slash"),))


def _assignment(match: re.Match[str]) -> Readings:
    if match["quote"]:
        return tuple(f"{name} equals " for name in both(match["name"]))
    given = value(match["value"])
    return tuple(f"{name} {mark} {given}" for mark in ("equals", "is") for name in both(match["name"]))


def _hunk(match: re.Match[str]) -> Readings:
    numbers = [" comma ".join(map(cardinal, match[side].split(","))) for side in ("old", "new")]
    starts = [cardinal(match[side].partition(",")[0]) for side in ("old", "new")]
    return (
        f"at at minus {numbers[0]} plus {numbers[1]} at at",
        f"minus {numbers[0].replace(' comma', '')} plus {numbers[1].replace(' comma', '')}",
        f"at line {starts[1]}",
        f"hunk at line {starts[1]}",
        f"lines {starts[0]} to {starts[1]}",
    )


def _changes(match: re.Match[str]) -> Readings:
    more, fewer = (" ".join(cardinal(digits) for digits in [match[side]]) for side in ("more", "fewer"))
    comma = "," * bool(match["comma"])
    return (
        f"plus {more}{comma} minus {fewer}",
        f"{more} added{comma} {fewer} removed",
        f"{more} insertions{comma} {fewer} deletions",
    )


def _hash(match: re.Match[str]) -> Readings:
    """Read "a1b2c3d" as "A one B two C three D"; a long hash by its beginning, as git abbreviates it."""
    text = match["hash"]
    told = match["algorithm"] is not None or match["commit"] is not None
    mixed = any(character.isdigit() for character in text) and any(character.isalpha() for character in text)
    if not (mixed or told) or (re.fullmatch(r"\d+e\d+", text) and not told):
        return ()
    head = f"{match['commit']} " if match["commit"] else f"{said(match['algorithm'])} " if told else ""
    first = head + letters(text[:ABBREVIATED])
    whole = head + letters(text)
    return (whole, first) if len(text) <= SHORT_HASH else (first, whole)


def _colour(match: re.Match[str]) -> Readings:
    """Read "#ff8800" as "hash F F eight eight zero zero"; return () for "#add", which is a hashtag."""
    digits = match["digits"]
    if digits.isdecimal() or (digits.isalpha() and len(set(digits)) > 1):
        return ()
    return (f"hash {letters(digits)}", letters(digits))


def _directive(match: re.Match[str]) -> Readings:
    return (f"hash {match['name']}", f"pound {match['name']}", match["name"])


def _ports(match: re.Match[str]) -> Readings:
    outer, inner = number(match["outer"]), number(match["inner"])
    return (f"{outer} to {inner}", f"{outer} colon {inner}")


def _uuid(match: re.Match[str]) -> Readings:
    first, *rest = match[0].split("-")
    return (letters(first), " dash ".join(map(letters, [first, *rest])), letters("".join([first, *rest])))


def _range(match: re.Match[str]) -> Readings:
    """Read "v1.0..v2.0" as "version one point zero to version two point zero"."""
    first, last = (value(match[side]) for side in ("first", "last"))
    dots = " ".join(["dot"] * len(match["dots"]))
    return (f"{first} to {last}", f"{first} {dots} {last}")


def _revision(match: re.Match[str]) -> Readings:
    back = number(match["back"]) if match["back"] else ""
    marks = " ".join({"~": "tilde", "^": "caret"}[mark] for mark in match["marks"])
    return (f"{said(match['ref'])} {marks} {back}".strip(), f"{said(match['ref'])} minus {back or 'one'}")


def _progress(match: re.Match[str]) -> Readings:
    done, of = match["done"], match["of"]
    return (
        f"{cardinal(done)} of {cardinal(of)}",
        f"{cardinal(done)} out of {cardinal(of)}",
        f"{cardinal(done)} slash {cardinal(of)}",
    )


def _bare_progress(match: re.Match[str]) -> Readings:
    """Read "42/100" as a part of a total if it cannot be a date or a common fraction."""
    done, of = int(match["done"]), int(match["of"])
    return _progress(match) if 1 < done <= of != done * 2 and of > 31 and done != of else ()  # 31 days


def _issue(match: re.Match[str]) -> Readings:
    """Read "#123" of an issue tracker; "#1" of a ranking is "number one"."""
    if match["digits"] == "1" and RANKED.search(match.string[max(0, match.start() - 12) : match.start()]):
        return ("number one",)
    ways = distinct(number(match["digits"]), cardinal(match["digits"]), spelled(match["digits"]))
    return tuple(filter(None, (f"{mark} {way}".strip() for mark in ("number", "", "hash", "issue") for way in ways)))


def _lines(match: re.Match[str]) -> Readings:
    first, last = match["first"], match["last"]
    if last:
        return distinct(*(f"lines {way(first)} to {way(last)}" for way in (cardinal, number)))
    return distinct(f"line {cardinal(first)}", f"line {number(first)}", f"L {number(first)}")


PART = r"(?P<done>\d{1,7})/(?P<of>\d{1,7})"
BEFORE_PART = "|".join(
    f"(?<=[{name[0].upper()}{name[0]}]{name[1:]} )" for name in ("step", "epoch", "page", "batch", "task")
)
AFTER_PART = "tests?|files?|steps?|items|tasks|passed|done|complete|checks"
KNOWN_REF = r"(?:HEAD|main|master|develop)(?:[~^]\d*)?"
BRANCH = r"[A-Za-z][\w/-]*+"
REF = r"(?:v?\d{1,4}(?>(?:\.\d{1,4})*)|HEAD|main|master|[A-Za-z][\w-]*/[\w/-]*\w|[A-Za-z][\w-]*[~^]\d*)(?:[~^]\d*)?"
SIGN_OF_LINE = {"+": "plus", "-": "minus"}
CHECKS = {
    "✓✔": ("check", "check mark", "passed", "done", ""),
    "✗✘✖✕": ("cross", "failed", "X", ""),
    "☐": ("unchecked", "empty checkbox", ""),
    "☑": ("checked", ""),
    "☒": ("crossed out", ""),
    "★☆": ("star", ""),
}


def _checkbox(match: re.Match[str]) -> Readings:
    return ("unchecked", "to do", "open") if match["mark"] == " " else ("checked", "done", "check")


LEFT_OUT: tuple[Rule, ...] = (
    exact(
        "terminal colour",
        "\x1b(?:\\[[0-9;?]*+[A-Za-z]|\\][^\x07\x1b]{0,200}+(?:\x07|\x1b\\\\)?|[()][A-Z0-9])",
        _nothing,
    ),
    exact(
        "terminal colour",
        r"(?:\\(?:x1b|e|033|u001b)|\^\[)\[[0-9;]*+[A-Za-z]"
        r"|\[0m(?!\])|(?<!\w)\[\d{1,2}(?>(?:;\d{1,3})*)m(?![^\[\]]{0,40}\])",  # "[5m30s]" is a time
        _nothing,
    ),
    exact("progress bar", r"\[(?=[=#>\-. ]{0,200}[=#])[=#>\-. ]{3,200}\]", _nothing),
    exact(
        "line drawing",
        r"(?:\|(?=[\u2588-\u258f]))?[\u2500-\u259f\u2800-\u28ff\u23b8-\u23bf]++(?:(?<=[\u2588-\u258f]) {0,80}\|)?",
        _nothing,
    ),
    exact(
        "ruler",
        r"(?<![^\s])(?:={4,}+|^={3}|-{3,}+|\*{3,}+|#{7,}+|_{3,}+|~{3,}+|\+(?>(?:[-=]++\+)+)|<{7}|>{7})(?!\S)",
        _nothing,
    ),
    exact("bullet", r"(?:^|(?<=\s))(?:[•◦▪▫‣⁃●○◆◇■□⏺⎿⏵✻✽✳✢❯➜▶►]|·(?=\s))(?:\ufe0f)?(?=\s|$)", _nothing),
    exact("prompt", r"^(?:\$|>>>|%)\s(?=[a-z~./])", _nothing),
    exact(
        "sign of a diff", r"(?:(?<=insertion)|(?<=insertions))\(\+\)|(?:(?<=deletion)|(?<=deletions))\(-\)", _nothing
    ),
)

COUNT = r"(?:\d{1,3}(?:,\d{3})+|\d{1,7})"

RULES: tuple[Rule, ...] = (
    exact("sign of a diff", r"(?<!\S)\+\+\+(?=\s[\w/.])", _always("plus plus plus", "new file", "")),
    exact(
        "sign of a diff",
        r"(?<!\S)---(?=\s(?:a/|/dev/null|\w[\w.-]{0,60}+/))",
        _always("minus minus minus", "old file", ""),
    ),
    *LEFT_OUT,
    *(exact("check mark", f"[{marks}]\ufe0f?", _always(*ways)) for marks, ways in CHECKS.items()),
    exact("checkbox", r"(?:(?<=^)|(?<=[-*+] )|(?<=\d\. ))\[(?P<mark>[ xX])\](?=\s)", _checkbox),
    exact("hunk of a diff", r"@@ -(?P<old>\d{1,7}(?:,\d{1,7})?) \+(?P<new>\d{1,7}(?:,\d{1,7})?) @@", _hunk),
    exact(
        "changed lines",
        rf"(?<![^\s(])\+(?P<more>{COUNT})(?P<comma>,)?[ /]?\s?[-−](?P<fewer>{COUNT})(?![\w.]\w|-)",
        _changes,
    ),
    exact("colour", r"(?<![\w&#/])#(?P<digits>[0-9A-Fa-f]{8}|[0-9A-Fa-f]{6}|[0-9A-Fa-f]{3})(?!\w)", _colour),
    exact("sign of a diff", r"(?:^|(?<=\n))[+-](?=\s{3,8}\S)", lambda match: (SIGN_OF_LINE[match[0]], "")),
    exact("directive", r"(?<![^\s])#(?P<name>include|define|undef|ifdef|ifndef|if|else|endif|pragma)\b", _directive),
    exact("directive", r"^#!(?=/)", _always("shebang ", "hash bang ")),
    exact("ports", r"(?:(?<=-p )|(?<=--publish ))(?P<outer>\d{2,5}):(?P<inner>\d{2,5})(?![\w:])", _ports),
    exact("redirection", r"(?<!\S)2>&1(?!\w)", _always("two to one", "two greater than and one", "errors to output")),
    exact(
        "redirection",
        r"(?<!\S)(?P<from>[12&])?>{1,2}(?:\s?)/dev/null(?!\w)",
        _always("to slash dev slash null", "to dev null"),
    ),
    exact("redirection", r"(?<=\w )>{1,2}(?= ?[\w/~$.-]+\.\w{1,4}(?!\w))", _always("into", "to", "greater than")),
    exact("cells", r"^\s*(?P<it>\|)(?=.{1,1000}\|\s*$)", _nothing),
    exact("cells", r"(?<=\S )(?P<it>\|)\s*$", _nothing),
    exact("cells", r"(?<=\S )(?P<it>\|)(?= \S)", _between_cells),
    exact("UUID", r"(?<![\w-])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![\w-])", _uuid),
    exact(
        "hash",
        r"(?<![\w/#=-])(?<!\w\.)(?:(?P<algorithm>sha\d{1,3}|md5)[:-]|(?P<commit>[Cc]ommit|[Rr]evision) )?"
        r"(?P<hash>[0-9a-f]{7,128}+)(?![\w-]|\.\w)",
        _hash,
    ),
    exact("range of versions", rf"(?<![\w.~^/-])(?P<first>{REF})(?P<dots>\.{{2,3}})(?P<last>{REF})(?![\w/])", _range),
    exact(
        "range of versions", rf"(?<![\w.~^/-])(?P<first>{KNOWN_REF})(?P<dots>\.\.)(?P<last>{BRANCH})(?![\w/])", _range
    ),
    exact(
        "range of versions", rf"(?<![\w.~^/-])(?P<first>{BRANCH})(?P<dots>\.\.)(?P<last>{KNOWN_REF})(?![\w/])", _range
    ),
    exact(
        "revision",
        r"(?<![\w./-])(?P<ref>HEAD|main|master|origin/main)(?P<marks>~|\^{1,3})(?P<back>\d{0,4})(?!\w)",
        _revision,
    ),
    exact(
        "flag",
        r"(?<![\w\-=+/.)\]])(?P<dashes>--?)(?P<name>[A-Za-z][\w-]*+)(?:=(?P<value>[^\s`'\",;()\[\]{}]*[\w/*]))?(?![\w-])",
        _flag,
    ),
    exact(
        "variable",
        r"(?<![\w$%])(?:\$(?P<name>[A-Za-z_]\w*+)|\$\{(?P<braced>[A-Za-z_]\w*+)\}|%(?P<percent>[A-Za-z_]\w*+)%)"
        r"(?P<rest>[/\\](?:[\w./\\*-]*[\w/\\*])?)?",
        _variable,
    ),
    exact(
        "assignment",
        r"(?<![\w.$/?&=-])(?P<name>[A-Za-z_][\w.-]*+)=(?:(?P<value>[^\s`'\",;()\[\]{}=<>]*[\w/*])(?![=<>])|(?=(?P<quote>['\"])))",
        _assignment,
    ),
    exact("progress", rf"\[{PART}\]", _progress),
    exact("progress", rf"(?:{BEFORE_PART}){PART}(?![\w/])", _progress),
    exact("progress", rf"(?<![\w./$-]){PART}(?= (?:{AFTER_PART})\b)", _progress),
    exact("progress", rf"(?<![\w./$,-]){PART}(?![\w/-]|[.,]\d)(?! inch)", _bare_progress),
    exact("issue", r"(?<![&#/$])(?P<mark>#)(?P<digits>\d{1,7})(?!\w|-\d|,\d)", _issue),
    exact("line", r"(?<![\w#/-])L(?P<first>\d{1,6})(?:-L?(?P<last>\d{1,6})|(?<=\d\d))(?![\w-])", _lines),
)
