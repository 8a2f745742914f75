"""Tests of Qwen3-ASR and its aligner on small checkpoints of their real classes; real weights were never run here."""

import shutil

import numpy as np
import pytest
import torch

import tiny_checkpoints
from speakkit.audio import Audio, silence
from speakkit.engines import hub, qwen, registry
from speakkit.errors import EngineError, ModelError

RATE = 16_000
TEXT = "Hello, world - naïve!"


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder of the setting `models`, with the recognizer and the aligner."""
    folder = tmp_path_factory.mktemp("models")
    tiny_checkpoints.qwen_recognizer(folder / "qwen3-asr")
    tiny_checkpoints.qwen_aligner(folder / "qwen3-aligner")
    return folder


@pytest.fixture(scope="module")
def aligned(models):
    """The engine with its aligner, loaded as the command line does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPEAKKIT_MODELS", str(models))
        with registry.recognizer("qwen3-asr", "cpu") as engine:
            yield engine


@pytest.fixture(scope="module")
def engine(models):
    """The engine without the aligner."""
    return qwen.Qwen(hub.Installed(models / "qwen3-asr", "of a test"), torch.device("cpu"))


def noise(seconds, seed=0):
    return Audio(np.random.default_rng(seed).standard_normal(round(seconds * RATE)).astype(np.float32) * 0.1, RATE)


def heard(engine, clip, language=None):
    (outcome,) = engine.transcribe([clip], language)
    return outcome.result()


def test_the_text_and_its_language(engine):
    """The language is what the network names, the text what follows, and nothing of the raw text is lost."""
    transcript = heard(engine, noise(2.0))
    assert (transcript.text, transcript.language) == (TEXT, "en")
    assert transcript.raw_text == f"language English<asr_text>{TEXT}"
    assert [word.text for word in transcript.words] == ["Hello,", "world", "-", "naïve!"]
    assert {word.start for word in transcript.words} == {None}


def test_a_given_language_is_not_asked_for(engine):
    """If the language is given, the network says only the text."""
    transcript = heard(engine, noise(2.0), "en")
    assert (transcript.text, transcript.raw_text, transcript.language) == (TEXT, TEXT, "en")


def test_confidences_are_those_of_the_network(engine):
    """The confidence of a word is the smallest posterior of its tokens, as one pass over the whole text gives them."""
    transcript = heard(engine, noise(2.0))
    (network, processor), _ = engine._held()
    inputs = processor.apply_transcription_request(audio=[noise(2.0).samples])
    begun = inputs["input_ids"].shape[1]
    said = processor.tokenizer.convert_tokens_to_ids(list(tiny_checkpoints.SCRIPT))
    ids = torch.cat([inputs.pop("input_ids"), torch.tensor([said])], 1)
    inputs.pop("attention_mask")
    with torch.inference_mode():
        posteriors = network(input_ids=ids, **inputs).logits.softmax(-1)[0]
    hello, _, wor, ld, _, nai, ve = (float(posteriors[begun - 1 + k, said[k]]) for k in range(3, 10))
    assert [word.confidence for word in transcript.words] == [
        pytest.approx(hello, abs=1e-5),
        pytest.approx(min(wor, ld), abs=1e-5),
        None,  # a dash has no letter that could be wrong
        pytest.approx(min(nai, ve), abs=1e-5),
    ]
    assert len({round(word.confidence, 4) for word in transcript.words if word.confidence}) == 3


def test_times_of_words_are_those_of_the_aligner(aligned):
    """Words have the times that transformers decodes, in order and 80 ms long at least; a dash has none."""
    clip = noise(2.0)
    transcript = heard(aligned, clip)
    _, (network, processor) = aligned._held()
    inputs, lists = processor.prepare_forced_aligner_inputs(clip.samples, "Hello world naïve", "en")
    with torch.inference_mode():
        logits = network(**inputs).logits
    (times,) = processor.decode_forced_alignment(logits, inputs["input_ids"], lists, network.config.timestamp_token_id)
    assert lists == [["Hello", "world", "naïve"]]
    timed = [word for word in transcript.words if word.start is not None]
    assert [word.text for word in timed] == ["Hello,", "world", "naïve!"]
    for word, expected in zip(timed, times, strict=True):
        end = min(max(expected["end_time"], expected["start_time"] + 0.08), clip.duration)
        assert word.end == pytest.approx(end)
        assert word.start == pytest.approx(min(expected["start_time"], end - 0.02))
    assert transcript.text == TEXT


def test_what_the_aligner_does_not_know_has_no_times(aligned):
    """In a language that the aligner does not know, words have no times and are all there."""
    transcript = heard(aligned, noise(2.0), "sv")
    assert {word.start for word in transcript.words} == {None}
    assert transcript.text == TEXT


