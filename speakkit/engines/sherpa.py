"""SenseVoice, NeMo transducers and Moonshine through sherpa-onnx, from a folder with their files.

sherpa-onnx ends its process if a file lacks what it expects, so it runs in a process of its own. It was never run with
real weights here: the tests load a small random network in SenseVoice's format.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from speakkit.audio import Audio
from speakkit.engines import hub, windows
from speakkit.engines.attempt import attempt
from speakkit.engines.base import Footprint
from speakkit.errors import BadValue, EngineError, ModelError, WorkerDied
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.printable import printable
from speakkit.transcript import Transcript, Word
from speakkit.workers.worker import Limits, Worker

NAME = "sensevoice"

OWN = "sherpa:"
"""Beginning of a name that goes on with a folder."""

PLACE = "speakkit.engines.sherpa:load"
"""Loader of the process."""

THREADS = 2
"""Threads of the process."""

TOKENS = "tokens.txt"
"""File with the vocabulary, in every folder."""

ENDINGS = (".int8.onnx", ".onnx", ".int8.ort", ".ort")
"""Endings of a network's file; the first that is there is used."""

IN_MEMORY = 2
"""Bytes in memory for each byte of the files, estimated."""


@dataclass(frozen=True)
class Kind:
    """One kind of model.

    about: its name in messages
    make: the class method of `sherpa_onnx.OfflineRecognizer` that opens it
    networks: parameter of `make` -> file name without its ending
    options: further parameters of `make`
    frame: length of an encoder frame in seconds, which a token lasts if its duration is not known
    names_language: each result names the language that was heard, if anything was decoded at all
    """

    about: str
    make: str
    networks: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    frame: float = 0.08
    names_language: bool = False


KINDS = (
    Kind("SenseVoice", "from_sense_voice", {"model": "model"}, {"use_itn": False}, 0.06, names_language=True),
    Kind(
        "a NeMo transducer",
        "from_transducer",
        {"encoder": "encoder", "decoder": "decoder", "joiner": "joiner"},
        {"model_type": "nemo_transducer"},
    ),
    Kind(
        "Moonshine",
        "from_moonshine",
        {
            "preprocessor": "preprocess",
            "encoder": "encode",
            "uncached_decoder": "uncached_decode",
            "cached_decoder": "cached_decode",
        },
    ),
    Kind("Moonshine v2", "from_moonshine_v2", {"encoder": "encoder_model", "decoder": "decoder_model_merged"}),
)
"""The kinds, told apart by the names of their files. Numbers are written as they are spoken (`use_itn`)."""


@dataclass(frozen=True)
class Clip:
    """One window, as it is sent to the process. samples: float32."""

    samples: bytes
    sample_rate: int


@dataclass(frozen=True)
class Found:
    """What sherpa-onnx found in a window; see its OfflineRecognitionResult.

    tokens: pieces of the text; the first of a word begins with a space
    starts: seconds, one for each token; empty if not known
    durations: seconds, likewise
    log_probabilities: natural logarithms, likewise
    language: such as "<|en|>"; "" if not known
    """

    text: str
    tokens: tuple[str, ...]
    starts: tuple[float, ...]
    durations: tuple[float, ...]
    log_probabilities: tuple[float, ...]
    language: str


class Sherpa:
    """Recognizer on the CPU. It detects the language, and cannot be told it.

    A word starts when its first token was emitted, and ends a frame after its last one. Its confidence, which only
    transducers have, is the smallest probability of its tokens.
    """

    device = "cpu"

    def __init__(self, name: str, weights: hub.Installed, place: str = PLACE) -> None:
        """Load the model in a folder, in a process of its own. place: loader of the process.

        Raises ModelError if the folder has no usable model, and EngineError if sherpa-onnx is not installed.
        """
        if find_spec("sherpa_onnx") is None:
            raise EngineError(f"{name} needs sherpa-onnx; install it: pip install 'speakkit[sherpa]'")
        self._kind, _ = located(weights.folder)
        self.identity = Identity(
            name,
            version=f"sherpa-onnx {version('sherpa-onnx')}",
            weights=weights.source,
            weights_sha256=weights.sha256,
            licence="Apache-2.0 AND LicenseRef-weights",
            sample_rate=windows.SAMPLE_RATE,
        )
        self._worker = Worker(place, str(weights.folder), Limits(retries=0))
        try:
            self._worker.start()
        except (WorkerDied, ModelError) as error:
            self.close()
            raise ModelError(
                f"{weights.folder} has no usable {self._kind.about} ({printable(str(error))}); replace its files"
            ) from error

    @classmethod
    def load(cls, name: str, device: str = "auto") -> "Sherpa":
        """Load `sensevoice`, or the folder of a name such as sherpa:FOLDER. Raises BadValue for another device."""
        if device not in ("auto", "cpu"):
            raise BadValue(f"{name} runs on the CPU only; leave --device out, or say --device cpu")
        folder = name.removeprefix(OWN)
        return cls(name, hub.ensure(name) if folder == name else hub.Installed(Path(folder), f"in {folder}"))

    @classmethod
    def footprint(cls, name: str, device: str = "auto") -> Footprint:  # noqa: ARG003  see `base.Engine`
        """See `base.Engine`."""
        if name == NAME:
            return Footprint("cpu", IN_MEMORY * hub.MODELS[name].size_mb * 10**6)
        _, files = located(Path(name.removeprefix(OWN)))
        return Footprint("cpu", IN_MEMORY * sum(Path(file).stat().st_size for file in files.values()))

    def close(self) -> None:
        """See `base.Engine`."""
        self._worker.close()

    def transcribe(self, clips: Iterable[Audio], language: str | None) -> Iterator[Outcome[Audio, Transcript]]:  # noqa: ARG002  it is detected
        """See `base.Recognizer`."""
        return windows.transcribe(clips, self._read, self.identity.name)

    def _read(self, parts: Sequence[Audio]) -> list[windows.Heard]:
        """Read some windows, one by one."""
        return [self._heard(part) for part in parts]

    def _heard(self, part: Audio) -> windows.Heard:
        """Read one window. Raises EngineError if sherpa-onnx could not run the network, which it only logs."""
        clip = Clip(part.samples.tobytes(), part.sample_rate)
        (found,) = self._worker.request(clip, Found, audio_s=part.duration)
        if self._kind.names_language and not found.language:
            raise EngineError(f"{self.identity.name} could not run its network on this clip; replace the model's files")
        return heard(found, self._kind.frame)


