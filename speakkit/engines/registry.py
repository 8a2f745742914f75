"""Engine names -> the modules that hold them. Lends engines, and imports nothing heavy before one is asked for.

Every function that lends one gives a context manager: `with registry.recognizer("whisper-base", "cpu") as whisper:`.
The engine stays loaded for the next borrower, until another one needs its memory (`lending.Lender`).
"""

import importlib
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from speakkit.engines import memory
from speakkit.engines.base import Aligner, Embedder, Engine, Judge, Phonemizer, Recognizer, Synthesizer, TextSynthesizer
from speakkit.engines.g2p import Composed
from speakkit.engines.lending import Lender, Loading
from speakkit.errors import BadValue, EngineError
from speakkit.text.chunks import ChunkLimits

if TYPE_CHECKING:
    from speakkit.engines.pool import Pooled

SYNTHESIZERS = {"kokoro": "kokoro.Kokoro", "upstream": "upstream.Upstream"}
LIMITS = {"kokoro": "kokoro_config.limits", "upstream": "kokoro_config.limits"}
"""Synthesizer -> what it can speak at once, told without loading it."""
TEXT_SYNTHESIZERS: dict[str, str] = {}
CLOUDS = ("gemini", "inworld")
PHONEMIZERS = {
    **dict.fromkeys(("en-us", "en-gb"), "english.Misaki"),
    **dict.fromkeys(("es", "fr-fr", "hi", "it", "pt-br"), "espeak.Espeak"),
    "ja": "japanese.OpenJtalk",
    "zh": "mandarin.Pinyin",
}
SOURCES = {"en-us": "", "en-gb": "", "ja": "Open JTalk", "zh": "pypinyin"}
"""Where a language's phonemes are from, if not from espeak-ng; the English one says it of each word."""
EXTRAS = {"ja": ("ja", ("pyopenjtalk",)), "zh": ("zh", ("cn2an", "jieba", "ordered_set", "pypinyin"))}
"""Language -> the extra of speakkit that it needs, and what that extra installs."""
RECOGNIZERS = {"whisper-base": "whisper.Whisper", "whisper-tiny.en": "whisper.Whisper"}
ALIGNERS: dict[str, str] = {}
JUDGES = {"dnsmos": "dnsmos.Dnsmos"}
EMBEDDERS: dict[str, str] = {}

lender = Lender(memory.free)
"""Every engine of this process."""


def _found(place: str) -> Any:
    module, name = place.split(".")
    return getattr(importlib.import_module(f"speakkit.engines.{module}"), name)


def _lent(place: str, *arguments: str | int) -> AbstractContextManager[Engine]:
    def load() -> Engine:
        return cast("Engine", _found(place).load(*arguments))

    name = " ".join(map(str, arguments)) or place
    return lender.lend(Loading((place, *arguments), name, lambda: _found(place).footprint(*arguments), load))


def _one_of(known: dict[str, str], kind: str, name: str) -> str:
    """Where the engine `name` of a kind is. Raises BadValue if there is none."""
    if name not in known:
        tried = f"try one of {', '.join(known)}" if known else "none is installed"
        raise BadValue(f"there is no {kind} {name!r}; {tried}")
    return known[name]


def require(engine: str) -> None:
    """Raises BadValue for an engine that there is not, EngineError for one that there is not yet."""
    if engine in CLOUDS and engine not in TEXT_SYNTHESIZERS:
        raise EngineError(f"the {engine} engine is not available yet; leave it out to speak with kokoro")
    if engine not in SYNTHESIZERS and engine not in TEXT_SYNTHESIZERS:
        raise BadValue(f"there is no engine {engine!r}; try one of {', '.join([*SYNTHESIZERS, *CLOUDS])}")


def synthesizer(
    engine: str = "kokoro", device: str = "auto", batch: int | None = None
) -> AbstractContextManager[Synthesizer]:
    """Lend the synthesizer of that name on that device.

    batch: the most chunks that are spoken at once; None for what is best on the device
    Raises BadValue, EngineError or ModelError.
    """
    require(engine)
    if batch is not None and batch < 1:
        raise BadValue(f"a batch of {batch} chunks cannot be spoken; use 1 or more")
    arguments = (device,) if batch is None else (device, batch)
    place = _one_of(SYNTHESIZERS, "synthesizer from phonemes", engine)
    return cast("AbstractContextManager[Synthesizer]", _lent(place, *arguments))


def threads(count: int = 0) -> int:
    """How many threads of the processor an engine computes with, where `count` are asked for; 0 for torch's own count.

    Loads torch.
    """
    from speakkit.engines import device  # noqa: PLC0415  it loads torch

    return count or device.own_threads()


def limits(engine: str = "kokoro") -> ChunkLimits:
    """What a synthesizer can speak at once. Loads neither the engine nor torch. Raises as `require` does."""
    require(engine)
    return cast("ChunkLimits", _found(LIMITS[engine])())


def text_synthesizer(name: str) -> AbstractContextManager[TextSynthesizer]:
    """Lend the synthesizer of that name that reads for itself."""
    place = _one_of(TEXT_SYNTHESIZERS, "synthesizer from text", name)
    return cast("AbstractContextManager[TextSynthesizer]", _lent(place))


def require_language(language: str) -> None:
    """Raises EngineError, with what to install, for a language whose extra is missing."""
    missing = missing_packages(language)
    if missing:
        extra, _ = EXTRAS[language]
        raise EngineError(
            f"to speak {language} speakkit needs {', '.join(missing)}; install it: pip install 'speakkit[{extra}]'"
        )


def phonemizer(language: str) -> AbstractContextManager[Phonemizer]:
    """Lend the phonemizer for one of `voices.LANGUAGES`. Raises EngineError if its extra is missing."""
    require_language(language)
    place = PHONEMIZERS[language]

    def load() -> Composed:
        return Composed(cast("Phonemizer", _found(place).load(language)), SOURCES.get(language, "espeak-ng"))

    name = f"the phonemizer of {language}"
    return lender.lend(Loading((place, language), name, lambda: _found(place).footprint(language), load))


def pooled(language: str, processes: int) -> "Pooled":
    """As `phonemizer`, in processes of its own; close it. Raises EngineError, or BadValue for less than one process."""
    from speakkit.engines.pool import Pooled  # noqa: PLC0415  that module imports this one, in each process

    require_language(language)
    return Pooled(language, processes)


def missing_packages(language: str) -> tuple[str, ...]:
    """What of a language's extra is not installed; empty where nothing is missing, or the language needs none."""
    _, packages = EXTRAS.get(language, ("", ()))
    return tuple(package for package in packages if find_spec(package) is None)


def recognizer(name: str = "whisper-base", device: str = "auto") -> AbstractContextManager[Recognizer]:
    """Lend the recognizer of that name on that device."""
    place = _one_of(RECOGNIZERS, "recognizer", name)
    return cast("AbstractContextManager[Recognizer]", _lent(place, name, device))


def aligner(name: str) -> AbstractContextManager[Aligner]:
    """Lend the aligner of that name."""
    return cast("AbstractContextManager[Aligner]", _lent(_one_of(ALIGNERS, "aligner", name)))


def judge(name: str = "dnsmos") -> AbstractContextManager[Judge]:
    """Lend the judge of that name."""
    return cast("AbstractContextManager[Judge]", _lent(_one_of(JUDGES, "judge", name)))


def embedder(name: str) -> AbstractContextManager[Embedder]:
    """Lend the embedder of that name."""
    return cast("AbstractContextManager[Embedder]", _lent(_one_of(EMBEDDERS, "embedder", name)))
