"""The text of the benchmarks: Alice in Wonderland, which is in the public domain."""

from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from speakkit.engines import registry
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
