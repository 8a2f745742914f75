"""Extract text from JSON by a path in the syntax of jq, such as .message.content[-1].text."""

import json
import re
from typing import Any, cast

from speakkit.errors import BadValue, TextError
from speakkit.text.decode import checked

STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\.?\[(-?\d{1,9})\]|\.?\[\"([^\"]*)\"\]")
"""A step of a path. Groups: a key, the index of a list, a quoted key."""

SHOWN, LONGEST_KEY = 10, 60
"""Maximum number of existing keys listed in an error message, and maximum characters of each."""


def text_at(written: str, path: str, source: str) -> str:
    """The text at `path` in the JSON `written`. A list of texts is joined to one text, with a paragraph for each.

    source: name of the input, for error messages
    Raises BadValue if `path` is invalid, and TextError if `written` is not JSON, or if there is no text at `path` that
    can be spoken.
    """
    steps = _steps(path)
    try:
        found = json.loads(written, parse_int=float)  # int refuses numbers of thousands of digits
    except RecursionError:
        raise TextError(f"{source} is not JSON that can be read: it is nested too deep") from None
    except ValueError as error:
        raise TextError(f"{source} is not JSON: {error}") from error
    seen = ""
    for step in steps:
        found, seen = _inside(found, step, seen or ".", source), f"{seen}{_shown(step)}"
    parts = found if isinstance(found, list) else [found]
    if not parts or not all(isinstance(part, str) for part in parts):
        raise TextError(f"there is no text at {path} of {source}, but {_kind(found)}")
    return checked("\n\n".join(parts), f"the text at {path} of {source}")


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    at = 0
    while at < len(path) and path != ".":
        step = STEP.match(path, at)
        if not step:
            raise BadValue(f"{path!r} is not a JSON path; write one such as .message or .content[-1].text")
        steps.append(int(step[2]) if step[2] else step[1] if step[3] is None else step[3])
        at = step.end()
    if not path:
        raise BadValue("the JSON path is empty; write one such as .message, or . for the whole input")
    return steps


def _inside(found: Any, step: str | int, where: str, source: str) -> Any:
    try:
        if isinstance(step, int) == isinstance(found, list) and isinstance(found, list | dict):
            return cast("Any", found)[step]
    except (KeyError, IndexError):
        pass
    raise TextError(f"there is no {_shown(step)} in {_kind(found)} at {where} of {source}{_keys(found)}")


def _keys(found: Any) -> str:
    """The end of an error message that lists the first keys of an object; "" if there are none."""
    keys = [key[:LONGEST_KEY] for key in list(found)[:SHOWN]] if isinstance(found, dict) else []
    return f", only {', '.join(keys)}" if keys else ""


def _shown(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _kind(found: Any) -> str:
    if isinstance(found, list):
        return f"a list of {len(found)}"
    kinds = {dict: "an object", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(found), "a number")
