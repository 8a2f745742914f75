"""Names and signs of programming languages: identifiers, calls, types, operators, error codes, regular expressions."""

import re
from collections.abc import Callable
from functools import lru_cache

from speakkit import paths
from speakkit.text.english.identifiers import MARKS, QUIET, both, distinct, letters, number, said, table, word
from speakkit.text.english.numbers import cardinal, combined, pairs, spelled
from speakkit.text.english.rule import Readings, Rule
from speakkit.text.english.terminal import value

SURNAMES = re.compile(r"Mc[A-Z]+|(?:Mac?|Mc|De|Di|Da|Du|La|Le|Lo|Van|Von|Fitz|Ap|San|O|D|L)[A-Z][a-z]+")
"""Names of people and places with a capital inside: "McDonald", "DeCamp", "LaGuardia"."""

ABBREVIATIONS = frozenset("mr mrs ms dr st no vs etc fig jr sr prof al ca ed pp rev gen col sgt".split())


@lru_cache(maxsize=1)
def _proper() -> frozenset[str]:
    """Products, firms and units with a capital inside, which are read as they are written."""
    return frozenset((paths.data() / "camel_case.txt").read_text(encoding="utf-8").split())


def _camel(match: re.Match[str]) -> Readings:
    """ "parseHTTPResponse" -> "parse H T T P response"; names of people, products and units are left."""
    name = match[0]
    singular = name.removesuffix("s")
    if name in _proper() or singular in _proper() or SURNAMES.fullmatch(name) or singular.isupper():
        return ()
    if re.fullmatch(r"[ie][A-Z][a-z]*", name) or len(name) < 4:  # noqa: PLR2004: "iPhone", "kHz"
        return ()
    shouted = re.fullmatch(r"([A-Z]+)[A-Z][a-z]+", name)  # "IOError", and not "UNimportant"
    if shouted and shouted[1].lower() not in table("identifiers.tsv"):
        return ()
    return (said(name),)


def _snake(match: re.Match[str]) -> Readings:
    """ "max_retries" -> "max retries", "__init__" -> "dunder init", "_private" -> "underscore private"."""
    name = match["name"]
    inner = name.strip("_")
    if not inner:
        return ("",)
    if name.startswith("__") and name.endswith("__"):
        return (f"dunder {said(inner)}", said(name, MARKS))
    if name.startswith("_") and name.endswith("_"):
        return (said(inner),)  # stressed, as in plain text
    head = "underscore " * (len(name) - len(name.lstrip("_")))
    return distinct(head + said(inner), said(name, MARKS), said(inner))


def _dotted(match: re.Match[str]) -> Readings:
    """ "obj.method()" -> "obj dot method"; a slip such as "end.Next" is left."""
    names = match["names"].split(".")
    if not match["call"] and (names[0].lower() in ABBREVIATIONS or any(len(name) < 2 for name in names[1:])):  # noqa: PLR2004: "e.g."
        return ()
    if not match["call"] and (
        len(names[0]) < 2 and names[0] not in "xyzf" or any(name[0].isupper() for name in names[1:])
    ):  # noqa: PLR2004
        return ()
    plain, full = (" dot ".join(_name(name, marks) for name in names) for marks in ("", "underscore"))
    return distinct(plain, full, *_called(plain, match))


def _name(name: str, underscore: str) -> str:
    if name.startswith("__") and name.endswith("__") and name.strip("_"):
        return f"dunder {said(name.strip('_'))}"
    head = "underscore " * (len(name) - len(name.lstrip("_")))
    return head + said(name.lstrip("_"), {**QUIET, "_": underscore})


def _called(name: str, match: re.Match[str]) -> Readings:
    if not match["call"]:
        return ()
    return (f"{name} parentheses", f"{name} parens", f"{name} open paren close paren", f"{name} function")


def _call(match: re.Match[str]) -> Readings:
    """ "foo()" -> "foo"."""
    plain = _name(match["names"], "")
    return distinct(plain, _name(match["names"], "underscore"), *_called(plain, match))


def _scoped(match: re.Match[str]) -> Readings:
    """ "std::vector<int>" -> "std vector of int"."""
    names = [_name(name, "") for name in match["names"].split("::") if name]
    inside = _inside(match["inside"] or "")
    plain, full = " ".join(names), " colon colon ".join(names)
    if not inside:
        return distinct(plain, full, *_called(plain, match))
    ways = (f"of {inside}", inside, f"less than {inside} greater than")
    return combined(distinct(plain, full), ways)


def _inside(text: str) -> str:
    """ "String, Vec<u8>" -> "string, vec of U eight"."""
    opened = re.sub(r"\s*[<\[]\s*", " of ", text.replace(">", "").replace("]", ""))
    return ", ".join(said(part, {**QUIET, "|": "or"}) for part in opened.split(",") if part.strip())


