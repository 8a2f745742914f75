"""The daemon's worker process that synthesizes speech, one piece of a text at a time.

A text is sent once, by `Begin`, and its pieces are requested one by one, by `Next`; pieces of other texts may be
requested in between. A process that was started after another died does not have the texts of that one: its reply is
`is_unknown`. It is then sent `Begin` with the number of the next piece, and synthesizes none of the pieces before it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from msgspec import structs

from speakkit import audiofile, config
from speakkit.audio import Audio, Resampler
from speakkit.daemon.speaking.synthesis_request import Begin, Order, Save, SpeechPiece
from speakkit.daemon.wire.messages import LONGEST_WORD, Span, SpokenWord
from speakkit.engines import locations
from speakkit.errors import SpeakkitError, storage_error
from speakkit.playback import pcm
from speakkit.speech import synthesize
from speakkit.speech.synthesize import lost_word
from speakkit.speech.timestamps import TimedWord, Timeline
from speakkit.speech_request import SpeechRequest

KEPT = 32
"""Maximum texts in progress at once; beyond that, the least recently used one must be begun again."""


def load(likely: SpeechRequest) -> Callable[[Order], Iterator[SpeechPiece]]:
    """The handler of the worker. Loads what a request like `likely` needs.

    If that cannot be loaded, the request that needs it fails later, and other requests work.
    It fetches nothing, since all other speech would wait for that: clients fetch before they send a request.
    """
    locations.use(config.locations, fetches=False)
    voice = VoiceWorker()
    with suppress(SpeakkitError):
        voice.prepare(likely)
    return voice.answer


class VoiceWorker:
    """The texts that are being synthesized."""

    def __init__(self) -> None:
        self._under_way: OrderedDict[str, _Reading] = OrderedDict()

    def prepare(self, likely: SpeechRequest) -> None:
        """Load the engines for a request, and synthesize a word, because the first synthesis takes longest."""
        reading = _Reading(Begin("", structs.replace(likely, text="Yes.")))
        reading.piece()
        reading.close()

    def answer(self, order: Order) -> Iterator[SpeechPiece]:
        """The reply to an order; none for `Save`. Raises SpeakkitError if the text cannot be spoken."""
        if isinstance(order, Save):
            _save(order.file, order.sound)
            return
        reading = self._under_way.pop(order.id, None)
        if isinstance(order, Begin):
            if reading:
                reading.close()
            reading = _Reading(order)
        if reading is None or reading.number != order.number:
            yield SpeechPiece(is_unknown=True)
            return
        with ExitStack() as ending:
            ending.callback(reading.close)
            piece = reading.piece()
            if not piece.is_over:
                ending.pop_all()
                self._under_way[order.id] = reading
                while len(self._under_way) > KEPT:
                    self._under_way.popitem(last=False)[1].close()
        yield piece


def _save(file: Path, sound: bytes) -> None:
    """Write float32 samples in the format of the file's suffix. Raises StorageError."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, f"make {file.parent}") from error
    with audiofile.sink(str(file), file.suffix.removeprefix("."), pcm.RATE) as out:
        out.write(Audio(np.frombuffer(sound, "<f4"), pcm.RATE))


class _Reading:
    """A text that is being synthesized. number: index of its next piece."""

    def __init__(self, order: Begin) -> None:
        """Words that end in a piece before the first one are left out."""
        self.number = order.number
        self._lent = ExitStack()
        self._speaker = self._lent.enter_context(synthesize.speaker(order.request))
        self._text = order.request.text
        self._timeline = Timeline(self._text, order.begins)
        self._resampler = Resampler(pcm.RATE)
        self._segments = self._speaker.segments(order.request, starts_early=order.starts_early, first=order.number)

    def close(self) -> None:
        """Return the engines to their pool."""
        self._lent.close()

    def piece(self) -> SpeechPiece:
        """The next piece."""
        segment = next(self._segments, None)
        self.number += 1
        if segment is None:
            return SpeechPiece(is_over=True, words=_spoken(self._timeline.rest(), self._text))
        voice, lost = self._speaker.voice, segment.chunk.lost
        identity = self._speaker.synthesizer.identity
        sound = self._resampler.resampled(segment.audio, is_continued=segment.chunk.is_continued)
        return SpeechPiece(
            words=_spoken(self._timeline.add(segment), self._text),
            lost=tuple(Span(token.start, token.end) for token in lost),
            warnings=(*segment.warnings, *(lost_word(token, voice.name) for token in lost)),
            voice=voice.name,
            language=voice.language,
            engine=identity.name,
            weights=identity.weights,
            threads=self._speaker.threads,
            sound=sound.clipped().samples.astype("<f4").tobytes(),
        )


def _spoken(words: Iterable[TimedWord], text: str) -> tuple[SpokenWord, ...]:
    """The words as they are sent."""
    return tuple(_of(word, text) for word in words)


def _of(word: TimedWord, text: str) -> SpokenWord:
    """A word as it is sent: without its text if `text` has it at the word's offsets, or if it is too long."""
    end = word.offset + len(word.text)
    is_plain = text[word.offset : end] == word.text or len(word.text) > LONGEST_WORD
    return SpokenWord(word.offset, end, word.start, word.end, None if is_plain else word.text, word.spaced)
