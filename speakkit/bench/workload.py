"""The text of the bench requests."""

import hashlib
import re
from dataclasses import dataclass

from speakkit import paths
from speakkit.errors import TextError

WORD = re.compile(r"[^\W_]+(?:[’'-][^\W_]+)*")


@dataclass(frozen=True)
class Workload:
    """A text that is synthesized repeatedly.

    source: description of its origin, for the report
    """

    text: str
    source: str

    @property
    def words(self) -> int:
        """The number of words."""
        return len(WORD.findall(self.text))

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text, which identifies it."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def default() -> Workload:
    """The default text: 307 words of Alice's Adventures in Wonderland, the scene of the puppy.

    It is the text of the measurements that this command replaces.
    """
    return Workload((paths.data() / "bench.txt").read_text("utf-8"), "a passage of Alice in Wonderland")


def given(text: str, source: str) -> Workload:
    """The workload of a user's text. Raises TextError if it has no word."""
    if not WORD.search(text):
        raise TextError(f"there is nothing to speak: {source} has no words")
    return Workload(text, source)
