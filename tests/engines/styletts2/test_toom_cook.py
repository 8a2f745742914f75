"""Tests of the transforms of convolutions."""

import numpy as np
import pytest

from speakkit.engines.styletts2.toom_cook import POINTS, transforms

KERNELS = pytest.mark.parametrize("kernel", POINTS)


def drawn(*shape):
    return np.random.default_rng(1).standard_normal(shape)


@KERNELS
def test_a_convolution_is_computed(kernel):
    """In float64 the transforms give the convolution, but for rounding."""
    found, outputs = transforms(kernel), POINTS[kernel].outputs
    x, weights = drawn(outputs + kernel - 1), drawn(kernel)
    convolved = found.outward @ ((found.weights @ weights) * (found.inward @ x))
    assert np.abs(convolved - np.correlate(x, weights)).max() < 1e-11


@KERNELS
def test_less_is_multiplied(kernel):
    """There is one product for each point, and one more for the pair of i and -i."""
    found, points = transforms(kernel), POINTS[kernel]
    products = points.outputs + kernel - 1 + points.has_i
    assert found.outward.shape == (points.outputs, products)
    assert found.inward.shape == (products, points.outputs + kernel - 1)
    assert found.weights.shape == (products, kernel)


@KERNELS
def test_little_is_lost_in_float32(kernel):
    """In float32, over 128 channels, the relative error of a convolution is less than 5e-5."""
    found, outputs = transforms(kernel), POINTS[kernel].outputs
    x, weights = drawn(64, outputs + kernel - 1, 128), drawn(128, kernel)
    single = [matrix.astype(np.float32) for matrix in (found.inward, found.weights @ weights.T, found.outward)]
    products = np.einsum("tpc,pc->tp", single[0] @ x.astype(np.float32), single[1])
    exact = np.stack([np.einsum("tkc,ck->t", x[:, i : i + kernel], weights) for i in range(outputs)], 1)
    error = np.linalg.norm(products @ single[2].T - exact) / np.linalg.norm(exact)
    assert 0 < error < 5e-5
