"""Tests of the path from text to speech, and of the Python API."""

import subprocess
import sys

import numpy as np
import pytest

import speakkit
from speakkit.errors import BadValue, TextError
from speakkit.speech.synthesize import speaker
from speakkit.speech_request import SpeechRequest

PARAGRAPHS = (
    "Alice was beginning to get very tired of her sister.\n\nThere was nothing so very remarkable in that, she thought."
)


@pytest.fixture(scope="module")
def paragraphs():
    """The utterance of PARAGRAPHS, a chunk each."""
    (utterance,) = speakkit.synthesize(PARAGRAPHS, device="cpu")
    assert len(utterance.segments) == 2
    return utterance


def test_texts_in_utterances_out(whisper):
    """Each text gives one utterance, in order, with its text and voice."""
    texts = ["The quick brown fox.", "A lazy dog."]
    utterances = list(speakkit.synthesize(texts, voice="f2", device="cpu"))
    assert [utterance.text for utterance in utterances] == texts
    assert {utterance.voice for utterance in utterances} == {"af_bella"}
    heard = [transcript.text.lower() for transcript in whisper.transcribe(u.audio for u in utterances)]
    assert "quick brown fox" in heard[0]
    assert "lazy dog" in heard[1]


def test_one_text_is_one_utterance():
    """A string is one text, not a list of letters."""
    (utterance,) = speakkit.synthesize("Hello.", device="cpu")
    assert utterance.audio.sample_rate == 24_000
    assert utterance.audio.samples.dtype == np.float32
    assert np.abs(utterance.audio.samples).max() <= 1
    assert utterance.lost == ()


def test_texts_are_taken_one_by_one():
    """The first utterance is returned before the second text is read."""

    def texts():
        yield "Hello."
        raise LookupError("asked for the second text")

    utterances = speakkit.synthesize(texts(), device="cpu")
    assert next(utterances).text == "Hello."
    with pytest.raises(LookupError):
        next(utterances)


def test_every_word_of_a_long_text_is_heard(paragraphs, whisper):
    """Every word of a text of several chunks is heard, with a pause between paragraphs."""
    assert paragraphs.segments[0].chunk.gap > 0
    (transcript,) = whisper.transcribe([paragraphs.audio])
    heard = "".join(c for c in transcript.text.lower() if c.isalpha() or c == " ").split()
    said = "".join(c for c in PARAGRAPHS.lower() if c.isalpha() or c.isspace()).split()
    assert sum(word not in heard for word in said) <= 1


@pytest.fixture
def talker():
    """Yield a speaker: a voice with its engines."""
    with speaker(SpeechRequest(voice="f1", device="cpu")) as lent:
        yield lent


def test_joins_are_silent(paragraphs):
    """Each segment starts and ends with near-silent samples, so that joins are inaudible."""
    for segment in paragraphs.segments:
        assert abs(segment.audio.samples[0]) < 1e-3
        assert abs(segment.audio.samples[-1]) < 1e-3


def test_tokens_point_at_the_users_own_text(talker):
    """Every letter of the text is in a token of a chunk, at its offset."""
    text = "  \u201cWasn\u2019t it 5\u2032 tall?\u201d\n\nShe said:\tno\u2014never! \u4f60\u597d"
    tokens = [token for s in talker.segments(SpeechRequest(text)) for token in s.chunk.tokens]
    covered = {i for token in tokens for i in range(token.start, token.start + len(token.text))}
    assert all(text[token.start :].startswith(token.text) for token in tokens)
    assert {i for i, character in enumerate(text) if character.isalnum()} <= covered


def test_lost_words_are_in_the_utterance():
    """Lost words are listed in the utterance with their offsets."""
    (utterance,) = speakkit.synthesize("Hello \u4f60\u597d there.", device="cpu")
    assert [(token.text, token.start) for token in utterance.lost] == [("\u4f60\u597d", 6)]


def test_audio_of_a_chunk_does_not_depend_on_what_follows(talker, paragraphs):
    """A chunk has the same bytes whether or not another follows."""
    first, _ = PARAGRAPHS.split("\n\n")
    alone = next(talker.segments(SpeechRequest(first))).audio.samples
    before_another = paragraphs.segments[0].audio.samples
    assert alone.tobytes() == before_another[: len(alone)].tobytes()


def test_many_texts_are_spoken_as_one_by_one(talker):
    """Many texts give outcomes in order, on a CPU with the same bytes as one by one; failed texts have errors."""
    texts = ["...", "Two.\n\nThree.", "Four \u4f60\u597d.", "bad \ud800 text", "Five."]
    outcomes = list(talker.speak(SpeechRequest(text, seed=3) for text in texts))
    assert [outcome.item.text for outcome in outcomes] == texts
    assert [type(outcome.error) for outcome in outcomes] == [
        *(TextError, type(None), type(None), TextError, type(None))
    ]
    for text, outcome in zip(texts, outcomes, strict=True):
        if not outcome.error:
            alone = talker.utterance(SpeechRequest(text, seed=3))
            assert outcome.result().audio.samples.tobytes() == alone.audio.samples.tobytes()
            assert outcome.result().lost == alone.lost
            assert alone.engine == talker.synthesizer.identity


def test_a_text_is_taken_when_the_one_before_is_spoken(talker):
    """On a CPU, where each chunk is a batch, a text is read after the one before is spoken: texts may be streamed."""
    taken = []
    outcomes = talker.speak(taken.append(text) or SpeechRequest(text) for text in ["One.", "Two.", "Three."])
    for count in (1, 2):
        next(outcomes)
        assert len(taken) == count


def test_arguments_that_no_run_could_accept_are_value_errors():
    """An invalid argument raises a ValueError that names it."""
    for arguments in ({"voice": "f9"}, {"speed": 2.5}, {"device": "tpu"}):
        with pytest.raises(ValueError, match=str(next(iter(arguments.values())))) as caught:
            list(speakkit.synthesize("Hello.", **arguments))
        assert isinstance(caught.value, BadValue)


def test_text_without_words_is_an_error():
    """A text without words raises a TextError instead of giving an empty utterance."""
    with pytest.raises(TextError, match="no words"):
        list(speakkit.synthesize("...", device="cpu"))


def test_voice_that_is_not_packaged_is_fetched(whisper):
    """A British voice that is not packaged is fetched from kokoro-js through the npm client."""
    import shutil

    if not shutil.which("npm"):
        pytest.skip("needs npm")
    (utterance,) = speakkit.synthesize("The quick brown fox.", voice="bf_emma", device="cpu")
    (transcript,) = whisper.transcribe([utterance.audio])
    assert "quick brown fox" in transcript.text.lower()


def test_the_host_program_is_left_alone():
    """Importing and speaking print nothing, keep the host's log handlers, and leave no warning behind."""
    program = (
        "import io, sys, warnings\n"
        "from loguru import logger\n"
        "sink = io.StringIO()\n"
        "logger.add(sink)\n"
        "warnings.simplefilter('error', FutureWarning)\n"
        "from speakkit import synthesize\n"
        "next(synthesize('Hello $3 Zyrgblat.', device='cpu', speed=2.0))\n"
        "logger.info('still here')\n"
        "assert 'still here' in sink.getvalue() and 'kokoro' not in sink.getvalue(), sink.getvalue()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ""
    assert "still here" in ended.stderr
    assert ended.stderr.count("\n") == 1, ended.stderr
