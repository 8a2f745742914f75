"""The speech pipeline: str -> Sentence -> phonemes -> Chunk -> Audio -> Utterance. All speech is made by it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from itertools import islice

from speakkit import voices
from speakkit.audio import Audio, joined
from speakkit.config import checked_speed
from speakkit.engines import registry, voice_files, voice_packs
from speakkit.engines.base import Synthesis, Synthesizer
from speakkit.errors import SpeakkitError
from speakkit.identity import Identity
from speakkit.outcome import Failure, Outcome
from speakkit.speech.concatenation import Segment, segment
from speakkit.speech.frontend import Reader, SpeechPlan
from speakkit.speech.stages import Stages
from speakkit.speech_request import SpeechRequest
from speakkit.text import lexicon
from speakkit.text.chunks import Chunk, Delivery, Token
from speakkit.voices import Voice

PER_PROCESS = 250
"""Minimum characters of bulk work for each process, about two chunks: it loads for about as long as it speaks these."""


@dataclass(frozen=True, eq=False)
class Utterance:
    """The speech of one text.

    voice: full name of the voice, such as "af_heart", or of a blend, such as "af_bella(2)+af_sky"
    engine: identity of the synthesizer, with its weights
    segments: one per chunk, in order; their audio, joined, is `audio`
    warnings: one line for each part of the text that was dropped or failed, without the lost words
    """

    text: str
    voice: str
    engine: Identity
    audio: Audio
    segments: tuple[Segment, ...]

    @property
    def lost(self) -> tuple[Token, ...]:
        """The words of the text that are not, or not completely, in the audio."""
        return tuple(token for part in self.segments for token in part.chunk.lost)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of all segments; see the class."""
        return tuple(line for part in self.segments for line in part.warnings)


@dataclass(frozen=True)
class Speaker:
    """A voice with the borrowed engines that it needs (see `speaker`).

    Of each request it uses the text, speed, seed and markup. The voice, the language and the engines are fixed.

    reader: the text front end of the voice's language
    threads: processor threads of the synthesizer; 0 for torch's own count
    is_awaited: somebody waits for the first segment of a text
    processes: processes in which the synthesizer runs, each with `threads`
    """

    voice: Voice
    reader: Reader
    synthesizer: Synthesizer
    threads: int = 0
    is_awaited: bool = True
    processes: int = 1

    def segments(
        self, request: SpeechRequest, *, starts_early: bool = False, first: int = 0, stages: Stages | None = None
    ) -> Iterator[Segment]:
        """Yield the segments of a text. The first chunk is synthesized before the last one is planned.

        starts_early: make the first chunk short, because it is played at once
        first: index of the first chunk to synthesize; earlier chunks are planned, but not synthesized
        stages: counts the time of reading
        Raises TextError if the voice can speak no word of the text, and BadValue if the speed is outside SPEEDS.
        """
        plan = self._plan(request, starts_early=starts_early)
        warned = 0
        chunks = islice(stages.read(plan.chunks) if stages else plan.chunks, first, None)
        for outcome in self.synthesizer.synthesize(chunks, urgent=self.is_awaited):
            spoken = segment(outcome.item, outcome.result(), self.synthesizer)
            yield replace(spoken, warnings=tuple(plan.warnings[warned:]))
            warned = len(plan.warnings)

    def utterance(self, request: SpeechRequest) -> Utterance:
        """Return the speech of a whole text. Raises as `segments` does."""
        (outcome,) = self.speak([request])
        return outcome.result()

    def speak(self, requests: Iterable[SpeechRequest]) -> Iterator[Outcome[SpeechRequest, Utterance]]:
        """Yield the speech of each text, in order. Batches are filled with chunks of several texts.

        If a text fails, its outcome has the error, and the other texts are still spoken. Requests are consumed as far
        ahead as a batch needs. On a CPU that is one at a time: each chunk is synthesized alone, and its samples never
        depend on its neighbours. On a GPU the order of the texts determines which chunks share a batch.
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
        """Yield the chunks of all texts. Each text is appended to `pending` before its first chunk."""
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
    """A text whose chunks are being synthesized together with those of other texts.

    number: its place among these texts, from 0
    segments: its segments so far
    warnings: all warnings of its plan so far
    warned: number of warnings that a segment already has
    error: the first error; None if there is none
    """

    request: SpeechRequest
    number: int
    segments: list[Segment] = field(default_factory=list)
    warnings: Sequence[str] = ()
    warned: int = 0
    error: Failure | None = None

    def add(self, spoken: Outcome[Chunk, Synthesis], synthesizer: Synthesizer) -> None:
        """Add the text's next chunk. If several chunks fail, the text fails with the error of the first."""
        if spoken.error:
            self.error = self.error or spoken.error
        elif not self.error:
            made = segment(spoken.item, spoken.result(), synthesizer)
            self.segments.append(replace(made, warnings=tuple(self.warnings[self.warned :])))
            self.warned = len(self.warnings)

    def outcome(self, speaker: Speaker) -> Outcome[SpeechRequest, Utterance]:
        """The outcome for the text, after its last chunk was added."""
        if self.error:
            return Outcome(self.request, error=self.error)
        audio = joined([part.audio for part in self.segments])
        engine = speaker.synthesizer.identity
        spoken = Utterance(self.request.text, speaker.voice.name, engine, audio, tuple(self.segments))
        return Outcome(self.request, spoken)


