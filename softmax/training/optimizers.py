"""Compute steps of optimizers and learning-rate schedules, with the semantics of torch.optim.

An optimizer takes a gradient, its memory, the momentum, the step's `corrections` and a square-root
function. It returns the direction, which the caller multiplies by the learning rate and subtracts
from the weights, and the new memory. All operations are elementwise, on arrays or, in a compiled
loop, on one parameter. So the memory needs no grid. The code avoids libm, whose results differ by
platform. It multiplies arrays by reciprocals, because torch does so on CUDA instead of dividing
them by numbers.
"""

from collections.abc import Callable, Iterator

from softmax.core.arrays import Array

Memory = tuple[Array, Array]  # both 0 before the first step
Corrections = tuple[float, float]
Root = Callable[[Array], Array]
Step = tuple[Array, Memory]
Optimizer = Callable[[Array, Memory, Array, Corrections, Root], Step]

ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8
HALF_PI = float.fromhex("0x1.921fb54442d18p+0")


def sgd(gradient: Array, memory: Memory, _decay: Array, _c: Corrections, _sqrt: Root) -> Step:
    """Return the gradient as the direction."""
    return gradient, memory


def momentum(gradient: Array, memory: Memory, decay: Array, _c: Corrections, _sqrt: Root) -> Step:
    """Return the velocity v = decay v + g as the direction."""
    velocity = memory[0] * decay + gradient
    return velocity, (velocity, memory[1])


def nesterov(gradient: Array, memory: Memory, decay: Array, _c: Corrections, _sqrt: Root) -> Step:
    """Return g + decay v as the direction, with the velocity v = decay v + g."""
    velocity = memory[0] * decay + gradient
    return velocity * decay + gradient, (velocity, memory[1])


def adam(gradient: Array, memory: Memory, _decay: Array, c: Corrections, sqrt: Root) -> Step:
    """Return Adam's direction: Kingma and Ba (2015), algorithm 1, default constants."""
    mean = memory[0] * ADAM_BETA1 + gradient * (1 - ADAM_BETA1)
    variance = memory[1] * ADAM_BETA2 + gradient * gradient * (1 - ADAM_BETA2)
    deviation = sqrt(variance * c[1])
    return mean * c[0] / (deviation + ADAM_EPSILON), (mean, variance)


OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": sgd,
    "momentum": momentum,
    "nesterov": nesterov,
    "adam": adam,
}


def corrections() -> Iterator[Corrections]:
    """Yield Adam's bias corrections, 1 / (1 - beta^t) for both betas, for t = 1, 2, ..."""
    power1 = power2 = 1.0
    while True:
        power1, power2 = power1 * ADAM_BETA1, power2 * ADAM_BETA2
        yield 1 / (1 - power1), 1 / (1 - power2)


def scheduled(learning_rate: Array, schedule: str, step: int, steps: int) -> Array:
    """Return `learning_rate`, an array or a number, as scheduled for `step` (from 0) of `steps`.

    The factor of `cosine` is (1 + cos(pi u)) / 2 = cos(pi u / 2)^2 with u = step / steps
    (Loshchilov and Hutter, 2017).
    """
    if schedule == "constant":
        return learning_rate
    root = _cosine(HALF_PI * (step / steps))
    return learning_rate * (root * root)


def _cosine(x: float) -> float:
    """Return cos x for 0 <= x <= pi / 2 from the Taylor series. math.cos differs by platform."""
    term = total = 1.0
    for n in range(1, 12):
        term *= -(x * x) / ((2 * n - 1) * (2 * n))
        total += term
    return total
