"""The data passed to an engine: tokens of the source text, chunks of them, and the engine's limits."""

from dataclasses import dataclass

from speakkit.voices import Voice


@dataclass(frozen=True)
class Token:
    """A word or a mark of the source text, and how it is spoken.

    text: as it stands in the source text; "" for the rest of a token that was cut in two
    start: offset of its first character in the source text, in characters
    phonemes: one symbol per character; "" if nothing is spoken
    spaced: white space follows it
    spoken: the words that are spoken for it; "" if a rule leaves it out; None if they are the written ones
    rule: the rule that rewrote it or left it out, such as "money"; "" if none did
    source: the origin of its phonemes, such as "lexicon" or "espeak-ng"; "" if unknown
    pause: seconds of silence that the user wants after it
    readings: all valid readings of its range in its sentence, the spoken one first, without the sentence's marks; ""
        among them if it may be left out; () if it can only be read as it is written
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
        """Whether a person reading aloud would say it: it has a letter or a digit, and no rule leaves it out."""
        said = self.text if self.spoken is None else self.spoken
        return any(character.isalnum() for character in said)


@dataclass(frozen=True)
class ChunkLimits:
    """How much one synthesizer can speak in one chunk, in its phonemes, and how long that takes.

    symbols: the phonemes and marks that the synthesizer supports
    most: maximum phonemes per chunk
    aim: phonemes up to which sentences are bundled
    weak: a part with fewer phonemes, such as the end of a paragraph, is joined to its neighbour, even if the chunk then
        exceeds `aim` by up to `weak` phonemes
    splits: fewest phonemes of a chunk that the synthesizer can speak in two parts that join without a seam; 0 if it can
        split none
    seconds_per_phoneme, seconds_per_chunk: slope and offset of the line that predicts the duration of speech
    """

    symbols: frozenset[str]
    most: int
    aim: int
    weak: int
    seconds_per_phoneme: float
    seconds_per_chunk: float
    splits: int = 0

    def seconds(self, phonemes: str, speed: float) -> float:
        """Return the predicted seconds of speech for one chunk."""
        return (self.seconds_per_phoneme * len(phonemes) + self.seconds_per_chunk * bool(phonemes)) / speed


@dataclass(frozen=True)
class Chunk:
    """The unit of text that an engine speaks in one piece.

    index: its place in the utterance, from 0
    phonemes: at most `ChunkLimits.most`, each supported by the engine; "" if every word of it was lost
    tokens: the range of the source text that it covers
    lost: those of the tokens that should be spoken but will not be, or not completely
    speed: 1.0 is the voice's own; 2.0 is twice as fast
    seed: of the noise in this chunk alone, so that its audio does not depend on its neighbours
    gap: seconds of silence after it
    spans: per token, half-open indices into `phonemes`; both are equal if the token is silent. Spaces between two
        tokens belong to neither
    predicted: predicted seconds of speech, without the gap
    utterance: place of its text among those that are spoken together, from 0
    is_last: no chunk of its text follows
    threads: processor threads to compute it with, which its samples depend on; 0 for torch's own count
    line: phonemes of the line of which it is the first or the second part, with a space between them; "" if it is no
        part
    at: offset of its own phonemes in the line; 0 for the first part
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
    line: str = ""
    at: int = 0

    @property
    def context(self) -> str:
        """The phonemes that it is spoken among: those of its line, or its own."""
        return self.line or self.phonemes

    @property
    def is_continued(self) -> bool:
        """Whether the next chunk is the second part of its line."""
        return bool(self.line) and not self.at


@dataclass(frozen=True)
class Delivery:
    """How the chunks of one utterance are to be spoken.

    speed: 1.0 is the voice's own
    seed: from which `chunk_seed` derives the seed of each chunk
    starts_early: a listener waits for the audio: keep the first chunk short, and split it if the engine can
    utterance: place of the text among those that are spoken together, from 0
    threads: processor threads; 0 for torch's own count
    """

    voice: Voice
    speed: float = 1.0
    seed: int = 0
    starts_early: bool = False
    utterance: int = 0
    threads: int = 0
