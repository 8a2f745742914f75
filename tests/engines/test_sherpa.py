"""Tests of sherpa-onnx with a small network in SenseVoice's format; real weights were never run here."""

import inspect
from math import exp

import numpy as np
import onnx
import pytest
import sherpa_onnx
from onnx import TensorProto, helper, numpy_helper

from speakkit.audio import Audio, silence
from speakkit.engines import hub, registry, sherpa
from speakkit.engines.sherpa import Found
from speakkit.errors import BadValue, EngineError, ModelError

RATE = 16_000
PIECES = ("<blank>", "<unk>", "▁boom", "<|en|>", "<|NEUTRAL|>", "<|Speech|>", "<|woitn|>")
LFR = 7
"""Frames of 80 bands that SenseVoice stacks."""

METADATA = {
    "vocab_size": len(PIECES),
    "lfr_window_size": LFR,
    "lfr_window_shift": 6,
    "normalize_samples": 0,
    "with_itn": 14,
    "without_itn": 15,
    **{f"lang_{language}": k for k, language in enumerate(("auto", "zh", "en", "yue", "ja", "ko"))},
    "neg_mean": ",".join(["0"] * 80 * LFR),
    "inv_stddev": ",".join(["1"] * 80 * LFR),
}


def write_sense_voice(folder, **changed):
    """Write a network that emits "boom" in loud frames, and names the language in the four frames before them."""
    bands = 80 * LFR
    weights = np.zeros((bands, len(PIECES)), np.float32)
    weights[:, 2] = 1.0 / bands  # the mean of the log energies
    bias = np.zeros(len(PIECES), np.float32)
    bias[0] = 15.0  # between those of quiet and of loud frames, of samples in 16 bits
    named = np.full((1, 4, len(PIECES)), -50.0, np.float32)
    for frame, piece in enumerate((3, 4, 5, 6)):
        named[0, frame, piece] = 50.0
    values = {"weights": weights, "bias": bias, "named": named}
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "weights"], ["energy"]),
            helper.make_node("Add", ["energy", "bias"], ["frames"]),
            helper.make_node("Concat", ["named", "frames"], ["logits"], axis=1),
        ],
        "sense voice",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", "T", bands]),
            *(
                helper.make_tensor_value_info(name, TensorProto.INT32, ["N"])
                for name in ("x_length", "language", "text_norm")
            ),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", "T2", len(PIECES)])],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    for key, value in {**METADATA, **changed}.items():
        if value is not None:
            model.metadata_props.add(key=key, value=str(value))
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.int8.onnx")
    (folder / "tokens.txt").write_text("".join(f"{piece} {k}\n" for k, piece in enumerate(PIECES)))
    return folder


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The folder of the setting `models`, with the model sensevoice."""
    return write_sense_voice(tmp_path_factory.mktemp("models") / "sensevoice").parent


@pytest.fixture(scope="module")
def engine(models):
    """The engine, loaded as the command line does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPEAKKIT_MODELS", str(models))
        with registry.recognizer("sensevoice") as lent:
            yield lent


def booms(starts, seconds):
    """Near silence of some length, with loud noise of 0.4 s at `starts`."""
    drawn = np.random.default_rng(0)
    samples = drawn.standard_normal(round(seconds * RATE)).astype(np.float32) * 1e-4
    for start in starts:
        samples[round(start * RATE) :][: round(0.4 * RATE)] = drawn.standard_normal(round(0.4 * RATE)) * 0.3
    return Audio(samples, RATE)


def heard(engine, clip):
    (outcome,) = engine.transcribe([clip], None)
    return outcome.result()


def test_words_are_where_they_sound(engine):
    """A loud stretch is a word that starts within two frames of it; the language is the one that the network names."""
    transcript = heard(engine, booms([0.5, 2.0], 3.0))
    assert [word.text for word in transcript.words] == ["boom", "boom"]
    assert [word.start for word in transcript.words] == pytest.approx([0.5, 2.0], abs=0.12)
    assert all(word.end > word.start and word.confidence is None for word in transcript.words)
    assert (transcript.text, transcript.language) == ("boom boom", "en")


