"""Rules for programming languages: identifiers, calls, types, operators, error codes, regular expressions."""

import re
from collections.abc import Callable

from speakkit.text.english import tables
from speakkit.text.english.addresses import STREET
from speakkit.text.english.identifiers import MARKS, QUIET, distinct, letters, number, said, word
from speakkit.text.english.numbers import cardinal, combined, pairs, plural, spelled
from speakkit.text.english.terminal import value
from speakkit.text.rule import Readings, Rule

SURNAMES = re.compile(r"Mc[A-Z]+|(?:Mac?|Mc|De|Di|Da|Du|La|Le|Lo|Van|Von|Fitz|Ap|San|O|D|L)[A-Z][a-z]+")
"""Names of people and places with a capital inside: "McDonald", "DeCamp", "LaGuardia"."""

ABBREVIATIONS = STREET | {"rev", "gen", "col", "sgt"}


def _camel(match: re.Match[str]) -> Readings:
    """Read "parseHTTPResponse" as "parse H T T P response"; return () for names of people, products and units."""
    name = match[0]
    if len(name) < 4:  # units, such as "kHz" and "mL"
        return ()
    known = tables.readings("identifiers").get(name.lower())
    if known:
        return known
    singular = name.removesuffix("s")
    proper = tables.words("camel_case")  # products, firms and units, which are read as they are written
    if name in proper or singular in proper or SURNAMES.fullmatch(name) or singular.isupper():
        return ()
    if re.fullmatch(r"[ie][A-Z][a-z]*", name):  # "iPhone"
        return ()
    shouted = re.fullmatch(r"([A-Z]+)[A-Z][a-z]+", name)  # "IOError", and not "UNimportant"
    if shouted and shouted[1].lower() not in tables.readings("identifiers"):
        return ()
    return (said(name),)


def _snake(match: re.Match[str]) -> Readings:
    """Read "max_retries" as "max retries", "__init__" as "dunder init", "_private" as "underscore private"."""
    name = match["name"]
    inner = name.strip("_")
    if not inner:
        return ("",)
    if name.startswith("__") and name.endswith("__"):
        return (f"dunder {said(inner)}", said(name, MARKS))
    if name.startswith("_") and name.endswith("_"):
        return (said(inner),)  # underscores for emphasis, as in plain text
    head = "underscore " * (len(name) - len(name.lstrip("_")))
    return distinct(head + said(inner), said(name, MARKS), said(inner))


def _dotted(match: re.Match[str]) -> Readings:
    """Read "obj.method()" as "obj dot method"; return () for a missing space, as in "end.Next"."""
    names = match["names"].split(".")
    if not match["call"] and not _is_attribute(names):
        return ()
    plain, full = (" dot ".join(_name(name, marks) for name in names) for marks in ("", "underscore"))
    return distinct(plain, full, *_called(plain, match))


def _is_attribute(names: list[str]) -> bool:
    """Return whether the names form a dotted name, not an abbreviation or two sentences: "e.g.", "end.Next"."""
    first, *rest = names
    if first.lower() in ABBREVIATIONS or (len(first) == 1 and first not in "xyzf"):
        return False
    *inner, last = rest
    is_class = len(rest) > 1 and last[0].isupper() and first.islower()  # "java.lang.String"
    return (
        all(len(name) > 1 and not name[0].isupper() for name in inner)
        and len(last) > 1
        and (is_class or not last[0].isupper())
    )


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
    """Read "foo()" as "foo"."""
    plain = _name(match["names"], "")
    return distinct(plain, _name(match["names"], "underscore"), *_called(plain, match))


def _scoped(match: re.Match[str]) -> Readings:
    """Read "std::vector<int>" as "std vector of int"."""
    names = [_name(name, "") for name in match["names"].split("::") if name]
    inside = _inside(match["inside"] or "")
    plain, full = " ".join(names), " colon colon ".join(names)
    if not inside:
        return distinct(plain, full, *_called(plain, match))
    ways = (f"of {inside}", inside, f"less than {inside} greater than")
    return combined(distinct(plain, full), ways)


def _inside(text: str) -> str:
    """Read the arguments of a type: "String, Vec<u8>" -> "string, vec of U eight"."""
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
    """Read "E0308" as "E zero three zero eight", "TS2345" as "T S twenty three forty five"."""
    head, digits = letters(match["letters"]), match["digits"]
    first = spelled(digits) if digits.startswith("0") else number(digits)
    ways = distinct(first, pairs(digits), spelled(digits), spelled(digits, "oh"), cardinal(digits))
    return combined((head,), ways)


def _status(match: re.Match[str]) -> Readings:
    """Read "404" after "HTTP" as "four oh four"."""
    digits = match["digits"]
    return distinct(pairs(digits), cardinal(digits), spelled(digits, "oh"), spelled(digits))


def _statuses(match: re.Match[str]) -> Readings:
    """Read "404s" as "four oh fours"."""
    return tuple(plural(form) for form in _status(match))


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
    pieces = ["caret" if match["start"] else "", *ranges, tail, "dollar" if match["end"] else ""]
    return (" ".join(filter(None, pieces)),)


