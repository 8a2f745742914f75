"""The files that `speakkit timestamps` writes: JSON with all that is known of each word, and captions."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speakkit import outputfile
from speakkit.errors import BadValue
from speakkit.printable import printable
from speakkit.speech import captions
from speakkit.speech.captions import Captions
from speakkit.speech.timestamps import TimedWord
from speakkit.speech.word_times import WordTimes

JSON = "json"
"""Default format."""

BEGINS = re.compile(rb'\{\s*"path"')
"""Matches the start of a JSON file of word times."""


@dataclass(frozen=True)
class WordFile:
    """A format.

    write: returns the content of a file, from the name of the recording and its words
    kind: files of this format
    """

    write: Callable[[str, WordTimes], str]
    kind: outputfile.Kind


def document(name: str, found: WordTimes) -> dict[str, Any]:
    """Return the JSON object of a recording."""
    return {
        "path": name,
        "text": found.text,
        "language": found.language,
        "engine": found.engine,
        "duration": round(found.duration, 3),
        "is_text_of_recording": not found.is_foreign,
        "words": [
            {
                "text": word.text,
                "start": word.start,
                "end": word.end,
                "from": None if word.begins is None else round(word.begins, 3),
                "to": None if word.ends is None else round(word.ends, 3),
                "source": word.source.value,
                "frame": word.frame,
                "score": None if word.score is None else round(word.score, 4),
            }
            for word in found.words
        ],
    }


def format_of(name: str | None, target: Path | None) -> WordFile:
    """Return the format called `name`, by default that of the suffix of `target`, or else JSON.

    Raises BadValue if there is no such format.
    """
    ending = target.suffix.lstrip(".") if name is None and target else name or JSON
    if ending.lower() == JSON:
        return WordFile(_json, outputfile.Kind("word times", _is_json))
    form = captions.format_of(f"x.{ending}" if ending else str(target))
    return WordFile(lambda _, found: form.write(_captions(found)), form.file_kind)


def suffix(name: str | None) -> str:
    """Return the suffix of files of the format called `name`. Raises BadValue if there is no such format."""
    known = {one.lower(): one for one in captions.FORMATS}
    if name is not None and name.lower() not in known:
        raise BadValue(f"there is no format {name!r}; try one of {', '.join(captions.FORMATS)}")
    return f".{known[name.lower()] if name else JSON}"


def _json(name: str, found: WordTimes) -> str:
    return json.dumps(document(printable(name), found), ensure_ascii=False, indent=1) + "\n"


def _captions(found: WordTimes) -> Captions:
    """Return the words that have times as captions."""
    words = tuple(
        TimedWord(word.text, word.begins, word.ends, word.start, found.text[word.end : word.end + 1].isspace())
        for word in found.words
        if word.begins is not None and word.ends is not None
    )
    return Captions(found.text, words, found.duration)


def _is_json(path: Path) -> bool:
    with path.open("rb") as file:
        return bool(BEGINS.match(file.read(100)))
