"""Tests that the scripted engines behave as real ones do: outcomes in order, failures as data, closing."""

from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from speakkit.alignment import KnownWord
from speakkit.audio import Audio, silence
from speakkit.engines import fake
from speakkit.engines.attempt import attempt
from speakkit.engines.base import Synthesis
from speakkit.engines.kokoro_config import limits
from speakkit.errors import EngineError
from speakkit.outcome import Outcome
from speakkit.speech.frontend import Reader
from speakkit.speech.synthesize import Speaker
from speakkit.speech_request import SpeechRequest
from speakkit.text.chunks import Chunk
from speakkit.text.lexicon import Lexicon
from speakkit.text.passages import Passage
from speakkit.text.sentences import Sentence
from speakkit.voices import find

CLIPS = [Audio(np.full(16_000 * seconds, 0.1, np.float32), 16_000) for seconds in (1, 2, 3, 4, 5)]
SENTENCES = [Sentence(text, 0) for text in ("One.", "Two.", "Three.", "Four.", "Five.")]
CHUNKS = [Chunk(i, "abc", (), (), find("f1"), "en-us", 1.0, 0, 0.0) for i in range(5)]
PASSAGES = [Passage(f"Number {i}.", 0, "Tone", "en-us") for i in range(5)]

KINDS: dict[str, tuple[Any, Any, Any, Any]] = {
    "phonemizer": (fake.FakePhonemizer, fake.spelled, SENTENCES, lambda engine, items: engine.phonemize(items)),
    "synthesizer": (fake.FakeSynthesizer, fake.tone, CHUNKS, lambda engine, items: engine.synthesize(items)),
    "text synthesizer": (fake.FakeTextSynthesizer, fake.recited, PASSAGES, lambda engine, items: engine.recite(items)),
    "recognizer": (fake.FakeRecognizer, fake.counted, CLIPS, lambda engine, items: engine.transcribe(items, "en")),
    "aligner": (fake.FakeAligner, fake.observed, CLIPS, lambda engine, items: engine.observe(items)),
    "judge": (fake.FakeJudge, lambda _: (("overall", 4.0),), CLIPS, lambda engine, items: engine.score(items)),
    "embedder": (fake.FakeEmbedder, lambda _: "a vector", CLIPS, lambda engine, items: engine.embed(items)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_on_item_three_of_five_is_data_in_its_place(kind):
    """A failed item yields an outcome with a one-line EngineError in its place, and the other items succeed.

    This holds for the engine's own errors and for those of a library. Each outcome has the very item passed in.
    """
    make, answer, items, ask = KINDS[kind]
    for fault in (EngineError("no"), ValueError("a library's own\nin two lines")):

        def script(item, fault=fault):
            if item is items[2]:
                raise fault
            return answer(item)

        outcomes = list(ask(make(script), items))
        assert all(outcome.item is item for outcome, item in zip(outcomes, items, strict=True))
        assert [bool(outcome.error) for outcome in outcomes] == [False, False, True, False, False]
        assert isinstance(outcomes[2].error, EngineError)
        assert "\n" not in str(outcomes[2].error)
        with pytest.raises(EngineError):
            outcomes[2].result()
        assert all(outcome.result() for outcome in outcomes if not outcome.error)


@pytest.mark.parametrize("kind", KINDS)
def test_items_are_taken_one_by_one_and_none_after_the_end(kind):
    """No engine reads an item before its result is requested; after closing, the remaining outcomes are errors."""
    make, _, items, ask = KINDS[kind]
    engine, taken = make(), []
    outcomes = ask(engine, (taken.append(item) or item for item in items))
    assert taken == []
    next(outcomes)
    assert len(taken) == 1
    engine.close()
    assert all("was closed" in str(outcome.error) for outcome in outcomes)
    assert list(ask(make(), [])) == []


def test_lack_of_memory_is_told_as_such():
    """Running out of memory gives speakkit's own message, not the library's."""

    def starved(_):
        raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB")

    outcome = attempt(1, starved, "whisper-base")
    assert str(outcome.error) == "there is not enough memory for whisper-base; free some of it"
    assert isinstance(outcome.error.__cause__, RuntimeError)


def test_an_interrupt_is_no_failure_of_an_item():
    """KeyboardInterrupt is not an item's failure; it ends the batch."""

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt(1, interrupted, "whisper-base")


def test_texts_can_be_tried_on_the_same_posteriors():
    """Several texts can be aligned to one observation of the audio."""
    engine = fake.FakeAligner()
    (outcome,) = engine.observe([silence(3.0, 16_000)])
    for count in (0, 1, 3):
        alignment = outcome.result().align([KnownWord("a", ("a",))] * count)
        assert (len(alignment.words), len(alignment.gaps)) == (count, count + 1)
    assert len(engine.taken) == 1


def test_a_script_can_be_a_list():
    """A script can be a list of results in the order of the items; when the list ends, further items fail."""
    engine = fake.FakeJudge(fake.in_order((("overall", 1.0),), EngineError("no")))
    found = [outcome.error or outcome.result()["overall"] for outcome in engine.score(CLIPS[:3])]
    assert found[0] == 1.0
    assert [str(error) for error in found[1:]] == ["no", "the script has no further result"]


@contextmanager
def fakes(**scripts):
    """A speaker whose engines are all fakes; `scripts` may have `reads` and `speaks`."""
    phonemizer = fake.FakePhonemizer(scripts.get("reads"))
    synthesizer = fake.FakeSynthesizer(scripts.get("speaks"))
    yield Speaker(find("f1"), Reader("en-us", phonemizer, Lexicon("en-us")), synthesizer)


def test_speech_runs_on_fakes():
    """With fake engines, text is synthesized to audio by the whole pipeline, in milliseconds."""
    with fakes() as talker:
        utterance = talker.utterance(SpeechRequest("Hello there. 5 km to go."))
    assert [token.text for segment in utterance.segments for token in segment.chunk.tokens][:2] == ["Hello", "there"]
    assert utterance.audio.duration > 0.5
    assert utterance.engine.name == "fake-synthesizer"
    assert utterance.lost == ()


def test_one_text_that_fails_ends_no_other():
    """If a chunk fails, its text fails with that error, and other texts with chunks in the same batch succeed."""

    def speaks(chunk):
        if chunk.utterance == 1:
            raise EngineError("broken")
        return fake.tone(chunk)

    texts = ["First one here.", "Second one here.", "Third one here."]
    with fakes(speaks=speaks) as talker:
        outcomes = list(talker.speak(map(SpeechRequest, texts)))
    assert [str(outcome.error or "") for outcome in outcomes] == ["", "broken", ""]
    assert [outcome.item.text for outcome in outcomes] == texts


def test_a_sentence_that_cannot_be_read_is_named_and_the_rest_is_spoken():
    """A sentence that fails to be phonemized is reported in full as lost, with a warning, and the rest is spoken."""

    def reads(phrase):
        if "twice" in phrase.text:
            raise EngineError("misaki failed: KeyError")
        return fake.spelled(phrase)

    text = "First comes this. Then it fails twice. Last comes that."
    with fakes(reads=reads) as talker:
        utterance = talker.utterance(SpeechRequest(text))
    assert [(token.text, token.start) for token in utterance.lost] == [("Then it fails twice.", 18)]
    assert any("misaki failed" in line for line in utterance.warnings)
    assert utterance.audio.duration > 0.5


def test_a_chunk_whose_words_are_all_lost_keeps_its_gap():
    """A chunk without any phonemes becomes silence in its place; later text does not move forward."""
    with fakes(reads=lambda phrase: () if "x" in phrase.text else fake.spelled(phrase)) as talker:
        segments = list(talker.segments(SpeechRequest("xx xx.[pause:1s] Then this.")))
    assert sum(len(segment.onsets) == 0 for segment in segments) <= 1
    assert sum(len(segment.chunk.lost) for segment in segments) == 1


def test_lengths_that_no_engine_speaks_are_never_planned():
    """Chunks are no longer than the engine's own limit, here 60 phonemes."""
    small = fake.FakeSynthesizer(known=limits().__class__(limits().symbols, 60, 40, 10, 0.05, 0.5))
    talker = Speaker(find("f1"), Reader("en-us", fake.FakePhonemizer(), Lexicon("en-us")), small)
    utterance = talker.utterance(SpeechRequest("a word and another word, " * 20))
    assert max(len(segment.chunk.phonemes) for segment in utterance.segments) <= 60
    assert len(utterance.segments) > 8
    assert utterance.lost == ()


def test_an_outcome_gives_its_value_or_raises():
    """An outcome returns any result, 0 included, or raises its error."""
    assert Outcome(1, 0).result() == 0
    assert Outcome(1, Synthesis(silence(0, 1), ())).result().durations == ()
    with pytest.raises(EngineError, match="no"):
        Outcome(1, error=EngineError("no")).result()
