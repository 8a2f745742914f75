"""Engine identity: name, version, weights and licence, recorded with each result so that it can be traced."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Identity:
    """The identity of an engine, as shown in results, receipts and reports.

    name: such as "kokoro" or "whisper-base"
    version: version of the code that runs the weights
    weights: source of the weights, such as "official" or "rebuilt from int8"; "" if the engine has none
    weights_sha256: hash of the weights file, or, if there are several files, of the lines that `sha256sum` prints for
        them; "" if not known
    licence: SPDX expression for code and weights together, such as "Apache-2.0"
    commercial: whether the licence allows commercial use; None if that is unclear
    sample_rate: hertz, of the audio that the engine produces or takes as input; 0 for text
    max_seconds: longest audio of one item, in seconds; None for any length
    deterministic: the same input gives the same result, on one device with one thread count
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