def test_repetitions_are_kept(engine):
    """transformers shortens what repeats 20 times; here it is kept, in the text and in the words."""
    (_, processor), _ = engine._held()
    said = "ha " * 30
    tokens = processor.tokenizer(f"language English<asr_text>{said}")["input_ids"]
    found = qwen._heard(tokens, [-0.1] * len(tokens), processor, None)
    assert processor.decode(tokens, return_format="transcription_only").count("ha") < 30
    assert found.text == said.strip()
    assert [word.text for word in found.words] == ["ha"] * 30


@pytest.mark.parametrize(
    ("said", "text", "language"),
    [
        ("language None<asr_text>", "", ""),
        ("", "", ""),
        ("no mark", "no mark", ""),
        ("language Chinese<asr_text>今天好。", "今天好。", "zh"),
        ("language Klingon<asr_text>nuqneH", "nuqneH", ""),
    ],
)
def test_what_the_network_may_write(engine, said, text, language):
    """A missing or unknown language is "", and Chinese characters are words of their own."""
    (_, processor), _ = engine._held()
    tokens = processor.tokenizer(said)["input_ids"]
    found = qwen._heard(tokens, [-0.5] * len(tokens), processor, None)
    assert (found.text, found.language, found.raw_text) == (text, language, said)
    assert "".join(word.text for word in found.words) == text.replace(" ", "")
    assert all(word.confidence is None or 0 < word.confidence <= 1 for word in found.words)


def test_a_long_clip_is_joined_by_words(engine):
    """Windows of a long clip that say the same are joined where they agree, with spaces between words."""
    transcript = heard(engine, noise(50.0))
    assert len(transcript.segments) == 2
    assert transcript.raw_text.count("<asr_text>") == 2
    assert transcript.text == " ".join(word.text for word in transcript.words)
    assert set(transcript.text.split()) == set(TEXT.split())


def test_a_batch_gives_what_single_clips_give(aligned):
    """Clips of other lengths in the same batch do not change a clip's words, times and confidences."""
    clips = [noise(0.3), noise(3.0, 1), noise(9.0, 2)]
    for part, clip in zip(aligned._read(None, clips), clips, strict=True):
        (alone,) = aligned._read(None, [clip])
        assert part.text == alone.text
        assert [word.start for word in part.words] == [word.start for word in alone.words]
        confidences = [word.confidence for word in alone.words]
        assert [word.confidence for word in part.words] == pytest.approx(confidences, abs=1e-4)


def test_bad_clips_fail_alone(engine):
    """Empty clips, NaN, silence and 8 kHz: what has samples is read, the others are errors in one line."""
    nan = Audio(np.full(RATE, np.nan, np.float32), RATE)
    clips = [Audio(np.zeros(0, np.float32), RATE), nan, silence(1.0, RATE), noise(1.0).resampled(8000)]
    outcomes = list(engine.transcribe(clips, None))
    assert [bool(outcome.error) for outcome in outcomes] == [True, True, False, False]
    assert all("\n" not in str(outcome.error) for outcome in outcomes[:2])


def test_a_language_that_the_network_does_not_know(engine):
    """An unknown language is an error that names the known ones."""
    with pytest.raises(EngineError, match="qwen3-asr does not know the language 'tlh'; it knows ar, "):
        heard(engine, noise(1.0), "tlh")


def test_the_identity_has_the_hash_of_both_networks(models):
    """The hash in the identity changes with the aligner's, because it makes the times."""
    one, other = (
        hub.Installed(models / "qwen3-asr", "", "1" * 64),
        hub.Installed(models / "qwen3-aligner", "", "2" * 64),
    )
    assert qwen._both(one, None) == "1" * 64
    assert qwen._both(one, other) == hub.one_hash({"qwen3-asr": "1" * 64, "qwen3-aligner": "2" * 64})


@pytest.mark.parametrize("name", ["processor_config.json", "tokenizer.json", "model.safetensors", "config.json"])
def test_a_missing_file_is_one_line(models, tmp_path, name):
    """A missing file is a ModelError in one line that names the folder."""
    folder = tmp_path / "qwen3-asr"
    shutil.copytree(models / "qwen3-asr", folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=rf"^{folder} has no usable qwen3-asr \(.*\); fetch it again .*$"):
        qwen.Qwen(hub.Installed(folder, ""), torch.device("cpu"))


def test_the_aligner_is_no_recognizer(models):
    """The aligner's folder in place of the recognizer's is refused: they have the same kind, but other weights."""
    with pytest.raises(ModelError, match=r"its weights lack 1 tensors, such as lm_head\.weight"):
        qwen.Qwen(hub.Installed(models / "qwen3-aligner", ""), torch.device("cpu"))
