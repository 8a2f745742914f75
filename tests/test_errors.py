"""Tests of classifying errors of other packages without importing those packages."""

import pytest

from speakkit.errors import ModelError, is_out_of_memory

TORCH = type("OutOfMemoryError", (RuntimeError,), {})
ONNX = type("RuntimeException", (Exception,), {})


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        TORCH("CUDA"),
        RuntimeError("CUDA failed with error out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4 bytes."),
        RuntimeError("CUBLAS_STATUS_ALLOC_FAILED"),
        ONNX("Failed to allocate memory for requested buffer of size 4"),
    ],
)
def test_lack_of_memory_is_recognised(error):
    """An out-of-memory error is recognized, also as the cause of another error."""
    assert is_out_of_memory(error)
    wrapped = ModelError("the weights are damaged")
    wrapped.__cause__ = error
    assert is_out_of_memory(wrapped)


@pytest.mark.parametrize("error", [None, RuntimeError("bad shape"), ValueError("out of memory"), OSError("disk")])
def test_other_errors_are_none(error):
    """Errors of other classes are not out-of-memory errors, whatever their message."""
    assert not is_out_of_memory(error)
