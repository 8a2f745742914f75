"""Voice packs: a voice's style for each chunk length. Read from the user's folder, this package, or the cache."""

import pickle
import stat
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from speakkit import paths
from speakkit.engines import hub, voice_files
from speakkit.engines.quietly import no_warnings
from speakkit.errors import ModelError, storage_error
from speakkit.voices import PACKAGED, Voice

Pack = npt.NDArray[np.float32]
"""A voice pack, float32 of the shape SHAPE."""

MALFORMED = (KeyError, IndexError, TypeError, ValueError, AttributeError, AssertionError)
"""Exceptions that pack readers raise for malformed files, or for numbers in an unsupported format."""

SHAPE = (510, 1, 256)
"""Shape of a pack: one style of 256 numbers for each chunk length from 1 to 510 phonemes."""

LARGEST = 8 << 20
"""Maximum bytes of a user's own pack: 16 times those of its numbers, since torch may store what they were cut from."""


@lru_cache(maxsize=16)
def blended(voice: Voice) -> Pack:
    """Return the pack of a voice or a blend: float32 [510, 1, 256], the weighted mean of its parts.

    Downloads Kokoro's packs if one is missing. Raises ModelError if a pack cannot be used.
    """
    (name, share), *others = voice.mix
    if not others:
        return pack(name)
    mean = pack(name) * np.float64(share)
    for other, weight in others:
        mean += pack(other) * np.float64(weight)
    return mean.astype(np.float32)


def pack(name: str) -> Pack:
    """Return the pack of one voice: float32 [510, 1, 256]. Raises ModelError if it cannot be used."""
    file = voice_files.own().get(name)
    if file:
        return read(file)
    # A packaged voice always uses its packaged pack, which is rounded to float16. The fetched packs are not rounded,
    # so that the samples would change with a fetch.
    if name in PACKAGED and not hub.is_given("voices"):
        packed: npt.NDArray[np.float16] = np.load(paths.data() / "voices" / f"{name}.npy", allow_pickle=False)
        return packed.astype(np.float32)
    file = hub.ensure("voices").folder / f"{name}.bin"
    try:
        _check_size(file)
        return _checked(file, np.fromfile(file, "<f4"))
    except (OSError, ModelError) as error:
        raise ModelError(
            f"the voice {name} in {file.parent} is missing or damaged; try: speakkit models fetch voices"
        ) from error


def read(file: Path) -> Pack:
    """Read a user's own pack.

    Raises ModelError if it is not a style table of finite numbers, and StorageError if it cannot be read.
    """
    try:
        _check_size(file)
        return _checked(file, READERS[file.suffix](file))
    except OSError as error:
        raise storage_error(error, f"read the voice pack {file}") from error


def _check_size(file: Path) -> None:
    """Check a file before it is read, because reading a pipe may block.

    Raises ModelError if it is not a regular file, or has more than LARGEST bytes, and OSError if it cannot be found.
    """
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise ModelError(f"the voice pack {file} is not a file; remove it")
    if found.st_size > LARGEST:
        raise ModelError(
            f"the voice pack {file} has {found.st_size >> 20} MB, and a pack has at most {LARGEST >> 20}; get it anew"
        )


def _from_torch(file: Path) -> Pack:
    """Read a .pt file. Raises ModelError if it is damaged, contains code, or is not a tensor."""
    import torch  # noqa: PLC0415  only needed for .pt packs

    try:
        with no_warnings():
            tensor = torch.load(file, map_location="cpu", weights_only=True)
            array: Pack | None = tensor.detach().float().numpy() if isinstance(tensor, torch.Tensor) else None
    except (pickle.UnpicklingError, EOFError, RuntimeError, *MALFORMED) as error:
        raise ModelError(
            f"the voice pack {file} is damaged, or contains code, which speakkit never runs;"
            " get it anew, as .safetensors if there is one"
        ) from error
    if array is None:
        raise ModelError(f"the voice pack {file} holds a {type(tensor).__name__}, where a tensor is expected")
    return array


def _from_safetensors(file: Path) -> Pack:
    """Read a .safetensors file. Raises ModelError if it is damaged, or has other than one tensor."""
    from safetensors import SafetensorError  # noqa: PLC0415  only needed for .safetensors packs
    from safetensors.torch import load_file  # noqa: PLC0415  numpy has no bfloat16

    try:
        tensors: list[Pack] = [tensor.float().numpy() for tensor in load_file(file).values()]
    except (SafetensorError, *MALFORMED) as error:
        raise ModelError(f"the voice pack {file} is damaged ({error}); get it anew") from error
    if len(tensors) != 1:
        raise ModelError(f"the voice pack {file} holds {len(tensors)} tensors, where one is expected")
    return tensors[0]


def _from_raw(file: Path) -> Pack:
    """Read raw float32, little-endian."""
    return np.fromfile(file, "<f4")


READERS: Mapping[str, Callable[[Path], Pack]] = {
    ".bin": _from_raw,
    ".pt": _from_torch,
    ".safetensors": _from_safetensors,
}
"""Ending of `voice_files.ENDINGS` -> reader."""


def _checked(file: Path, array: Pack) -> Pack:
    """Return `array` as float32 in the shape SHAPE. Raises ModelError if its shape or a number is invalid."""
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
        raise ModelError(f"the voice pack {file} holds NaN or infinite numbers; get it anew")
    return array.reshape(SHAPE).astype(np.float32)
