"""Results of checking one speech clip: quality scores, and a verdict with its evidence for each word."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from speakkit.identity import Identity


@dataclass(frozen=True)
class Scores:
    """The quality scores that one judge gave a clip.

    values: (question, mean opinion score in [1, 5]) pairs, in the judge's own order
    evaluator: identity of the judge
    """

    values: tuple[tuple[str, float], ...]
    evaluator: Identity

    def __getitem__(self, question: str) -> float:
        """Return the score for one question. Raises KeyError if the judge has no such question."""
        return dict(self.values)[question]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the questions."""
        return (question for question, _ in self.values)


class Verdict(StrEnum):
    """Verdict on one word. stt_error is an error of the primary recognizer, referee_error one of the referee."""

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
    """Kind of speech error, given if the verdict is tts_failure."""

    substituted = "substituted"
    dropped = "dropped"
    inserted = "inserted"
    doubled = "doubled"
    truncated = "truncated"
    mispronounced = "mispronounced"


@dataclass(frozen=True)
class Evidence:
    """The measurements that a verdict is based on. None for what was not measured.

    heard: recognizer -> its text in place of the word; "" for nothing
    confidence: recognizer -> its probability for that text, in [0, 1]
    goodness: goodness of pronunciation, see `alignment.AlignedWord.score`
    likelihood_ratio: natural logarithm of the likelihood of the recognized text's alignment over that of the expected
        text's
    rule: name of the rule that decided
    """

    heard: Mapping[str, str] = field(default_factory=dict)
    confidence: Mapping[str, float | None] = field(default_factory=dict)
    goodness: float | None = None
    likelihood_ratio: float | None = None
    rule: str = ""


@dataclass(frozen=True)
class WordResult:
    """The verdict on one word of the text.

    start, end: half-open character offsets in the text
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
    """Speech in the clip that the text does not contain.

    before: index of the word that follows; the number of words at the end of the text
    heard: the recognized text
    begins, ends: seconds from the start of the clip
    """

    before: int
    heard: str
    verdict: Verdict
    begins: float
    ends: float
    evidence: Evidence


class ClipVerdict(StrEnum):
    """Verdict on a clip.

    `failed` means that the clip could not be measured. Such a clip never passes.
    """

    passed = "pass"
    fail = "fail"
    review = "review"
    failed = "failed"


@dataclass(frozen=True)
class ClipResult:
    """The result of checking one clip.

    reason: why the verdict is not pass
    words: one per whitespace-separated word of the text, in order; empty if the clip could not be measured
    engines: role, such as "primary" -> identity of the engine in that role
    scores: one entry per judge that ran
    seconds: stage -> duration of the stage, in seconds
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
