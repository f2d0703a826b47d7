"""Optimizers and learning-rate schedules, with the semantics of torch.optim.

All is elementwise, so the states need no grid: each element goes through the same IEEE operations
everywhere. Numbers avoid libm for the same reason, and an array is multiplied by a reciprocal and
never divided by a number, which CUDA would turn into that anyway.
"""

from collections.abc import Callable

from softmax.core.arrays import Array, namespace

Optimizer = Callable[[Array], Array]  # from a gradient to the step that is scaled and subtracted

ADAM_BETA1, ADAM_BETA2, ADAM_EPSILON = 0.9, 0.999, 1e-8
HALF_PI = float.fromhex("0x1.921fb54442d18p+0")


def create(name: str, decay: float) -> Optimizer:
    """A fresh optimizer for one parameter array; `decay` is that of momentum and Nesterov."""
    match name:
        case "sgd":
            return lambda gradient: gradient
        case "momentum":
            return momentum(decay, nesterov=False)
        case "nesterov":
            return momentum(decay, nesterov=True)
        case "adam":
            return adam()
    raise ValueError(name)


def momentum(decay: float, *, nesterov: bool) -> Optimizer:
    """v = decay v + g; the step is v, or g + decay v with Nesterov's look-ahead."""
    velocity: Array = 0.0

    def step(gradient: Array) -> Array:
        nonlocal velocity
        velocity = velocity * decay + gradient
        return velocity * decay + gradient if nesterov else velocity

    return step


def adam() -> Optimizer:
    """Kingma and Ba (2015), algorithm 1, with its default constants."""
    mean: Array = 0.0
    variance: Array = 0.0
    power1 = power2 = 1.0

    def step(gradient: Array) -> Array:
        nonlocal mean, variance, power1, power2
        power1, power2 = power1 * ADAM_BETA1, power2 * ADAM_BETA2
        mean = mean * ADAM_BETA1 + gradient * (1 - ADAM_BETA1)
        variance = variance * ADAM_BETA2 + gradient * gradient * (1 - ADAM_BETA2)
        deviation = namespace(gradient).sqrt(variance * (1 / (1 - power2)))
        return mean * (1 / (1 - power1)) / (deviation + ADAM_EPSILON)

    return step


def scheduled(learning_rate: float, schedule: str, step: int, steps: int) -> float:
    """The rate at `step` of `steps`, counted from 0, by the schedule "constant" or "cosine".

    The cosine falls as (1 + cos(pi u)) / 2 = cos(pi u / 2)^2 with u = step / steps (Loshchilov
    and Hutter, 2017).
    """
    if schedule == "constant":
        return learning_rate
    root = _cosine(HALF_PI * (step / steps))
    return learning_rate * (root * root)


def _cosine(x: float) -> float:
    """Taylor's series, for 0 <= x <= pi / 2: math.cos is the platform's own."""
    term = total = 1.0
    for n in range(1, 12):
        term *= -(x * x) / ((2 * n - 1) * (2 * n))
        total += term
    return total
