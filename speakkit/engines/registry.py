"""Engine registry: maps engine names to modules and lends engines. Heavy packages are imported on first use only.

Each lending function returns a context manager: `with registry.recognizer("whisper-base", "cpu") as whisper:`.
The engine stays loaded for the next borrower until another engine needs its memory (`lending.Lender`).
"""

import importlib
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from speakkit.engines import memory, whisper_sizes
from speakkit.engines.base import (
    Aligner,
    Embedder,
    Engine,
    Footprint,
    Judge,
    Phonemizer,
    Recognizer,
    Synthesizer,
    TextAligner,
    TextSynthesizer,
)
from speakkit.engines.g2p import Composed
from speakkit.engines.lending import Lender, Loading
from speakkit.errors import BadValue, EngineError
from speakkit.text.chunks import ChunkLimits

if TYPE_CHECKING:
    from speakkit.engines.pool import PooledPhonemizer, PooledSynthesizer

SYNTHESIZERS = {"kokoro": "kokoro.Kokoro", "upstream": "upstream.Upstream"}
"""Synthesizer -> "module.name" of its class."""

LIMITS = {"kokoro": "kokoro_config.limits", "upstream": "kokoro_config.limits"}
"""Synthesizer -> "module.name" of the function that returns its chunk limits without loading the engine."""

TEXT_SYNTHESIZERS: dict[str, str] = {}
"""Text synthesizer -> "module.name" of its class."""

CLOUDS = ("gemini", "inworld")
"""Names of the cloud engines."""

PHONEMIZERS = {
    **dict.fromkeys(("en-us", "en-gb"), "english.Misaki"),
    **dict.fromkeys(("es", "fr-fr", "hi", "it", "pt-br"), "espeak.Espeak"),
    "ja": "japanese.OpenJtalk",
    "zh": "mandarin.Pinyin",
}
"""Language -> "module.name" of its phonemizer's class."""

SOURCES = {"en-us": "", "en-gb": "", "ja": "Open JTalk", "zh": "pypinyin"}
"""Language -> source of its phonemes; espeak-ng if not listed. The English phonemizer gives the source per word."""

EXTRAS = {"ja": ("ja", ("pyopenjtalk",)), "zh": ("zh", ("cn2an", "jieba", "ordered_set", "pypinyin"))}
"""Language -> the extra of speakkit that it needs, and the packages that the extra installs."""

WHISPERS = dict.fromkeys((f"whisper-{size}" for size in whisper_sizes.SIZES), "whisper.Whisper")
"""Size of Whisper -> "module.name" of its class."""

RECOGNIZERS = {
    **WHISPERS,
    **dict.fromkeys(("parakeet-ctc", "parakeet-tdt"), "parakeet.Parakeet"),
    "qwen3-asr": "qwen.Qwen",
    **dict.fromkeys(("sensevoice", "sherpa:FOLDER"), "sherpa.Sherpa"),
}
"""Recognizer -> "module.name" of its class. FOLDER stands for any folder."""

EXTERNAL = "external:"
"""Start of the names of recognizers that are commands in environments of their own; see `environments`."""

TEXT_ALIGNERS = {**WHISPERS, "parakeet-ctc": "parakeet.Parakeet"}
"""Text aligner -> "module.name" of its class. A recognizer that aligns too is loaded once for both."""

ALIGNERS = {"hama": "hama.Hama"}
"""Aligner -> "module.name" of its class."""

JUDGES = {"dnsmos": "dnsmos.Dnsmos"}
"""Judge -> "module.name" of its class."""

EMBEDDERS: dict[str, str] = {}
"""Embedder -> "module.name" of its class."""

READERS = 2
"""Maximum processes in which a text is read while a GPU speaks. One finds the phonemes of 3,400 seconds of English
speech per second of processor time (on an EPYC), and an H100 speaks 1,900."""

lender = Lender(memory.free)
"""Lender of all engines in this process."""


def _found(place: str) -> Any:
    """Import and return what `place` names, as "module.name" in speakkit.engines."""
    module, name = place.split(".")
    return getattr(importlib.import_module(f"speakkit.engines.{module}"), name)


def _lent(place: str, *arguments: str | int) -> AbstractContextManager[Engine]:
    """Lend the engine at `place`, loaded with `arguments`."""

    def load() -> Engine:
        return cast("Engine", _found(place).load(*arguments))

    name = " ".join(map(str, arguments)) or place
    return lender.lend(Loading((place, *arguments), name, lambda: _found(place).footprint(*arguments), load))


