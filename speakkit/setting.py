"""What a setting is, and which values it may have."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakkit import voices
from speakkit.errors import BadValue, ConfigError

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
LONGEST_SHOWN = 60

Value = str | float | int | bool | Path | tuple[str, ...] | None


@dataclass(frozen=True)
class OneOf:
    """Any of some names."""

    names: tuple[str, ...]

    def __contains__(self, given: object) -> bool:
        return given in self.names

    def __str__(self) -> str:
        return f"one of {', '.join(self.names)}"


@dataclass(frozen=True)
class Language:
    """Any name of a language that `voices` knows, or none."""

    def __contains__(self, given: str) -> bool:
        try:
            return not given or bool(voices.language(given))
        except BadValue:
            return False

    def __str__(self) -> str:
        return f"one of {', '.join(voices.LANGUAGES.values())}"


@dataclass(frozen=True)
class Range:
    """Any number from the lowest to the highest."""

    lowest: float
    highest: float

    def __contains__(self, given: float) -> bool:
        return self.lowest <= given <= self.highest

    def __str__(self) -> str:
        return f"between {self.lowest} and {self.highest}"


@dataclass(frozen=True)
class Form:
    """Any text of one line that a pattern matches.

    name: how to ask for one
    """

    pattern: str
    name: str

    def __contains__(self, given: str) -> bool:
        return bool(re.fullmatch(self.pattern, given)) and not UNPRINTABLE.search(given)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Each:
    """Any list whose every member is allowed."""

    member: Form

    def __contains__(self, given: Iterable[object]) -> bool:
        return not self.others(given)

    def others(self, given: Iterable[object]) -> list[object]:
        """Those that are not allowed."""
        return [each for each in given if not isinstance(each, str) or each not in self.member]

    def __str__(self) -> str:
        return f"a list, each of it {self.member}"


KINDS: Mapping[type, tuple[type | tuple[type, ...], str]] = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    tuple: ((list, tuple), "a list"),
}
"""The type of a setting -> what TOML may hold for it, and how to ask for that; any other one is text in TOML."""


@dataclass(frozen=True)
class Setting:
    """One row of the table.

    default: the value, or what gives it
    variable: of the environment
    allowed: which values of the right type; None for all
    """

    name: str
    kind: type[str | float | int | bool | Path | tuple[str, ...]]
    default: Value | Callable[[], Path]
    variable: str
    about: str
    allowed: OneOf | Language | Range | Form | Each | None = None

    def checked(self, given: Any, where: str) -> Value:
        """`given` in the type of this setting. Raises ConfigError, which begins with `where`."""
        types, wanted = KINDS.get(self.kind, (str, str(self.allowed)))
        if not _is(given, types):
            raise ConfigError(f"{where} must be {wanted}, not {shown(given)}")
        if self.allowed is not None and given not in self.allowed:
            fault = self.allowed.others(given)[0] if isinstance(self.allowed, Each) else given
            raise ConfigError(f"{where} must be {self.allowed}, not {shown(fault)}")
        value: Value = self.kind(given)
        return _expanded(value, where) if isinstance(value, Path) else value

    def read(self, text: str, where: str) -> Value:
        """The same for a variable or an argument: a folder may be relative to the current one, a list has commas."""
        try:
            return self.checked(self._parsed(text), where)
        except ValueError:
            return self.checked(text, where)

    def _parsed(self, text: str) -> object:
        if self.kind is bool:
            return {"1": True, "true": True, "0": False, "false": False}.get(text.lower(), text)
        if self.kind is tuple:
            return [part.strip() for part in text.split(",") if part.strip()]
        if self.kind is Path and not text.startswith("~"):
            return str(Path(text).absolute())
        return self.kind(text) if self.kind in KINDS else text


def _is(given: object, types: type | tuple[type, ...]) -> bool:
    """As isinstance, but true and false are no numbers."""
    return isinstance(given, types) and (types is bool or not isinstance(given, bool))


def _expanded(folder: Path, where: str) -> Path:
    try:
        return folder.expanduser()
    except RuntimeError:
        raise ConfigError(f"{where} names the home of a user who does not exist: {shown(str(folder))}") from None


def shown(given: object) -> str:
    """What was given, short enough for one line."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str):
        return repr(given) if len(given) <= LONGEST_SHOWN else f"{given[:LONGEST_SHOWN]!r}..."
    if isinstance(given, int):
        return str(given) if abs(given) < 1 << 64 else "so large a number"
    if isinstance(given, float):
        return f"{given:g}"
    return "a table" if isinstance(given, dict) else "a list" if isinstance(given, list) else "a date"
