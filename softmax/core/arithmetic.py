"""Compute sums that do not depend on the order of their terms, and exp and log.

A float64 represents every integer up to 2^53. So quantities that are summed are kept on a grid, as
multiples of a power of two, and within a bound that keeps every partial sum below 2^53 units. No
addition rounds, so the order of the additions does not matter. All other operations are
elementwise, one IEEE 754 operation at a time. docs/arithmetic.md proves this.
"""

import math

from softmax.core.arrays import Array, namespace
from softmax.errors import RangeError

WEIGHT_GRID = math.ldexp(1, -30)
RESIDUAL_GRID = math.ldexp(1, -24)
EXPONENTIAL_GRID = math.ldexp(1, -40)
LOSS_GRID = math.ldexp(1, -24)

MAX_UNITS = 2**53
MAX_PIXEL = 255
MAX_BATCH = 2**21  # images; then sums of residuals times MAX_PIXEL stay below MAX_UNITS

# From Sun's fdlibm, e_exp.c and e_log.c: minimax polynomials, and ln 2 as a sum of two numbers. The
# high number has so few significant bits that its product with an exponent is exact.
LN2_HIGH = float.fromhex("0x1.62e42feep-1")
LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
LOG2_E = float.fromhex("0x1.71547652b82fep+0")
SQRT_HALF = float.fromhex("0x1.6a09e667f3bcdp-1")
EXP_LOWEST = -708.0
EXP_COEFFICIENTS = (
    float.fromhex("0x1.555555555553ep-3"),
    float.fromhex("-0x1.6c16c16bebd93p-9"),
    float.fromhex("0x1.1566aaf25de2cp-14"),
    float.fromhex("-0x1.bbd41c5d26bf1p-20"),
    float.fromhex("0x1.6376972bea4d0p-25"),
)
LOG_COEFFICIENTS = (
    float.fromhex("0x1.5555555555593p-1"),
    float.fromhex("0x1.999999997fa04p-2"),
    float.fromhex("0x1.2492494229359p-2"),
    float.fromhex("0x1.c71c51d8e78afp-3"),
    float.fromhex("0x1.7466496cb03dep-3"),
    float.fromhex("0x1.39a09d078c69fp-3"),
    float.fromhex("0x1.2f112df3e5244p-3"),
)

FRACTION_BITS = 52  # of a float64; its exponent is above these bits
FRACTION_MASK = 2**FRACTION_BITS - 1
HALF_EXPONENT = 1022  # the exponent field of the numbers in [1/2, 1)
ROUND = 1.5 * 2**FRACTION_BITS  # the last bits of x + ROUND are the integer nearest to x


def snap(x: Array, grid: float) -> Array:
    """Round `x`, float64 of any shape, in place to multiples of `grid`, ties to even. Return `x`.

    `grid` is a power of two and |x| < 2^51 grid. Near 1.5 * 2^52 grid, the float64 numbers are the
    multiples of `grid`. So adding 1.5 * 2^52 grid rounds, and subtracting it again is exact.
    """
    shift = ROUND * grid
    x += shift
    x -= shift
    return x


def exp(x: Array) -> Array:
    """Return e^x for a float64 array x <= 0 of at least one dimension, and e^-708 below -708.

    The method is fdlibm's: x = k ln 2 + r, |r| <= ln 2 / 2, and e^r = 1 + r + r c / (2 - c).
    """
    xp = namespace(x)
    result, shifted = reduced_exp(x.clip(EXP_LOWEST))
    exponent = result.view(xp.int64)
    exponent += shifted.view(xp.int64) << FRACTION_BITS
    return result


def reduced_exp(x: Array) -> tuple[Array, Array]:
    """Return e^r and k + ROUND for x = k ln 2 + r >= -708, a float64 array or number."""
    shifted = x * LOG2_E
    shifted += ROUND
    k = shifted - ROUND
    r = x - k * LN2_HIGH
    r -= k * LN2_LOW
    square = r * r
    c = r - polynomial(square, EXP_COEFFICIENTS) * square
    result = r * c
    result /= 2 - c
    result += r
    result += 1
    return result, shifted


def log(x: Array) -> Array:
    """Return the natural logarithm of positive normal float64 x, of at least one dimension.

    The method is fdlibm's: x = 2^k (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)), s = f / (2 + f), and
    log(1 + f) = f - (f^2/2 - s (f^2/2 + R(s^2))).
    """
    xp = namespace(x)
    bits = x.view(xp.int64)
    half = ((bits & FRACTION_MASK) | (HALF_EXPONENT << FRACTION_BITS)).view(xp.float64)
    k = (bits >> FRACTION_BITS) - HALF_EXPONENT
    below = half < SQRT_HALF
    f = xp.where(below, half * 2, half) - 1
    k = xp.astype(xp.where(below, k - 1, k), xp.float64)
    s = f / (2 + f)
    square = s * s
    half_square = f * f * 0.5
    tail = s * (half_square + polynomial(square, LOG_COEFFICIENTS) * square) + k * LN2_LOW
    return k * LN2_HIGH - ((half_square - tail) - f)


def exact_sum(x: Array, grid: float) -> float:
    """Return the sum of all elements of `x`, non-negative float64 on `grid`.

    Raise RangeError if the sum reaches 2^53 units, because it may then depend on the order. Partial
    sums of non-negative values never decrease, so the check itself does not depend on the order.
    """
    total = float(x.sum())
    if not total < MAX_UNITS * grid:
        raise RangeError(
            f"a sum reached {total:g}, but sums are exact only below {MAX_UNITS * grid:g}"
        )
    return total


def polynomial(x: Array, coefficients: tuple[float, ...]) -> Array:
    """Return c0 + c1 x + c2 x^2 + ..., elementwise, by Horner's rule."""
    result = x * coefficients[-1]
    result += coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        result *= x
        result += coefficient
    return result
