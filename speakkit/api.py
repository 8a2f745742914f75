"""The Python API of speakkit: what `import speakkit` offers."""

from collections.abc import Iterable, Iterator

from msgspec import structs

from speakkit import config, voices
from speakkit.engines import locations
from speakkit.speech.synthesize import Utterance, speaker
from speakkit.speech_request import Markup, SpeechRequest


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
    shared = SpeechRequest(voice=voice, lang=lang or "", seed=seed, device=device, threads=threads)
    locations.use(config.locations)
    with speaker(shared) as talker:
        each = [texts] if isinstance(texts, str) else texts
        for outcome in talker.speak(
            structs.replace(shared, text=text, speed=speed, markup=Markup.PLAIN) for text in each
        ):
            yield outcome.result()