def _tight(match: re.Match[str]) -> Readings:
    """Read "x==y" as "X equals equals Y"."""
    first, last = value(match["first"]), value(match["last"])
    return tuple(f"{first} {way} {last}" for way in dict(SIGNS)[match["sign"]])


def _underscored(match: re.Match[str]) -> Readings:
    """Read "1_000_000" as "one million"."""
    return (cardinal(match[0].replace("_", "")),)


def _quoted_mark(match: re.Match[str]) -> Readings:
    """Read `;` as "semicolon" if the text is about the mark itself."""
    names = [SPOKEN_MARKS[mark] for mark in match["it"]]
    return tuple(" ".join(chosen) for chosen in zip(*names, strict=False))


def _library(match: re.Match[str]) -> Readings:
    """Read "libfoo.so.1" as "libfoo dot S O dot one"."""
    return (f"{match['name']} dot S O " + " ".join(f"dot {cardinal(part)}" for part in match["parts"].split(".")[1:]),)


def _always(*readings: str) -> Callable[[re.Match[str]], Readings]:
    return lambda _: readings


SPOKEN_MARKS: dict[str, Readings] = {
    ";": ("semicolon", "semicolon"),
    ":": ("colon", "colon"),
    ",": ("comma", "comma"),
    ".": ("dot", "period"),
    "{": ("opening brace", "left brace"),
    "}": ("closing brace", "right brace"),
    "(": ("opening parenthesis", "left parenthesis"),
    ")": ("closing parenthesis", "right parenthesis"),
    "[": ("opening bracket", "left bracket"),
    "]": ("closing bracket", "right bracket"),
    "'": ("single quote", "apostrophe"),
    '"': ("double quote", "quote"),
    "!": ("exclamation mark", "bang"),
    "?": ("question mark", "question mark"),
    "#": ("hash", "number sign"),
    "$": ("dollar", "dollar sign"),
    "*": ("asterisk", "star"),
    "\\": ("backslash", "backslash"),
    "_": ("underscore", "underscore"),
    "~": ("tilde", "tilde"),
    "^": ("caret", "caret"),
}
"""The readings of marks that are silent elsewhere."""

SIGNS: tuple[tuple[str, Readings], ...] = (
    ("===", ("triple equals", "strictly equals", "equals equals equals")),
    ("!==", ("not equal to", "strictly not equal to", "not triple equals")),
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
BEFORE_SIGN = r"(?<=[\w)\]}\"'`/*$.%>] )"
AFTER_SIGN = r"(?=[.,;:]?$| [\w(\[{\"'`$&!~./-])"
QUOTED = (r"(?<=[`'\"(])", r"(?=[`'\")])")
AFTER = "|".join(
    f"(?<={word_} )" for word_ in ("HTTP", "status", "status:", "status code", "error", "Error", "returned", "returns")
)
"""Words before an HTTP status."""

METHOD = r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)"
REQUEST = rf"{METHOD} /\S*+(?: HTTP/[\d.]{{1,3}})?(?: -| - -|:|,|\")? "
"""A request in a server log: its path, and the text between it and the status."""

REASONS = (
    "OK|Created|Accepted|No Content|Moved|Found|Not Modified|Bad Request|Unauthorized|Forbidden|Not Found|Method Not"
    "|Conflict|Gone|Too Many|Internal Server|Bad Gateway|Service Unavailable|Gateway Timeout|errors?"
)
NAMES = r"[A-Za-z_]\w*+"
ONE = r"[\w.:<>\[\]*&|]{1,40}"
ARGUMENTS = rf"{ONE}(?:, ?{ONE}){{0,5}}"
TYPES = (
    "[Ll]ist|[Dd]ict|[Ss]et|[Tt]uple|Optional|Union|Callable|Iterable|Iterator|Sequence|Mapping|Array|Vec|type"
    "|frozenset|defaultdict"
)
ARRAYS = r"args|argv|arr|array|list|items|data|values|rows|lines|results?|[a-z]|[a-zA-Z]{1,40}_\w{1,40}"
OUTSIDE = r"(?<![\w.@$/\\:#-])"