def lost_word(token: Token, voice: str) -> str:
    """The warning for a word that was not spoken. voice: name of the voice."""
    return f"{token.text!r} at character {token.start} was not spoken: the voice {voice} cannot say it"


def find_voice(name: str, lang: str = "") -> Voice:
    """Return the voice called `name`, set to the language `lang`, or to its own language if `lang` is "".

    name: a voice name, an alias, a blend, the name of a blend in the settings, or a voice pack in the user's voice
        folder
    Raises BadValue if there is no such voice or language.
    """
    found = voice_files.named(name)
    return replace(found, language=voices.language(lang)) if lang else found


def voice_of(request: SpeechRequest) -> Voice:
    """Return the voice that speaks `request`. Raises as `find_voice` does."""
    return find_voice(request.voice or voices.DEFAULT, request.lang)


@contextmanager
def speaker(request: SpeechRequest, *, batch: int | None = None, bulk: int = 0) -> Iterator[Speaker]:
    """Borrow the voice and the engines that `request` needs, for the duration of a block. Its text is not used.

    batch: maximum number of chunks in a batch; None for the device's default
    bulk: characters of all the texts that are spoken, if they are many, and nobody waits for their beginning; else 0.
        On a CPU each chunk of bulk work is spoken with one thread, unless the request says otherwise, and several
        chunks at once, each in a process of its own. The samples do not depend on the number of processes. For a GPU
        the text is read in processes of their own
    Raises BadValue if the voice, language, engine or device is unknown, or if `batch` is below 1; EngineError or
    ModelError if an engine cannot be loaded.
    """
    voice = voice_of(request)
    registry.require_language(voice.language)
    on_cpu = bulk > 0 and request.engine == "kokoro" and registry.is_on_cpu(request.device)
    threads = request.threads or (1 if on_cpu else registry.threads())
    processes = min(registry.processes(threads), bulk // PER_PROCESS) if on_cpu else 1
    if processes > 1:
        voice_packs.blended(voice)  # fetched here if it is missing, because the processes fetch nothing
        # It comes first, because its processes load it while this one loads the front end.
        with registry.pooled_synthesizer(processes) as synthesizer, reader(voice.language) as reads:
            yield Speaker(voice, reads, synthesizer, threads, is_awaited=False, processes=processes)
    else:
        readers = registry.reading_processes() if bulk and not on_cpu else 1
        with (
            reader(voice.language, request.engine, readers) as reads,
            registry.synthesizer(request.engine, request.device, batch) as synthesizer,
        ):
            yield Speaker(voice, reads, synthesizer, threads, is_awaited=not bulk)


@contextmanager
def reader(language: str, engine: str = "kokoro", processes: int = 1) -> Iterator[Reader]:
    """Borrow the text front end of `language` for the synthesizer `engine`, for the duration of a block.

    processes: processes that find the phonemes; 1 for this one. Several are still loading when the block begins
    Raises EngineError if the language's extra is not installed, and ConfigError if the lexicon is invalid.
    """
    words = lexicon.load(language, registry.limits(engine).symbols)
    if processes > 1:
        with closing(registry.pooled_phonemizer(language, processes)) as pool:
            pool.start()
            yield Reader(language, pool, words)
    else:
        with registry.phonemizer(language) as phonemizer:
            yield Reader(language, phonemizer, words)
