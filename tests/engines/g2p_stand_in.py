"""Replaces the phonemizer in worker processes. It returns one fixed token per sentence.

Loading fails if a language is given, and the sentence "Die." ends the process.
"""

import os
from collections.abc import Callable, Iterator

from speakkit.errors import ModelError
from speakkit.outcome import Outcome
from speakkit.text.chunks import Token
from speakkit.text.sentences import Sentence


def load(language: str) -> Callable[[list[Sentence]], Iterator[Outcome[Sentence, tuple[Token, ...]]]]:
    if language:
        raise ModelError(f"there is no {language}")
    return answer


def answer(sentences):
    for sentence in sentences:
        if sentence.text == "Die.":
            os._exit(9)
        yield Outcome(sentence, (Token(sentence.text, sentence.start, "wʌn", spaced=False, pause=0.5),))
