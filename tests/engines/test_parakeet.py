"""Tests of Parakeet on small checkpoints of its real classes; its real weights were never run here."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import exp

import numpy as np
import pytest
import torch

import tiny_checkpoints
from speakkit.audio import Audio, silence
from speakkit.engines import hub, parakeet, registry
from speakkit.engines.base import SpokenText
from speakkit.engines.parakeet import Token
from speakkit.errors import EngineError, ModelError

RATE = 16_000
FRAME = 0.08
STARTS = [1.0 + 1.7 * k for k in range(40)]
"""Seconds at which the sound of `booms` is loud, each for 0.4 s."""


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder of the setting `models`, with both networks."""
    folder = tmp_path_factory.mktemp("models")
    tiny_checkpoints.parakeet_ctc(folder / "parakeet-ctc")
    tiny_checkpoints.parakeet_tdt(folder / "parakeet-tdt")
    return folder


@pytest.fixture(scope="module")
def engines(models):
    """Recognizer -> the engine, loaded as the command line does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPEAKKIT_MODELS", str(models))
        with registry.recognizer("parakeet-ctc", "cpu") as ctc, registry.recognizer("parakeet-tdt", "cpu") as tdt:
            yield {"parakeet-ctc": ctc, "parakeet-tdt": tdt}


def noise(seconds, seed=0, level=0.3):
    drawn = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return Audio((level * drawn).astype(np.float32), RATE)


def booms(starts, seconds):
    """Quiet noise of some length, with loud noise at `starts`."""
    samples = noise(seconds, level=1e-4).samples
    for k, start in enumerate(starts):
        loud = noise(0.4, seed=k + 1).samples
        samples[round(start * RATE) :][: len(loud)] += loud
    return Audio(samples, RATE)


def heard(engine, clip, language=None):
    (outcome,) = engine.transcribe([clip], language)
    return outcome.result()


def test_words_of_ctc_are_where_they_sound(engines):
    """Each loud stretch is one word, within a frame or two of its place, with a probability as its confidence."""
    transcript = heard(engines["parakeet-ctc"], booms(STARTS[:3], 6.5))
    assert transcript.text == transcript.raw_text == "boom boom boom"
    assert transcript.language == "en"
    assert [word.start for word in transcript.words] == pytest.approx(STARTS[:3], abs=2 * FRAME)
    assert all(0.2 < word.end - word.start < 0.9 for word in transcript.words)
    assert all(0.3 < word.confidence < 1 for word in transcript.words)
    assert transcript.segments[0].average_log_probability < 0


def test_a_long_clip_has_each_word_once(engines):
    """The words of 70 seconds, read in three windows, are all there, once each, at their times."""
    transcript = heard(engines["parakeet-ctc"], booms(STARTS, 70.0))
    assert len(transcript.segments) == 3
    assert [word.text for word in transcript.words] == ["boom"] * len(STARTS)
    assert [word.start for word in transcript.words] == pytest.approx(STARTS, abs=2 * FRAME)
    assert transcript.text == " ".join(["boom"] * len(STARTS))


def test_other_sample_rates_are_resampled(engines):
    """A clip of 8 kHz has the words of the same clip at 16 kHz, at the same times."""
    clip = booms(STARTS[:2], 5.0)
    narrow = heard(engines["parakeet-ctc"], clip.resampled(8000))
    assert [word.start for word in narrow.words] == pytest.approx(STARTS[:2], abs=3 * FRAME)


def test_silence_is_no_error(engines):
    """Digital silence is read without an error or a warning, by both networks."""
    for engine in engines.values():
        assert heard(engine, silence(2.0, RATE)).raw_text is not None


@pytest.mark.parametrize("name", ["parakeet-ctc", "parakeet-tdt"])
def test_transcripts_agree_with_transformers(engines, name):
    """The text is that of transformers' own decoding, and words of TDT are at the times that its processor gives."""
    engine = engines[name]
    network, processor = engine._held()
    for seed in range(4):
        clip = noise(4.0, seed)
        transcript = heard(engine, clip)
        inputs = processor([clip.samples], sampling_rate=RATE)
        with torch.inference_mode():
            longest = {} if name == "parakeet-ctc" else {"max_new_tokens": 500}
            output = network.generate(**inputs, return_dict_in_generate=True, **longest)
        if name == "parakeet-ctc":
            (text,) = processor.batch_decode(output.sequences, skip_special_tokens=True)
            assert transcript.raw_text == text
            continue
        text, (timed,) = processor.decode(output.sequences, durations=output.durations, skip_special_tokens=True)
        assert transcript.raw_text == text[0]
        starts = [word.start for word in transcript.words]
        assert len(starts) > 3, "the network says too little for this test"
        expected = {round(token["start"], 3) for token in timed}
        assert {round(start, 3) for start in starts} <= expected
        assert starts == sorted(starts)