RULES: tuple[Rule, ...] = (
    Rule("number", re.compile(r"(?<![\w.])\d{1,3}(?:_\d{3})+(?![\w.])"), _underscored),
    Rule("status", re.compile(rf"(?:{AFTER})(?P<digits>[1-5]\d\d)(?![\w%]|[.,:]\d| (?:\w+s|of)\b)"), _status),
    Rule("status", re.compile(r"(?<![\w.,$#-])(?P<digits>[45]\d\d)s\b"), _statuses),
    Rule("path", re.compile(rf"{METHOD} (?P<it>/)(?=[ ?]|$)"), lambda _: ("slash", "root")),
    Rule("status", re.compile(rf"{REQUEST}(?P<it>(?P<digits>[1-5]\d\d))(?![\w%/]|[.,:]\d)"), _status),
    Rule("status", re.compile(rf"(?<![\w.,$#-])(?P<digits>[1-5]\d\d)(?= (?:{REASONS})\b)"), _status),
    Rule("protocol", re.compile(r"\bHTTP/(?P<release>\d(?:\.\d)?)(?![\w.]\w)"), _protocol),
    Rule("hexadecimal", re.compile(r"(?<!\w)0(?P<kind>[xXbBoO])(?P<digits>[0-9A-Fa-f]{1,64}+)(?!\w)"), _hexadecimal),
    Rule("error code", re.compile(r"(?<![\w./-])(?P<letters>[A-Z]{1,4})(?P<digits>\d{3,5})(?![\w-]|\.\w)"), _code),
    Rule(
        "scoped name",
        re.compile(rf"(?<![\w:])(?P<names>{NAMES}(?:::{NAMES})+)(?:<(?P<inside>{ARGUMENTS})>)?(?P<call>\(\))?"),
        _scoped,
    ),
    Rule("type", re.compile(rf"(?<![\w:<])(?P<name>{NAMES})<(?P<inside>(?=[A-Za-z]){ARGUMENTS})>(?!\w)"), _generic),
    Rule("type", re.compile(rf"(?<![\w.:])(?P<name>{TYPES})\[(?P<inside>(?=[A-Za-z]){ARGUMENTS})\]"), _generic),
    Rule(
        "index",
        re.compile(rf"(?<![\w.])(?P<name>{ARRAYS})\[(?P<index>-?\w{{1,20}}(?::-?\w{{0,20}})?)\]"),
        _index,
    ),
    Rule("dotted name", re.compile(rf"{OUTSIDE}(?P<names>{NAMES}(?:\.{NAMES})+)(?P<call>\(\))?(?![\w/@-])"), _dotted),
    Rule("call", re.compile(rf"{OUTSIDE}(?P<names>{NAMES})(?P<call>\(\))"), _call),
    Rule("arrow", re.compile(rf"(?<![\w>-])(?P<first>{NAMES})->(?P<last>{NAMES})"), _arrow),
    Rule("identifier", re.compile(r"(?<![\w/\\@-])(?P<name>[^\W_]*+_\w*+)(?![/\\@])"), _snake),
    Rule(
        "identifier",
        re.compile(r"(?<![\w/\\@'’&.])(?:[a-z]++[A-Z]|[A-Z]++[a-z]++[A-Z]|[A-Z]{2,}+(?=[a-z]))\w*+(?!\.\d)"),
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
    Rule(
        "regular expression",
        re.compile(r"(?<!\w)(?P<start>\^)?\[(?P<ranges>(?:\w-\w){1,6})_?\](?P<many>[+*?]{0,2})(?P<end>\$)?"),
        _class,
    ),
    Rule("regular expression", re.compile(r"(?<!\S)\.\*(?!\S)"), _always("dot star")),
    Rule("anonymous", re.compile(r"(?<=\w)\.<(?P<name>\w+)>"), lambda match: (f" dot {match['name']}",)),
    Rule("call", re.compile(r"(?<=\w)\(\*\)"), _always(" star")),
    Rule("here", re.compile(r"(?<=[A-Za-z] )\.{1,2}(?=$| [-/~])"), lambda match: (" ".join(["dot"] * len(match[0])),)),
    Rule("library", re.compile(r"(?P<name>\blib\w{1,40})\.so(?P<parts>(?:\.\d{1,4}){1,3})(?!\w)"), _library),
    Rule("arrow", re.compile(r"(?<=\) )->(?= \w)"), _always("arrow", "returns", "to")),
    Rule("reference", re.compile(r"(?<![\w&])&(?=(?:mut )?[a-zA-Z_])"), _always("ampersand ", "reference ")),
    Rule("negation", re.compile(r"(?<![\w!)\]])!(?=[A-Za-z_]\w)"), _always("not ", "bang ")),
    Rule(
        "added", re.compile(r"(?<=\s)\+(?P<letter>[rwxst])\b"), lambda match: (f"plus {said(match['letter']).upper()}",)
    ),
    Rule(
        "mark",
        re.compile(r"(?:(?<!\S)|(?<=\())[`'\"](?P<it>[;:,.{}()\[\]!?#$*\\_~^]{1,2})[`'\"](?![\w`'\"])"),
        _quoted_mark,
    ),
    Rule(
        "mark",
        re.compile(
            r"(?:(?<=xpected )|(?<=issing )|(?<=ound )|(?<=oken )|(?<=atched ))(?P<it>[;{}()\[\]])(?=,?\s|\.?$)"
        ),
        _quoted_mark,
    ),
    *(
        Rule(
            "sign",
            re.compile(rf"{BEFORE_SIGN}{re.escape(sign)}{AFTER_SIGN}|{QUOTED[0]}{re.escape(sign)}{QUOTED[1]}"),
            _always(*readings),
        )
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
