"""Other programs that speak with Kokoro, for `throughput.py`: onnxruntime, kokoro-onnx and fastkokoro.

Each is a function that takes a number of threads and returns the synthesis of a chunk. kokoro-onnx and fastkokoro are
no dependencies of speakkit; install them with their code alone, because their other requirements conflict:

    pip install --no-deps kokoro-onnx fastkokoro fastapi starlette uvicorn orjson onnxsim onnx-ir numba llvmlite

All but `int8` run the network in float32 with speakkit's weights, exported as upstream does it. The files that these
projects publish are exported the same way; fastkokoro's default is a float16 file that cannot be made here.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import onnxruntime
import torch

from speakkit.engines import catalog, hub
from speakkit.engines.kokoro import SAMPLE_RATE, checkpoint, style
from speakkit.engines.kokoro_config import settings
from speakkit.engines.packages import DequantizedKokoro
from speakkit.engines.quietly import import_quietly, no_warnings
from speakkit.engines.voice_packs import blended
from speakkit.text.chunks import Chunk
from speakkit.voices import find

Speak = Callable[[Chunk], float]
"""Synthesizes a chunk, and returns its seconds of audio."""


def int8(threads: int) -> Speak:
    """Return onnxruntime with the int8 export of kokoro-onnx, from which speakkit's weights are made."""
    (source,) = (one for one in catalog.MODELS["kokoro"].sources if isinstance(one, DequantizedKokoro))
    return _session(source.export(_folder()), threads)


def kokoro_onnx(threads: int) -> Speak | None:
    """Return kokoro-onnx with the export in float32; None if it is not installed."""
    if find_spec("kokoro_onnx") is None:
        return None
    package = import_quietly("kokoro_onnx")
    session = onnxruntime.InferenceSession(_exported(), _options(threads), providers=["CPUExecutionProvider"])
    engine = package.Kokoro.from_session(session, str(_voices()))

    def speak(chunk: Chunk) -> float:
        samples, rate = engine.create(chunk.phonemes, "voice", chunk.speed, is_phonemes=True, trim=False)
        return float(samples.size / rate)

    return speak


def fastkokoro(threads: int) -> Speak | None:
    """Return fastkokoro with the export in float32, which it simplifies; None if it is not installed."""
    if find_spec("fastkokoro") is None:
        return None
    package, config = import_quietly("fastkokoro.engine"), import_quietly("fastkokoro.config")
    chosen = replace(
        config.Settings.from_env(),
        model_path=_exported(),
        voices_path=_voices(),
        cache_dir=_folder(),
        onnx_intra_op_num_threads=threads,
    )
    engine = package.FastKokoro(chosen)
    pack = engine.kokoro.get_voice_style("voice")

    def speak(chunk: Chunk) -> float:
        samples, rate = engine._create_samples(  # noqa: SLF001  the public method takes text
            chunk.phonemes, voice=pack, speed=chunk.speed, lang="en-us", is_phonemes=True, trim=False
        )
        return float(samples.size / rate)

    return speak


def _session(path: Path, threads: int) -> Speak:
    session = onnxruntime.InferenceSession(path, _options(threads), providers=["CPUExecutionProvider"])
    vocabulary, ids = settings()["vocab"], session.get_inputs()[0].name

    def speak(chunk: Chunk) -> float:
        tokens = np.array([[0, *(vocabulary[symbol] for symbol in chunk.phonemes), 0]], np.int64)
        given = {ids: tokens, "style": style(chunk).numpy(), "speed": np.array([chunk.speed], np.float32)}
        return float(session.run(None, given)[0].size / SAMPLE_RATE)

    return speak


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return options


@cache
def _folder() -> Path:
    return Path(mkdtemp(prefix="speakkit-"))


@cache
def _exported() -> Path:
    """Export upstream's network with speakkit's weights, as upstream's examples/export.py does."""
    path = _folder() / "kokoro.onnx"
    model = import_quietly("kokoro.model")
    with no_warnings(), torch.inference_mode():
        network = model.KModel(
            repo_id=hub.KOKORO_REPOSITORY,
            config=settings(),
            model=str(checkpoint(hub.ensure("kokoro"))),
            disable_complex=True,
        )
        torch.onnx.export(
            model.KModelForONNX(network.eval()),
            (torch.randint(1, 100, (1, 50)), torch.randn(1, 256), torch.ones(1)),
            path,
            input_names=["input_ids", "style", "speed"],
            output_names=["waveform", "duration"],
            dynamic_axes={"input_ids": {1: "input_ids_len"}, "waveform": {0: "samples"}, "duration": {0: "frames"}},
            opset_version=17,
            dynamo=False,
        )
    return path


@cache
def _voices() -> Path:
    """Write the pack of the voice f1 as both packages read it, under the name "voice"."""
    path = _folder() / "voices.npz"
    np.savez(path, voice=blended(find("f1")))
    return path
