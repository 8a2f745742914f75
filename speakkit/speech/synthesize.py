"""str -> Sentence -> phonemes -> Chunk -> Audio -> Utterance: the path of everything that speakkit says."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, tee

from speakkit import config, voices
from speakkit.audio import Audio, joined
from speakkit.config import checked_speed
from speakkit.engines import packs, registry
from speakkit.engines.base import Synthesizer
from speakkit.errors import SpeakkitError
from speakkit.speech.joins import Segment, segment
from speakkit.speech.reading import Reader
from speakkit.text import lexicon
from speakkit.text.chunks import Delivery, Token
from speakkit.text.markup import Markup
from speakkit.voices import Voice

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Utterance:
    """One text, spoken.

    voice: full name of the voice, such as "af_heart", or of a blend, such as "af_bella(2)+af_sky"
    weights: which weights spoke, such as "official" or "rebuilt from int8"
    """

    text: str
    voice: str
    weights: str
    audio: Audio
    segments: tuple[Segment, ...]

    @property
    def lost(self) -> tuple[Token, ...]:
        """The words that ought to be heard in the audio and are not, in full."""
        return tuple(token for part in self.segments for token in part.chunk.lost)


@dataclass(frozen=True)
class Speaker:
    """A voice with the engines that it needs: `speakers` of one language share them.

    threads: of the processor, that the synthesizer computes with
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
        delivery = Delivery(self.voice, checked_speed(speed), seed, starts_early)
        plan = self.reader.plan(text, delivery, markup, self.synthesizer.symbols)
        for warning in plan.warnings:
            log.warning("%s", warning)
        kept, planned = tee(islice(plan.chunks, first, None))
        spoken = self.synthesizer.synthesize(chunk for chunk in planned if chunk.phonemes)
        for chunk in kept:
            registry.fix_threads(self.threads)  # another speaker may have set its own since
            outcome = next(spoken) if chunk.phonemes else None
            if isinstance(outcome, SpeakkitError):
                raise outcome
            yield segment(chunk, outcome, self.synthesizer)

    def utterance(self, text: str, *, speed: float = 1.0, seed: int = 0, markup: Markup = Markup.PLAIN) -> Utterance:
        """Speak `text` as a whole. Raises as `segments` does."""
        spoken = tuple(self.segments(text, speed=speed, seed=seed, markup=markup))
        audio = joined([part.audio for part in spoken])
        return Utterance(text, self.voice.name, self.synthesizer.weights, audio, spoken)


def lost_word(token: Token, voice: str) -> str:
    """The line that tells of a word that was not spoken. voice: the name of who should have."""
    return f"{token.text!r} at character {token.start} was not spoken: the voice {voice} cannot say it"


def find_voice(name: str, lang: str | None = None) -> Voice:
    """The voice that `name` means, to read `lang`, or else its own language.

    name: a name, an alias, a blend, a blend of the configuration, or a pack in the user's voice folder.
    Raises BadValue for a voice or a language that there is not.
    """
    found = voices.find(name, blends=config.load().blends, own=packs.own())
    return replace(found, language=voices.language(lang)) if lang else found


def speaker(
    voice: Voice, *, engine: str = "kokoro", device: str = "auto", batch: int | None = None, threads: int = 0
) -> Speaker:
    """Load what `voice` needs.

    batch: the most chunks that are spoken at once; None for what is best on the device
    threads: of the processor; 0 for as many as torch takes
    Raises BadValue for an unknown engine or device, or no batch; EngineError; ModelError.
    """
    fixed = registry.fix_threads(threads)
    return Speaker(voice, reader(voice.language), registry.synthesizer(engine, device, batch), fixed)


def reader(language: str) -> Reader:
    """Load what reads `language`. Raises EngineError where its extra is missing, ConfigError for a faulty lexicon."""
    return Reader(language, registry.phonemizer(language), lexicon.load(language))


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
    talker = speaker(find_voice(voice, lang), device=device, threads=threads)
    for text in [texts] if isinstance(texts, str) else texts:
        yield talker.utterance(text, speed=speed, seed=seed)
