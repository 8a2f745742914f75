"""Tests of the products with many matrices against torch's."""

import subprocess
import sys

import pytest
import torch

from speakkit.engines.styletts2 import products
from speakkit.engines.styletts2.products import Products, rows

SHAPES = [(21, 128), (16, 256), (10, 8)]
"""Matrices and channels."""


@pytest.fixture(params=[1, 2, 5])
def threads(request):
    """The number of threads that torch uses."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def filled(matrices, channels, dtype=torch.float32):
    """Products with random weights."""
    made = Products(matrices, channels, channels, torch.empty(0, dtype=dtype))
    made.weights.normal_()
    return made


def distance(made, calls=3):
    """The largest difference from the exact products, relative to the largest of them."""
    matrices, _, channels = made.weights.shape
    x = torch.randn(calls * rows(), matrices, channels, dtype=made.weights.dtype)
    out = torch.full_like(x, torch.nan)
    made(x, out)
    exact = torch.einsum("rmi,moi->rmo", x.double(), made.weights.double())
    return float((out - exact).abs().max() / exact.abs().max())


@pytest.mark.parametrize(("matrices", "channels"), SHAPES)
def test_products_are_those_of_torch(matrices, channels, threads):
    """Each row is multiplied by the matrix of its place, whatever was in the output before."""
    assert distance(filled(matrices, channels)) < 1e-6
    assert distance(filled(matrices, channels, dtype=torch.float64)) < 1e-14


def test_products_without_onednn_are_the_same(monkeypatch):
    """On other processors, torch computes them."""
    made = filled(16, 8)
    monkeypatch.setattr(products, "is_faster", lambda: False)
    assert distance(made) < 1e-6


def test_another_number_of_threads_is_no_mistake():
    """The weights are ordered again for it."""
    before = torch.get_num_threads()
    made = filled(21, 128)
    try:
        for threads in (1, 2, 1):
            torch.set_num_threads(threads)
            assert distance(made) < 1e-6
    finally:
        torch.set_num_threads(before)


ORDERS = """
import sys, torch
from speakkit.engines.styletts2.products import Products, rows

torch.set_num_threads(int(sys.argv[1]))
with torch.inference_mode():
    for matrices, channels in ((21, 128), (16, 128), (10, 128), (21, 256), (16, 256), (10, 256)):
        made = Products(matrices, channels, channels, torch.empty(0))
        made.weights.normal_()
        x = torch.randn(2 * rows(), matrices, channels)
        made(x, torch.empty_like(x))
        print("ready", flush=True)
        made(x, torch.empty_like(x))
"""


@pytest.mark.skipif(not products.is_faster(), reason="oneDNN is not used on this processor")
@pytest.mark.parametrize("threads", [1, 2])
def test_weights_are_ordered_once(threads, monkeypatch):
    """No later call orders the weights again, which may take twenty times as long as the products."""
    monkeypatch.setenv("ONEDNN_VERBOSE", "1")
    run = subprocess.run([sys.executable, "-c", ORDERS, str(threads)], capture_output=True, text=True, check=True)
    _, *later = run.stdout.split("ready\n")
    assert len(later) == 6
    for lines in later:
        assert ",convolution," in lines
        after = [line for line in lines.split("\n")[:2] if ",exec," in line]
        assert not any(",reorder," in line for line in after)
