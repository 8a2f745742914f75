"""str -> Sentence -> phonemes -> Chunk -> Audio -> Utterance: the path of everything that speakkit says."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from speakkit import config, voices
from speakkit.audio import Audio, joined
from speakkit.config import checked_speed
from speakkit.engines import registry, voice_packs
from speakkit.engines.base import Synthesis, Synthesizer
from speakkit.errors import SpeakkitError
from speakkit.identity import Identity
from speakkit.outcome import Failure, Outcome
from speakkit.speech.concatenation import Segment, segment
from speakkit.speech.frontend import Reader, SpeechPlan
from speakkit.text import lexicon
from speakkit.text.chunks import Chunk, Delivery, Token
from speakkit.text.markup import Markup
from speakkit.voices import Voice

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Utterance:
    """One text, spoken.

    voice: full name of the voice, such as "af_heart", or of a blend, such as "af_bella(2)+af_sky"
    engine: the synthesizer that spoke, with its weights
    """

    text: str
    voice: str
    engine: Identity
    audio: Audio
    segments: tuple[Segment, ...]

    @property
    def lost(self) -> tuple[Token, ...]:
        """The words that ought to be heard in the audio and are not, in full."""
        return tuple(token for part in self.segments for token in part.chunk.lost)


@dataclass(frozen=True)
class Speaker:
    """A voice with the engines that it needs, which are lent to it.

    threads: of the processor, that the synthesizer computes with; 0 for torch's own count
    """

    voice: Voice
    reader: Reader
    synthesizer: Synthesizer
    threads: int = 0

    def segments(
        self,
        text: str,
        *,
        speed: float = 1.0,
        seed: int = 0,
        markup: Markup = Markup.PLAIN,
        starts_early: bool = False,
        first: int = 0,
    ) -> Iterator[Segment]:
        """Speak `text` chunk by chunk, the first before the last is read, and a short one where it `starts_early`.

        first: the chunk to begin with; those before it are read, and not spoken
        Raises TextError where there is no word in it that this voice can say, BadValue for a speed out of SPEEDS.
        """
        plan = self._plan(text, self._delivery(speed, seed, starts_early=starts_early), markup)
        for outcome in self.synthesizer.synthesize(islice(plan.chunks, first, None)):
            yield segment(outcome.item, outcome.result(), self.synthesizer)

    def utterance(self, text: str, *, speed: float = 1.0, seed: int = 0, markup: Markup = Markup.PLAIN) -> Utterance:
        """Speak `text` as a whole. Raises as `segments` does."""
        (outcome,) = self.speak([text], speed=speed, seed=seed, markup=markup)
        return outcome.result()

    def speak(
        self, texts: Iterable[str], *, speed: float = 1.0, seed: int = 0, markup: Markup = Markup.PLAIN
    ) -> Iterator[Outcome[str, Utterance]]:
        """Speak each of many texts as a whole, in batches that are filled from all of them.

        A text that fails is an outcome with its error. Texts are taken as far ahead as a batch needs: one at a time on
        a processor, where each chunk is spoken alone and its samples never depend on its neighbours; on a GPU the
        order of the texts decides which chunks share a batch. Raises BadValue for a speed out of SPEEDS.
        """
        pending: deque[_Pending] = deque()
        delivery = self._delivery(speed, seed)
        for outcome in self.synthesizer.synthesize(self._planned(texts, delivery, markup, pending), urgent=False):
            while pending[0].number < outcome.item.utterance:
                yield pending.popleft().outcome(self)
            pending[0].add(outcome, self.synthesizer)
            if outcome.item.is_last:
                yield pending.popleft().outcome(self)
        yield from (text.outcome(self) for text in pending)

    def _planned(
        self, texts: Iterable[str], delivery: Delivery, markup: Markup, pending: "deque[_Pending]"
    ) -> Iterator[Chunk]:
        """The chunks of all texts, each of which is put into `pending` first."""
        for number, text in enumerate(texts):
            entry = _Pending(text, number)
            pending.append(entry)
            try:
                yield from self._plan(text, replace(delivery, utterance=number), markup).chunks
            except SpeakkitError as error:
                entry.error = error

    def _delivery(self, speed: float, seed: int, *, starts_early: bool = False) -> Delivery:
        return Delivery(self.voice, checked_speed(speed), seed, starts_early, threads=self.threads)

    def _plan(self, text: str, delivery: Delivery, markup: Markup) -> SpeechPlan:
        plan = self.reader.plan(text, delivery, markup, self.synthesizer.limits)
        for warning in plan.warnings:
            log.warning("%s", warning)
        return plan


@dataclass
class _Pending:
    """A text that is being spoken with others. number: its place among them."""

    text: str
    number: int
    segments: list[Segment] = field(default_factory=list)
    error: Failure | None = None

    def add(self, spoken: Outcome[Chunk, Synthesis], synthesizer: Synthesizer) -> None:
        """Take its next chunk. The first chunk that failed is why the text fails."""
        if spoken.error:
            self.error = self.error or spoken.error
        elif not self.error:
            self.segments.append(segment(spoken.item, spoken.result(), synthesizer))

    def outcome(self, speaker: Speaker) -> Outcome[str, Utterance]:
        """The whole text, once no chunk of it is to come."""
        if self.error:
            return Outcome(self.text, error=self.error)
        audio = joined([part.audio for part in self.segments])
        engine = speaker.synthesizer.identity
        return Outcome(self.text, Utterance(self.text, speaker.voice.name, engine, audio, tuple(self.segments)))


def lost_word(token: Token, voice: str) -> str:
    """The line that tells of a word that was not spoken. voice: the name of who should have."""
    return f"{token.text!r} at character {token.start} was not spoken: the voice {voice} cannot say it"


def find_voice(name: str, lang: str | None = None) -> Voice:
    """The voice that `name` means, to read `lang`, or else its own language.

    name: a name, an alias, a blend, a blend of the configuration, or a pack in the user's voice folder.
    Raises BadValue for a voice or a language that there is not.
    """
    found = voices.find(name, blends=config.load().blends, own=voice_packs.own())
    return replace(found, language=voices.language(lang)) if lang else found


@contextmanager
def speaker(
    voice: Voice, *, engine: str = "kokoro", device: str = "auto", batch: int | None = None, threads: int = 0
) -> Iterator[Speaker]:
    """Borrow what `voice` needs, for the length of a block.

    batch: the most chunks that are spoken at once; None for what is best on the device
    threads: of the processor; 0 for as many as torch takes
    Raises BadValue for an unknown engine or device, or no batch; EngineError; ModelError.
    """
    with reader(voice.language, engine) as reads, registry.synthesizer(engine, device, batch) as synthesizer:
        yield Speaker(voice, reads, synthesizer, registry.threads(threads))


@contextmanager
def reader(language: str, engine: str = "kokoro") -> Iterator[Reader]:
    """Borrow what reads `language` for a synthesizer, for the length of a block.

    Raises EngineError where the extra of the language is missing, ConfigError for a faulty lexicon.
    """
    words = lexicon.load(language, registry.limits(engine).symbols)
    with registry.phonemizer(language) as phonemizer:
        yield Reader(language, phonemizer, words)


def synthesize(
    texts: str | Iterable[str],
    *,
    voice: str = voices.DEFAULT,
    lang: str | None = None,
    speed: float = 1.0,
    seed: int = 0,
    device: str = "auto",
    threads: int = 0,
) -> Iterator[Utterance]:
    """Speak each text.

    voice: a name such as "af_heart", an alias such as "f1", or a blend such as "af_bella(2)+af_sky(1)"
    lang: the language of the texts, such as "es"; by default the voice's own
    speed: 0.5 to 2.0; 1.0 is the voice's own
    seed: of the little noise in the voice; the same seed and threads on the same device give the same samples
    device: "auto", "cuda", "mps" or "cpu"
    threads: of the processor, as many for all that is spoken at once; 0 for as many as torch takes

    The audio is float32 in [-1, 1], one channel, 24 kHz. A word that could not be spoken is in `Utterance.lost`.
    Raises a `speakkit.errors.SpeakkitError`: BadValue (also a ValueError) for an argument that no run could accept,
    TextError for a text without words, ModelError or EngineError where the machine lacks what is needed.
    """
    with speaker(find_voice(voice, lang), device=device, threads=threads) as talker:
        for outcome in talker.speak([texts] if isinstance(texts, str) else texts, speed=speed, seed=seed):
            yield outcome.result()
