"""Estimate how long a text takes to speak, and shorten it to a given duration."""

import re

PACE = 15.0
"""Characters per second at speed 1: the voices here read English prose at 13 to 18."""

WIDE = 3.5
"""Latin letters that take as long as one character of Chinese, Japanese or Korean, which begin at U+2E80."""

AND_SO_ON = {
    "en-us": "And so on.",
    "en-gb": "And so on.",
    "es": "Etcétera.",
    "fr-fr": "Et cetera.",
    "it": "Eccetera.",
    "pt-br": "Et cetera.",
    "hi": "इत्यादि।",
    "ja": "などなど。",
    "zh": "等等。",
}
"""Language -> the words spoken in place of the rest."""

SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]|\n\s*\n")
SPACE = re.compile(r"\s+")

LEAST = 0.5
"""Share of the shortened text: if its last whole sentence ends earlier, it is cut after a word instead."""


def seconds(text: str, speed: float = 1.0) -> float:
    """Return the estimated duration of `text`, in seconds."""
    return sum(map(_letters, text)) / (PACE * speed)


def shortened(text: str, most: float, speed: float, language: str) -> str:
    """Return `text`, or its beginning and "and so on" if it takes more than `most` seconds.

    The beginning ends with a sentence, or else with a word.

    language: a name of `voices.LANGUAGES`; if it has no words for "and so on", the English ones are used
    """
    if seconds(text, speed) <= most:
        return text
    end = AND_SO_ON.get(language, AND_SO_ON["en-us"])
    cut = text[: _fitting(text, most - seconds(end, speed), speed)]
    sentences = [found.end() for found in SENTENCE_END.finditer(cut)]
    words = [found.start() for found in SPACE.finditer(cut)]
    whole = [at for at in sentences if at >= LEAST * len(cut)] or words or [len(cut)]
    kept = cut[: whole[-1]].rstrip()
    return f"{kept}{'' if whole[-1] in sentences else '...'} {end}" if kept else end


def _fitting(text: str, most: float, speed: float) -> int:
    """Return how many characters can be spoken in `most` seconds."""
    left = most * PACE * speed
    for i, character in enumerate(text):
        left -= _letters(character)
        if left < 0:
            return i
    return len(text)


def _letters(character: str) -> float:
    return WIDE if character >= "\u2e80" else 1.0
