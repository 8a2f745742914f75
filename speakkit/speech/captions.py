"""Write word timestamps to caption files: SubRip, WebVTT, JSON, TSV, LRC and Praat's TextGrid."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from speakkit import outputfile
from speakkit.errors import BadValue
from speakkit.speech.concatenation import Segment
from speakkit.speech.cues import Cue, cues
from speakkit.speech.timestamps import TimedWord, Timeline


@dataclass(frozen=True)
class Captions:
    """A text with its word timestamps.

    words: the spoken words, in order
    duration: length of the audio in seconds
    """

    text: str
    words: tuple[TimedWord, ...]
    duration: float


def srt(captions: Captions) -> str:
    """The captions as SubRip. The text is not escaped, because SubRip has no escapes."""
    blocks = (f"{i}\n{_span(cue, ',')}\n{_shown(cue)}\n" for i, cue in enumerate(cues(captions.words), 1))
    return "\n".join(blocks)


def vtt(captions: Captions) -> str:
    """The captions as WebVTT (W3C). & < and > are escaped as in HTML, so that text is not parsed as arrows or tags."""
    blocks = [f"{_span(cue, '.')}\n{_escaped(_shown(cue))}\n" for cue in cues(captions.words)]
    return "\n".join(["WEBVTT\n", *blocks])


def tsv(captions: Captions) -> str:
    """The captions as TSV, as openai/whisper writes it: a header, then start and end of each cue in milliseconds."""
    rows = [f"{_ms(cue.start)}\t{_ms(cue.end)}\t{cue.text}\n" for cue in cues(captions.words)]
    return "".join(["start\tend\ttext\n", *rows])


def lrc(captions: Captions) -> str:
    """The captions as LRC: each cue on a line, with its start. Music players show the line until the next one."""
    lines = []
    for cue in cues(captions.words):
        minutes, hundredths = divmod(round(100 * cue.start), 6000)
        lines.append(f"[{minutes:02}:{hundredths // 100:02}.{hundredths % 100:02}]{cue.text}\n")
    return "".join(lines)


def as_json(captions: Captions) -> str:
    """The captions as JSON: each word with start and end in seconds, and its character offset in "text".

    "text" is the source text.
    """
    words = [
        {"text": word.text, "start": round(word.start, 3), "end": round(word.end, 3), "offset": word.offset}
        for word in captions.words
    ]
    whole = {"words": words, "duration": round(captions.duration, 3), "text": captions.text}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def textgrid(captions: Captions) -> str:
    """The captions in Praat's long text format, with one interval tier; intervals between the words are empty."""
    intervals = list(_intervals(captions))
    lines = [
        'File type = "ooTextFile"\nObject class = "TextGrid"\n',
        f"xmin = 0\nxmax = {captions.duration:.6f}\ntiers? <exists>\nsize = 1\nitem []:\n    item [1]:",
        '        class = "IntervalTier"\n        name = "words"',
        f"        xmin = 0\n        xmax = {captions.duration:.6f}\n        intervals: size = {len(intervals)}",
    ]
    for i, (start, end, text) in enumerate(intervals, 1):
        quoted = text.replace('"', '""')
        lines.append(
            f"        intervals [{i}]:\n            xmin = {start:.6f}\n            xmax = {end:.6f}\n"
            f'            text = "{quoted}"'
        )
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Format:
    """A caption format.

    write: returns the content of a file
    begins: matches the start of a file of this format
    """

    write: Callable[[Captions], str]
    begins: re.Pattern[bytes]

    @property
    def file_kind(self) -> outputfile.Kind:
        """Files of this format."""
        return outputfile.Kind("caption", self._matches)

    def _matches(self, path: Path) -> bool:
        with path.open("rb") as existing:
            return bool(self.begins.match(existing.read(100).removeprefix(codecs.BOM_UTF8).lstrip()))


FORMATS = {
    "srt": Format(srt, re.compile(rb"\d+\s+\d+:\d\d:\d\d,")),
    "vtt": Format(vtt, re.compile(rb"WEBVTT")),
    "json": Format(as_json, re.compile(rb'\{\s*"words"')),
    "tsv": Format(tsv, re.compile(rb"start\tend\ttext")),
    "TextGrid": Format(textgrid, re.compile(rb'File type = "ooTextFile')),
    "lrc": Format(lrc, re.compile(rb"\[\d+:\d\d\.\d")),
}
"""File extension, in any case -> format."""


def format_of(target: str) -> Format:
    """The format of a file called `target`, by its extension. Raises BadValue if that is not one of FORMATS."""
    ending = Path(target).suffix.lstrip(".")
    known = {name.lower(): kind for name, kind in FORMATS.items()}
    if ending.lower() not in known:
        said = f"speakkit does not write captions as {ending}" if ending else f"{target} has no file extension"
        raise BadValue(f"{said}; end it with one of {', '.join(FORMATS)}")
    return known[ending.lower()]


def check_target(target: str, *, force: bool = False) -> None:
    """Check that captions can be written to `target`, before any synthesis.

    Raises BadValue as `format_of` does, and StorageError as `outputfile.check` does.
    """
    outputfile.check(target, format_of(target).file_kind, force=force)


class Recorder:
    """Collects the word timestamps of a text from its segments, in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._timeline = Timeline(text)
        self._words: list[TimedWord] = []
        self._duration = 0.0

    def add(self, segment: Segment) -> None:
        """Add the next segment."""
        self._words += self._timeline.add(segment)
        self._duration += segment.audio.duration

    def captions(self) -> Captions:
        """The captions of the whole text, after its last segment was added."""
        return Captions(self._text, (*self._words, *self._timeline.rest()), self._duration)


@contextmanager
def file(target: str, text: str, *, force: bool = False) -> Iterator[Recorder]:
    """Record captions of `text`, and write them to `target` when the block succeeds.

    Raises the errors of `write`.
    """
    format_of(target)
    recorder = Recorder(text)
    yield recorder
    write(target, recorder.captions(), force=force)


def write(target: str, captions: Captions, *, force: bool = False) -> None:
    """Write captions to `target`, in the format of its extension.

    Raises BadValue if the extension names no format, and StorageError as `outputfile.replaced` does.
    """
    form = format_of(target)
    with outputfile.replaced(target, form.file_kind, force=force) as out:
        out.write(form.write(captions).encode())


def _intervals(captions: Captions) -> Iterator[tuple[float, float, str]]:
    """Yield start, end and text of the words and of the silences between them, without gaps; silence has no text."""
    at = 0.0
    for word in captions.words:
        if word.start > at:
            yield at, word.start, ""
        yield max(at, word.start), word.end, word.text
        at = word.end
    if at < captions.duration:
        yield at, captions.duration, ""


def _ms(seconds: float) -> int:
    return round(1000 * seconds)


def _span(cue: Cue, point: str) -> str:
    return f"{_clock(cue.start, point)} --> {_clock(cue.end, point)}"


def _clock(seconds: float, point: str) -> str:
    minutes, ms = divmod(_ms(seconds), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{ms // 1000:02}{point}{ms % 1000:03}"


def _shown(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