def _generic(match: re.Match[str]) -> Readings:
    name, inside = _name(match["name"], ""), _inside(match["inside"])
    return (f"{name} of {inside}", f"{name} {inside}", f"{name} of {inside.replace(', ', ' and ')}")


def _index(match: re.Match[str]) -> Readings:
    name, index = _name(match["name"], ""), said(match["index"], {**QUIET, "-": "minus", ":": "to"})
    return tuple(f"{name} {mark}{index}" for mark in ("sub ", "", "at ", "of ", "index ", "bracket "))


def _arrow(match: re.Match[str]) -> Readings:
    first, last = said(match["first"]), said(match["last"])
    return (f"{first} arrow {last}", f"{first} to {last}", f"{first} {last}")


def _code(match: re.Match[str]) -> Readings:
    """ "E0308" -> "E zero three zero eight", "TS2345" -> "T S twenty three forty five"."""
    head, digits = letters(match["letters"]), match["digits"]
    first = spelled(digits) if digits.startswith("0") else number(digits)
    ways = distinct(first, pairs(digits), spelled(digits), spelled(digits, "oh"), cardinal(digits))
    return combined((head,), ways)


def _status(match: re.Match[str]) -> Readings:
    """ "404" after "HTTP" -> "four oh four"."""
    digits = match["digits"]
    return distinct(pairs(digits), cardinal(digits), spelled(digits, "oh"), spelled(digits))


def _protocol(match: re.Match[str]) -> Readings:
    return (f"H T T P {' point '.join(map(number, match['release'].split('.')))}",)


def _hexadecimal(match: re.Match[str]) -> Readings:
    digits = letters(match["digits"])
    kinds = {"x": "hex", "b": "binary", "o": "octal"}
    kind = match["kind"].lower()
    return (f"zero {kind.upper()} {digits}", f"{kinds[kind]} {digits}")


def _escape(match: re.Match[str]) -> Readings:
    tail = " ".join({"+": "plus", "*": "star", "?": "question mark"}[mark] for mark in match["many"])
    return (f"backslash {word(match['letter'])} {tail}".strip(),)


def _class(match: re.Match[str]) -> Readings:
    ranges = [f"{said(first)} to {said(last)}" for first, last in re.findall(r"(\w)-(\w)", match["ranges"])]
    tail = " ".join({"+": "plus", "*": "star", "?": "question mark"}[mark] for mark in match["many"])
    return tuple(f"{head}{' '.join(ranges)} {tail}".strip() for head in ("", "bracket "))


def _tight(match: re.Match[str]) -> Readings:
    """ "x==y" -> "X equals equals Y"."""
    first, last = value(match["first"]), value(match["last"])
    return tuple(f"{first} {way} {last}" for way in dict(SIGNS)[match["sign"]])


def _always(*readings: str) -> Callable[[re.Match[str]], Readings]:
    return lambda _: readings


SIGNS: tuple[tuple[str, Readings], ...] = (
    ("===", ("triple equals", "strictly equals", "equals equals equals")),
    ("!==", ("not triple equals", "strictly not equal to", "not equal to")),
    ("==", ("equals equals", "double equals", "equals", "is equal to")),
    ("!=", ("not equal to", "not equals", "does not equal", "is not equal to", "bang equals")),
    ("<>", ("not equal to",)),
    (">=", ("greater than or equal to", "is greater than or equal to", "greater or equal", "at least")),
    ("<=", ("less than or equal to", "is less than or equal to", "less or equal", "at most")),
    ("=>", ("arrow", "fat arrow", "to", "becomes", "implies")),
    ("->", ("to", "arrow", "returns", "becomes")),
    ("<-", ("left arrow", "gets", "from")),
    ("&&", ("and", "and and", "double ampersand")),
    ("||", ("or", "or or", "double pipe")),
    ("+=", ("plus equals",)),
    ("-=", ("minus equals",)),
    ("*=", ("times equals", "star equals")),
    ("/=", ("divided by equals", "slash equals")),
    (":=", ("colon equals", "walrus", "becomes", "is")),
    ("??", ("or else", "question mark question mark")),
    ("<<", ("left shift", "less than less than")),
    (">>", ("right shift", "greater than greater than", "append to")),
    ("//", ("slash slash", "")),
    ("|", ("pipe", "bar", "or")),
)
NAMES = r"[A-Za-z_]\w*+"
OUTSIDE = r"(?<![\w.@$/\\:#-])"

