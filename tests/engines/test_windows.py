"""Tests of reading in windows: where they are, and whether their joined words are the words of the whole."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from speakkit.audio import Audio
from speakkit.engines import windows
from speakkit.engines.windows import OVERLAP, WINDOW, Heard, Part
from speakkit.errors import EngineError
from speakkit.transcript import Guard, Word


@st.composite
def spoken(draw, texts):
    """Words with times, of 0.1 to 1 second, with pauses of 0.05 to 8 seconds between them."""
    words, at = [], 0.0
    for text in draw(st.lists(texts, min_size=1, max_size=250)):
        at += draw(st.sampled_from([0.05, 0.05, 0.05, 0.1, 0.4, 8.0]))
        words.append(Word(text, at, at + draw(st.sampled_from([0.1, 0.2, 0.3, 1.0]))))
        at = words[-1].end
    return words


def heard_in(words, start, end, cut, jitter=0.0):
    """The words that a recognizer finds in a window. cut: what it makes of a word that the window's edge cuts."""
    for k, word in enumerate(words):
        shift = jitter * (-1) ** (k + round(start))
        if start <= word.start and word.end <= end:
            yield Word(word.text, word.start + shift, word.end + shift)
        elif word.start < end and word.end > start and cut:
            yield Word(word.text[:cut], max(word.start, start), min(word.end, end))


def parts_of(words, cut, jitter=0.0):
    return [
        Part(start, end, tuple(heard_in(words, start, end, cut, jitter)))
        for start, end in windows.spans(words[-1].end + 0.1)
    ]


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 20_000))
def test_windows_cover_the_clip(duration):
    """The windows cover the clip without a gap, are no longer than WINDOW, and overlap by OVERLAP."""
    spans = windows.spans(duration)
    assert spans[0][0] == 0
    assert spans[-1][1] == pytest.approx(duration)
    assert all(0 < end - start <= WINDOW + 1e-6 for start, end in spans)
    assert all(one[1] - other[0] == pytest.approx(OVERLAP) for one, other in pairwise(spans))
    assert len(spans) == 1 or duration > WINDOW


@settings(max_examples=40, deadline=None)
@given(spoken(st.sampled_from(["no", "yes", "well", "really"])), st.integers(0, 2), st.sampled_from([0.0, 0.02]))
def test_joined_words_are_those_of_the_whole(words, cut, jitter):
    """Joined words equal the words of the whole: none is lost, none doubled, though words repeat and edges cut them."""
    joined = windows.join(parts_of(words, cut, jitter))
    assert [word.text for word in joined] == [word.text for word in words]
    assert all(abs(one.start - other.start) < 0.03 for one, other in zip(joined, words, strict=True))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(100, 9999), min_size=1, max_size=250, unique=True), st.integers(0, 2), st.data())
def test_words_without_times_are_joined_by_their_order(numbers, cut, data):
    """Words without times are joined at the longest run that both windows heard."""
    words, at = [], 0.0
    for number in numbers:
        at += data.draw(st.sampled_from([0.05, 0.1, 0.4]))
        words.append(Word(f"w{number}", at, at + 0.3))
        at = words[-1].end
    parts = [Part(one.start, one.end, tuple(Word(word.text) for word in one.words)) for one in parts_of(words, cut)]
    assert [word.text for word in windows.join(parts)] == [word.text for word in words]


def test_a_misread_word_in_the_overlap_is_there_once():
    """If the windows differ on every word of the overlap, each stretch of time is taken from one window."""
    left = Part(0, 30, (Word("before", 20, 20.5), Word("colour", 26.5, 27), Word("wind", 28.2, 28.6)))
    right = Part(26, 56, (Word("color", 26.52, 27), Word("window", 28.1, 28.6), Word("after", 31, 32)))
    assert [word.text for word in windows.join([left, right])] == ["before", "colour", "window", "after"]


