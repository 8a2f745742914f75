"""Turn a text into the words that its recording should contain, with all their valid pronunciations, for an aligner."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from speakkit.alignment import KnownWord
from speakkit.speech.explain import grouped, phonemes_of, readings_of
from speakkit.speech.frontend import Reader
from speakkit.speech_request import Markup
from speakkit.text.chunks import Token
from speakkit.text.decode import checked
from speakkit.text.markup import script
from speakkit.text.sentences import Sentence

MOST = 24
"""Maximum pronunciations of one word. Each is up to a hundred states of the aligner's graph, for a long number."""


def known_words(text: str, reader: Reader, markup: Markup = Markup.PLAIN) -> tuple[KnownWord, ...]:
    """Return the words of `text` in order, as they are written, with their valid pronunciations, the usual one first.

    A word is the text between two white spaces, or a token if the script has no spaces. If a rule reads several words
    as one, such as "5 km", they are one word here. Text that a rule leaves out is not included. A word that the reader
    cannot pronounce has no pronunciations; one that may be left out has "" among them.
    A text of white space has no words. Raises TextError if `text` is not valid text.
    """
    if not text.strip():
        return ()
    read = reader.read(text, script(checked(text, "the text"), markup), [])
    groups = [group for _, tokens in read for group in grouped(text, tokens) if any(token.is_word for token in group)]
    ways = [tuple(islice(readings_of(group), 1, MOST)) for group in groups]  # the first is the spoken one
    said = dict(_pronounced(dict.fromkeys(way for some in ways for way in some), reader))
    return tuple(
        _known(text, group, [said[way] for way in some if way in said])
        for group, some in zip(groups, ways, strict=True)
    )


def _known(text: str, group: Sequence[Token], others: Sequence[str]) -> KnownWord:
    """Return the word of a group. others: the phonemes of its other readings."""
    heard = [token for token in group if token.spoken != ""]  # the others may be markup
    start, end = heard[0].start, heard[-1].end
    spoken = phonemes_of(group)
    return KnownWord(text[start:end], tuple(dict.fromkeys([spoken, *others] if spoken else others)), start)


def _pronounced(ways: Iterable[str], reader: Reader) -> Iterator[tuple[str, str]]:
    """Yield each reading with its phonemes as a text of its own. Readings that have none are left out, except ""."""
    yield "", ""
    for outcome in reader.phonemizer.phonemize(Sentence(way, 0) for way in ways if way):
        said = phonemes_of(outcome.value or ())
        if said:
            yield outcome.item.text, said
