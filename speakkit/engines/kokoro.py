"""Kokoro-82M v1.0: phonemes -> speech at 24 kHz, one chunk at a time."""

import io
import json
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from speakkit import paths
from speakkit.audio import Audio
from speakkit.engines import hub
from speakkit.engines.base import Synthesis
from speakkit.engines.device import CONVOLUTION_DTYPE, pick
from speakkit.engines.istftnet import Generator, fold_weight_norm
from speakkit.engines.quietly import import_quietly, no_warnings
from speakkit.errors import EngineError, ModelError
from speakkit.text.chunks import LIMIT, Chunk

SAMPLE_RATE = 24_000
FRAME = 0.025
"""Seconds: one step of a duration, 600 samples."""

MEND = "check it with: speakkit models verify kokoro"


def config() -> dict[str, Any]:
    """Kokoro's own config.json, as published."""
    settings: dict[str, Any] = json.loads((paths.data() / "kokoro" / "config.json").read_text())
    return settings


def checkpoint(weights: hub.Installed) -> Path:
    """The file that holds the weights."""
    return weights.folder / hub.KOKORO_WEIGHTS


def load_model(weights: hub.Installed) -> Any:
    """`kokoro.KModel` with its weight norm folded, on the CPU.

    KModel's own loading draws 82 million random numbers first, then copies the weights over them, and says nothing
    of a weight that is missing. Here it is built without memory, and takes the checkpoint's tensors as they are.
    Raises ModelError for a checkpoint that cannot be read, or lacks a weight.
    """
    kmodel = import_quietly("kokoro.model").KModel
    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    with no_warnings(), torch.device("meta"):  # they warn of weight norm's and dropout's ways
        model = kmodel(repo_id=hub.KOKORO_REPOSITORY, config=config(), model=nothing)
    _make_constants(model)
    try:
        parts = torch.load(checkpoint(weights), map_location="cpu", weights_only=True)
        for name, state in parts.items():
            plain = {key.removeprefix("module."): tensor for key, tensor in state.items()}
            getattr(model, name).load_state_dict(plain, strict=False, assign=True)
    except (OSError, EOFError, RuntimeError, AttributeError, pickle.UnpicklingError) as error:
        raise ModelError(f"{checkpoint(weights)} is no checkpoint of Kokoro; {MEND}") from error
    missing = [name for name, tensor in model.named_parameters() if tensor.is_meta]
    if missing:
        raise ModelError(f"{checkpoint(weights)} lacks {len(missing)} weights, such as {missing[0]}; {MEND}")
    fold_weight_norm(model)
    return model.eval().requires_grad_(False)


def _make_constants(model: Any) -> None:
    """Give memory to what no checkpoint holds, norms of scale one and positions, and drop what is unused."""
    for module in model.modules():
        if isinstance(module, nn.InstanceNorm1d):
            module.weight = nn.Parameter(torch.ones(module.num_features))
            module.bias = nn.Parameter(torch.zeros(module.num_features))
    embeddings = model.bert.embeddings
    embeddings.position_ids = torch.arange(model.context_length)[None]
    embeddings.token_type_ids = torch.zeros_like(embeddings.position_ids)
    model.bert.pooler = model.bert.pooler_activation = None
    stft = model.decoder.generator.stft
    stft.window = torch.hann_window(stft.win_length)


def style(chunk: Chunk) -> Tensor:
    """The row of the voice's pack for a chunk of this length: float32 [1, 256]."""
    return torch.from_numpy(hub.voice_pack(chunk.voice.name)[len(chunk.phonemes) - 1])


class Kokoro:
    """Synthesizer: KModel with its weight norm folded and its generator replaced (see `istftnet`)."""

    sample_rate = SAMPLE_RATE
    frame = FRAME

    def __init__(self, weights: hub.Installed, device: torch.device, dtype: torch.dtype | None = None) -> None:
        """`dtype` is that of the decoder's convolutions, by default the one measured best for the device."""
        self.weights = weights.source
        self._vocabulary: dict[str, int] = config()["vocab"]
        self.symbols = frozenset(self._vocabulary)
        self._device = device
        model = load_model(weights).to(device)
        self._generator = model.decoder.generator = Generator(model.decoder.generator, device)
        model.decoder = _Autocast(model.decoder, dtype or CONVOLUTION_DTYPE[device.type])
        self._model = model

    @classmethod
    def load(cls, device: str = "auto") -> "Kokoro":
        """Kokoro on a device of `engines.device.DEVICES`. Raises ModelError where there are no weights."""
        return cls(hub.ensure("kokoro"), pick(device))

    def synthesize(self, chunks: Iterable[Chunk]) -> Iterator[Synthesis]:
        """The audio of each chunk, in order. Raises EngineError for phonemes that Kokoro does not know, or too many."""
        for chunk in chunks:
            yield self._spoken(chunk)

    @torch.inference_mode()
    def _spoken(self, chunk: Chunk) -> Synthesis:
        tokens = torch.tensor([[0, *self._ids(chunk), 0]], device=self._device)
        self._generator.noise.manual_seed(chunk.seed)
        samples, durations = self._model.forward_with_tokens(tokens, style(chunk).to(self._device), chunk.speed)
        audio = Audio(samples.float().cpu().numpy(), SAMPLE_RATE)
        if not np.isfinite(audio.samples).all():
            raise EngineError(
                f"kokoro returned no sound for {chunk.phonemes!r}; check its weights: speakkit models verify kokoro"
            )
        return Synthesis(audio, tuple(durations.tolist()))

    def _ids(self, chunk: Chunk) -> list[int]:
        unknown = set(chunk.phonemes) - self.symbols
        if unknown:
            words = [token.text for token in chunk.tokens if unknown.intersection(token.phonemes)]
            raise EngineError(
                f"kokoro knows no phoneme {' '.join(sorted(unknown))}, as in {', '.join(words) or 'a chunk'}"
            )
        if not 0 < len(chunk.phonemes) <= LIMIT:
            raise EngineError(f"kokoro speaks 1 to {LIMIT} phonemes at once, not {len(chunk.phonemes)}")
        return [self._vocabulary[symbol] for symbol in chunk.phonemes]


class _Autocast(nn.Module):
    """A module whose convolutions and matrix products run in `dtype`."""

    def __init__(self, module: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.module = module
        self.dtype = dtype

    def forward(self, x: Tensor, *args: Tensor) -> Any:
        with torch.autocast(x.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.module(x, *args)
