"""Tests of the Kokoro checkpoint rebuilt from the int8 export, against kokoro's own model and the export itself."""

import resource
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper

from speakkit import paths
from speakkit.engines import hub, voice_packs
from speakkit.engines.dequantize import rebuild
from speakkit.engines.kokoro_config import settings
from speakkit.engines.packages import package_folder
from speakkit.engines.quietly import no_warnings
from speakkit.text.chunks import Chunk
from speakkit.voices import find

PHONEMES = "həlˈO wˈɜɹld."
LSTMS = {
    "/encoder/text_encoder/lstm/LSTM_quant": "text_encoder.lstm",
    "/encoder/predictor/text_encoder/lstms.0/LSTM_quant": "predictor.text_encoder.lstms.0",
    "/encoder/predictor/text_encoder/lstms.2/LSTM_quant": "predictor.text_encoder.lstms.2",
    "/encoder/predictor/text_encoder/lstms.4/LSTM_quant": "predictor.text_encoder.lstms.4",
    "/encoder/predictor/lstm/LSTM_quant": "predictor.lstm",
    "/encoder/shared/LSTM_quant": "predictor.shared",
}
"""Maps a node of the export to the module of Kokoro that it implements."""


def silent(what, done, total):
    pass


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    """The rebuilt checkpoint: module -> name with 'module.' -> tensor."""
    source: Any = hub.MODELS["kokoro"].sources[1]
    installed = hub.ensure("kokoro")
    folder = installed.folder
    if installed.source != source.label:  # a kept home may have the official weights
        folder = tmp_path_factory.mktemp("rebuilt")
        source.fetch(folder, silent)
    return torch.load(folder / source.checkpoint, weights_only=True)


@pytest.fixture(scope="module")
def weights(rebuilt):
    """The rebuilt weights by their names in kokoro.KModel."""
    return {
        f"{part}.{name.removeprefix('module.')}": value
        for part, state in rebuilt.items()
        for name, value in state.items()
    }


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    """The int8 export, joined to one file."""
    source: Any = hub.MODELS["kokoro"].sources[1]
    file = tmp_path_factory.mktemp("export") / "int8.onnx"
    with file.open("wb") as out:
        for package in source.packages:
            out.write((package_folder(package, source.extra) / "part.bin").read_bytes())
    return file


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """kokoro's own model on the meta device: its names and shapes, without values."""
    from kokoro.model import KModel

    empty = tmp_path_factory.mktemp("empty") / "empty.pth"
    torch.save({}, empty)
    with no_warnings(), torch.device("meta"):
        return KModel(
            repo_id=hub.KOKORO_REPOSITORY, config=str(paths.data() / "kokoro" / "config.json"), model=str(empty)
        )


def test_every_weight_of_kokoro_is_there(model, weights):
    """Every weight of Kokoro is present, except the identities of instance norms and BERT's unused pooler."""
    identities = {
        f"{name}.{parameter}"
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.InstanceNorm1d)
        for parameter in ("weight", "bias")
    }
    wanted = model.state_dict()
    assert len(wanted) > 600
    assert wanted.keys() - weights.keys() <= identities | {"bert.pooler.weight", "bert.pooler.bias"}


def test_every_weight_has_its_place(model, weights):
    """Kokoro's model has each rebuilt weight, with the same shape."""
    wanted = model.state_dict()
    assert not weights.keys() - wanted.keys()
    assert {name for name, value in weights.items() if value.shape != wanted[name].shape} == set()


def test_the_names_are_those_of_the_published_checkpoint(rebuilt):
    """The checkpoint has the five published modules, and each name has the prefix "module." of the training wrapper."""
    assert set(rebuilt) == {"bert", "bert_encoder", "predictor", "text_encoder", "decoder"}
    assert all(name.startswith("module.") for state in rebuilt.values() for name in state)


def test_all_weights_are_finite(weights):
    """No weight is NaN or infinite."""
    assert {name for name, value in weights.items() if not value.isfinite().all()} == set()


