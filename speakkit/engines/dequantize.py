"""Rebuild Kokoro's float32 checkpoint from the int8 ONNX export of kokoro-onnx (kokoro-v1.0.int8.onnx).

The module path of each weight is preserved in the export's *node* names ('/decoder/decoder/decode.0/conv1/Conv_quant'),
not in the names of its initializers. Rebuilt weights are int8 values times their scale: close to the published weights,
but not equal.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor

WITHOUT_WEIGHT_NORM = ("noise_convs", "F0_proj", "N_proj")
"""Name parts of convolutions that have no weight norm in the checkpoint."""

TORCH_GATES = [0, 2, 3, 1]
"""Permutation from ONNX's LSTM gate order (i, o, f, c) to torch's (i, f, c, o)."""

State = dict[str, Tensor]
Arrays = dict[str, npt.NDArray[Any]]


def rebuild(export: Path, checkpoint: Path) -> None:
    """Write the checkpoint that `kokoro.KModel` loads, rebuilt from the ONNX file `export`.

    Raises OSError if a file cannot be read or written.
    """
    graph = onnx.load(export).graph
    arrays: Arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    parts: dict[str, State] = {}
    for key, value in _state(graph, arrays).items():
        part, rest = key.split(".", 1)
        parts.setdefault(part, {})[f"module.{rest}"] = value
    with checkpoint.open("wb") as out:
        try:
            torch.save(parts, out)
        except RuntimeError as error:
            # If a write fails or is interrupted, closing torch's archive raises too, and hides the cause.
            if isinstance(error.__context__, OSError | KeyboardInterrupt):
                raise error.__context__ from None
            raise


def _state(graph: onnx.GraphProto, arrays: Arrays) -> State:
    """Return all weights of the graph, by checkpoint name."""
    state: State = {}
    for node in graph.node:
        if "stft" not in node.name:
            state.update(_weights_of(node, arrays))
    for name, array in arrays.items():
        key = _plain_key(name)
        if key and array.dtype == np.float32:
            state.setdefault(key, _tensor(array))
    state["decoder.generator.m_source.l_linear.weight"] = _tensor(arrays["onnx::MatMul_6993"].T)
    return state


def _plain_key(name: str) -> str | None:
    """Return the checkpoint name of a bias, a norm or an alpha, which the export stores unquantized.

    Returns None for any other initializer.
    """
    if name.endswith("_scale") or "stft" in name:
        return None
    if name.startswith("encoder."):
        return name.removeprefix("encoder.")
    return name.removeprefix("decoder.") if name.startswith("decoder.decoder.") else None


def _weights_of(node: onnx.NodeProto, arrays: Arrays) -> State:
    """Return the weights of one graph node, by checkpoint name. Most nodes have none."""
    match node.op_type:
        case "Gather" if node.input[0].endswith(("embeddings.weight_quantized", "embedding.weight_quantized")):
            name = node.input[0]
            return {name.removeprefix("encoder.").removesuffix("_quantized"): _tensor(_dequantized(name, arrays))}
        case "ConvInteger":
            zero = arrays[node.input[3]].astype(np.float32)
            scale = arrays[node.input[1].removesuffix("_quantized") + "_scale"]
            return _convolution(node, _tensor((arrays[node.input[1]].astype(np.float32) - zero) * scale))
        case "Conv" | "ConvTranspose":
            return _convolution(node, _tensor(arrays[node.input[1]]))
        case "MatMulInteger" if node.input[1] in arrays:
            return {f"{_module(node.name)}.weight": _tensor(_dequantized(node.input[1], arrays).T)}
        case "DynamicQuantizeLSTM":
            return dict(_lstm(node, arrays))
    return {}


def _convolution(node: onnx.NodeProto, weight: Tensor) -> State:
    """Return the weights of a convolution, split into direction and norm if it has weight norm."""
    key = _module(node.name)
    if any(name in key for name in WITHOUT_WEIGHT_NORM):
        return {f"{key}.weight": weight}
    norm = weight.flatten(1).norm(dim=1).reshape(-1, 1, 1)
    # Some quantized rows are all zero. Weight norm divides by a row's norm, so such a row becomes v = 1, g = 0;
    # otherwise the decoder returns NaN from its first frame on.
    weight[(norm == 0).flatten()] = 1.0
    return {f"{key}.weight_v": weight, f"{key}.weight_g": norm}


def _lstm(node: onnx.NodeProto, arrays: Arrays) -> Iterator[tuple[str, Tensor]]:
    """Yield the (checkpoint name, tensor) pairs of an LSTM, for both directions."""
    key = _module(node.name)
    inputs, hidden, bias = node.input[1], node.input[2], arrays[node.input[3]]
    for direction, suffix in enumerate(("", "_reverse")):
        halves = np.split(bias[direction], 2)
        for half, (which, name, scale) in enumerate((("ih", inputs, node.input[8]), ("hh", hidden, node.input[10]))):
            weight = arrays[name][direction].astype(np.float32) * arrays[scale][direction]  # [inputs, 4 * hidden]
            gates = weight.T.reshape(4, -1, weight.shape[0])[TORCH_GATES]
            yield f"{key}.weight_{which}_l0{suffix}", _tensor(gates.reshape(-1, weight.shape[0]))
            yield f"{key}.bias_{which}_l0{suffix}", _tensor(halves[half].reshape(4, -1)[TORCH_GATES].reshape(-1))


def _module(node_name: str) -> str:
    """Convert a node name to a module path: '/encoder/F0.0/conv1/Conv_quant' -> 'predictor.F0.0.conv1'."""
    parts = node_name.strip("/").split("/")[:-1]
    parts = ["decoder", *parts[2:]] if parts[0] == "decoder" else parts[1:]
    path: list[str] = []
    for part in parts:  # 'cnn.0/cnn.0.0' repeats one module
        if path and part.startswith(path[-1] + "."):
            path[-1] = part
        else:
            path.append(part)
    if path[0].startswith(("F0", "N.", "N_proj", "shared")):
        path.insert(0, "predictor")
    key = ".".join(path)
    return re.sub(r"_\d+$", "", key) if "albert" in key else key


def _dequantized(name: str, arrays: Arrays) -> npt.NDArray[np.float32]:
    """Return the int8 initializer `name` as float32: (value - zero point) * scale."""
    base = name.removesuffix("_quantized")
    zero = arrays.get(f"{base}_zero_point", np.zeros((), np.float32)).astype(np.float32)
    values: npt.NDArray[np.float32] = (arrays[name].astype(np.float32) - zero) * arrays[f"{base}_scale"]
    return values


def _tensor(array: npt.NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.array(array, dtype=np.float32))