def _one_of(known: dict[str, str], kind: str, name: str) -> str:
    """Return the place of the engine `name` of a kind. Raises BadValue if there is no such engine."""
    if name not in known:
        tried = f"try one of {', '.join(known)}" if known else "none is installed"
        raise BadValue(f"there is no {kind} {name!r}; {tried}")
    return known[name]


def require(engine: str) -> None:
    """Check that a synthesizer is available.

    Raises BadValue if there is no such engine, and EngineError if it is not available yet.
    """
    if engine in CLOUDS and engine not in TEXT_SYNTHESIZERS:
        raise EngineError(f"the {engine} engine is not available yet; leave it out to speak with kokoro")
    if engine not in SYNTHESIZERS and engine not in TEXT_SYNTHESIZERS:
        raise BadValue(f"there is no engine {engine!r}; try one of {', '.join([*SYNTHESIZERS, *CLOUDS])}")


def synthesizer(
    engine: str = "kokoro", device: str = "auto", batch: int | None = None
) -> AbstractContextManager[Synthesizer]:
    """Lend the synthesizer `engine` on `device`.

    batch: maximum number of chunks in a batch; None for the device's default
    Raises BadValue, EngineError or ModelError.
    """
    require(engine)
    if batch is not None and batch < 1:
        raise BadValue(f"a batch of {batch} chunks cannot be spoken; use 1 or more")
    arguments = (device,) if batch is None else (device, batch)
    place = _one_of(SYNTHESIZERS, "synthesizer from phonemes", engine)
    return cast("AbstractContextManager[Synthesizer]", _lent(place, *arguments))


def pooled_synthesizer(processes: int) -> "PooledSynthesizer":
    """Return Kokoro in several worker processes on the CPU. The caller must close it. Imports torch.

    Raises ModelError if there are no weights, and BadValue for less than one process.
    """
    from speakkit.engines import hub, kokoro  # noqa: PLC0415  it imports torch
    from speakkit.engines.pool import PooledSynthesizer  # noqa: PLC0415  `pool` imports this module

    identity = kokoro.identity(kokoro.NAME, hub.ensure("kokoro"))
    return PooledSynthesizer(identity, kokoro.FRAME, limits(), processes)


