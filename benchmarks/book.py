"""What the benchmarks share: their text, Alice in Wonderland, which is in the public domain, and a slower engine."""

from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from unittest.mock import patch

import torch

from speakkit.engines import hub, registry
from speakkit.engines.kokoro import Kokoro, load_model
from speakkit.engines.kokoro_config import limits
from speakkit.text.chunking import chunks
from speakkit.text.chunks import Chunk, Delivery
from speakkit.text.sentences import sentences
from speakkit.voices import find

lent = ExitStack()
"""Engines that stay loaded while the script runs."""


BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"


def book_chunks(count: int) -> list[Chunk]:
    """The first `count` chunks of the book, for the voice f1."""
    phonemizer = lent.enter_context(registry.phonemizer("en-us"))
    read = sentences(BOOK.read_text())
    tokens = ((sentence, next(phonemizer.phonemize([sentence])).result()) for sentence in read)
    return list(islice(chunks(tokens, Delivery(find("f1")), limits()), count))


def plain_kokoro() -> Kokoro:
    """Kokoro in float32 on the CPU, without Toom-Cook convolutions."""
    with patch("speakkit.engines.kokoro.load_tiled", load_model):
        return Kokoro(hub.ensure("kokoro"), torch.device("cpu"), torch.float32)