def test_rows_of_zeros_do_not_divide_by_zero(weights):
    """Rows that int8 rounded to zero stay zero through weight norm, which divides by a row's length."""
    gains = {name: value for name, value in weights.items() if name.endswith(".weight_g") and (value == 0).any()}
    assert gains
    for name, gain in gains.items():
        direction = weights[name.removesuffix("_g") + "_v"]
        folded = torch._weight_norm(direction, gain, 0)
        assert folded.isfinite().all(), name
        assert (folded[(gain == 0).flatten()] == 0).all(), name


@pytest.mark.parametrize("node_name", LSTMS)
def test_an_lstm_answers_as_that_of_the_export(node_name, export, weights):
    """Torch's LSTM with the rebuilt weights agrees with the export's LSTM node, so its gates are in the right order."""
    graph = onnx.load(export).graph
    node = next(node for node in graph.node if node.name == node_name)
    constants = [tensor for tensor in graph.initializer if tensor.name in {*node.input[1:4], *node.input[8:]}]
    inputs = next(tensor.dims[1] for tensor in constants if tensor.name == node.input[1])
    alone = helper.make_node(
        node.op_type, ["x", *node.input[1:4], *[""] * 4, *node.input[8:]], ["y"], domain=node.domain
    )
    alone.attribute.extend(node.attribute)
    whole = helper.make_model(
        helper.make_graph(
            [alone],
            "lstm",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [None, 1, inputs])],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, None)],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(node.domain, 1)],
        ir_version=10,
    )
    noise = np.random.default_rng(0).standard_normal((20, 1, inputs)).astype(np.float32)
    session = onnxruntime.InferenceSession(whole.SerializeToString(), providers=["CPUExecutionProvider"])
    [theirs] = session.run(None, {"x": noise})  # [time, direction, batch, hidden]

    module = LSTMS[node_name]
    lstm = torch.nn.LSTM(inputs, theirs.shape[-1], bidirectional=True)
    lstm.load_state_dict({name: weights[f"{module}.{name}"] for name in lstm.state_dict()})
    with torch.inference_mode():
        ours = lstm(torch.from_numpy(noise))[0].numpy()
    theirs = theirs.transpose(0, 2, 1, 3).reshape(ours.shape)
    assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.999


def test_it_sounds_as_the_export(export, kokoro):
    """A sentence has the same length (within 3 %) and spectrum as with the export, run whole by ONNX Runtime."""
    if kokoro.identity.weights != "rebuilt from int8":
        pytest.skip("this home has the official weights")
    session = onnxruntime.InferenceSession(export, providers=["CPUExecutionProvider"])
    voice = find("af_heart")
    vocabulary = settings()["vocab"]
    tokens = [0, *(vocabulary[symbol] for symbol in PHONEMES), 0]
    style = voice_packs.pack(voice.name)[len(PHONEMES) - 1]
    speed = np.ones(1, np.float32)
    [theirs] = session.run(None, {"tokens": [tokens], "style": style, "speed": speed})
    [spoken] = kokoro.synthesize([Chunk(0, PHONEMES, (), (), voice, "en-us", 1.0, 0, 0.0)])
    ours = spoken.result().audio.samples
    assert len(ours) == pytest.approx(len(theirs), rel=0.03)
    assert np.corrcoef(spectrum(ours, theirs), spectrum(theirs, ours))[0, 1] > 0.9


def spectrum(samples, other):
    """The log spectrogram of `samples`, cut to the length of `other`, as a flat array."""
    frames = np.lib.stride_tricks.sliding_window_view(samples[: len(other)], 1024)[::256]
    return np.log(np.abs(np.fft.rfft(frames * np.hanning(1024))) + 0.01).ravel()


def test_a_checkpoint_that_does_not_fit_is_an_error_of_the_disk(export, tmp_path):
    """If the disk is full, rebuilding raises the OSError of the disk, not torch's own error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50 << 20, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            rebuild(export, tmp_path / "kokoro.pth")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
