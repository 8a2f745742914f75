"""Measure the processor time that the text front end takes for texts that are nothing but floods of characters.

    python benchmarks/floods.py [LANGUAGE ...]      # all nine by default

Each of 41 patterns by hand and 200 more, drawn with a fixed seed, is repeated or mixed to 4,096 characters, the most
that a container may send, and planned as a text in Markdown, from its markup to its chunks. Each is planned in a child
process with the phonemizer loaded, which is ended after LIMIT seconds of processor time. Prints, for each language, the
longest times and the number of patterns over AIM. The exit code is 4 if there is one.
"""

import os
import random
import resource
import sys
import time
from collections.abc import Iterator

from speakkit import config, voices
from speakkit.engines import locations, registry
from speakkit.engines.kokoro_config import limits
from speakkit.errors import ExitCode, SpeakkitError
from speakkit.speech.frontend import Reader
from speakkit.speech_request import Markup
from speakkit.text import lexicon
from speakkit.text.chunks import Delivery

LENGTH = 4096
"""Characters of a text."""

AIM = 2.0
"""Seconds of processor time that no pattern should exceed."""

LIMIT = 20
"""Seconds of processor time after which a pattern is given up."""

SEED = 16
DRAWN = 200
SHOWN = 5

BY_HAND = (
    *("a@", "'", "a'", "@", "#", "&", "*", "_", "`", "~", "-", ".", "/", "\\", "$", "%", "1,", "1.", "1/", "1:", "0"),
    *("a-", "a.", "a_", "a/", "A", "Aa", "a1", "A1b2", "(", "[](", "<", '"', "\u201c", "\u00e9", "\u4e2d", "\u30fc"),
    *("\u0301", "\u200b", "\U0001f600", "https://a.b/"),
)

ALPHABET = (
    *"aAbIVxzé0179.,;:!?'\"-_/\\@#$%&*()[]{}<>|~^=+`\n\t …—–“”’«»°€£§¶",
    *("the ", "and ", "Mr.", "n't", "'s", "o'", "www.", "http://", ".com", "1st", "1.5", "10:30", "1/2", "$1", "5%"),
    *("-1", "e-", "IV", "**", "__", "```", "](", "![", "<b>", "&amp;", "&#", "- ", "1. ", "# ", "> ", "| "),
    *("ñ", "ß", "ü", "я", "α", "ا", "한", "हि", "中", "一", "あ", "ア", "ー", "ッ", "。", "、", "「", "０", "Ａ"),
    *("\u0301", "\u00ad", "\u200d", "\ufeff", "\u00a0", "😀", "👨‍👩‍👧", "½", "²", "㎏", "™"),
)


def patterns() -> Iterator[tuple[str, str]]:
    """Yield each pattern's name and its text."""
    for unit in BY_HAND:
        yield repr(unit), (unit * LENGTH)[:LENGTH]
    draw = random.Random(SEED)  # noqa: S311  the same patterns each time
    for _ in range(DRAWN):
        units = draw.choices(ALPHABET, k=draw.randint(1, 4))
        if draw.random() < 0.5:
            yield f"{''.join(units)!r} repeated", ("".join(units) * LENGTH)[:LENGTH]
        else:
            yield f"{units} mixed", "".join(draw.choices(units, k=LENGTH))[:LENGTH]


def planned(reader: Reader, text: str) -> None:
    """Plan all chunks of a text."""
    voice = next(each for each in voices.profiles().values() if each.language == reader.language)
    try:
        for _ in reader.plan(text, Delivery(voices.find(voice.name)), Markup.AUTO, limits()).chunks:
            pass
    except SpeakkitError:  # a text may have nothing to speak
        return


def seconds(reader: Reader, text: str) -> float:
    """Return the seconds of processor time to plan a text, in a child process; LIMIT if it took longer."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
        begun = time.process_time()
        planned(reader, text)
        os.write(writing, f"{time.process_time() - begun}".encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as answer:
        took = answer.read()
    os.waitpid(child, 0)
    return float(took or LIMIT)


def measure(language: str) -> int:
    """Measure one language. Returns the number of patterns over AIM."""
    with registry.phonemizer(language) as phonemizer:
        reader = Reader(language, phonemizer, lexicon.load(language, limits().symbols))
        planned(reader, "Yes.")
        took = sorted(((seconds(reader, text), name) for name, text in patterns()), reverse=True)
    over = sum(each > AIM for each, _ in took)
    print(f"{language}: {len(took)} patterns, {over} over {AIM:g} s; the longest:")
    for each, name in took[:SHOWN]:
        print(f"  {each:6.2f} s  {name}", flush=True)
    return over


if __name__ == "__main__":
    locations.use(config.locations)
    counts = [measure(language) for language in sys.argv[1:] or voices.LANGUAGES.values()]
    sys.exit(ExitCode.CHECK_FAILED if any(counts) else ExitCode.DONE)
