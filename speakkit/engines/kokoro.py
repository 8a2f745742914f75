"""Kokoro-82M v1.0: phonemes -> speech at 24 kHz."""

import logging
import pickle
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.backends import cudnn
from torch.overrides import TorchFunctionMode

from speakkit.audio import Audio
from speakkit.engines import hub, prepared, styletts2, voice_packs, waiting
from speakkit.engines.attempt import Held, attempt
from speakkit.engines.base import Footprint, Synthesis
from speakkit.engines.batches import Batches, Fetch, Spoken
from speakkit.engines.device import (
    BATCH,
    Memory,
    convolution_dtype,
    fix_threads,
    is_exhausted,
    keep_compiled,
    one_thread,
    pick,
)
from speakkit.engines.kokoro_config import MOST, SPLITS, limits, settings
from speakkit.engines.styletts2.istftnet import arrange
from speakkit.engines.styletts2.network import StyleTTS2
from speakkit.engines.styletts2.padding import Lengths
from speakkit.engines.styletts2.split import SplitLine
from speakkit.engines.styletts2.tiled import is_tiled, tile
from speakkit.errors import EngineError, ModelError
from speakkit.identity import Identity
from speakkit.outcome import Outcome
from speakkit.text.chunks import Chunk
from speakkit.voices import Voice

log = logging.getLogger(__name__)

NAME = "kokoro"

SAMPLE_RATE = 24_000
"""Sample rate of the speech, in hertz."""

SAMPLES = 600
"""Samples per frame."""

FRAME = SAMPLES / SAMPLE_RATE
"""Frame length in seconds, the unit of durations."""

LOADED = {"cpu": 1450 << 20, "mps": 1500 << 20, "cuda": 2 << 30}
"""Device type -> bytes of memory for the network with one chunk. On a CPU in float32, 1.1 GB are a process's own with
the longest chunk, and processes share 0.4 GB of weights."""

LINES = 8
"""Lines of which the second part is still to be spoken that are kept; each takes some megabytes."""

VERIFY = "speakkit models verify kokoro"
"""Command that checks the weights."""

MEND = f"check it with: {VERIFY}"
"""Hint at the end of errors about weights."""


def checkpoint(weights: hub.Installed) -> Path:
    """Return the path of the weights file."""
    return weights.folder / hub.KOKORO_WEIGHTS


def identity(name: str, weights: hub.Installed) -> Identity:
    """Return the identity of a synthesizer with Kokoro's weights. Its version is that of speakkit, which runs them."""
    return Identity(
        name,
        version=version("speakkit"),
        weights=weights.source,
        weights_sha256=weights.sha256,
        licence="Apache-2.0",
        commercial=True,
        sample_rate=SAMPLE_RATE,
    )


def load_model(weights: hub.Installed, dtype: torch.dtype = torch.float32) -> StyleTTS2:
    """Load the network on the CPU, with weight norm computed once. Unused weights of the checkpoint are ignored.

    dtype: type of the decoder's convolutions
    Raises ModelError if the checkpoint cannot be read, or lacks a weight.
    """
    network = _without_weights()
    try:
        parts = torch.load(checkpoint(weights), map_location="cpu", weights_only=True, mmap=True)
        for name, state in parts.items():
            getattr(network, name).load_state_dict(_folded(state), strict=False, assign=True)
    except (OSError, EOFError, RuntimeError, AttributeError, KeyError, pickle.UnpicklingError) as error:
        raise ModelError(f"{checkpoint(weights)} is not a Kokoro checkpoint; {MEND}") from error
    missing = [name for name, tensor in network.named_parameters() if tensor.is_meta]
    if missing:
        raise ModelError(f"{checkpoint(weights)} lacks {len(missing)} weights, such as {missing[0]}; {MEND}")
    arrange(network.decoder, dtype)
    return network.eval().requires_grad_(False)


