"""The definition of a setting: its type, default and variable, and validators for its allowed values."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakkit import voices
from speakkit.errors import BadValue, ConfigError
from speakkit.printable import UNSAFE

LONGEST_SHOWN = 60
"""Characters of a text that an error message quotes at most."""

LOGIN = re.compile(r"(?<=://)\S*@|^[^\s/]+:(?!//)\S*@")
"""User name and password in an address, as in https://user:secret@host or user:secret@host."""

Value = str | float | int | bool | Path | tuple[str, ...] | None


@dataclass(frozen=True)
class OneOf:
    """Allows any one of `names`."""

    names: tuple[str, ...]

    def __contains__(self, given: object) -> bool:
        return given in self.names

    def __str__(self) -> str:
        return f"one of {', '.join(self.names)}"


@dataclass(frozen=True)
class Language:
    """Allows any language name that `voices` accepts, or an empty text."""

    def __contains__(self, given: str) -> bool:
        try:
            return not given or bool(voices.language(given))
        except BadValue:
            return False

    def __str__(self) -> str:
        return f"one of {', '.join(voices.LANGUAGES.values())}"


@dataclass(frozen=True)
class Range:
    """Allows any number from `lowest` to `highest`, both inclusive."""

    lowest: float
    highest: float

    def __contains__(self, given: float) -> bool:
        return self.lowest <= given <= self.highest

    def __str__(self) -> str:
        return f"between {self.lowest} and {self.highest}"


@dataclass(frozen=True)
class Form:
    """Allows any text that matches a pattern and is printable.

    pattern: a regular expression for the whole text
    name: the description of such a text in error messages
    """

    pattern: str
    name: str

    def __contains__(self, given: str) -> bool:
        return bool(re.fullmatch(self.pattern, given)) and not UNSAFE.search(given)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Each:
    """Allows any list of texts that are all allowed by `member`."""

    member: Form

    def __contains__(self, given: Iterable[object]) -> bool:
        return not self.others(given)

    def others(self, given: Iterable[object]) -> list[object]:
        """The items of `given` that are not allowed."""
        return [each for each in given if not isinstance(each, str) or each not in self.member]

    def __str__(self) -> str:
        return f"a list, each item {self.member}"


KINDS: Mapping[type, tuple[type | tuple[type, ...], str]] = {
    bool: (bool, "true or false"),
    int: (int, "a whole number"),
    float: ((int, float), "a number"),
    tuple: ((list, tuple), "a list"),
}
"""Type of a setting -> the accepted Python types of its TOML value, and their name; all other types are TOML text."""


@dataclass(frozen=True)
class Setting:
    """One setting.

    name: its key in config.toml
    kind: the type of its value
    default: the default value, or a function that returns it
    variable: the environment variable that overrides the file
    about: one line of help
    allowed: the validator for values of that type; None if all are allowed
    """

    name: str
    kind: type[str | float | int | bool | Path | tuple[str, ...]]
    default: Value | Callable[[], Path]
    variable: str
    about: str
    allowed: OneOf | Language | Range | Form | Each | None = None

    def checked(self, given: Any, where: str) -> Value:
        """`given`, converted to the type of this setting. Raises ConfigError, prefixed with `where`, if invalid."""
        types, wanted = KINDS.get(self.kind, (str, str(self.allowed)))
        if not _is(given, types):
            raise ConfigError(f"{where} must be {wanted}, not {shown(given)}")
        if self.allowed is not None and given not in self.allowed:
            fault = self.allowed.others(given)[0] if isinstance(self.allowed, Each) else given
            raise ConfigError(f"{where} must be {self.allowed}, not {shown(fault)}")
        value: Value = self.kind(given)
        return _expanded(value, where) if isinstance(value, Path) else value

    def read(self, text: str, where: str) -> Value:
        """The value of a variable or argument, checked as by `checked`. Folders may be relative, lists have commas."""
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
    """Like isinstance, except that a bool is not an int."""
    return isinstance(given, types) and (types is bool or not isinstance(given, bool))


def _expanded(folder: Path, where: str) -> Path:
    try:
        return folder.expanduser()
    except RuntimeError:
        raise ConfigError(f"{where} names the home of a user who does not exist: {shown(str(folder))}") from None


def without_login(address: str) -> str:
    """`address` without the user name and password in it, for messages and logs."""
    return LOGIN.sub("", address)


def shown(given: object) -> str:
    """`given` as text for an error message, shortened to fit on one line, without passwords in addresses."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, str):
        given = without_login(given)
        return repr(given) if len(given) <= LONGEST_SHOWN else f"{given[:LONGEST_SHOWN]!r}..."
    if isinstance(given, int):
        return str(given) if abs(given) < 1 << 64 else "so large a number"
    if isinstance(given, float):
        return f"{given:g}"
    return "a table" if isinstance(given, dict) else "a list" if isinstance(given, list) else "a date"