def test_confidences_of_tdt_are_those_of_its_outputs(engines):
    """The mean log-probability equals that of the network's joint outputs, computed step by step without `generate`."""
    engine = engines["parakeet-tdt"]
    network, processor = engine._held()
    clip = noise(3.0, 7)
    segment = heard(engine, clip).segments[0]
    inputs = processor([clip.samples], sampling_rate=RATE)
    size, blank = network.config.vocab_size, network.config.blank_token_id
    logs, at, last, state = [], 0, blank, None
    with torch.inference_mode():
        encoded = network.get_audio_features(inputs["input_features"], inputs["attention_mask"]).pooler_output[0]
        while at < len(encoded):
            embedded = network.decoder.embedding(torch.tensor([[last]]))
            output, ahead = network.decoder.lstm(embedded, state)
            joint = network.joint(network.decoder.decoder_projector(output)[0, 0], encoded[at])
            token = int(joint[:size].argmax())
            duration = int(joint[size:].argmax())
            if token != blank:
                last, state = token, ahead
            if token not in (blank, network.config.pad_token_id):
                logs.append(float(joint[:size].log_softmax(-1)[token]))
            at += max(duration, token == blank)
            if state is None:
                state = ahead
    assert segment.average_log_probability == pytest.approx(sum(logs) / len(logs), abs=1e-4)


def test_a_batch_gives_what_single_clips_give(engines):
    """Clips of other lengths in the same batch do not change the words of a clip."""
    for engine in engines.values():
        clips = [booms(STARTS[:1], 2.5), noise(5.0, 1), booms(STARTS[:3], 6.5)]
        alone = [heard(engine, clip) for clip in clips]
        parts = engine._read(None, clips)
        assert [part.text for part in parts] == [transcript.text for transcript in alone]
        for part, transcript in zip(parts, alone, strict=True):
            assert [word.start for word in part.words] == pytest.approx([word.start for word in transcript.words])
            assert [word.confidence for word in part.words] == pytest.approx(
                [word.confidence for word in transcript.words], abs=1e-4
            )


def test_threads_do_not_mix_their_clips(engines):
    """Borrowers in several threads get what each would get alone."""
    engine = engines["parakeet-tdt"]
    clips = [noise(1.0 + k / 2, k) for k in range(4)]
    alone = [heard(engine, clip) for clip in clips]
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(partial(heard, engine), clips)) == alone


def test_runs_of_frames_are_tokens():
    """In CTC, a run of a piece is one token with the mean of its posteriors; blank between runs keeps them apart."""
    assert parakeet._runs([9, 1, 1, 9, 1, 2], [0.9, 0.6, 0.8, 0.9, 0.5, 0.4], 9) == [
        Token(1, 1, 3, 0.7),
        Token(1, 4, 5, 0.5),
        Token(2, 5, 6, 0.4),
    ]


def test_steps_with_durations_are_tokens():
    """In TDT, a token starts where the steps before it have led; one without duration lasts a frame; padding is cut."""
    tokens = parakeet._steps([1, 9, 2, 3, 4], [2, 3, 0, 4, 1], [0.5] * 5, 9, {9})
    assert [(token.piece, token.start, token.end) for token in tokens] == [(1, 0, 2), (2, 5, 6), (3, 5, 9)]


def test_words_are_made_of_pieces(engines):
    """A piece with the mark starts a word; the least probable piece gives its confidence; punctuation has no part."""
    _, processor = engines["parakeet-tdt"]._held()
    boom, bang, s, comma, lone, x, e, _ = range(1, 9)
    tokens = [
        *(Token(boom, 0, 2, 0.9), Token(s, 2, 3, 0.5), Token(comma, 8, 9, 0.1)),
        *(Token(lone, 10, 11, 0.3), Token(x, 11, 12, 0.6), Token(e, 12, 13, 0.8)),
        Token(bang, 14, 15, 0.7),
    ]
    found = parakeet._heard(tokens, processor, engines["parakeet-tdt"]._held()[0].config, "fr")
    assert found.text == "booms, xé bang"
    assert [(word.text, word.start, word.end, word.confidence) for word in found.words] == [
        ("booms,", 0.0, pytest.approx(3 * FRAME), 0.5),
        ("xé", pytest.approx(11 * FRAME), pytest.approx(13 * FRAME), 0.6),
        ("bang", pytest.approx(14 * FRAME), pytest.approx(15 * FRAME), 0.7),
    ]
    assert 0.4 < exp(found.average_log_probability) < 0.6


def test_a_language_that_the_network_does_not_know(engines):
    """An unknown language is an error that names the known ones; TDT takes those of its model card."""
    with pytest.raises(EngineError, match=r"parakeet-ctc does not know the language 'de'; it knows en$"):
        heard(engines["parakeet-ctc"], noise(1.0), "de")
    assert heard(engines["parakeet-tdt"], noise(1.0), "de").language == "de"
    with pytest.raises(EngineError, match="'zh'"):
        heard(engines["parakeet-tdt"], noise(1.0), "zh")


def test_the_identity_says_what_ran(engines, models):
    """The identity names the recognizer, its weights and their licence."""
    identity = engines["parakeet-tdt"].identity
    assert (identity.name, identity.weights) == ("parakeet-tdt", f"in {models}")
    assert "CC-BY-4.0" in identity.licence


