"""What is known of one clip of speech once it was checked: scores, and for each word a verdict with its evidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from speakkit.identity import Identity


@dataclass(frozen=True)
class Scores:
    """A judge's opinion of one clip.

    values: (question, mean opinion score in [1, 5]) in the judge's own order
    evaluator: the judge
    """

    values: tuple[tuple[str, float], ...]
    evaluator: Identity

    def __getitem__(self, question: str) -> float:
        """The score for one question. Raises KeyError."""
        return dict(self.values)[question]

    def __iter__(self) -> Iterator[str]:
        """The questions."""
        return (question for question, _ in self.values)


class Verdict(StrEnum):
    """What is to be said of one word. stt_error blames the primary recognizer, referee_error the referee."""

    passed = "pass"
    stt_error = "stt_error"
    referee_error = "referee_error"
    tts_failure = "tts_failure"
    ambiguous = "ambiguous"
    homophone = "homophone"
    compound = "compound"
    spelling_variant = "spelling_variant"
    filler_word = "filler_word"
    abbreviation = "abbreviation"
    gt_typo = "gt_typo"
    gt_error = "gt_error"


class SpeechFault(StrEnum):
    """What went wrong where the verdict is tts_failure."""

    substituted = "substituted"
    dropped = "dropped"
    inserted = "inserted"
    doubled = "doubled"
    truncated = "truncated"
    mispronounced = "mispronounced"


@dataclass(frozen=True)
class Evidence:
    """What a verdict rests on. What was not measured is None.

    heard: recognizer -> what it heard in place of the word; "" for nothing
    confidence: recognizer -> its probability for that, in [0, 1]
    goodness: goodness of pronunciation, see `alignment.AlignedWord.score`
    likelihood_ratio: natural logarithm of the alignment with what was heard, over that with the text
    rule: the rule that decided
    """

    heard: Mapping[str, str] = field(default_factory=dict)
    confidence: Mapping[str, float | None] = field(default_factory=dict)
    goodness: float | None = None
    likelihood_ratio: float | None = None
    rule: str = ""


@dataclass(frozen=True)
class WordResult:
    """The verdict on one word of the text.

    start, end: offsets in the text, in characters
    begins, ends: seconds from the start of the clip; None if the word was not located
    confidence: calibrated probability that the word was said, in [0, 1]
    """

    text: str
    start: int
    end: int
    verdict: Verdict
    evidence: Evidence
    fault: SpeechFault | None = None
    begins: float | None = None
    ends: float | None = None
    confidence: float | None = None


@dataclass(frozen=True)
class Insertion:
    """Speech that the text does not have.

    before: index of the word behind it; the number of words at the end of the text
    begins, ends: seconds from the start of the clip
    """

    before: int
    heard: str
    verdict: Verdict
    begins: float
    ends: float
    evidence: Evidence


class ClipVerdict(StrEnum):
    """What is to be said of a clip. A clip that could not be measured has failed to be checked, and never passes."""

    passed = "pass"
    fail = "fail"
    review = "review"
    failed = "failed"


@dataclass(frozen=True)
class ClipResult:
    """All that a check found of one clip.

    reason: why the verdict is not pass
    words: one for each white-space word of the text, in order; empty if the clip could not be measured
    engines: role, such as "primary" -> the engine that had it
    scores: of each judge that ran
    seconds: stage -> how long it took
    """

    path: str
    text: str
    verdict: ClipVerdict
    reason: str = ""
    words: tuple[WordResult, ...] = ()
    insertions: tuple[Insertion, ...] = ()
    engines: Mapping[str, Identity] = field(default_factory=dict)
    scores: tuple[Scores, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
