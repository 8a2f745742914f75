"""The text that every request speaks."""

import hashlib
import re
from dataclasses import dataclass

from speakkit import paths
from speakkit.errors import TextError

WORD = re.compile(r"[^\W_]+(?:[’'-][^\W_]+)*")


@dataclass(frozen=True)
class Workload:
    """A text to be spoken over and over.

    source: where it is from, for people to read
    """

    text: str
    source: str

    @property
    def words(self) -> int:
        """How many there are."""
        return len(WORD.findall(self.text))

    @property
    def sha256(self) -> str:
        """What tells it from every other text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def default() -> Workload:
    """307 words, as in the measurements that this command replaces: the puppy of Alice's Adventures in Wonderland."""
    return Workload((paths.data() / "bench.txt").read_text("utf-8"), "a passage of Alice in Wonderland")


def given(text: str, source: str) -> Workload:
    """A text of the user's. Raises TextError where there is no word in it."""
    if not WORD.search(text):
        raise TextError(f"there is nothing to speak: {source} has no words")
    return Workload(text, source)
