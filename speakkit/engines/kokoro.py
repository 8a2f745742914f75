"""Kokoro-82M v1.0: phonemes -> speech at 24 kHz, one chunk at a time."""

import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from speakkit.audio import Audio
from speakkit.engines import hub, packs
from speakkit.engines.base import Synthesis
from speakkit.engines.device import CONVOLUTION_DTYPE, pick
from speakkit.engines.styletts2.istftnet import arrange
from speakkit.engines.styletts2.network import StyleTTS2
from speakkit.errors import EngineError, ModelError
from speakkit.text.chunks import LIMIT, Chunk
from speakkit.vocabulary import settings

SAMPLE_RATE = 24_000
FRAME = 0.025
"""Seconds: one step of a duration, 600 samples."""

MEND = "check it with: speakkit models verify kokoro"


def checkpoint(weights: hub.Installed) -> Path:
    """The file that holds the weights."""
    return weights.folder / hub.KOKORO_WEIGHTS


def load_model(weights: hub.Installed) -> StyleTTS2:
    """The network, on the CPU, with weight norm computed once. What it does not use of a checkpoint is passed over.

    Raises ModelError for a checkpoint that cannot be read, or lacks a weight.
    """
    with torch.device("meta"), _Unfilled():  # without memory, to take the checkpoint's tensors as they are
        network = StyleTTS2(settings())
    try:
        parts = torch.load(checkpoint(weights), map_location="cpu", weights_only=True)
        for name, state in parts.items():
            getattr(network, name).load_state_dict(_folded(state), strict=False, assign=True)
    except (OSError, EOFError, RuntimeError, AttributeError, KeyError, pickle.UnpicklingError) as error:
        raise ModelError(f"{checkpoint(weights)} is no checkpoint of Kokoro; {MEND}") from error
    missing = [name for name, tensor in network.named_parameters() if tensor.is_meta]
    if missing:
        raise ModelError(f"{checkpoint(weights)} lacks {len(missing)} weights, such as {missing[0]}; {MEND}")
    arrange(network)
    return network.eval().requires_grad_(False)


class _Unfilled(TorchFunctionMode):
    """Modules made in here get no first numbers: to draw them on the meta device loads 800 modules, sympy with them."""

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        draws = getattr(function, "__module__", None) == nn.init.__name__
        return None if draws else function(*args, **(kwargs or {}))


def _folded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A part's weights, by their names in the network. Takes them out of `state`, so that none is held twice."""
    plain = {}
    for key in [key for key in state if not key.endswith("_g")]:  # the length of a weight is taken with its direction
        tensor, name = state.pop(key), key.removeprefix("module.")
        if name.endswith("_v"):
            # What weight norm calls, to the bit; it would call it again for every chunk.
            tensor = torch._weight_norm(tensor, state.pop(f"{key[:-1]}g"))  # noqa: SLF001
        plain[name.removesuffix("_v")] = tensor.contiguous()
    return plain


def style(chunk: Chunk) -> Tensor:
    """The row of the voice's pack for a chunk of this length: float32 [1, 256]."""
    return torch.from_numpy(packs.blended(chunk.voice)[len(chunk.phonemes) - 1])


class Kokoro:
    """Synthesizer: the network of `styletts2` with the weights of Kokoro."""

    sample_rate = SAMPLE_RATE
    frame = FRAME

    def __init__(self, weights: hub.Installed, device: torch.device, dtype: torch.dtype | None = None) -> None:
        """`dtype` is that of the decoder's convolutions, by default the one measured best for the device."""
        self.weights = weights.source
        self._vocabulary: dict[str, int] = settings()["vocab"]
        self.symbols = frozenset(self._vocabulary)
        self._device = device
        self._network = load_model(weights).to(device)
        self._network.decoder = _Autocast(self._network.decoder, dtype or CONVOLUTION_DTYPE[device.type])

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
        noise = torch.Generator(self._device).manual_seed(chunk.seed)
        samples, durations = self._network(tokens, style(chunk).to(self._device), chunk.speed, noise)
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

    def forward(self, x: Tensor, *args: Any) -> Any:
        with torch.autocast(x.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return self.module(x, *args)