def load_tiled(weights: hub.Installed) -> StyleTTS2:
    """Load the network in float32, with the blocks of the generator that need fewer multiplications on the CPU.

    The result is kept, so that the next start only maps it into memory. If memory does not suffice for all blocks, the
    others stay as they are, and a warning is logged.
    Raises ModelError as `load_model` does.
    """
    name = _prepared(weights)
    kept = prepared.load(NAME, name) if name else None
    if kept:
        network = _without_weights()
        tile(network.decoder.generator)
        try:
            network.load_state_dict(kept, assign=True)
        except RuntimeError as error:  # the file holds something else
            log.info("the prepared weights of kokoro cannot be used, so they are made again: %s", error)
        else:
            return network.eval().requires_grad_(False)
    network = load_model(weights)
    if _accelerated(network) and name:
        prepared.keep(NAME, name, network.state_dict())
    return network


def _accelerated(network: StyleTTS2) -> bool:
    """Convert the generator's blocks to those with fewer multiplications; return whether memory suffices for all."""
    try:
        tile(network.decoder.generator)
    except (MemoryError, RuntimeError) as error:
        if not is_exhausted(error):
            raise
        log.warning("there is too little memory for the fastest convolutions, so speech takes up to twice as long")
        return False
    return True


def _prepared(weights: hub.Installed) -> str:
    """Return the key of the prepared weights; "" if a file cannot be read, which `load_model` will report."""
    try:
        return prepared.key(checkpoint(weights), [Path(__file__), *Path(styletts2.__file__).parent.glob("*.py")])
    except OSError:
        return ""


def _without_weights() -> StyleTTS2:
    """Return the network on torch's meta device, without memory. The tensors of a file replace its parameters."""
    with torch.device("meta"), _Unfilled():
        return StyleTTS2(settings())


class _Unfilled(TorchFunctionMode):
    """Context in which the weights of new modules are not initialized.

    Initializing them on the meta device imports 800 modules, including sympy.
    """

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        draws = getattr(function, "__module__", None) == nn.init.__name__
        return None if draws else function(*args, **(kwargs or {}))


def _folded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights of a network part by parameter name, with weight norm applied.

    Removes the weights from `state`, so that none is in memory twice.
    """
    plain = {}
    for key in [key for key in state if not key.endswith("_g")]:  # a weight's norm is read together with its direction
        tensor, name = state.pop(key), key.removeprefix("module.")
        if name.endswith("_v"):
            # The same function that weight norm calls for every chunk, so that the result is equal to the bit.
            tensor = torch._weight_norm(tensor, state.pop(f"{key[:-1]}g"))  # noqa: SLF001
        plain[name.removesuffix("_v")] = tensor.contiguous()
    return plain


def style(chunk: Chunk) -> Tensor:
    """Return the row of the voice pack for the chunk's length: float32 [1, 256]."""
    return torch.from_numpy(voice_packs.blended(chunk.voice)[len(chunk.context) - 1])


_Key = tuple[str, Voice, float, int, int]
"""What determines the samples of a line: its phonemes, voice, speed, seed and threads."""


