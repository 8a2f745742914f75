"""The book that benchmarks speak: Alice in Wonderland, which is in the public domain."""

from itertools import islice
from pathlib import Path

from speakkit.engines import registry
from speakkit.text.chunks import Chunk, Delivery, chunks
from speakkit.text.sentences import sentences
from speakkit.vocabulary import symbols
from speakkit.voices import find

BOOK = Path(__file__).parent.parent / "tests" / "data" / "alice29.txt"


def book_chunks(count: int) -> list[Chunk]:
    """Its first chunks, for the voice f1."""
    phonemizer = registry.phonemizer("en-us")
    read = sentences(BOOK.read_text())
    tokens = ((sentence, next(phonemizer.phonemize([sentence]))) for sentence in read)
    return list(islice(chunks(tokens, Delivery(find("f1")), symbols()), count))
