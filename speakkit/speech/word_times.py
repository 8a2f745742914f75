"""When each word of a recording is said: read from captions, found by aligning its text, or recognized."""

import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from speakkit import voices
from speakkit.alignment import KnownWord
from speakkit.audio import Audio
from speakkit.engines import registry
from speakkit.engines.base import SpokenText
from speakkit.errors import BadValue, TextError
from speakkit.speech.known_words import known_words
from speakkit.speech.synthesize import reader
from speakkit.speech.timestamps import OPENING, RUN
from speakkit.speech_request import Markup
from speakkit.transcript import Transcript

ACOUSTIC, ENGLISH = "hama", "en-us"
"""The acoustic aligner, and its language."""

FRAMES = {"kokoro": 0.025, ACOUSTIC: 0.02, "parakeet-ctc": 0.08}
"""Engine -> resolution of its times in seconds."""

COARSE = 0.02
"""Resolution of the times of all other engines, in seconds. Their errors are some times as large."""

IMPROBABLE = 0.1
"""Mean probability of the words of a text below which Whisper says that the text is another recording's."""

SAME = 0.05
"""Maximum difference in seconds between a recording and the length that its captions give."""


WORDLESS = "the text has no words that could be found in the recording"
"""Message of the error for such a text."""


class Source(StrEnum):
    """Where the time of a word is from.

    captions: from the engine that spoke it, saved by `speak --captions`
    alignment: the text was known, and was aligned with the sound
    recognition: the word was recognized
    missing: the word was not found in the sound; it has no time
    """

    captions = "captions"
    alignment = "alignment"
    recognition = "recognition"
    missing = "missing"


@dataclass(frozen=True)
class WordTime:
    """A word of a text, with its time in a recording.

    text: as it is written, with adjacent punctuation
    start, end: half-open character offsets in the text
    begins, ends: seconds from the start of the recording, `begins` < `ends`; None if the word is missing
    frame: resolution of these times in seconds
    score: of the engine that found the word, see `AlignedWord.score` (0 is perfect) for the acoustic aligner, and a
        probability for recognizers; None if there is none
    """

    text: str
    start: int
    end: int
    begins: float | None
    ends: float | None
    source: Source
    frame: float
    score: float | None = None


@dataclass(frozen=True)
class WordTimes:
    """A text with the times of its words in a recording.

    language: such as "en-us" or "de"; "" if not known
    engine: names of the engines that found the words, joined by " + "
    duration: of the recording, in seconds
    is_foreign: the text is probably not that of the recording, so that the times mean nothing
    """

    text: str
    language: str
    engine: str
    words: tuple[WordTime, ...]
    duration: float
    is_foreign: bool = False

    @property
    def missing(self) -> tuple[WordTime, ...]:
        """The words that were not found."""
        return tuple(word for word in self.words if word.source is Source.missing)


Hear = Callable[[Audio, str | None, str | None, str], tuple[Transcript, str]]
"""Recognizes a recording: by the recognizer of that name, or None for the one of the device, in a language as an ISO
639-1 code or None to detect it, on a device. Returns the transcript, and the name of the recognizer."""


def heard(audio: Audio, engine: str | None, language: str | None, device: str = "auto") -> tuple[Transcript, str]:
    """Recognize a recording in this process, see `Hear`. Raises as `registry.recognizer`."""
    with registry.recognizer(engine or registry.default_recognizer(device, language), device) as recognizer:
        return next(recognizer.transcribe([audio], language)).result(), recognizer.identity.name


def language_of(text: str, named: str | None) -> str:
    """Return the language of a text: the one that the user `named`, else by its script, else English.

    It is a name of `voices.LANGUAGES` if speakkit speaks it, else what the user named, which only recognizers know.
    """
    if named is None:
        found = voices.reading(text)
        return found.language if found else ENGLISH
    try:
        return voices.language(named)
    except BadValue:
        return named.lower()


def align(
    audio: Audio,
    text: str,
    *,
    language: str | None = None,
    engine: str | None = None,
    markup: Markup = Markup.PLAIN,
    device: str = "auto",
) -> WordTimes:
    """Return the times of the words of a known text.

    language: of the text; None for the language of its script
    engine: an aligner, or a recognizer that aligns; by default the acoustic aligner for English, else Whisper
    Raises TextError if the text has no words, and BadValue if there is no such engine, or if it cannot align.
    """
    if not any(map(str.isalnum, text)):
        raise TextError(WORDLESS)
    spoken = language_of(text, language)
    if engine in registry.ALIGNERS or (engine is None and spoken.startswith("en")):
        return _acoustically(audio, text, spoken, engine or ACOUSTIC, markup)
    name = engine or registry.default_recognizer(device, voices.ISO_639_1.get(spoken, spoken))
    return _by_spelling(audio, text, spoken, name, markup, device)


def recognize(
    audio: Audio,
    *,
    language: str | None = None,
    engine: str | None = None,
    device: str = "auto",
    hear: Hear = heard,
) -> WordTimes:
    """Return the recognized words with their times.

    language: ISO 639-1 code or a name of `voices.LANGUAGES`; None to detect it
    engine: a recognizer, whose own times are taken; by default the one of this machine, and English words are then
        aligned with the sound, because a recognizer's times are coarse
    hear: recognizes in another process
    """
    spoken = None if language is None else language_of("", language)
    code = None if spoken is None else voices.ISO_639_1.get(spoken, spoken)
    transcript, name = hear(audio, engine, code, device)
    found = WordTimes(
        transcript.text, spoken or transcript.language, name, tuple(_recognized(transcript)), audio.duration
    )
    if engine is None and transcript.language == "en" and found.words:
        aligned = align(audio, transcript.text, language=ENGLISH)
        if not aligned.is_foreign:
            words = tuple(_as_recognized(word) for word in aligned.words)
            return replace(aligned, words=words, engine=f"{name} + {aligned.engine}")
    return found


