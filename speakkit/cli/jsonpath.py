"""A text out of JSON, by a path such as .message.content[-1].text, as jq writes it."""

import json
import re
from typing import Any, cast

from speakkit.errors import BadValue, TextError

STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\.?\[(-?\d+)\]|\.?\[\"([^\"]*)\"\]")

SHOWN = 10
"""Keys that an error names."""


def text_at(written: str, path: str, source: str) -> str:
    """The text at `path` of the JSON in `written`; of several texts in a list, one a paragraph.

    source: what `written` is from, for errors
    Raises BadValue for a path that is none, TextError where there is no JSON, or no text at that place.
    """
    steps = _steps(path)
    try:
        found = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise TextError(f"{source} is no JSON: {error}") from error
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
            raise BadValue(f"{path!r} is no path into JSON; write one such as .message or .content[-1].text")
        steps.append(int(step[2]) if step[2] else step[1] if step[3] is None else step[3])
        at = step.end()
    if not path:
        raise BadValue("the path into JSON is empty; write one such as .message, or . for all of it")
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
