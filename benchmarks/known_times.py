"""Speech whose phoneme times are known, from Kokoro's own durations, to fit aligners to and to compare them with.

FITTED and CHECKED share neither a voice nor a text.
"""

import pickle
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from speakkit import config
from speakkit.alignment import KnownWord
from speakkit.audio import Audio
from speakkit.engines import locations
from speakkit.engines.hama_phonemes import RHOTIC
from speakkit.speech.known_words import known_words
from speakkit.speech.synthesize import Utterance, speaker
from speakkit.speech.timestamps import TimedWord, words
from speakkit.speech_request import SpeechRequest
from speakkit.text.sentences import sentences

BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"

FITTED = (
    *("af_alloy", "af_bella", "af_jessica", "af_nicole", "af_river", "af_sarah", "am_adam", "am_echo"),
    *("am_eric", "am_liam", "am_michael", "am_onyx", "bf_alice", "bf_lily", "bm_daniel", "bm_lewis"),
)
CHECKED = ("af_heart", "af_nova", "af_sky", "am_fenrir", "am_puck", "bf_emma", "bf_isabella", "bm_george")

PHONEME = re.compile(rf"[ˈˌ]?(?P<symbol>{RHOTIC.pattern}|[^\W\d_ʰʲᵝː]\u0303?)")

SPEEDS = (0.8, 1.0, 1.1, 1.25)


@dataclass(frozen=True, eq=False)
class Timed:
    """An utterance with known times.

    known: the words of its text
    words: when they are said
    phonemes: each phoneme with the seconds at which it begins, in order
    """

    voice: str
    speed: float
    text: str
    audio: Audio
    known: tuple[KnownWord, ...]
    words: tuple[TimedWord, ...]
    phonemes: tuple[tuple[str, float], ...]


def texts(*, is_fit: bool) -> list[str]:
    """Return sentences of 30 to 100 characters: of the book's first half to fit, of its second half to check."""
    book = BOOK.read_text("utf-8")
    half = len(book) // 2
    found = (" ".join(sentence.text.split()) for sentence in sentences(book) if (500 < sentence.start < half) == is_fit)
    return [sentence for sentence in found if 30 <= len(sentence) <= 100 and sentence[-1] in ".!?'"]


def spoken(voice: str, speed: float, text: str) -> Timed:
    """Return a text as `voice` speaks it."""
    request = SpeechRequest(text, voice=voice, device="cpu", speed=speed, threads=1)
    with speaker(request) as talker:
        made = talker.utterance(request)
        known = known_words(text, talker.reader)
    return Timed(voice, speed, text, made.audio, known, tuple(words(text, made.segments)), tuple(_phonemes(made)))


def _phonemes(made: Utterance) -> Iterator[tuple[str, float]]:
    """Yield the phonemes of an utterance as `hama_phonemes.split` divides them, with their onsets in seconds.

    A stress mark, which has a duration of its own, belongs to the phoneme after it.
    """
    begun = 0.0
    for segment in made.segments:
        for unit in PHONEME.finditer(segment.chunk.phonemes):
            symbol = unit["symbol"]
            yield {"ɜɹ": "ɜ", "əɹ": "ɚ"}.get(symbol, symbol), begun + segment.onsets[unit.start()]
        begun += segment.audio.duration


def corpus(folder: Path, voices: Sequence[str], count: int, *, is_fit: bool) -> Iterator[Timed]:
    """Yield `count` utterances, each another text, of the voices and at the SPEEDS in turn. `folder` keeps them."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = texts(is_fit=is_fit)
    for number in range(count):
        file = folder / f"{'fitted' if is_fit else 'checked'}-{number}.pickle"
        if not file.exists():
            speed = SPEEDS[number // len(voices) % len(SPEEDS)]
            made = spoken(voices[number % len(voices)], speed, chosen[number * 7 % len(chosen)])
            file.with_suffix(".part").write_bytes(pickle.dumps(made))
            file.with_suffix(".part").rename(file)
        yield pickle.loads(file.read_bytes())  # noqa: S301  this function wrote it


def use_home() -> None:
    """Find models where speakkit's settings say."""
    locations.use(config.locations)
