"""Tests of the aligner on real speech: a person's, and Kokoro's with its own durations."""

from pathlib import Path

import numpy as np
import pytest

from speakkit.alignment import SKIPPED, AlignedWord, Alignment, KnownWord
from speakkit.audio import Audio, joined, silence
from speakkit.audiofile import read
from speakkit.engines import registry
from speakkit.errors import EngineError
from speakkit.speech.known_words import known_words
from speakkit.speech.synthesize import speaker
from speakkit.speech.timestamps import words
from speakkit.speech_request import SpeechRequest

TEXT = "unless to be rather cold hearted and rather selfish is to be ill disposed"
PRONUNCIATIONS = (
    *("ʌnlˈɛs", "tə", "bi", "ɹˈæðəɹ", "kˈOld", "hˈɑɹTᵻd", "ænd", "ɹˈæðəɹ"),
    *("sˈɛlfɪʃ", "ɪz", "tə", "bi", "ˈɪl", "dɪspˈOzd"),
)
SAID = [KnownWord(word, (way,)) for word, way in zip(TEXT.split(), PRONUNCIATIONS, strict=True)]
FOREIGN = [KnownWord(way, (way,)) for way in ("kwˈɪk", "bɹˈWn", "fˈɑksəz", "ʤˈʌmpt", "ˈOvəɹ", "θɹˈi", "lˈAzi", "dˈɔɡz")]


@pytest.fixture(scope="module")
def clip():
    """Five seconds of a LibriVox reading of TEXT."""
    return read(Path(__file__).parent.parent / "data" / "librivox-0890.wav")


@pytest.fixture(scope="module")
def aligner():
    with registry.aligner("hama") as lent:
        yield lent


@pytest.fixture(scope="module")
def heard(aligner, clip):
    (outcome,) = aligner.observe([clip])
    return outcome.result()


def aligned(aligner, audio, known):
    (outcome,) = aligner.observe([audio])
    return outcome.result().align(known)


def found(alignment):
    return [word.text for word in alignment.words if not word.is_skipped]


def starts(alignment):
    return np.array([word.start for word in alignment.words])