def saved(path: Path, audio: Audio) -> WordTimes | None:
    """Return the words of the captions that `speak --captions` saved beside a recording, as JSON of the same stem.

    None if there is no such file, or if it is that of another recording.
    """
    try:
        kept = json.loads(path.with_suffix(".json").read_bytes())
        text, duration = str(kept["text"]), float(kept["duration"])
        rows = [(str(row["text"]), int(row["offset"]), float(row["start"]), float(row["end"])) for row in kept["words"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if abs(duration - audio.duration) > SAME:
        return None
    ends = [start for _, start, _, _ in rows[1:]] + [len(text)]
    words = tuple(
        WordTime(word, start, start + len(text[start:end].rstrip()), begins, ends_at, Source.captions, FRAMES["kokoro"])
        for (word, start, begins, ends_at), end in zip(rows, ends, strict=True)
        if begins < ends_at
    )
    return WordTimes(text, "", "kokoro", words, audio.duration)


def _acoustically(audio: Audio, text: str, language: str, engine: str, markup: Markup) -> WordTimes:
    """Align a text by its phonemes."""
    if not language.startswith("en"):
        raise BadValue(f"{engine} aligns English only, not {language}; leave --engine out")
    with reader(language) as english, registry.aligner(engine) as aligner:
        words = _required(known_words(text, english, markup))
        found = next(aligner.observe([audio])).result().align(words)
        is_foreign = found.agreement < aligner.foreign
    frame = FRAMES.get(engine, COARSE)
    times = [None if one.is_skipped or one.pronunciation < 0 else (one.start, one.end) for one in found.words]
    scores = [one.score for one in found.words]
    return WordTimes(
        text, language, engine, tuple(_timed(text, words, times, scores, frame)), audio.duration, is_foreign
    )


def _by_spelling(audio: Audio, text: str, language: str, engine: str, markup: Markup, device: str) -> WordTimes:
    """Align a text by its spelling."""
    words = _required(_spelled(text, language, markup))
    with registry.text_aligner(engine, device) as aligner:
        asked = SpokenText(audio, tuple(word.text for word in words))
        found = next(aligner.align([asked], voices.ISO_639_1.get(language, language))).result().words
    times = [(one.start, one.end) if one.end > one.start else None for one in found]
    scores = [one.probability for one in found]
    is_foreign = sum(scores) / len(scores) < IMPROBABLE
    frame = FRAMES.get(engine, COARSE)
    return WordTimes(
        text, language, engine, tuple(_timed(text, words, times, scores, frame)), audio.duration, is_foreign
    )


def _spelled(text: str, language: str, markup: Markup) -> tuple[KnownWord, ...]:
    """Return the words of a text without their pronunciations."""
    if language in voices.LANGUAGES.values():
        with reader(language) as own:
            return known_words(text, own, markup)
    runs = (run for run in RUN.finditer(text) if any(map(str.isalnum, run.group())))
    return tuple(KnownWord(run.group(), (), run.start()) for run in runs)


def _required(words: tuple[KnownWord, ...]) -> tuple[KnownWord, ...]:
    if not words:
        raise TextError(WORDLESS)
    return words


def _timed(
    text: str,
    words: Sequence[KnownWord],
    times: Sequence[tuple[float, float] | None],
    scores: Sequence[float],
    frame: float,
) -> Iterator[WordTime]:
    """Yield the words with their times."""
    for (start, end), time, score in zip(_written(text, words), times, scores, strict=True):
        shown = " ".join(text[start:end].split())
        if time is None:
            yield WordTime(shown, start, end, None, None, Source.missing, frame, score)
        else:
            begins, ends = time
            yield WordTime(shown, start, end, begins, max(ends, begins + frame), Source.alignment, frame, score)


def _written(text: str, words: Iterable[KnownWord]) -> Iterator[tuple[int, int]]:
    """Yield the range of each word with the punctuation around it."""
    before = 0
    known = list(words)
    for word, following in zip(known, [*(one.start for one in known[1:]), len(text)], strict=True):
        start, end = word.start, word.end
        while start > before and not text[start - 1].isspace():
            start -= 1
        while end < following and not text[end].isspace() and unicodedata.category(text[end]) not in OPENING:
            end += 1
        yield start, end
        before = end


def _recognized(transcript: Transcript) -> Iterator[WordTime]:
    """Yield the words of a transcript, with their offsets in its text."""
    at = 0
    for word in transcript.words:
        start = max(at, transcript.text.find(word.text, at))
        at = min(start + len(word.text), len(transcript.text))
        if word.start is None or word.end is None:
            yield WordTime(word.text, start, at, None, None, Source.missing, COARSE, word.confidence)
        else:
            ends = max(word.end, word.start + COARSE)
            yield WordTime(word.text, start, at, word.start, ends, Source.recognition, COARSE, word.confidence)


def _as_recognized(word: WordTime) -> WordTime:
    return word if word.source is Source.missing else replace(word, source=Source.recognition)
