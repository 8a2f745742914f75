"""Which engine made a result, so that every figure and verdict can be traced to its maker."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """What an engine is, as results, receipts and reports name it.

    name: such as "kokoro" or "whisper-base"
    version: of the code that runs the weights
    weights: which weights, such as "official" or "rebuilt from int8"; "" if the engine has none
    weights_sha256: of the one file of weights, or of the lines that `sha256sum` prints of several; "" if not known
    licence: SPDX expression of code and weights together, such as "Apache-2.0"
    commercial: whether the licence allows commercial use; None if that is not settled
    sample_rate: hertz, of the audio that it makes or listens to; 0 for text
    max_seconds: of audio in one item; None for any length
    deterministic: the same input gives the same result, on one device with one count of threads
    """

    name: str
    version: str = ""
    weights: str = ""
    weights_sha256: str = ""
    licence: str = ""
    commercial: bool | None = None
    sample_rate: int = 0
    max_seconds: float | None = None
    deterministic: bool = True
