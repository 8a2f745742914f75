"""Extract text from JSON by a path in the syntax of jq, such as .message.content[-1].text."""

import json
import re
from typing import Any, cast

from speakkit.errors import BadValue, TextError

STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\.?\[(-?\d+)\]|\.?\[\"([^\"]*)\"\]")
"""A step of a path. Groups: a key, the index of a list, a quoted key."""

SHOWN = 10
"""Maximum number of existing keys listed in an error message."""


def text_at(written: str, path: str, source: str) -> str:
    """The text at `path` in the JSON `written`. A list of texts is joined to one text, with a paragraph for each.

    source: name of the input, for error messages
    Raises BadValue if `path` is invalid, and TextError if `written` is not JSON or has no text at `path`.
    """
    steps = _steps(path)
    try:
        found = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{source} is not JSON: {error}") from error
    seen = ""
    for step in steps:
        found, seen = _inside(found, step, seen or ".", source), f"{seen}{_shown(step)}"
    parts = found if isinstance(found, list) else [found]
    if not parts or not all(isinstance(part, str) for part in parts):
        raise TextError(f"there is no text at {path} of {source}, but {_kind(found)}")
    return "\n\n".join(parts)


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
    keys = f", only {', '.join(map(str, list(found)[:SHOWN]))}" if isinstance(found, dict) and found else ""
    raise TextError(f"there is no {_shown(step)} in {_kind(found)} at {where} of {source}{keys}")


def _shown(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _kind(found: Any) -> str:
    if isinstance(found, list):
        return f"a list of {len(found)}"
    kinds = {dict: "an object", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(found), "a number")
