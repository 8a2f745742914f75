"""The voice of the daemon, as it runs in a process of its own: it speaks texts piece by piece, as it is asked to.

Each request names a text and the number of a piece, and stands for itself: a process that was started afresh, since the
one before it died, goes on where that one was, and makes nothing of what came before. Who asks for one piece after the
other gets them without delay, and may turn to another text in between.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path

import msgspec
import numpy as np

from speakkit import audiofile
from speakkit.audio import Audio
from speakkit.daemon.speaking.synthesis_request import Ask, Save, SpeechPiece, SpeechRequest
from speakkit.engines import voice_packs
from speakkit.errors import SpeakkitError, storage_error
from speakkit.playback import pcm
from speakkit.speech import synthesize
from speakkit.speech.synthesize import Speaker, lost_word
from speakkit.speech.timestamps import TimedWord, Timeline
from speakkit.text.markup import Markup, guessed

KEPT = 32
"""Texts that are under way: so many may be turned to in between. Beyond that, they are read anew."""


def load(likely: SpeechRequest) -> Callable[[Ask | Save], Iterator[SpeechPiece]]:
    """What answers in a worker. `likely` is the script that is likely to come.

    Where that cannot be spoken, whoever asks for it is told so, and others are none the worse.
    """
    voice = VoiceWorker()
    with suppress(SpeakkitError):
        voice.prepare(likely)
    return voice.answer


class VoiceWorker:
    """Texts that are being spoken."""

    def __init__(self) -> None:
        self._under_way: OrderedDict[str, _Reading] = OrderedDict()
        self._heard = _Warnings()
        log = logging.getLogger("speakkit")
        log.addHandler(self._heard)
        log.propagate = False  # they tell of texts, and belong to whoever sent these alone

    def prepare(self, script: SpeechRequest) -> None:
        """Load what is needed for such a script, and let it have said something: the first time takes longest."""
        reading = _Reading("Yes.", script)
        reading.piece()
        reading.close()
        self._heard.taken()

    def answer(self, asked: Ask | Save) -> Iterator[SpeechPiece]:
        """The piece that is asked for; nothing once a sound is saved."""
        if isinstance(asked, Save):
            _save(asked.file, asked.sound)
            return
        reading = self._under_way.pop(asked.id, None)
        if reading is None or reading.number != asked.number:
            reading = _Reading(asked.text, asked.script, asked.number, asked.begins)
        with ExitStack() as ending:
            ending.callback(reading.close)
            piece = reading.piece()
            if not piece.is_over:
                ending.pop_all()
        if not piece.is_over:
            self._under_way[asked.id] = reading
            while len(self._under_way) > KEPT:
                self._under_way.popitem(last=False)[1].close()
        yield msgspec.structs.replace(piece, warnings=(*self._heard.taken(), *piece.warnings))


def _save(file: Path, sound: bytes) -> None:
    """Write float32 samples as what the name of the file says. Raises StorageError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, f"make {file.parent}") from error
    with audiofile.sink(str(file), file.suffix.removeprefix("."), pcm.RATE) as out:
        out.write(Audio(np.frombuffer(sound, "<f4"), pcm.RATE))


class _Reading:
    """A text, from a piece on. number: of the piece that is next; begins: seconds that come before it.

    Of a word that ends in what came before, nothing is told.
    """

    def __init__(self, text: str, script: SpeechRequest, number: int = 0, begins: float = 0.0) -> None:
        self.number = number
        self._lent = ExitStack()
        self._speaker = self._lent.enter_context(_speaker(script))
        self._timeline = Timeline(text, begins)
        markup = Markup.RAW if script.is_raw else guessed(text, f"text{script.suffix}")
        self._segments = self._speaker.segments(
            text,
            speed=script.speed,
            seed=script.seed,
            markup=markup,
            starts_early=script.is_heard,
            first=number,
        )

    def close(self) -> None:
        """Give back what it borrowed."""
        self._lent.close()

    def piece(self) -> SpeechPiece:
        """The next piece."""
        segment = next(self._segments, None)
        self.number += 1
        if segment is None:
            return SpeechPiece(is_over=True, words=_said(self._timeline.rest()))
        words = _said(self._timeline.add(segment))
        voice, lost = self._speaker.voice, segment.chunk.lost
        return SpeechPiece(
            words=words,
            lost=tuple((token.start, token.end) for token in lost),
            warnings=tuple(lost_word(token, voice.name) for token in lost),
            voice=voice.name,
            language=voice.language,
            engine=self._speaker.synthesizer.identity.name,
            weights=self._speaker.synthesizer.identity.weights,
            threads=self._speaker.threads,
            sound=segment.audio.resampled(pcm.RATE).clipped().samples.astype("<f4").tobytes(),
        )


def _speaker(script: SpeechRequest) -> AbstractContextManager[Speaker]:
    """Engines are loaded once. Raises as `synthesize.speaker`."""
    voice = synthesize.find_voice(script.voice, script.lang or None)
    voice_packs.ensure(voice)
    return synthesize.speaker(voice, engine=script.engine, device=script.device, threads=script.threads)


def _said(words: Iterator[TimedWord]) -> tuple[tuple[int, int, float, float], ...]:
    return tuple((word.offset, word.offset + len(word.text), word.start, word.end) for word in words)


class _Warnings(logging.Handler):
    """Keeps what speakkit warns of."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self._lines.append(record.getMessage())

    def taken(self) -> tuple[str, ...]:
        """The lines since the last time."""
        lines, self._lines = tuple(self._lines), []
        return lines