def test_every_word_is_found_in_order(heard, clip):
    """All words are found, none of length 0, in order and within the clip, and nothing is heard between them."""
    alignment = heard.align(SAID)
    assert found(alignment) == TEXT.split()
    times = [time for word in alignment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(word.end > word.start for word in alignment.words)
    assert 0 <= times[0] < times[-1] <= clip.duration
    assert [gap.before for gap in alignment.gaps] == list(range(len(SAID) + 1))
    assert not any(gap.phonemes for gap in alignment.gaps)
    assert alignment.agreement > -1.0


def test_phonemes_divide_their_word(heard):
    """The phonemes of a word follow one another from its start to its end, and are heard as they are."""
    word = heard.align(SAID).words[8]
    assert "".join(phoneme.symbol for phoneme in word.phonemes) == "sɛlfɪʃ"
    assert "".join(phoneme.heard for phoneme in word.phonemes) == "sɛlfɪʃ"
    edges = [word.start, *(phoneme.end for phoneme in word.phonemes)]
    assert edges == sorted(edges)
    assert [phoneme.start for phoneme in word.phonemes] == edges[:-1]
    assert edges[-1] == word.end


def spoken_by_kokoro(text):
    """The utterance of a text by Kokoro, and its known words."""
    with speaker(SpeechRequest(voice="f1", device="cpu")) as talker:
        return talker.utterance(SpeechRequest(text)), known_words(text, talker.reader)


def test_times_are_those_of_the_engine(aligner):
    """Words of Kokoro's speech begin where its durations say: half of them within 20 ms, 19 of 20 within 60 ms."""
    text = "Alice was beginning to get very tired of sitting by her sister."
    spoken, known = spoken_by_kokoro(text)
    alignment = aligned(aligner, spoken.audio, known)
    timed = list(words(text, spoken.segments))
    assert found(alignment) == text.split() == [word.text for word in timed]
    late = np.abs(starts(alignment) - [word.start for word in timed])
    assert np.median(late) < 0.02
    assert np.percentile(late, 95) < 0.06


def test_a_word_that_hama_learned_by_its_letters_is_found(aligner):
    """hama hears "one" as it is spelled; it is found, as its own pronunciation."""
    text = "There was one of them left, and nobody knew which one it was."
    spoken, known = spoken_by_kokoro(text)
    alignment = aligned(aligner, spoken.audio, known)
    irregular = [word for word in alignment.words if word.text == "one"]
    assert len(irregular) == 2
    assert all(not word.is_skipped and word.pronunciation == 0 and word.score > -12 for word in irregular)


def test_another_text_is_told_from_the_right_one(heard, aligner):
    """The agreement of another text is below the aligner's threshold, that of the right one above."""
    assert heard.align(FOREIGN).agreement < aligner.foreign < heard.align(SAID).agreement
    assert heard.align(SAID).score > heard.align(FOREIGN).score


def test_words_that_are_not_spoken_are_skipped(heard):
    """Words of the text that nobody says are skipped, and the others are found where they were."""
    extra = [*SAID[:4], *FOREIGN[:4], *SAID[4:]]
    alignment = heard.align(extra)
    assert found(alignment) == TEXT.split()
    assert [word.pronunciation for word in alignment.words[4:8]] == [-1] * 4
    kept = np.delete(starts(alignment), range(4, 8))
    assert kept == pytest.approx(starts(heard.align(SAID)))


def test_speech_that_is_not_in_the_text_is_in_a_gap(heard):
    """Words that the text lacks are phonemes of a gap, from the word before to the word after."""
    alignment = heard.align(SAID[:5] + SAID[8:])
    gap = alignment.gaps[5]
    assert "hɑɹt" in gap.phonemes
    assert "æðɚ" in gap.phonemes
    assert gap.score < -30
    assert (gap.start, gap.end) == (alignment.words[4].end, alignment.words[5].start)
    assert gap.end - gap.start > 0.6


def test_the_pronunciation_that_is_spoken_is_chosen(heard):
    """Of several pronunciations the spoken one is chosen; phonemes that the aligner lacks are not looked for."""
    ways = [KnownWord("unless", ("ˈʌndəɹ", "bi", "ʌnlˈɛs")), *SAID[1:4], KnownWord("cold", ("kǂˈOld",)), *SAID[5:]]
    alignment = heard.align([*ways, KnownWord("ǂǂ", ("ǂǂ",)), KnownWord("?", ()), KnownWord("silent", ("", "ɡɹˈin"))])
    assert alignment.words[0].pronunciation == 2
    assert found(alignment) == TEXT.split()
    assert [(word.pronunciation, word.score) for word in alignment.words[-3:]] == [(-1, -16.0), (-1, -16.0), (0, 0.0)]


def test_no_text_is_one_gap(heard, clip):
    """An empty text has no words, and what is said is in the only gap."""
    alignment = heard.align([])
    assert alignment.words == ()
    (gap,) = alignment.gaps
    assert (gap.start, gap.end) == (0.0, clip.duration)
    assert "sɛlfɪʃ" in gap.phonemes


@pytest.mark.parametrize(
    "audio",
    [
        silence(1.0, 24_000),
        Audio(0.1 * np.random.default_rng(0).standard_normal(16_000).astype(np.float32), 16_000),
        Audio(np.ones(1, np.float32), 16_000),
    ],
    ids=["silence", "noise", "one sample"],
)
def test_no_speech_has_no_words(aligner, audio):
    """No word is invented in silence, in noise, or in a clip that is too short for any."""
    assert found(aligned(aligner, audio, SAID)) == []


@pytest.mark.parametrize(("sample_rate", "gain"), [(8_000, 1.0), (44_100, 0.05), (96_000, 4.0)])
def test_any_sample_rate_and_loudness(aligner, clip, heard, sample_rate, gain):
    """The words are where they are at 16 kHz, as far as a telephone's bandwidth and clipping allow."""
    other = Audio(gain * clip.resampled(sample_rate).samples, sample_rate)
    alignment = aligned(aligner, other, SAID)
    assert found(alignment) == TEXT.split()
    assert np.median(np.abs(starts(alignment) - starts(heard.align(SAID)))) <= 0.02


def test_what_cannot_be_aligned_fails_alone(aligner, clip):
    """An empty clip and one with NaN fail, and the clips beside them are heard."""
    broken = (Audio(np.zeros(0, np.float32), 24_000), Audio(np.full(16_000, np.nan, np.float32), 16_000))
    short = clip.part(0.0, 1.0)
    outcomes = list(aligner.observe([short, broken[0], short, broken[1]]))
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, False, True]
    assert "the clip is empty" in str(outcomes[1].error)
    assert "NaN or infinite" in str(outcomes[3].error)
    assert all(isinstance(outcomes[i].error, EngineError) for i in (1, 3))


def test_parts_of_long_clips_have_no_seam(aligner, clip, monkeypatch):
    """A clip of 27 seconds, which is heard in two parts, and aligned in windows, has the times of its copies."""
    from speakkit.engines import ctc

    monkeypatch.setattr(ctc, "WINDOW", 400)
    monkeypatch.setattr(ctc, "AGAIN", 100)
    copies = 5
    alignment = aligned(aligner, joined([clip] * copies), SAID * copies)
    assert found(alignment) == TEXT.split() * copies
    apart = starts(alignment).reshape(copies, -1) - clip.duration * np.arange(copies)[:, None]
    assert np.abs(apart - apart[1]).max() < 0.07
    assert np.median(np.abs(apart - apart[1])) <= 0.02


def test_one_long_word_does_not_make_a_text_foreign():
    """A word counts no less in the agreement than one that is left out, however many phonemes it has."""
    words = (AlignedWord("means--to--make--anything--", 0.0, 1.0, 0, -40.0), AlignedWord("it", 1.0, 1.2, 0, -1.0))
    assert Alignment(words, (), -41.0).agreement == (SKIPPED - 1.0) / 2
