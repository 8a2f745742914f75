"""str -> Sentence -> phonemes -> Chunk -> Audio -> Utterance: the path of everything that speakkit says."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from speakkit import voices
from speakkit.audio import Audio, joined
from speakkit.config import checked_speed
from speakkit.engines import locations, registry, voice_packs
from speakkit.engines.base import Synthesis, Synthesizer
from speakkit.errors import SpeakkitError
from speakkit.identity import Identity
from speakkit.outcome import Failure, Outcome
from speakkit.speech.concatenation import Segment, segment
from speakkit.speech.frontend import Reader, SpeechPlan
from speakkit.speech_request import SpeechRequest
from speakkit.text import lexicon
from speakkit.text.chunks import Chunk, Delivery, Token
from speakkit.voices import Voice


@dataclass(frozen=True, eq=False)
class Utterance:
    """One text, spoken.

    voice: full name of the voice, such as "af_heart", or of a blend, such as "af_bella(2)+af_sky"
    engine: the synthesizer that spoke, with its weights
    warnings: one line for each thing that was dropped or failed, without the lost words
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

    @property
    def warnings(self) -> tuple[str, ...]:
        """See the class."""
        return tuple(line for part in self.segments for line in part.warnings)


@dataclass(frozen=True)
class Speaker:
    """A voice with the engines that it needs, which are lent to it.

    threads: of the processor, that the synthesizer computes with; 0 for torch's own count
    Of a request it takes the text, speed, seed and markup; the voice and the engines are chosen (see `speaker`).
    """

    voice: Voice
    reader: Reader
    synthesizer: Synthesizer
    threads: int = 0

    def segments(self, request: SpeechRequest, *, starts_early: bool = False, first: int = 0) -> Iterator[Segment]:
        """Speak a text chunk by chunk; the first is spoken before the last is read.

        starts_early: make the first chunk short, because it is played at once
        first: index of the first chunk to speak; those before it are read, and not spoken
        Raises TextError if the voice can say no word of the text, BadValue for a speed out of SPEEDS.
        """
        plan = self._plan(request, starts_early=starts_early)
        warned = 0
        for outcome in self.synthesizer.synthesize(islice(plan.chunks, first, None)):
            spoken = segment(outcome.item, outcome.result(), self.synthesizer)
            yield replace(spoken, warnings=tuple(plan.warnings[warned:]))
            warned = len(plan.warnings)

    def utterance(self, request: SpeechRequest) -> Utterance:
        """Speak a text as a whole. Raises as `segments` does."""
        (outcome,) = self.speak([request])
        return outcome.result()

    def speak(self, requests: Iterable[SpeechRequest]) -> Iterator[Outcome[SpeechRequest, Utterance]]:
        """Speak each of many texts as a whole, in batches that are filled from all of them.

        A text that fails is an outcome with its error. Requests are taken as far ahead as a batch needs: one at a time
        on a processor, where each chunk is spoken alone and its samples never depend on its neighbours; on a GPU the
        order of the texts decides which chunks share a batch.
        """
        pending: deque[_Pending] = deque()
        for outcome in self.synthesizer.synthesize(self._planned(requests, pending), urgent=False):
            while pending[0].number < outcome.item.utterance:
                yield pending.popleft().outcome(self)
            pending[0].add(outcome, self.synthesizer)
            if outcome.item.is_last:
                yield pending.popleft().outcome(self)
        yield from (text.outcome(self) for text in pending)

    def _planned(self, requests: Iterable[SpeechRequest], pending: "deque[_Pending]") -> Iterator[Chunk]:
        """The chunks of all texts, each of which is put into `pending` first."""
        for number, request in enumerate(requests):
            entry = _Pending(request, number)
            pending.append(entry)
            try:
                plan = self._plan(request, number)
                entry.warnings = plan.warnings
                yield from plan.chunks
            except SpeakkitError as error:
                entry.error = error

    def _plan(self, request: SpeechRequest, number: int = 0, *, starts_early: bool = False) -> SpeechPlan:
        speed = checked_speed(request.speed)
        delivery = Delivery(self.voice, speed, request.seed, starts_early, number, self.threads)
        return self.reader.plan(request.text, delivery, request.markup, self.synthesizer.limits)


@dataclass
class _Pending:
    """A text that is being spoken with others. number: its place among them; warned: warnings that are in a segment."""

    request: SpeechRequest
    number: int
    segments: list[Segment] = field(default_factory=list)
    warnings: Sequence[str] = ()
    warned: int = 0
    error: Failure | None = None

    def add(self, spoken: Outcome[Chunk, Synthesis], synthesizer: Synthesizer) -> None:
        """Take its next chunk. The first chunk that failed is why the text fails."""
        if spoken.error:
            self.error = self.error or spoken.error
        elif not self.error:
            made = segment(spoken.item, spoken.result(), synthesizer)
            self.segments.append(replace(made, warnings=tuple(self.warnings[self.warned :])))
            self.warned = len(self.warnings)

    def outcome(self, speaker: Speaker) -> Outcome[SpeechRequest, Utterance]:
        """The whole text, once no chunk of it is to come."""
        if self.error:
            return Outcome(self.request, error=self.error)
        audio = joined([part.audio for part in self.segments])
        engine = speaker.synthesizer.identity
        spoken = Utterance(self.request.text, speaker.voice.name, engine, audio, tuple(self.segments))
        return Outcome(self.request, spoken)


def lost_word(token: Token, voice: str) -> str:
    """The line that tells of a word that was not spoken. voice: the name of who should have."""
    return f"{token.text!r} at character {token.start} was not spoken: the voice {voice} cannot say it"


def find_voice(name: str, lang: str = "") -> Voice:
    """The voice that `name` means, to read `lang`, or else its own language.

    name: a name, an alias, a blend, a blend of the configuration, or a pack in the user's voice folder.
    Raises BadValue for a voice or a language that there is not.
    """
    found = voices.find(name, blends=locations.current().blends, own=voice_packs.own())
    return replace(found, language=voices.language(lang)) if lang else found


@contextmanager
def speaker(request: SpeechRequest, *, batch: int | None = None) -> Iterator[Speaker]:
    """Borrow what `request` needs, for the length of a block; its text does not matter.

    batch: the most chunks that are spoken at once; None for what is best on the device
    Raises BadValue for an unknown voice, language, engine or device, or for no batch; EngineError; ModelError.
    """
    voice = find_voice(request.voice or voices.DEFAULT, request.lang)
    with (
        reader(voice.language, request.engine) as reads,
        registry.synthesizer(request.engine, request.device, batch) as synthesizer,
    ):
        yield Speaker(voice, reads, synthesizer, registry.threads(request.threads))


@contextmanager
def reader(language: str, engine: str = "kokoro") -> Iterator[Reader]:
    """Borrow what reads `language` for a synthesizer, for the length of a block.

    Raises EngineError where the extra of the language is missing, ConfigError for a faulty lexicon.
    """
    words = lexicon.load(language, registry.limits(engine).symbols)
    with registry.phonemizer(language) as phonemizer:
        yield Reader(language, phonemizer, words)
