"""Tests of each language from text to speech and back through Whisper, and of text that a voice cannot read."""

import jiwer
import numpy as np
import pytest

from speakkit import synthesize
from speakkit.errors import BadValue, TextError
from speakkit.speech.timestamps import words
from speakkit.voices import SAMPLES


def plain(text):
    return "".join(letter for letter in text.lower() if letter.isalnum())


@pytest.mark.parametrize(
    ("voice", "language"),
    [("s1", "es"), ("ff_siwis", "fr-fr"), ("if_sara", "it"), ("pm_alex", "pt-br"), ("jf_alpha", "ja")],
)
def test_a_sentence_is_understood(whisper, voice, language):
    """The character error rate of Whisper's transcript is at most 15 %; every letter of the text is in a word."""
    (utterance,) = synthesize(SAMPLES[language], voice=voice)
    gap = "" if language == "ja" else " "
    assert gap.join(word.text for word in words(SAMPLES[language], utterance.segments)) == SAMPLES[language]
    assert 0.05 < np.abs(utterance.audio.samples).max() < 1.0
    assert utterance.lost == ()
    (transcript,) = whisper.transcribe([utterance.audio], language[:2])
    assert jiwer.cer(plain(SAMPLES[language]), plain(transcript.text)) <= 0.15


def test_mandarin_is_understood(whisper):
    """Mandarin is compared by its pinyin, because Whisper writes some words in traditional characters."""
    pypinyin = pytest.importorskip("pypinyin", reason="the extra zh is not installed")
    (utterance,) = synthesize(SAMPLES["zh"], voice="zf_xiaoxiao")
    (transcript,) = whisper.transcribe([utterance.audio], "zh")
    said, heard = ("".join(pypinyin.lazy_pinyin(plain(text))) for text in (SAMPLES["zh"], transcript.text))
    assert jiwer.cer(said, heard) <= 0.15


def test_hindi_is_understood(whisper):
    """The number of words in Hindi matches to within 2; Whisper base writes Hindi in Urdu script."""
    (utterance,) = synthesize(SAMPLES["hi"], voice="hf_alpha")
    (transcript,) = whisper.transcribe([utterance.audio], "hi")
    assert abs(len(transcript.text.split()) - len(SAMPLES["hi"].split())) <= 2


def test_a_voice_reads_another_language_when_told():
    """With `lang`, an English voice speaks Spanish phonemes."""
    (own,) = synthesize("Hola.", voice="f1")
    (told,) = synthesize("Hola.", voice="f1", lang="es")
    assert own.segments[0].chunk.phonemes != told.segments[0].chunk.phonemes
    assert told.segments[0].chunk.language == "es"


@pytest.mark.parametrize(
    ("voice", "text", "hint"),
    [
        ("f1", "你好", "; a voice of its language can, such as zf_xiaobei"),
        ("hf_alpha", "こんにちは", "; a voice of its language can, such as jf_alpha"),
        ("s1", "नमस्ते", "; a voice of its language can, such as hf_alpha"),
        ("zf_xiaoxiao", "Привет", "$"),
    ],
)
def test_text_of_another_script_is_refused(voice, text, hint):
    """Text that the voice cannot read raises a TextError that names the text and, if there is one, a voice for it."""
    with pytest.raises(TextError, match=f"cannot say {text}{hint}"):
        next(synthesize(text, voice=voice))


def test_words_of_another_script_are_lost_by_name():
    """Words of another script are listed as lost, and the rest is spoken."""
    (utterance,) = synthesize("Buenos días, 你好.", voice="s1")
    assert [token.text for token in utterance.lost] == ["你好"]


def test_unknown_language_is_refused():
    """An unknown language raises a BadValue that lists the known ones."""
    with pytest.raises(BadValue, match="speakkit speaks"):
        next(synthesize("Hello.", lang="tlh"))


def test_long_text_without_spaces_is_cut_at_its_marks(read_in):
    """Sixty Mandarin sentences in one paragraph are cut into chunks; kokoro drops all but the first 510 phonemes."""
    pytest.importorskip("jieba", reason="the extra zh is not installed")
    from speakkit.engines.kokoro_config import MOST, limits
    from speakkit.speech.synthesize import find_voice
    from speakkit.text.chunking import chunks
    from speakkit.text.chunks import Delivery
    from speakkit.text.sentences import sentences

    text = SAMPLES["zh"] * 60
    found = list(sentences(text))
    plan = list(
        chunks(zip(found, read_in("zh").phonemize(found), strict=True), Delivery(find_voice("zf_xiaoxiao")), limits())
    )
    assert len(found) == 60
    assert max(len(chunk.phonemes) for chunk in plan) <= MOST
    assert "".join(token.text for chunk in plan for token in chunk.tokens) == text