def processes(threads: int) -> int:
    """Return how many processes of `threads` threads each can run Kokoro at once on the CPU, 1 or more.

    They use no more cores than one process would by default, and no more than `memory.SHARE` of the free memory.
    Imports torch.
    """
    from speakkit.engines import device  # noqa: PLC0415  it imports torch

    size = _found(SYNTHESIZERS["kokoro"]).footprint("cpu").size
    return max(1, min(device.own_threads() // threads, int(memory.SHARE * memory.free("cpu") / size)))


def reading_processes() -> int:
    """Return in how many processes a text is read while a GPU speaks, 1 for this one.

    This process needs a core of its own. Imports torch.
    """
    from speakkit.engines import device  # noqa: PLC0415  it imports torch

    return max(1, min(READERS, device.own_threads() - 1))


def is_on_cpu(device: str) -> bool:
    """Return whether engines on `device` run on the CPU. Imports torch. Raises BadValue or EngineError."""
    from speakkit.engines.device import pick  # noqa: PLC0415  it imports torch

    return pick(device).type == "cpu"


def threads(count: int = 0) -> int:
    """Return the CPU thread count that an engine uses if `count` is requested; 0 for torch's own count.

    Imports torch.
    """
    from speakkit.engines import device  # noqa: PLC0415  it imports torch

    return count or device.own_threads()


def limits(engine: str = "kokoro") -> ChunkLimits:
    """Return the chunk limits of a synthesizer. Loads neither the engine nor torch.

    Raises as `require` does.
    """
    require(engine)
    return cast("ChunkLimits", _found(LIMITS[engine])())


def text_synthesizer(name: str) -> AbstractContextManager[TextSynthesizer]:
    """Lend the text synthesizer `name`. Raises BadValue if there is none."""
    place = _one_of(TEXT_SYNTHESIZERS, "synthesizer from text", name)
    return cast("AbstractContextManager[TextSynthesizer]", _lent(place))


def require_language(language: str) -> None:
    """Check that the extra of a language is installed.

    Raises EngineError, with the command that installs it, if it is not.
    """
    missing = missing_packages(language)
    if missing:
        extra, _ = EXTRAS[language]
        raise EngineError(
            f"to speak {language} speakkit needs {', '.join(missing)}; install it: pip install 'speakkit[{extra}]'"
        )


def phonemizer(language: str) -> AbstractContextManager[Phonemizer]:
    """Lend the phonemizer for one of `voices.LANGUAGES`.

    Raises EngineError if its extra is not installed.
    """
    require_language(language)
    place = PHONEMIZERS[language]

    def load() -> Composed:
        return Composed(cast("Phonemizer", _found(place).load(language)), SOURCES.get(language, "espeak-ng"))

    name = f"the phonemizer of {language}"
    return lender.lend(Loading((place, language), name, lambda: _found(place).footprint(language), load))


def pooled_phonemizer(language: str, processes: int) -> "PooledPhonemizer":
    """Return a phonemizer that runs in several worker processes. The caller must close it.

    Raises EngineError if the language's extra is not installed, and BadValue for less than one process.
    """
    from speakkit.engines.pool import PooledPhonemizer  # noqa: PLC0415  `pool` imports this module

    require_language(language)
    return PooledPhonemizer(language, processes)


def missing_packages(language: str) -> tuple[str, ...]:
    """Return the packages of a language's extra that are not installed; empty if none is missing or needed."""
    _, packages = EXTRAS.get(language, ("", ()))
    return tuple(package for package in packages if find_spec(package) is None)


def text_aligner(name: str = "whisper-base", device: str = "auto") -> AbstractContextManager[TextAligner]:
    """Lend the text aligner `name` on `device`. Raises BadValue if there is none."""
    name = whisper_sizes.ALIASES.get(name, name)
    place = _one_of(TEXT_ALIGNERS, "text aligner", name)
    return cast("AbstractContextManager[TextAligner]", _lent(place, name, device))


def default_recognizer(device: str = "auto", language: str | None = None) -> str:
    """Return the name of the recognizer that is used on `device` unless the user names one. Imports CTranslate2.

    language: ISO 639-1 code of the speech; None if it must be detected
    Raises as `device.pick` does.
    """
    from speakkit.engines.whisper import ctranslate2_device  # noqa: PLC0415  it imports CTranslate2

    if ctranslate2_device(device) != "cuda":
        return "whisper-base"
    return "whisper-distil-large-v3" if language == "en" else "whisper-large-v3-turbo"


def recognizer(name: str = "whisper-base", device: str = "auto") -> AbstractContextManager[Recognizer]:
    """Lend the recognizer `name` on `device`, one of RECOGNIZERS or "external:NAME". Raises BadValue if unknown."""
    if name.startswith(EXTERNAL):
        return _external(name, device)
    name = whisper_sizes.ALIASES.get(name, name)
    place = _one_of(RECOGNIZERS, "recognizer", "sherpa:FOLDER" if name.startswith("sherpa:") else name)
    return cast("AbstractContextManager[Recognizer]", _lent(place, name, device))


def _external(name: str, device: str) -> AbstractContextManager[Recognizer]:
    """Lend an external recognizer; if its definition has changed since it was loaded, a fresh one.

    Raises as `environments.find` does.
    """
    from speakkit.engines import environments  # noqa: PLC0415  only external engines need it
    from speakkit.engines.external import External  # noqa: PLC0415  likewise

    found = environments.find(name.removeprefix(EXTERNAL))

    def load() -> Recognizer:
        return External(name, *found, device)

    return lender.lend(Loading((name, device, *found), f"{name} on {device}", lambda: Footprint("cpu", 0), load))


def aligner(name: str) -> AbstractContextManager[Aligner]:
    """Lend the aligner `name`. Raises BadValue if there is none."""
    return cast("AbstractContextManager[Aligner]", _lent(_one_of(ALIGNERS, "aligner", name)))


def judge(name: str = "dnsmos") -> AbstractContextManager[Judge]:
    """Lend the judge `name`. Raises BadValue if there is none."""
    return cast("AbstractContextManager[Judge]", _lent(_one_of(JUDGES, "judge", name)))


def embedder(name: str) -> AbstractContextManager[Embedder]:
    """Lend the embedder `name`. Raises BadValue if there is none."""
    return cast("AbstractContextManager[Embedder]", _lent(_one_of(EMBEDDERS, "embedder", name)))