def located(folder: Path) -> tuple[Kind, dict[str, str]]:
    """Return the kind of the model in a folder, and the paths of its files by parameter of `Kind.make`.

    Raises ModelError if the folder has the files of no kind.
    """
    for kind in KINDS:
        found = {parameter: _file(folder, stem) for parameter, stem in kind.networks.items()}
        if (folder / TOKENS).is_file() and all(found.values()):
            return kind, {**{parameter: str(file) for parameter, file in found.items()}, "tokens": str(folder / TOKENS)}
    known = "; or ".join(f"{', '.join(kind.networks.values())} ({kind.about})" for kind in KINDS)
    raise ModelError(f"{folder} has no model; it needs {TOKENS} and, each with .onnx or .ort, {known}")


def _file(folder: Path, stem: str) -> Path | None:
    """Return the file of a network; None if the folder has none."""
    found = (folder / f"{stem}{ending}" for ending in ENDINGS)
    return next((file for file in found if file.is_file()), None)


def heard(found: Found, frame: float) -> windows.Heard:
    """Return what was found in a window. frame: see `Kind`."""
    is_timed = len(found.starts) == len(found.tokens) > 0
    text = "".join(found.tokens) if is_timed else found.text
    owners = [k for k, token in enumerate(found.tokens) for _ in token]
    words = tuple(
        _word(text[first:last], sorted(set(owners[first:last])) if is_timed else [], found, frame)
        for first, last in windows.written(text)
    )
    mean = sum(found.log_probabilities) / len(found.log_probabilities) if found.log_probabilities else None
    return windows.Heard(found.text.strip(), words, found.language.strip("<|>"), found.text, mean)


def _word(text: str, tokens: Sequence[int], found: Found, frame: float) -> Word:
    """Return a word. tokens: indices of its tokens; empty if they have no times."""
    if not tokens:
        return Word(text)
    last = tokens[-1]
    duration = found.durations[last] if len(found.durations) == len(found.tokens) else 0.0
    is_scored = len(found.log_probabilities) == len(found.tokens)
    return Word(
        text,
        found.starts[tokens[0]],
        found.starts[last] + max(duration, frame),
        exp(min(found.log_probabilities[token] for token in tokens)) if is_scored else None,
    )


def load(folder: str) -> Callable[[Clip], Iterator[Found]]:
    """Return the handler of the process. Raises ModelError if sherpa-onnx cannot read a file."""
    opened = attempt(folder, _opened, "sherpa-onnx")
    if opened.error:
        raise ModelError(str(opened.error)) from opened.error
    return partial(_found, opened.value)


def _opened(folder: str) -> Any:
    """Open the model in a folder. Raises any error of sherpa-onnx."""
    from sherpa_onnx import OfflineRecognizer  # noqa: PLC0415  it is an extra, and needed in this process only

    kind, files = located(Path(folder))
    return getattr(OfflineRecognizer, kind.make)(**files, **kind.options, num_threads=THREADS)


def _found(recognizer: Any, clip: Clip) -> Iterator[Found]:
    """Yield what the recognizer finds in one window."""
    stream = recognizer.create_stream()
    stream.accept_waveform(clip.sample_rate, np.frombuffer(clip.samples, np.float32))
    recognizer.decode_stream(stream)
    result = stream.result
    yield Found(
        result.text,
        tuple(result.tokens),
        tuple(result.timestamps),
        tuple(result.durations),
        tuple(result.ys_log_probs),
        result.lang,
    )
