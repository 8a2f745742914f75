"""Rules for addresses: URLs, e-mail, hosts and ports, files, paths, lines of files, handles and hashtags."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from speakkit.text.english import tables
from speakkit.text.english.identifiers import (
    MARKS,
    QUIET,
    both,
    distinct,
    file_name,
    letters,
    number,
    path,
    said,
)
from speakkit.text.english.numbers import cardinal, combined, spelled
from speakkit.text.rule import Readings, Rule, exact

TOP_LEVEL: Mapping[str, str] = {
    **{
        name: name
        for name in ("com", "org", "net", "edu", "gov", "dev", "app", "info", "biz", "cloud", "local", "page")
    },
    **{name: name for name in ("shop", "blog", "tech", "site", "store", "wiki", "news")},
    **{name: letters(name) for name in ("io", "ai", "uk", "de", "fr", "eu", "ca", "ch", "nl", "se", "au", "jp", "cn")},
    **{name: letters(name) for name in ("ru", "br", "kr", "nz", "tv", "fm", "gg", "ly", "il", "es", "xyz")},
    "co": "co",
}
"""Last part of a domain name -> reading. It excludes words ("it", "is", "me"): in "end.is" a space is missing."""

FOLDERS = frozenset(
    (
        *(
            "src",
            "lib",
            "tests",
            "docs",
            "node_modules",
            "usr",
            "etc",
            "var",
            "bin",
            "scripts",
            "packages",
            "components",
        ),
        *(
            "utils",
            "dist",
            "vendor",
            "assets",
            "cmd",
            "pkg",
            "crates",
            "examples",
            "origin",
            "upstream",
            "refs",
            "heads",
        ),
        *("feature", "feat", "fix", "bugfix", "hotfix", "release", "chore", "refactor", "dependabot", "remotes"),
    )
)
"""First parts of a path or branch without another mark of one: they make "src/utils" a path, unlike "read/write"."""

STREET = frozenset(
    ["mr", "mrs", "ms", "dr", "st", "no", "vs", "etc", "fig", "jr", "sr", "prof", "al", "ca", "ed", "pp"]
)
"""Abbreviations that a word may follow without a space."""

IN_NAMES = r"\w.~*@+-"
"""Characters of file names, as printed in paths."""

AT_LINE = (
    r"(?::(?P<line>\d{1,7})(?!\d)(?:[-–](?P<last>\d{1,7})(?!\d)|:(?P<column>\d{1,5})(?!\d))?"
    r"|\((?P<row>\d{1,7})(?:,\s?(?P<place>\d{1,5}))?\)|\#L(?P<from>\d{1,7})(?:-L?(?P<to>\d{1,7}))?|(?P<tests>(?:::[\w\[\].-]*\w\]?)+))?"
)
DOTTED = rf"(?<![{IN_NAMES}/\\$])(?P<name>[\w~*@+-]*+(?:\.[\w+*-]*[\w*])+)"


def _port(digits: str | None) -> Readings:
    if not digits:
        return ("",)
    return tuple(
        f"{mark} {said_}"
        for said_ in distinct(number(digits), spelled(digits), cardinal(digits))
        for mark in ("port", "colon")
    )


def _host(host: str, marks: Mapping[str, str] = MARKS) -> str:
    """Read a host: "docs.example.co.uk" -> "docs dot example dot co dot U K"."""
    *names, last = host.split(".")
    return " dot ".join([*(said(name, marks) for name in names), TOP_LEVEL.get(last) or said(last, marks)])


def _url(match: re.Match[str]) -> Readings:
    user = f"{said(match['user'], MARKS)} at" if match["user"] else ""
    where = " ".join(filter(None, [user, _host(match["host"]), _port(match["port"])[0]]))
    rest = unquote(match["rest"])
    steps = re.split("[?#]", rest, maxsplit=1)[0]
    short, full = (
        " ".join(filter(None, [where, path(steps, marks), said(rest[len(steps) :], marks)])) for marks in (QUIET, MARKS)
    )
    short = short.removesuffix(" slash")
    scheme = said(match["scheme"], MARKS)
    whole = f"{scheme} colon slash slash {full}"
    if scheme in ("H T T P", "H T T P S"):
        return distinct(short, full, whole, f"{scheme} {short}")
    return distinct(f"{scheme} colon slash slash {short}", whole, f"{scheme} {short}")


def _bare_url(match: re.Match[str]) -> Readings:
    """Read a domain name with or without a path: "example.com/docs", "github.com"."""
    host = match["host"]
    if host.rpartition(".")[2] not in TOP_LEVEL or not any(
        character.isalpha() for character in host.rpartition(".")[0]
    ):
        return ()
    if "." not in host or (host.count(".") == 1 and host.partition(".")[0].lower() in STREET):
        return ()
    where = " ".join(filter(None, [_host(host), _port(match["port"])[0]]))
    rest = match["rest"] or ""
    return distinct(f"{where} {path(rest)}".strip().removesuffix(" slash"), f"{where} {path(rest, MARKS)}".strip())


def _email(match: re.Match[str]) -> Readings:
    repository = match["repository"]
    if repository and match["user"] != "git":
        return ()
    spoken = f"{said(match['user'], MARKS)} at {_host(match['host'])}"
    if repository:
        return distinct(f"{spoken} colon {path(repository)}", f"{spoken} {path(repository)}")
    return distinct(spoken, spoken.replace("dash", "hyphen"))


def _account(match: re.Match[str]) -> Readings:
    return (f"{said(match['user'], MARKS)} at {_host(match['host'])}",)


def _mac(match: re.Match[str]) -> Readings:
    groups = [letters(group) for group in re.split("[:-]", match[0])]
    return (" colon ".join(groups), " ".join(groups))


def _ipv6(match: re.Match[str]) -> Readings:
    address, slash, length = match[0].partition("/")
    try:
        ipaddress.IPv6Address(address)
    except ipaddress.AddressValueError:
        return ()
    if not any(character.isdigit() for character in address):
        return ()
    tail = f" slash {number(length)}" if slash else ""
    parts = [" colon " if part == ":" else letters(part) for part in re.split("(:)", address)]
    return (" ".join("".join(parts).split()) + tail,)


def _ipv4(match: re.Match[str]) -> Readings:
    groups = match["address"].split(".")
    if any(int(group) > 255 for group in groups):  # each group is a byte
        return ()
    ways = distinct(*(" dot ".join(map(way, groups)) for way in (number, spelled, cardinal)))
    if match["length"]:
        return combined(ways, (f"slash {number(match['length'])}",))
    return combined(ways, _port(match["port"]))


def _localhost(match: re.Match[str]) -> Readings:
    tail = path(match["rest"] or "").removesuffix(" slash")
    return combined((match["host"].lower(),), _port(match["port"]), (tail,))


def _windows(match: re.Match[str]) -> Readings:
    return distinct(*(f"{match['drive'].upper()} colon {path(match['rest'], marks)}" for marks in (QUIET, MARKS)))


def _place(match: re.Match[str]) -> Readings:
    """Return the readings of the line and column after a file name, or of the test in it."""
    line, column = match["line"] or match["row"] or match["from"], match["column"] or match["place"]
    last = match["last"] or match["to"]
    if match["tests"]:
        return both(match["tests"].replace("::", " "))
    if not line:
        return ("",)
    if last:
        return (f"lines {cardinal(line)} to {cardinal(last)}", f"lines {number(line)} to {number(last)}")
    if column:
        return tuple(f"line {way(line)} column {way(column)}" for way in (cardinal, number))
    return distinct(f"line {cardinal(line)}", f"line {number(line)}", f"colon {cardinal(line)}")


def _located(name: str, way: Callable[[str, Mapping[str, str]], str], match: re.Match[str]) -> Readings:
    return combined(distinct(way(name, QUIET), way(name, MARKS)), _place(match))


def _path(match: re.Match[str]) -> Readings:
    text = match["name"]
    if not _is_path(text) and not match["line"]:
        return ()
    readings = _located(text, path, match)
    return distinct(*(reading.removesuffix(" slash") for reading in readings), *readings)


def _is_path(text: str) -> bool:
    """Return whether the text is a path, unlike a choice of words, a fraction or a unit: "and/or", "3/4", "km/h"."""
    steps = [step for step in text.split("/") if step]
    letters_in = [step for step in steps if any(character.isalpha() for character in step)]
    if re.fullmatch(r"(?:\.\.?/)+(?:\.\.)?", text):
        return True
    if not letters_in or len(text) < 3 or text.lower() in ("/or", "and/", "or/", "/and"):  # such as "/h"
        return False
    known = steps[0].lower() in FOLDERS or (steps[0] in ("a", "b") and len(steps) > 2)  # such as a/src/x in a diff
    marked = any("_" in step or "*" in step or step.startswith((".", "~", "@")) for step in steps)
    return text.startswith("/") or text.endswith("/") or known or marked or _has_ending(steps[-1])


def _has_ending(name: str) -> bool:
    stem, dot, ending = name.rpartition(".")
    return bool(dot and stem) and ending in tables.readings("extensions")


def _file(match: re.Match[str]) -> Readings:
    name = match["name"]
    stem = name.partition(".")[0]
    hidden = name.startswith(".") and len(name) > 2 and name[1].isalpha()  # more than a dot and one letter
    if not hidden and (not _has_ending(name) or stem.lower() in STREET or re.fullmatch(r"(?:[a-z]\.)+[a-z]", name)):
        return ()
    if stem.isdecimal() and name.count(".") == 1 and len(name.rpartition(".")[2]) == 1:
        return ()
    return _located(name, file_name, match)


def _handle(match: re.Match[str]) -> Readings:
    names = match["name"].split(".")
    return distinct(*(f"at {' dot '.join(said(name, marks) for name in names)}" for marks in (QUIET, MARKS)))


def _hashtag(match: re.Match[str]) -> Readings:
    return tuple(f"{mark} {said(match['name'])}" for mark in ("hashtag", "hash"))


TOKEN = rf"(?<![{IN_NAMES}/\\<$€£¥₹])"
PORT = r"(?::(?P<port>\d{1,5}))?"
TAIL = r"(?P<rest>/(?:[\w./?=&%#~@:+,*-]*[\w/=#*-])?)?"
TO_THE_END = r"(?:[^\s<>\"`|]*[^\s<>\"`|.,;:!?'\u2019)\]}*\u2026])?"

RULES: tuple[Rule, ...] = (
    exact(
        "URL",
        r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,20}+)://(?:(?P<user>[^\s/@<>\"]{1,60}+)@)?"
        rf"(?P<host>[\w.%-]*[\w]|){PORT}(?P<rest>(?:[/?#]{TO_THE_END})?)",
        _url,
    ),
    exact(
        "e-mail address",
        r"(?<![\w.+@-])(?P<user>[\w.+-]++)@(?P<host>[\w-]++(?:\.[\w-]*[A-Za-z][\w-]*+)+)"
        r"(?::(?P<repository>[\w.~-]++/[\w./-]*\w))?",
        _email,
    ),
    exact(
        "account",
        r"(?<![\w.+@/-])(?P<user>[a-z_][\w-]*+)@(?P<host>[A-Za-z][\w-]*+(?!\.\w)|\d{1,3}(?:\.\d{1,3}){3})(?![\w@])",
        _account,
    ),
    exact("MAC address", r"(?<![\w:-])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![\w:-])", _mac),
    exact(
        "IP address",
        r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,8}(?:[0-9A-Fa-f]{1,4}|(?<=::))(?:/\d{1,3})?(?![\w:])",
        _ipv6,
    ),
    exact(
        "IP address",
        r"(?<![\w.])(?P<address>\d{1,3}(?:\.\d{1,3}){3})(?!\w|\.\d)(?::(?P<port>\d{1,5})|/(?P<length>\d\d?))?(?!\w)",
        _ipv4,
    ),
    exact("host", rf"(?<![\w.@-])(?P<host>localhost){PORT}{TAIL}(?!\w)", _localhost),
    exact(
        "path", r"(?<![\w\\])(?P<drive>[A-Za-z]):(?P<rest>\\(?:(?:[\w.\\$-]| (?=[\w.-]{1,30}\\))*[\w\\$-])?)", _windows
    ),
    exact("domain", rf"{TOKEN}(?P<host>(?:[A-Za-z0-9-]++\.)+[a-z]{{2,6}}+){PORT}{TAIL}(?![\w@]|\.\w)", _bare_url),
    exact(
        "path", rf"{TOKEN}(?P<name>[{IN_NAMES}]*+/(?:[{IN_NAMES}/]*(?:[\w/*]|(?<=/)\.\.(?![.\w])))?){AT_LINE}", _path
    ),
    exact("file", rf"{DOTTED}{AT_LINE}", _file),
    exact("handle", r"(?<![\w@/.])@(?P<name>[A-Za-z_][\w-]*+(?:\.[A-Za-z_]\w*+)*)(?!@)", _handle),
    exact("hashtag", r"(?<![\w&#/])#(?P<name>[A-Za-z]\w*+)", _hashtag),
)
