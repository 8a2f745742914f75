"""Toom-Cook convolutions: the transforms that replace most multiplications of a convolution by additions.

A product of two polynomials can be computed from their values at as many points as it has coefficients: evaluate both,
multiply value by value, interpolate (Toom 1963; Cook 1966, "On the minimum computation time of functions"). With a
kernel of k weights and m outputs these are m + k - 1 products instead of m k. The transpose of this algorithm computes
what networks call a convolution, y[i] = sum_j w[j] x[i + j], from as many products (Winograd 1980, "Arithmetic
complexity of computations"; for networks Lavin and Gray 2016, arXiv:1509.09308):

    y = outward ((weights w) * (inward x))

The products of many channels are matrix products, and these take nearly all the time.

Rounding errors grow with the number of points and depend on which are taken: small fractions in pairs of opposite sign
are best (Barabasz et al. 2020, arXiv:1803.10986), and infinity, whose value is the highest coefficient. A point of the
imaginary axis stands for itself and its conjugate, and costs three products (Gauss's complex product).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]

Polynomial = list[Fraction]
"""Coefficients, the lowest first."""


@dataclass(frozen=True)
class Points:
    """Where the polynomials are evaluated, besides zero and infinity.

    outputs: convolved values computed from one set of points
    opposite: positive numbers, each of which stands for itself and its negative
    has_i: whether i and -i are points
    """

    outputs: int
    opposite: tuple[Fraction | int, ...]
    has_i: bool = False

    @property
    def real(self) -> list[Fraction]:
        """All real points but infinity."""
        return [Fraction(0), *(Fraction(sign * point) for point in self.opposite for sign in (1, -1))]


_HALVES = (1, Fraction(1, 2), 2, Fraction(3, 4), Fraction(3, 2), Fraction(1, 4), 4)

POINTS = {
    3: Points(8, (1, Fraction(4, 3), 3, Fraction(1, 3))),
    7: Points(10, _HALVES),
    11: Points(10, (*_HALVES, Fraction(4, 3)), has_i=True),
}
"""Number of weights of a kernel -> its points. Of the sets that were tried, these have the least error in float32."""


@dataclass(frozen=True, eq=False)
class Transforms:
    """The three matrices of a convolution, see the module.

    inward: [products, inputs]
    weights: [products, weights of the kernel]
    outward: [outputs, products]
    """

    inward: Matrix
    weights: Matrix
    outward: Matrix


@cache
def transforms(kernel: int) -> Transforms:
    """Return the transforms for a kernel with that many weights. Raises KeyError if POINTS lacks it."""
    points = POINTS[kernel]
    inward = _floats(_interpolating(points))
    weights, outward = _floats(_evaluating(points, kernel)), _floats(_evaluating(points, points.outputs))
    # The three rows of a product may be scaled against one another. If they are equally large, the fewest digits are
    # lost.
    heavy = np.abs(weights).max(1, keepdims=True)
    wide = np.linalg.norm(inward, axis=1, keepdims=True)
    return Transforms(inward / wide, weights / heavy, (outward * heavy * wide).T)


def _evaluating(points: Points, coefficients: int) -> list[Polynomial]:
    """Return what turns the coefficients of a polynomial into the factors of each product: [products, coefficients]."""
    rows = [[point**i for i in range(coefficients)] for point in points.real]
    if points.has_i:  # i^n is 1, i, -1, -i, ...
        real = [Fraction((1, 0, -1, 0)[i % 4]) for i in range(coefficients)]
        imaginary = [Fraction((0, 1, 0, -1)[i % 4]) for i in range(coefficients)]
        rows += [real, imaginary, _sum(real, imaginary)]
    return [*rows, [Fraction(0)] * (coefficients - 1) + [Fraction(1)]]


def _interpolating(points: Points) -> list[Polynomial]:
    """Return the polynomial that each product contributes to the result: [products, coefficients of the result].

    By Lagrange's formula, it is the polynomial that is 1 at the product's own point and 0 at all others.
    """
    without = _product([-point, Fraction(1)] for point in points.real)
    whole = _product([without, [Fraction(1), Fraction(0), Fraction(1)]]) if points.has_i else without
    rows = []
    for point in points.real:
        others = _divided(whole, point)
        value = sum((coefficient * point**i for i, coefficient in enumerate(others)), Fraction(0))
        rows.append([*_scaled(others, 1 / value), Fraction(0)])
    if points.has_i:
        # With N(i) = u + v i, (u - v x) N / (u^2 + v^2) is 1 at i, and (v + u x) N / (u^2 + v^2) is i.
        sums = [sum(without[i::4], Fraction(0)) for i in range(4)]
        u, v = sums[0] - sums[2], sums[1] - sums[3]
        share = Fraction(1) / (u * u + v * v)
        one, i = (_scaled(_product([without, factor]), share) for factor in ([u, -v], [v, u]))
        # (a + b i)(c + d i) = ac - bd + ((a + b)(c + d) - ac - bd) i
        three = [_sum(one, _scaled(i, -1)), _scaled(_sum(one, i), -1), i]
        rows += [[*polynomial, Fraction(0)] for polynomial in three]
    return [*rows, whole]


def _product(factors: Iterable[Polynomial]) -> Polynomial:
    """Return the product of polynomials."""
    product = [Fraction(1)]
    for factor in factors:
        longer = [Fraction(0)] * (len(product) + len(factor) - 1)
        for i, one in enumerate(product):
            for j, other in enumerate(factor):
                longer[i + j] += one * other
        product = longer
    return product


def _divided(polynomial: Polynomial, root: Fraction) -> Polynomial:
    """Return a polynomial divided by x - root, by Horner's method."""
    quotient = [polynomial[-1]]
    for coefficient in polynomial[-2:0:-1]:
        quotient.append(coefficient + quotient[-1] * root)
    return quotient[::-1]


def _scaled(polynomial: Polynomial, factor: Fraction | int) -> Polynomial:
    """Return a polynomial times a number."""
    return [coefficient * factor for coefficient in polynomial]


def _sum(one: Polynomial, other: Polynomial) -> Polynomial:
    """Return the sum of two polynomials of the same length."""
    return [a + b for a, b in zip(one, other, strict=True)]


def _floats(rows: Sequence[Polynomial]) -> Matrix:
    """Return the rows as a matrix."""
    return np.array(rows, np.float64)
