"""How words are to be pronounced: the user's lexicon.toml."""

from collections.abc import Sequence
from dataclasses import dataclass

from speakkit.text.script import Rewrite


@dataclass(frozen=True)
class Lexicon:
    """The user's words for one language."""

    def rewrites(self, text: str) -> Sequence[Rewrite]:
        """The words of the lexicon that stand in `text`, in order; offsets are those of `text`."""
        return ()


def load(language: str) -> Lexicon:
    """The user's lexicon for `language`; empty where there is no file."""
    return Lexicon()
