"""The Python API of speakkit, exported by `import speakkit`."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from msgspec import structs

from speakkit import config, recording, voices
from speakkit.audio import Audio
from speakkit.engines import locations
from speakkit.speech import word_times
from speakkit.speech.synthesize import Utterance, speaker
from speakkit.speech.word_times import WordTimes
from speakkit.speech_request import BULK, Markup, SpeechRequest
from speakkit.transcript import Transcript


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
    """Yield the speech of each text, in order.

    texts: one text, or several
    voice: a name such as "af_heart", an alias such as "f1", or a blend such as "af_bella(2)+af_sky(1)"
    lang: the language of the texts, such as "es"; None for the voice's own language
    speed: 0.5 to 2.0; 1.0 is the voice's own speed
    seed: seed of the noise in the voice; the same seed and threads on the same device give the same samples
    device: "auto", "cuda", "mps" or "cpu"
    threads: processor threads, shared by all concurrent synthesis; 0 for torch's own count. If `texts` is a string or
        a collection of BULK characters or more, 0 stands for one thread on a CPU, and several processes speak

    The audio is float32 in [-1, 1], one channel, 24 kHz. Words that could not be spoken are in `Utterance.lost`.
    Raises a `speakkit.errors.SpeakkitError`: BadValue (also a ValueError) if an argument is invalid, TextError if a
    text has no words, and ModelError or EngineError if weights or packages are missing on this machine.
    """
    shared = SpeechRequest(voice=voice, lang=lang or "", seed=seed, device=device, threads=threads)
    locations.use(config.locations)
    each = [texts] if isinstance(texts, str) else texts
    characters = sum(map(len, each)) if isinstance(each, Collection) else 0
    with speaker(shared, bulk=characters if characters >= BULK else 0) as talker:
        for outcome in talker.speak(
            structs.replace(shared, text=text, speed=speed, markup=Markup.PLAIN) for text in each
        ):
            yield outcome.result()


def transcribe(audio: Audio | str | Path, *, engine: str | None = None, language: str | None = None) -> Transcript:
    """Return what is said in a recording, as a recognizer hears it.

    audio: a recording, or the path of an audio or video file
    engine: a recognizer, such as "whisper-base"; None for the one of this machine
    language: ISO 639-1 code, such as "es"; None to detect it

    Raises a `speakkit.errors.SpeakkitError`: BadValue if an argument is invalid, StorageError if the file cannot be
    read, EngineError if the recording cannot be recognized, and ModelError if weights are missing.
    """
    locations.use(config.locations)
    transcript, _ = word_times.heard(_recorded(audio), engine, language)
    return transcript


def align(audio: Audio | str | Path, text: str, *, engine: str | None = None, language: str | None = None) -> WordTimes:
    """Return when each word of a known text is said in a recording.

    audio: a recording, or the path of an audio or video file
    engine: an aligner, such as "hama", or a recognizer that aligns; None for the best one for the language
    language: of the text, such as "es"; None for the language of its script, English if it is Latin

    A word that is not found has no time. If `is_foreign` is set, the recording says something else.
    Raises as `transcribe` does, and TextError if the text has no words.
    """
    locations.use(config.locations)
    return word_times.align(_recorded(audio), text, language=language, engine=engine)


def _recorded(audio: Audio | str | Path) -> Audio:
    return audio if isinstance(audio, Audio) else recording.read(Path(audio))