def test_the_footprint_is_that_of_the_installed_weights(engines, models, monkeypatch):
    """The footprint follows the weights that are installed; without any, those that would be fetched."""
    monkeypatch.setenv("SPEAKKIT_MODELS", str(models))
    small = parakeet.Parakeet.footprint("parakeet-ctc", "cpu").size
    monkeypatch.setenv("SPEAKKIT_MODELS", "")
    assert small < parakeet.ACTIVATIONS + 10**6 < parakeet.Parakeet.footprint("parakeet-ctc", "cpu").size - 4 * 10**9


DAMAGES = {
    "no config": lambda folder: (folder / "config.json").unlink(),
    "no JSON": lambda folder: (folder / "config.json").write_text("{"),
    "a config without kind": lambda folder: (folder / "config.json").write_text("{}"),
    "a list": lambda folder: (folder / "config.json").write_text("[]"),
    "no processor": lambda folder: (folder / "processor_config.json").unlink(),
    "no tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "a tokenizer that is none": lambda folder: (folder / "tokenizer.json").write_text('{"model": 1}'),
    "no weights": lambda folder: (folder / "model.safetensors").unlink(),
    "half of the weights": lambda folder: (folder / "model.safetensors").write_bytes(
        (folder / "model.safetensors").read_bytes()[:5000]
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_folder_is_one_line(models, tmp_path, damage):
    """A missing or damaged file is a ModelError in one line, which names the folder and how to mend it."""
    folder = tmp_path / "parakeet-ctc"
    shutil.copytree(models / "parakeet-ctc", folder)
    damage(folder)
    with pytest.raises(ModelError) as caught:
        parakeet.Parakeet("parakeet-ctc", hub.Installed(folder, "of a test"), torch.device("cpu"))
    message = str(caught.value)
    assert message.startswith(f"{folder} has no usable parakeet-ctc (")
    assert "\n" not in message
    assert message.endswith("fetch it again (speakkit models fetch parakeet-ctc), or mend the folder if it is yours")


def test_a_model_of_another_kind(models):
    """The folder of another model is refused, and not filled with random weights."""
    with pytest.raises(ModelError, match=r"its config.json is of a parakeet_tdt model, not parakeet_ctc"):
        parakeet.Parakeet("parakeet-ctc", hub.Installed(models / "parakeet-tdt", ""), torch.device("cpu"))


def test_weights_that_lack_a_layer(models, tmp_path):
    """Weights for fewer layers than the configuration has are refused, and not filled with random ones."""
    folder = tmp_path / "parakeet-ctc"
    shutil.copytree(models / "parakeet-ctc", folder)
    config = json.loads((folder / "config.json").read_text())
    config["encoder_config"]["num_hidden_layers"] = 2
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"its weights lack \d+ tensors, such as encoder\.layers\.1\."):
        parakeet.Parakeet("parakeet-ctc", hub.Installed(folder, ""), torch.device("cpu"))


def test_a_closed_engine_reads_nothing(models):
    """After `close`, a clip fails with an error that names the engine."""
    engine = parakeet.Parakeet("parakeet-ctc", hub.Installed(models / "parakeet-ctc", ""), torch.device("cpu"))
    engine.close()
    with pytest.raises(EngineError, match="parakeet-ctc was closed"):
        heard(engine, noise(1.0))


def placed(engine, clip, words):
    (outcome,) = engine.align([SpokenText(clip, words)], "en")
    return outcome.result().words


def test_ctc_aligns_a_known_text(engines):
    """Each word of a known text is where it sounds, in its own spelling, in a clip of three windows too."""
    words = tuple(("Boom,", "boom!", "BOOM")[k % 3] for k in range(len(STARTS)))
    found = placed(engines["parakeet-ctc"], booms(STARTS, 70.0), words)
    assert [word.text for word in found] == list(words)
    assert [word.start for word in found] == pytest.approx(STARTS, abs=2 * FRAME)
    assert all(0.2 < word.end - word.start < 0.9 for word in found)
    assert all(0.3 < word.probability < 1 for word in found)


def test_words_that_are_not_said(engines):
    """A word that is not heard is improbable, one that cannot be spelled has no time, and the others keep theirs."""
    found = placed(engines["parakeet-ctc"], booms(STARTS[:2], 5.0), ("boom", "bang", "42", "boom"))
    assert [word.start for word in (found[0], found[3])] == pytest.approx(STARTS[:2], abs=2 * FRAME)
    assert found[1].probability < 0.01
    assert (found[2].end - found[2].start, found[2].probability) == (0.0, 0.0)


def test_ctc_aligns_english_only(engines):
    """An unknown language, and an empty clip, are errors of that clip."""
    with pytest.raises(EngineError, match="does not know the language 'de'"):
        next(engines["parakeet-ctc"].align([SpokenText(noise(1.0), ("boom",))], "de")).result()
    with pytest.raises(EngineError, match="empty"):
        placed(engines["parakeet-ctc"], silence(0.0, RATE), ("boom",))
