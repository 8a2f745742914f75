"""Checkpoints of transformers: a model and its processor from a folder, and the probabilities of what it generates."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import LogitsProcessor
from transformers.utils import logging

from speakkit.engines import hub
from speakkit.engines.attempt import attempt
from speakkit.engines.quietly import no_warnings
from speakkit.errors import ModelError, is_out_of_memory
from speakkit.printable import printable

COUNTERS = "num_batches_tracked"
"""End of the names of tensors that only training reads; some checkpoints leave them out."""


class Greedy(LogitsProcessor):  # type: ignore[misc]  # transformers has no types
    """Records the log-probability of each token that greedy decoding chooses.

    size: number of tokens, of which the others are never chosen: those of a TDT network stand for durations
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._steps: list[torch.Tensor] = []

    def __call__(self, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take the scores of one step, float32 [batch, outputs], and return them without those of no token."""
        self._steps.append(scores[:, : self._size].log_softmax(-1).amax(-1))
        scores[:, self._size :] = float("-inf")
        return scores

    def log_probabilities(self) -> torch.Tensor:
        """Return the log-probabilities, float32 [batch, steps], in natural logarithms, on the CPU."""
        return torch.stack(self._steps, 1).cpu()


def load(
    name: str, weights: hub.Installed, model: Any, processor: Any, device: torch.device, dtype: torch.dtype
) -> tuple[Any, Any]:
    """Load a model and its processor, and return both. Only safetensors files are read, which cannot contain code.

    model, processor: their classes
    Raises ModelError, which names the folder, if a file is missing or damaged or belongs to another kind of model, and
    EngineError if memory is too small.
    """
    opened = attempt(weights.folder, partial(_load, model=model, processor=processor, dtype=dtype), name)
    if opened.error is None:
        network, reader = opened.result()
        return network.to(device).eval(), reader
    if is_out_of_memory(opened.error):
        raise opened.error
    raise ModelError(
        f"{weights.folder} has no usable {name} ({printable(str(opened.error))}); "
        f"fetch it again (speakkit models fetch {name}), or mend the folder if it is yours"
    ) from opened.error


def _load(folder: Path, model: Any, processor: Any, dtype: torch.dtype) -> tuple[Any, Any]:
    """Return the model and the processor in a folder. Raises ModelError, or any error of transformers."""
    found = json.loads((folder / "config.json").read_text())["model_type"]
    expected = model.config_class.model_type
    if found != expected:
        raise ModelError(f"its config.json is of a {found} model, not {expected}")
    with no_warnings(), _quiet():
        reader = processor.from_pretrained(folder, local_files_only=True)
        network, report = model.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=dtype, output_loading_info=True
        )
    missing = sorted(name for name in report["missing_keys"] if not name.endswith(COUNTERS))
    if missing:
        raise ModelError(f"its weights lack {len(missing)} tensors, such as {missing[0]}")
    return network, reader


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the progress bars and log lines of transformers, which would be written between those of a command."""
    level, had_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if had_bars:
            logging.enable_progress_bar()
