"""Tests of word timestamps: their text, their offsets and their times."""

from dataclasses import replace
from difflib import SequenceMatcher

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from speakkit.audio import QUIET, silence
from speakkit.engines.fake import FakeSynthesizer
from speakkit.speech.concatenation import Segment
from speakkit.speech.synthesize import Speaker, find_voice, reader, speaker
from speakkit.speech.timestamps import words
from speakkit.speech_request import SpeechRequest
from speakkit.text.chunking import placed
from speakkit.text.chunks import Chunk, Token

SECOND_PER_PHONEME = 0.1


def timed(voice, text, **options):
    with speaker(SpeechRequest(voice=voice, device="cpu")) as talker:
        spoken = list(talker.segments(SpeechRequest(text, **options)))
    return list(words(text, spoken)), spoken


def split(voice, text):
    """The words of a text, as its voice's language is read; their times are those of a tone."""
    voice = find_voice(voice)
    with reader(voice.language) as reads:
        spoken = Speaker(voice, reads, FakeSynthesizer()).segments(SpeechRequest(text))
        return list(words(text, spoken))


def said(*tokens, index=0):
    """Return a segment in which each phoneme lasts 0.1 s."""
    phonemes, spans = placed(tokens, frozenset("abc ,.—"))
    lost = tuple(token for token in tokens if token.is_word and not token.phonemes)
    chunk = Chunk(index, phonemes, tokens, lost, find_voice("f1"), "en-us", 1.0, 0, 0.0, spans)
    onsets = tuple(SECOND_PER_PHONEME * i for i in range(len(phonemes) + 1))
    return Segment(chunk, silence(onsets[-1], 24_000), onsets)


def texts(text, *segments):
    return [word.text for word in words(text, segments)]


def test_words_are_the_users_and_in_their_place():
    """Words are those of the source text with their marks, whatever is spoken for them.

    Their offsets are right, and their times increase within the audio.
    """
    text = "“Wasn’t it 5′ tall?”\n\nShe said:\tno—never! Pay $5 (or (more)) — a & so on."
    found, spoken = timed("f1", text, speed=2.0)
    assert " ".join(word.text for word in found) == " ".join(text.split())
    assert all(text[word.offset :].startswith(word.text.split()[0]) for word in found)
    times = [time for word in found for time in (word.start, word.end)]
    assert times == sorted(times)
    assert all(word.end > word.start for word in found)
    assert times[-1] <= sum(part.audio.duration for part in spoken)


@pytest.mark.parametrize(
    ("voice", "text", "expected"),
    [
        ("s1", "— Hola, ¿qué tal? — dijo él.", ["— Hola,", "¿qué", "tal? —", "dijo", "él."]),
        ("ff_siwis", "« Bonjour », dit-il.", ["« Bonjour »,", "dit-il."]),
        ("hf_alpha", "नमस्ते, आप कैसे हैं?", ["नमस्ते,", "आप", "कैसे", "हैं?"]),
    ],
)
def test_words_of_every_language(voice, text, expected):
    """Words are split at white space; a mark that stands alone belongs to the word before it."""
    assert [word.text for word in split(voice, text)] == expected


@pytest.mark.parametrize(
    ("voice", "package", "text", "expected"),
    [
        ("zf_xiaoxiao", "jieba", "你好，世界。“今天”天气很好！", ["你好，", "世界。", "“今天”", "天气", "很", "好！"]),
        ("jf_alpha", "pyopenjtalk", "今日は「いい」天気です。", ["今日", "は", "「いい」", "天気", "です。"]),
    ],
)
def test_scripts_without_spaces_have_tokens_for_words(voice, package, text, expected):
    """In scripts without spaces, tokens are words, with no text between them.

    An opening mark belongs to the token after it, any other mark to the one before it.
    """
    pytest.importorskip(package, reason="the extras zh and ja are not installed")
    found = split(voice, text)
    assert [word.text for word in found] == expected
    assert "".join(word.text for word in found) == text
    assert not any(word.spaced for word in found[:-1])


