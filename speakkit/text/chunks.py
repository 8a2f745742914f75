"""What is spoken at once: the words and marks of a text, chunks of them, and the limits of an engine."""

from dataclasses import dataclass

from speakkit.voices import Voice


@dataclass(frozen=True)
class Token:
    """A word or a mark of the user's text, and how it is spoken.

    text: as it stands in the text, or "" for the rest of a token that was cut in two
    start: offset of its first character in the user's text, in characters
    phonemes: one symbol a character; "" where nothing is spoken
    spaced: white space follows it
    spoken: the words that are said for it; "" where it is left out by a rule, None where they are what is written
    rule: by which rule it was rewritten or left out, such as "money"; "" where it was not
    source: where its phonemes are from, such as "lexicon" or "espeak-ng"; "" where that is not told
    pause: seconds of silence that the user wants after it
    readings: all valid readings of what it stands for, in its sentence, the spoken one first, without the sentence's
        marks; "" among them if it may be left out; () if it can only be read as it is written
    """

    text: str
    start: int
    phonemes: str
    spaced: bool
    spoken: str | None = None
    rule: str = ""
    source: str = ""
    pause: float = 0.0
    readings: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        """Offset just past its last character."""
        return self.start + len(self.text)

    @property
    def is_word(self) -> bool:
        """Whether somebody who reads aloud would say it: it has a letter or a digit, and no rule leaves it out."""
        said = self.text if self.spoken is None else self.spoken
        return any(character.isalnum() for character in said)


@dataclass(frozen=True)
class ChunkLimits:
    """What one synthesizer can speak at once, in its phonemes, and how long that takes.

    symbols: the phonemes and marks that it knows
    most: phonemes in a chunk at most
    aim: phonemes up to which sentences are bundled
    weak: fewer phonemes are not left alone at the end of a paragraph, even if they take a chunk so far over the aim
    seconds_per_phoneme, seconds_per_chunk: the line by which the length of speech is predicted
    """

    symbols: frozenset[str]
    most: int
    aim: int
    weak: int
    seconds_per_phoneme: float
    seconds_per_chunk: float

    def seconds(self, phonemes: str, speed: float) -> float:
        """Seconds of speech to be expected for a chunk."""
        return (self.seconds_per_phoneme * len(phonemes) + self.seconds_per_chunk * bool(phonemes)) / speed


@dataclass(frozen=True)
class Chunk:
    """What an engine speaks at once.

    index: its place in the utterance, from 0
    phonemes: at most as many as the engine speaks at once, each known to it; "" where every word of it was lost
    tokens: the stretch of the user's text that it covers
    lost: those of the tokens that ought to be heard and will not be, in full
    speed: 1.0 is the voice's own; 2.0 is twice as fast
    seed: of the noise in this chunk alone, so that its audio does not depend on its neighbours
    gap: seconds of silence after it
    spans: for each of the tokens which of the phonemes are its own, as two offsets; those of a token that is not
        heard are equal. The spaces between two tokens are nobody's
    predicted: seconds of speech to be expected, without the gap
    utterance: place of its text among those that are spoken together, from 0
    is_last: no chunk of its text follows
    threads: of the processor, to compute it with, on which its samples depend; 0 for torch's own count
    """

    index: int
    phonemes: str
    tokens: tuple[Token, ...]
    lost: tuple[Token, ...]
    voice: Voice
    language: str
    speed: float
    seed: int
    gap: float
    spans: tuple[tuple[int, int], ...] = ()
    predicted: float = 0.0
    utterance: int = 0
    is_last: bool = False
    threads: int = 0


@dataclass(frozen=True)
class Delivery:
    """How the chunks of one utterance are to be spoken.

    starts_early: somebody waits to hear it: the first chunk is no longer than it must be
    utterance: place of the text among those that are spoken together, from 0
    threads: of the processor; 0 for torch's own count
    """

    voice: Voice
    speed: float = 1.0
    seed: int = 0
    starts_early: bool = False
    utterance: int = 0
    threads: int = 0