def test_a_long_clip_has_each_word_once(engine):
    """The words of 70 seconds, read in three windows, are all there, once each."""
    starts = [1.0 + 1.7 * k for k in range(40)]
    transcript = heard(engine, booms(starts, 70.0))
    assert len(transcript.segments) == 3
    assert [word.start for word in transcript.words] == pytest.approx(starts, abs=0.12)


def test_bad_clips_fail_alone(engine):
    """Empty clips and NaN are errors in one line; silence has no words, and 8 kHz is read."""
    nan = Audio(np.full(RATE, np.nan, np.float32), RATE)
    narrow = booms([0.5], 1.5).resampled(8000)
    outcomes = list(engine.transcribe([Audio(np.zeros(0, np.float32), RATE), nan, silence(1.0, RATE), narrow], "en"))
    assert [bool(outcome.error) for outcome in outcomes] == [True, True, False, False]
    assert outcomes[2].value.words == ()
    assert [word.text for word in outcomes[3].value.words] == ["boom"]


@pytest.mark.slow
def test_a_folder_of_ones_own(models):
    """A recognizer named sherpa:FOLDER reads the model of that folder."""
    with registry.recognizer(f"sherpa:{models / 'sensevoice'}", "cpu") as own:
        assert heard(own, booms([0.5], 1.5)).text == "boom"
        assert own.identity.weights == f"in {models / 'sensevoice'}"
        assert own.identity.commercial is None


def test_a_folder_that_is_not_there(tmp_path):
    """A recognizer named sherpa:FOLDER without that folder is an error in one line that names it."""
    with (
        pytest.raises(ModelError, match=rf"^{tmp_path}/none has no model; .*$"),
        registry.recognizer(f"sherpa:{tmp_path}/none", "cpu"),
    ):
        pass


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("SenseVoice", ["model.onnx"]),
        ("a NeMo transducer", ["encoder.int8.onnx", "decoder.int8.onnx", "joiner.int8.onnx"]),
        (
            "Moonshine",
            ["preprocess.onnx", "encode.int8.onnx", "uncached_decode.int8.onnx", "cached_decode.int8.onnx"],
        ),
        ("Moonshine v2", ["encoder_model.ort", "decoder_model_merged.ort"]),
    ],
)
def test_the_kind_is_told_by_the_files(tmp_path, kind, names):
    """The files of a folder tell its kind, and each file goes to the parameter of that name of sherpa-onnx."""
    for name in ("tokens.txt", *names):
        (tmp_path / name).write_bytes(b"")
    found, files = sherpa.located(tmp_path)
    assert found.about == kind
    assert sorted(files.values()) == sorted(str(tmp_path / name) for name in ("tokens.txt", *names))
    signature = inspect.signature(getattr(sherpa_onnx.OfflineRecognizer, found.make))
    signature.bind(**files, **found.options, num_threads=sherpa.THREADS)  # raises TypeError for an unknown parameter


def test_quantized_files_are_preferred(tmp_path):
    """If a folder has a network twice, the smaller one is used."""
    for name in ("tokens.txt", "model.onnx", "model.int8.onnx"):
        (tmp_path / name).write_bytes(b"")
    assert sherpa.located(tmp_path)[1]["model"].endswith("model.int8.onnx")


@pytest.mark.parametrize("names", [[], ["tokens.txt"], ["model.onnx"], ["tokens.txt", "encoder.onnx", "joiner.onnx"]])
def test_a_folder_without_a_model(tmp_path, names):
    """A folder with the files of no kind is an error in one line that says what each kind needs."""
    for name in names:
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(ModelError, match=r"^.* has no model; it needs tokens\.txt and, .*SenseVoice.*Moonshine.*$"):
        sherpa.Sherpa("sensevoice", hub.Installed(tmp_path, ""))