def test_a_word_that_one_window_missed_is_kept():
    """A word that one window missed is not taken for the next one, which is spelled alike."""
    left = Part(0, 30, tuple(Word("no", at, at + 0.2) for at in (27.5, 27.9, 28.2)))
    right = Part(26, 56, (*(Word("no", at, at + 0.2) for at in (27.5, 28.2)), Word("after", 31, 32)))
    assert [word.text for word in windows.join([left, right])] == ["no", "no", "no", "after"]


def test_words_without_times_and_without_a_match_are_all_kept():
    """Where nothing matches, no word is lost."""
    parts = [Part(0, 30, (Word("one"), Word("two"))), Part(26, 56, (Word("three"),))]
    assert [word.text for word in windows.join(parts)] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, world!", ["Hello,", "world!"]),
        ("  ", []),
        ("今天。好", ["今", "天。", "好"]),
        ("用 Python 3", ["用", "Python", "3"]),
    ],
)
def test_written_words(text, words):
    """Spaces separate words; of scripts without spaces, each character counts as one. Spelling them gives the text."""
    assert [text[first:last] for first, last in windows.written(text)] == words
    assert windows.spelled(words) == text.strip()


def tone(seconds, rate=16_000):
    return Audio(np.full(round(seconds * rate), 0.1, np.float32), rate)


def test_a_long_clip_is_read_in_batches_and_gives_one_transcript():
    """Windows are resampled and read in batches; the words of the transcript have times of the clip."""
    sizes = []

    def read(parts):
        sizes.append(len(parts))
        assert {part.sample_rate for part in parts} == {16_000}
        assert all(part.duration <= WINDOW + 1e-3 for part in parts)
        return [Heard("w", (Word("w", 14.0, 14.5, 0.5),), "en", " w", -0.5) for _ in parts]

    clips = [tone(100, 8000), tone(1)]
    long, short = (outcome.result() for outcome in windows.transcribe(clips, read, "engine", 3))
    assert sizes == [3, 2]
    assert (long.text, long.raw_text, long.language) == ("w w w w", " w\n w\n w\n w", "en")
    assert [word.start for word in long.words] == pytest.approx([14.0, 38.0, 62.0, 86.0])
    assert [(segment.start, segment.end) for segment in long.segments] == list(windows.spans(100))
    assert long.segments[0].average_log_probability == -0.5
    assert short.words == (Word("w", 0.98, 1.0, 0.5),)  # within the clip, and not empty


def test_a_bad_clip_fails_alone():
    """An empty clip, a clip with NaN and one on which the network fails have an error each; the others are read."""

    def read(parts):
        if any(part.samples[0] == 1.0 for part in parts):
            raise ValueError("a bad shape\nwith details")
        return [Heard("w", ()) for _ in parts]

    bad = Audio(np.array([0.0, np.nan], np.float32), 16_000)
    broken = Audio(np.ones(16_000, np.float32), 16_000)
    outcomes = list(
        windows.transcribe([tone(1), tone(0), bad, Audio(tone(1).samples, 0), broken, tone(2)], read, "x", 4)
    )
    assert [outcome.error is None for outcome in outcomes] == [True, False, False, False, False, True]
    assert all(isinstance(outcome.error, EngineError) for outcome in outcomes if outcome.error)
    assert "empty" in str(outcomes[1].error)
    assert "NaN" in str(outcomes[2].error)
    assert str(outcomes[4].error) == "x failed: ValueError: a bad shape"


def test_a_clip_that_is_shorter_than_a_frame_is_padded():
    """A window has half a second at least."""
    (outcome,) = windows.transcribe(
        [Audio(np.ones(1, np.float32), 16_000)], lambda parts: [Heard(f"{parts[0].duration}", ())], "x"
    )
    assert outcome.result().text == "0.5"


def test_a_text_that_repeats_itself_has_a_guard():
    """A window whose text repeats its words has Guard.repetition; a window with plain text has no guard."""
    texts = iter(["no no " * 40, "The rain had stopped by noon."])
    (outcome,) = windows.transcribe([tone(50)], lambda parts: [Heard(next(texts), ()) for _ in parts], "x")
    assert [segment.guards for segment in outcome.result().segments] == [(Guard.repetition,), ()]
