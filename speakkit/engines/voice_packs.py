"""Voice packs: the style of a voice for each length of a chunk. From the user's folder, this package, or the hub."""

import pickle
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakkit import config, paths
from speakkit.engines import hub
from speakkit.engines.quietly import no_warnings
from speakkit.engines.sources import Report
from speakkit.errors import ModelError, storage_error
from speakkit.voices import PACKAGED, PLAIN_NAME, Voice, profiles

Pack = npt.NDArray[np.float32]

MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError)
"""What readers of packs raise for files that are none, or of numbers in a format that they do not know."""

SHAPE = (510, 1, 256)
"""A style of 256 numbers for each length of a chunk in phonemes."""


def own() -> Mapping[str, Path]:
    """The packs in the user's voice folder, by name. Files with other endings, or odd names, are none."""
    try:
        files = sorted(config.load().voices.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise storage_error(error, f"read the voice folder {config.load().voices}") from error
    ranked = [file for ending in READERS for file in files if file.suffix == ending]
    return {file.stem: file for file in ranked if PLAIN_NAME.fullmatch(file.stem)}


def installed() -> frozenset[str]:
    """The voices that can speak without anything being fetched."""
    everything = profiles() if hub.state("voices").installed else PACKAGED
    return frozenset([*everything, *own()])


def ensure(voice: Voice, report: Report = hub.silent) -> None:
    """Fetch what `voice` is made of, where it is not there. Raises ModelError where it cannot be fetched."""
    if not installed().issuperset(name for name, _ in voice.mix):
        hub.ensure("voices", report)


@lru_cache(maxsize=16)
def blended(voice: Voice) -> Pack:
    """The pack of a voice or a blend: float32 [510, 1, 256], the weighted mean of those that it is made of.

    Fetches the packs of Kokoro where one is missing. Raises ModelError for a pack that cannot be used.
    """
    (name, share), *others = voice.mix
    if not others:
        return pack(name)
    mean = pack(name) * np.float64(share)
    for other, weight in others:
        mean += pack(other) * np.float64(weight)
    return mean.astype(np.float32)


def pack(name: str) -> Pack:
    """The pack of one voice: float32 [510, 1, 256]. Raises ModelError for a pack that cannot be used."""
    file = own().get(name)
    if file:
        return read(file)
    # Fetching "voices" changes nothing for a packaged voice: its packs are not rounded, so that samples would differ.
    if name in PACKAGED and not hub.is_given("voices"):
        packed: npt.NDArray[np.float16] = np.load(paths.data() / "voices" / f"{name}.npy", allow_pickle=False)
        return packed.astype(np.float32)
    file = hub.ensure("voices").folder / f"{name}.bin"
    try:
        return _checked(file, np.fromfile(file, "<f4"))
    except (OSError, ModelError) as error:
        raise ModelError(
            f"the voice {name} in {file.parent} is missing or damaged; try: speakkit models fetch voices"
        ) from error


def read(file: Path) -> Pack:
    """A pack of the user's own. Raises ModelError where it holds anything but a style of finite numbers."""
    try:
        return _checked(file, READERS[file.suffix](file))
    except OSError as error:
        raise storage_error(error, f"read the voice pack {file}") from error


def _from_torch(file: Path) -> Pack:
    import torch  # noqa: PLC0415  a pack of another kind needs no torch

    try:
        with no_warnings():
            tensor = torch.load(file, map_location="cpu", weights_only=True)
            array: Pack | None = tensor.detach().float().numpy() if isinstance(tensor, torch.Tensor) else None
    except (pickle.UnpicklingError, EOFError, RuntimeError, *MALFORMED) as error:
        raise ModelError(
            f"the voice pack {file} is damaged, or would run code when it is loaded, which speakkit never lets it;"
            " get it anew, as .safetensors if there is one"
        ) from error
    if array is None:
        raise ModelError(f"the voice pack {file} holds a {type(tensor).__name__}, where a tensor is expected")
    return array


def _from_safetensors(file: Path) -> Pack:
    from safetensors import SafetensorError  # noqa: PLC0415  likewise
    from safetensors.torch import load_file  # noqa: PLC0415  numpy knows no bfloat16

    try:
        tensors: list[Pack] = [tensor.float().numpy() for tensor in load_file(file).values()]
    except (SafetensorError, *MALFORMED) as error:
        raise ModelError(f"the voice pack {file} is damaged ({error}); get it anew") from error
    if len(tensors) != 1:
        raise ModelError(f"the voice pack {file} holds {len(tensors)} tensors, where one is expected")
    return tensors[0]


def _from_raw(file: Path) -> Pack:
    return np.fromfile(file, "<f4")


READERS: Mapping[str, Callable[[Path], Pack]] = {
    ".bin": _from_raw,
    ".pt": _from_torch,
    ".safetensors": _from_safetensors,
}
"""Ending -> how to read a pack; of packs with one name the last counts. ".bin" is raw float32, little-endian."""


def _checked(file: Path, array: Pack) -> Pack:
    rows, columns = SHAPE[0], SHAPE[-1]
    if array.size == (rows + 1) * columns:
        raise ModelError(
            f"the voice pack {file} has 511 rows: it was made for Kokoro v0.19, and v1.0 wants {list(SHAPE)};"
            " get one that was made for v1.0"
        )
    if array.size != rows * columns or array.shape not in (SHAPE, (rows, columns), (rows * columns,)):
        raise ModelError(
            f"the voice pack {file} has the shape {list(array.shape)}, and Kokoro v1.0 wants {list(SHAPE)}"
        )
    if not np.isfinite(array).all():
        raise ModelError(f"the voice pack {file} holds numbers that are none (NaN or infinite); get it anew")
    return array.reshape(SHAPE).astype(np.float32)