class Kokoro:
    """Synthesizer: the network of `styletts2` with the weights of Kokoro. Thread-safe."""

    frame = FRAME

    def __init__(
        self, weights: hub.Installed, device: torch.device, dtype: torch.dtype | None = None, batch: int | None = None
    ) -> None:
        """Load the weights onto `device`.

        dtype: type of the decoder's convolutions; the fastest one by default
        batch: maximum number of chunks in a batch; the fastest one by default
        """
        keep_compiled()
        self.identity = identity(NAME, weights)
        self.limits = limits()
        self._vocabulary: dict[str, int] = settings()["vocab"]
        self._device = device
        dtype, batch = dtype or convolution_dtype(device), batch or BATCH[device.type]
        with one_thread():
            tiles = (device.type, dtype) == ("cpu", torch.float32)
            network = load_tiled(weights) if tiles else load_model(weights, dtype).to(device)
            if is_tiled(network.decoder.generator) and batch == 1:
                self.limits = replace(self.limits, splits=SPLITS)
        self._network = Held(NAME, network)
        self._batches = Batches(self.identity, self._begun, Memory(device), batch)
        self._lines: dict[_Key, SplitLine] = {}

    @classmethod
    def load(cls, device: str = "auto", batch: int | None = None) -> "Kokoro":
        """Load Kokoro on a device of `engines.device.DEVICES`.

        Raises ModelError if there are no weights.
        """
        return cls(hub.ensure("kokoro"), pick(device), batch=batch)

    @classmethod
    def footprint(cls, device: str = "auto", batch: int | None = None) -> Footprint:  # noqa: ARG003  see `load`
        """See `base.Engine`. A batch uses whatever memory is left beyond that."""
        picked = pick(device).type
        return Footprint(picked, LOADED[picked])

    def close(self) -> None:
        """See `base.Engine`."""
        self._batches.close()
        self._network.close()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def synthesize(self, chunks: Iterable[Chunk], *, urgent: bool = True) -> Iterator[Spoken]:
        """See `base.Synthesizer`.

        A chunk fails if Kokoro does not support one of its phonemes, if it has too many phonemes, or if its voice has
        no pack.
        """
        return self._batches.outcomes(chunks, urgent=urgent)

    def _begun(self, chunks: Sequence[Chunk]) -> Fetch:
        """Begin to synthesize a batch. A chunk that fails does not affect the others."""
        lines = [attempt(chunk, self._line, NAME) for chunk in chunks]
        speech = self._speech([line.result() for line in lines if not line.error])

        def fetch() -> list[Spoken]:
            spoken = speech.spoken() if speech else iter(())
            return [Outcome(line.item, error=line.error) if line.error else next(spoken) for line in lines]

        return fetch

    def _line(self, chunk: Chunk) -> "_Line":
        """Return the network's input for a chunk. Raises EngineError or ModelError."""
        return _Line(chunk, self._ids(chunk), style(chunk))

    def _speech(self, lines: Sequence["_Line"]) -> "_Speech | None":
        """Run the network on lines in one batch; None if there are none. A GPU may not have finished on return."""
        if not lines:
            return None
        threads = fix_threads(lines[0].chunk.threads)
        with torch.inference_mode(), _exactly(), self._waiting(threads):
            return self._run(lines)

    def _run(self, lines: Sequence["_Line"]) -> "_Speech":
        if lines[0].chunk.line:
            return self._part(*lines)
        lengths = Lengths([len(line.ids) for line in lines], self._device)
        tokens = torch.zeros(len(lines), lengths.width, dtype=torch.long)
        for row, line in zip(tokens, lines, strict=True):
            row[: len(line.ids)] = torch.tensor(line.ids)
        styles = torch.cat([line.style for line in lines])
        speeds = torch.tensor([line.chunk.speed for line in lines])
        noise = [torch.Generator(self._device).manual_seed(line.chunk.seed) for line in lines]
        on_device = (tensor.to(self._device) for tensor in (tokens, styles, speeds))
        samples, score = self._network()(next(on_device), lengths, *on_device, noise)
        return _Speech.of(lines, samples.float(), score.durations, samples.isfinite().all(1))

    def _part(self, line: "_Line") -> "_Speech":
        """Run the network on one part of a line. What it shares with the other is kept until the second is spoken."""
        chunk = line.chunk
        key = (chunk.line, chunk.voice, chunk.speed, chunk.seed, chunk.threads)
        split = self._lines.pop(key, None) or self._split(line)
        samples = split.part(int(chunk.at > 0))
        if chunk.is_continued:
            self._lines[key] = split
            if len(self._lines) > LINES:
                del self._lines[next(iter(self._lines))]
        durations = torch.tensor([split.durations[int(chunk.at > 0)]])
        return _Speech.of([line], samples.float(), durations, samples.isfinite().all(1))

    def _split(self, line: "_Line") -> SplitLine:
        """Return the line of a chunk, split before or after the chunk."""
        chunk = line.chunk
        space = chunk.at or len(chunk.phonemes) + 1  # as an index of the tokens, the first of which is the start
        noise = torch.Generator(self._device).manual_seed(chunk.seed)
        tokens, speed = torch.tensor([line.ids]), torch.tensor([chunk.speed])
        return SplitLine(self._network(), tokens, space, line.style, speed, [noise])

    def _waiting(self, threads: int) -> AbstractContextManager[None]:
        """Return the context in which the threads of a processor wait for one another."""
        return waiting.adapted() if self._device.type == "cpu" and threads > 1 else nullcontext()

    def _ids(self, chunk: Chunk) -> list[int]:
        """Return the token ids: start, each phoneme, end.

        Raises EngineError if a phoneme is not supported, or if there are none or too many.
        """
        unknown = set(chunk.context) - self.limits.symbols
        if unknown:
            words = [token.text for token in chunk.tokens if unknown.intersection(token.phonemes)]
            raise EngineError(
                f"kokoro has no phoneme {' '.join(sorted(unknown))}, as in {', '.join(words) or 'a chunk'}"
            )
        if not 0 < len(chunk.context) <= MOST:
            raise EngineError(f"kokoro speaks 1 to {MOST} phonemes at once, not {len(chunk.context)}")
        return [0, *(self._vocabulary[symbol] for symbol in chunk.context), 0]