DAMAGES = {
    "half a network": lambda folder: (folder / "model.int8.onnx").write_bytes(
        (folder / "model.int8.onnx").read_bytes()[:500]
    ),
    "no vocabulary size": lambda folder: write_sense_voice(folder, vocab_size=None),
}

SLOW_DAMAGES = {
    "an empty vocabulary": lambda folder: (folder / "tokens.txt").write_text(""),
    "a vocabulary that is none": lambda folder: (folder / "tokens.txt").write_bytes(bytes(range(256)) * 9),
}


@pytest.mark.parametrize(
    "damage",
    [
        *(pytest.param(damage, id=name) for name, damage in DAMAGES.items()),
        *(pytest.param(damage, id=name, marks=pytest.mark.slow) for name, damage in SLOW_DAMAGES.items()),
    ],
)
def test_a_damaged_file_is_an_error_and_not_an_end(tmp_path, damage):
    """sherpa-onnx may end its process on such files; here each is an error in one line, at loading or for the clip."""
    folder = write_sense_voice(tmp_path / "sensevoice")
    damage(folder)
    with pytest.raises((ModelError, EngineError)) as caught:
        heard(sherpa.Sherpa("sensevoice", hub.Installed(folder, "")), booms([0.5], 1.5))
    assert "\n" not in str(caught.value)


def test_a_network_that_cannot_run_is_no_silence(tmp_path):
    """A network that fails on a clip, which sherpa-onnx only logs, is an error and not an empty transcript."""
    folder = write_sense_voice(
        tmp_path / "sensevoice", lfr_window_size=6, neg_mean=",".join(["0"] * 480), inv_stddev=",".join(["1"] * 480)
    )
    engine = sherpa.Sherpa("sensevoice", hub.Installed(folder, ""))
    with pytest.raises(EngineError, match="sensevoice could not run its network on this clip"):
        heard(engine, booms([0.5], 1.5))
    engine.close()


def test_it_runs_on_the_cpu_only(models, monkeypatch):
    """Another device is refused with the option that helps."""
    monkeypatch.setenv("SPEAKKIT_MODELS", str(models))
    with pytest.raises(BadValue, match="--device cpu"):
        sherpa.Sherpa.load("sensevoice", "cuda")


def test_without_the_package(models, monkeypatch):
    """Without sherpa-onnx, the error names the extra."""
    monkeypatch.setattr(sherpa, "find_spec", lambda _: None)
    with pytest.raises(EngineError, match=r"pip install 'speakkit\[sherpa\]'"):
        sherpa.Sherpa("sensevoice", hub.Installed(models / "sensevoice", ""))


def test_words_of_a_transducer():
    """Durations and log-probabilities of tokens give words ends and confidences; punctuation belongs to a word."""
    found = Found(
        " Hello, all",
        (" He", "llo", ",", " all"),
        (0.4, 0.56, 0.8, 1.2),
        (0.08, 0.24, 0.0, 0.32),
        (-0.1, -0.7, -2.0, -0.3),
        "",
    )
    hello, everyone = sherpa.heard(found, 0.08).words
    assert (hello.text, hello.start, hello.end) == ("Hello,", 0.4, pytest.approx(0.8))
    assert hello.confidence == pytest.approx(exp(-0.7))
    assert (everyone.text, everyone.start, everyone.end) == ("all", 1.2, pytest.approx(1.52))
    assert everyone.confidence == pytest.approx(exp(-0.3))


def test_words_of_chinese_characters():
    """Each Chinese character is a word with its own time."""
    found = Found("今天好", ("今", "天", "好"), (0.1, 0.3, 0.9), (), (), "<|zh|>")
    result = sherpa.heard(found, 0.06)
    assert [(word.text, word.start) for word in result.words] == [("今", 0.1), ("天", 0.3), ("好", 0.9)]
    assert result.language == "zh"


def test_words_without_times():
    """Moonshine gives a text only: its words have no times."""
    result = sherpa.heard(Found(" Ever tried.", (" Ever", " tried", "."), (), (), (), ""), 0.08)
    assert [(word.text, word.start) for word in result.words] == [("Ever", None), ("tried.", None)]
