"""Speech whose phoneme times are known: Kokoro's, from its own durations, for aligners to be fitted to and compared with.

FITTED and CHECKED share neither a voice nor a text.
"""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from speakkit import config
from speakkit.alignment import KnownWord
from speakkit.audio import Audio
from speakkit.engines import locations
from speakkit.engines.hama_phonemes import IGNORED, RHOTIC, UNIT
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
    """Return sentences of 30 to 200 characters: of the book's first half to fit, of its second half to check."""
    book = BOOK.read_text("utf-8")
    half = len(book) // 2
    found = (" ".join(sentence.text.split()) for sentence in sentences(book) if (500 < sentence.start < half) == is_fit)
    return [sentence for sentence in found if 30 <= len(sentence) <= 200 and sentence[-1] in ".!?'"]


def spoken(voice: str, speed: float, chosen: Sequence[str]) -> Iterator[Timed]:
    """Yield the texts as `voice` speaks them."""
    request = SpeechRequest(voice=voice, device="cpu", speed=speed, threads=1)
    with speaker(request) as talker:
        for text in chosen:
            made = talker.utterance(SpeechRequest(text, speed=speed))
            known = known_words(text, talker.reader)
            timed = tuple(words(text, made.segments))
            yield Timed(voice, speed, text, made.audio, known, timed, tuple(_phonemes(made)))


def _phonemes(made: Utterance) -> Iterator[tuple[str, float]]:
    """Yield the phonemes of an utterance as `hama_phonemes.split` divides them, with their onsets in seconds."""
    begun = 0.0
    for segment in made.segments:
        chunk = segment.chunk
        kept = [i for i, symbol in enumerate(chunk.phonemes) if not IGNORED.fullmatch(symbol) or symbol == " "]
        plain = "".join(chunk.phonemes[i] for i in kept)
        plain = RHOTIC.sub(lambda found: found.group()[0] + "\u0001", plain)
        for unit in UNIT.finditer(plain):
            if unit.group()[0].isalpha():
                symbol = unit.group()
                if plain[unit.end() : unit.end() + 1] == "\u0001":
                    symbol = {"ɜ": "ɜ", "ə": "ɚ"}[symbol]
                yield symbol, begun + segment.onsets[kept[unit.start()]]
        begun += segment.audio.duration


def corpus(voices: Sequence[str], each: int, *, is_fit: bool) -> Iterator[Timed]:
    """Yield `each` utterances of every voice, each another text, at the SPEEDS in turn."""
    chosen = texts(is_fit=is_fit)
    step = len(chosen) / (len(voices) * each)
    numbers = iter(int(i * step) for i in range(len(voices) * each))
    for voice in voices:
        for speed, number in zip(cycle(SPEEDS), islice(numbers, each), strict=False):
            yield from spoken(voice, speed, [chosen[number]])


def cached(path: Path, voices: Sequence[str], each: int, *, is_fit: bool) -> list[Timed]:
    """Return `corpus(...)`, kept in a file for the next time."""
    if not path.exists():
        path.write_bytes(pickle.dumps(list(corpus(voices, each, is_fit=is_fit))))
    made: list[Timed] = pickle.loads(path.read_bytes())  # noqa: S301  written by this function
    return made


def use_home() -> None:
    """Find models where speakkit's settings say."""
    locations.use(config.locations)
