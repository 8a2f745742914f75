"""How long a text takes to say, roughly, and what of it can be said in so many seconds."""

import re

PACE = 15.0
"""Characters a second at speed 1: the voices here read English prose at 13 to 18."""

WIDE = 3.5
"""Letters that a character of Chinese, Japanese or Korean takes as long as; the first of them is the Unicode U+2E80."""

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
"""Language -> what is said in place of the rest."""

SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s)|[。！？]|\n\s*\n")
SPACE = re.compile(r"\s+")

LEAST = 0.5
"""Of the time: a sentence that ends earlier is followed by a part of the next."""


def seconds(text: str, speed: float = 1.0) -> float:
    """How long `text` takes to say."""
    return sum(map(_letters, text)) / (PACE * speed)


def shortened(text: str, most: float, speed: float, language: str) -> str:
    """`text`, or where that takes over `most` seconds its beginning, up to a sentence or else a word, and "and so on".

    language: a name of `voices.LANGUAGES`; one without words for it gets those of English
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
    """How many characters can be said in `most` seconds."""
    left = most * PACE * speed
    for i, character in enumerate(text):
        left -= _letters(character)
        if left < 0:
            return i
    return len(text)


def _letters(character: str) -> float:
    return WIDE if character >= "\u2e80" else 1.0