RULES: tuple[Rule, ...] = (
    Rule(
        "status",
        re.compile(
            r"(?:(?<=HTTP )|(?<=status )|(?<=status: )|(?<=status code )|(?<=[Ee]rror )|(?<=returned ))(?P<digits>[1-5]\d\d)(?![\w%]|[.,:]\d| (?:\w+s|of)\b)"
        ),
        _status,
    ),
    Rule(
        "status",
        re.compile(
            r"(?<![\w.,$#-])(?P<digits>[1-5]\d\d)(?= (?:OK|Created|Accepted|No Content|Moved|Found|Not Modified|Bad Request|Unauthorized|Forbidden|Not Found|Method Not|Conflict|Gone|Too Many|Internal Server|Bad Gateway|Service Un|Gateway Time|errors?\b))"
        ),
        _status,
    ),
    Rule("protocol", re.compile(r"\bHTTP/(?P<release>\d(?:\.\d)?)(?![\w.]\w)"), _protocol),
    Rule("hexadecimal", re.compile(r"(?<!\w)0(?P<kind>[xXbBoO])(?P<digits>[0-9A-Fa-f]{1,64}+)(?!\w)"), _hexadecimal),
    Rule("error code", re.compile(r"(?<![\w./-])(?P<letters>[A-Z]{1,4})(?P<digits>\d{3,5})(?![\w-]|\.\w)"), _code),
    Rule(
        "scoped name",
        re.compile(
            rf"(?<![\w:])(?P<names>{NAMES}(?:::{NAMES})+)(?:<(?P<inside>[\w:<>\[\]*&]{{1,40}}(?:, ?[\w:<>\[\]*&]{{1,40}}){{0,5}})>)?(?P<call>\(\))?"
        ),
        _scoped,
    ),
    Rule(
        "type",
        re.compile(
            rf"(?<![\w:<])(?P<name>{NAMES})<(?P<inside>(?=[A-Za-z])[\w:<>\[\]*&]{{1,40}}(?:, ?[\w:<>\[\]*&]{{1,40}}){{0,5}})>(?!\w)"
        ),
        _generic,
    ),
    Rule(
        "type",
        re.compile(
            r"(?<![\w.:])(?P<name>[Ll]ist|[Dd]ict|[Ss]et|[Tt]uple|Optional|Union|Callable|Iterable|Iterator|Sequence|Mapping|Array|Vec|type|frozenset|defaultdict)"
            r"\[(?P<inside>[A-Za-z][\w.\[\]|]{0,40}(?:, ?[\w.\[\]|]{1,40}){0,5})\]"
        ),
        _generic,
    ),
    Rule(
        "index",
        re.compile(
            r"(?<![\w.])(?P<name>args|argv|arr|array|list|items|data|values|rows|lines|results?|[a-z]|\w{1,40}_\w{1,40})\[(?P<index>-?\w{1,20}(?::-?\w{0,20})?)\]"
        ),
        _index,
    ),
    Rule("dotted name", re.compile(rf"{OUTSIDE}(?P<names>{NAMES}(?:\.{NAMES})+)(?P<call>\(\))?(?![\w/@-])"), _dotted),
    Rule("call", re.compile(rf"{OUTSIDE}(?P<names>{NAMES})(?P<call>\(\))"), _call),
    Rule("arrow", re.compile(rf"(?<![\w>-])(?P<first>{NAMES})->(?P<last>{NAMES})"), _arrow),
    Rule("identifier", re.compile(r"(?<![\w/\\@-])(?P<name>[^\W_]*+_\w*+)(?![/\\@])"), _snake),
    Rule(
        "identifier",
        re.compile(r"(?<![\w/\\@'’&.])(?:[a-z]++[A-Z]|[A-Z]++[a-z]++[A-Z]|[A-Z]{2,}+(?<=[A-Z])(?=[a-z]))\w*+"),
        _camel,
    ),
    Rule(
        "increment",
        re.compile(r"(?<![\w+])(?P<name>[A-Za-z]\w*+)\+\+(?!\w)"),
        lambda match: (f"{said(match['name'])} plus plus",),
    ),
    Rule("sharp", re.compile(r"(?<![\w])(?P<letter>[CFJ])#(?!\w)"), lambda match: (f"{match['letter']} sharp",)),
    Rule("task", re.compile(r"\bTODO\b"), _always("to do")),
    Rule("task", re.compile(r"\bFIXME\b"), _always("fix me")),
    Rule(
        "regular expression", re.compile(r"(?<![\w\\])\\(?P<letter>[dwsbDWSBnrt])(?P<many>[+*?]{0,2})(?!\w)"), _escape
    ),
    Rule("regular expression", re.compile(r"(?<!\w)\[(?P<ranges>(?:\w-\w){1,6})_?\](?P<many>[+*?]{0,2})"), _class),
    Rule("regular expression", re.compile(r"(?<!\S)\.\*(?!\S)"), _always("dot star")),
    *(
        Rule("sign", re.compile(rf"(?<=[\w)\]}}\"'`] ){re.escape(sign)}(?= [\w(\[{{\"'`$&!~./-])"), _always(*readings))
        for sign, readings in SIGNS
    ),
    Rule(
        "sign",
        re.compile(
            r"(?<![\w.])(?P<first>\w[\w.]*+(?:\(\))?)(?P<sign>===|!==|==|!=|>=|<=|=>|&&|\|\||\+=|-=|:=)(?P<last>-?\w(?:[\w.]*\w)?)"
        ),
        _tight,
    ),
)