def _exactly() -> AbstractContextManager[None]:
    """Return a context in which a GPU convolves float32 in full precision.

    By default it uses 10 mantissa bits, and errors in the last bit of F0 are audible.
    """
    return cudnn.flags(enabled=True, allow_tf32=False)


def _arriving(tensor: Tensor) -> Tensor:
    """Return the tensor in CPU memory. From a GPU it may arrive later.

    It goes via pinned memory, to which transfers are ten times as fast, and need no waiting for the GPU.
    """
    if tensor.device.type != "cuda":
        return tensor.cpu()
    return torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True).copy_(tensor, non_blocking=True)


@dataclass(frozen=True, eq=False)
class _Line:
    """The network's input for one chunk.

    ids: token ids
    style: float32 [1, 256]
    """

    chunk: Chunk
    ids: list[int]
    style: Tensor


@dataclass(frozen=True, eq=False)
class _Speech:
    """The network's output for a batch. Rows are padded to the longest line.

    samples: float32 [batch, samples]
    durations: in frames, int64 [batch, tokens]
    finite: for each line whether all its samples are finite, bool [batch]
    copied: on a GPU, the event after which they have arrived in CPU memory
    """

    lines: Sequence[_Line]
    samples: Tensor
    durations: Tensor
    finite: Tensor
    copied: torch.cuda.Event | None

    @classmethod
    def of(cls, lines: Sequence[_Line], samples: Tensor, durations: Tensor, finite: Tensor) -> "_Speech":
        """Begin to copy the output to CPU memory."""
        made = _arriving(samples), _arriving(durations), _arriving(finite)
        copied = None
        if samples.device.type == "cuda":
            copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            copied.record()
        return cls(lines, *made, copied)

    def spoken(self) -> Iterator[Spoken]:
        """Yield the outcome of each line, once it has arrived. A line with NaN or infinite samples has failed."""
        if self.copied:
            self.copied.synchronize()
        samples, durations = self.samples.numpy(), self.durations.numpy()
        for line, row, frames, sounds in zip(self.lines, samples, durations, self.finite.tolist(), strict=True):
            own = frames[: len(line.chunk.phonemes) + 2]
            if sounds:
                audio = Audio(row[: SAMPLES * own.sum()].copy(), SAMPLE_RATE)
                yield Outcome(line.chunk, Synthesis(audio, tuple(own.tolist())))
            else:
                said = f"kokoro returned no sound for {line.chunk.phonemes!r}; check its weights: {VERIFY}"
                yield Outcome(line.chunk, error=EngineError(said))