def test_words_begin_with_their_sound():
    """A word after a pause starts when its sound starts, in the second chunk as in the first."""
    paragraph = "Ten! Keep. Dogs? Apples. Boats. Tell me, please. " * 2
    text = f"{paragraph}\n\n{paragraph}"
    found, spoken = timed("f1", text)
    assert len(spoken) > 1
    samples = np.concatenate([part.audio.samples for part in spoken])
    blocks = np.abs(samples[: len(samples) // 120 * 120]).reshape(-1, 120).max(1) > QUIET
    onsets = np.array([i for i in range(20, len(blocks)) if blocks[i] and not blocks[i - 20 : i].any()]) * 0.005
    starts = np.array([word.start for word in found])
    distances = [np.abs(starts - onset).min() for onset in onsets]
    assert len(onsets) >= 5
    assert np.median(distances) < 0.04
    assert np.percentile(distances, 90) < 0.1


def test_whisper_hears_the_words_when_we_say(whisper):
    """Over two chunks at speed 1.2, timestamps match Whisper's, which are themselves off by up to 0.2 s."""
    text = (
        "Alice was beginning to get very tired of her sister.\n\n"
        "Once or twice she had peeped into the book of her sister."
    )
    found, spoken = timed("m4", text, speed=1.2)
    assert len(spoken) == 2
    audio = replace(spoken[0].audio, samples=np.concatenate([part.audio.samples for part in spoken]))
    (transcript,) = whisper.transcribe([audio])
    ours, theirs = ([word.text.strip(",.").lower() for word in heard] for heard in (found, transcript.words))
    same = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    pairs = [(found[a + i], transcript.words[b + i]) for a, b, size in same for i in range(size)]
    assert len(pairs) > 0.9 * len(found)
    off = np.abs([mine.start - whispers.start for mine, whispers in pairs])
    assert np.median(off) < 0.15
    assert np.percentile(off, 90) < 0.5


def test_token_of_several_words_is_divided_by_letters():
    """The token "Nov 23, 2026" is three words, whose times are divided by their letters."""
    found = list(
        words("Nov 23, 2026 was", [said(Token("Nov 23, 2026", 0, "aaaaaaaaa", True), Token("was", 13, "b", True))])
    )
    assert [word.text for word in found] == ["Nov", "23,", "2026", "was"]
    assert [word.start for word in found] == pytest.approx([0.0, 0.95 * 3 / 9, 0.95 * 5 / 9, 0.95])
    assert [word.offset for word in found] == [0, 4, 8, 13]


def test_tokens_without_space_between_them_are_one_word():
    """Tokens without spaces between them are one word, even across two chunks.

    Its times go from its first to its last sound, without the pause of its mark.
    """
    first = said(Token("(", 0, ",", False), Token("do", 1, "ab", False), Token("n't", 3, "abc", False))
    second = said(Token(")", 6, ",", False), Token(".", 7, ".", True), Token("", 7, "", True), index=1)
    (word,) = words("(don't).", [first, second])
    assert (word.text, word.offset) == ("(don't).", 0)
    assert (word.start, word.end) == pytest.approx((0.1, 0.6))


def test_what_is_left_out_by_rule_or_lost_is_in_no_word():
    """Markup and lost words have no timestamps; the other words keep their offsets."""
    text = "So **very** 你好 [nice](url), it"
    segment = said(
        Token("So", 0, "ab", True),
        Token("**", 3, "", False, spoken="", rule="markup"),
        Token("very", 5, "abc", False),
        Token("**", 9, "", True, spoken="", rule="markup"),
        Token("你好", 12, "", True),
        Token("[", 15, "", False, spoken="", rule="markup"),
        Token("nice", 16, "abc", False),
        Token("](url)", 20, "", False, spoken="", rule="link target"),
        Token(",", 26, ",", True),
        Token("it", 28, "ab", True),
    )
    found = list(words(text, [segment]))
    assert [word.text for word in found] == ["So", "very", "nice,", "it"]
    assert [word.offset for word in found] == [0, 5, 16, 28]


def test_word_cut_over_two_chunks_is_one():
    """A word cut across two chunks is one word; its second part is a token without text."""
    first, second = said(Token("endless", 0, "aaaa", False)), said(Token("", 0, "aa", True), Token("b", 8, "b", True))
    found = list(words("endless b", [first, second]))
    assert [(word.text, round(word.end, 3)) for word in found] == [("endless", 0.65), ("b", 0.8)]


def test_words_come_with_their_segments():
    """The words of a segment are returned before the next segment is spoken."""

    def endless():
        while True:
            yield said(Token("a", 0, "a", True), Token("b", 2, "b", True))

    assert next(words("a b", endless())).text == "a"


@given(
    st.lists(
        st.tuples(st.text("xyé5—(,", min_size=1, max_size=5), st.booleans(), st.text("abc", min_size=1)), min_size=1
    )
)
def test_nothing_is_lost_between_words(pieces):
    """If all tokens of a text are spoken, its words are the parts between white space, however the tokens adjoin."""
    tokens, text = [], ""
    for piece, spaced, phonemes in pieces:
        tokens.append(Token(piece, len(text), phonemes, spaced))
        text += piece + "\n " * spaced
    assert " ".join(texts(text, said(*tokens))) == " ".join(text.split())
