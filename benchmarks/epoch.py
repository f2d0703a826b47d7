"""Measure an epoch with the lecture's hyperparameters, for one model and for 64 learning rates.

Alternates with the two float64 matrix products that an epoch on dense images needs, with the
lecture's own loop, and with other libraries in float32. All use MNIST in memory and all CPUs.
"""

import os
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from tabulate import tabulate
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST
from tqdm import tqdm

from benchmarks.shared import LECTURE, in_turns
from softmax.core import arrays, batches
from softmax.core.arithmetic import MAX_PIXEL
from softmax.core.batches import Dataset
from softmax.pipeline import datasets
from softmax.sweep.compiled import CompiledTrainer
from softmax.sweep.passes import TOGETHER
from softmax.training.fitting import Trainer
from softmax.training.state import Hyperparameters
from verification import lecture

TURNS = 5
MANY = 64  # models
BATCH, RATE = LECTURE.batch_size, LECTURE.learning_rate
PRODUCTS = "the two products alone, float64"

Epoch = Callable[[], object]
Way = Callable[[Dataset, int], Epoch]  # from the training set and how many models


class LectureMNIST(MNIST):  # type: ignore[misc] # torchvision has no types
    """torchvision's data set, reading the files of stage download."""

    raw_folder = str(datasets.directory("mnist"))


def as_written(_: Dataset, __: int) -> Epoch:
    """Train as the lecture does: data set, ToTensor, DataLoader, autograd."""
    images = LectureMNIST(".", train=True, transform=transforms.ToTensor())
    loader: DataLoader[Any] = DataLoader(images, batch_size=BATCH, shuffle=True)
    model = torch.nn.Linear(784, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    criterion = torch.nn.CrossEntropyLoss()

    def epoch() -> None:
        for x, y in loader:
            optimizer.zero_grad()
            criterion(model(x.view(-1, 784)), y).backward()
            optimizer.step()

    return epoch


def in_memory(training: Dataset, _: int) -> Epoch:
    """Train with the lecture's layer, loss and optimizer in torch, on tensors in memory."""
    epochs = lecture.fit(training, LECTURE._replace(epochs=1 + TURNS))
    return lambda: next(epochs)


def jax(training: Dataset, models: int) -> Epoch:
    """Train by jit(scan(vmap(grad))): one program per epoch, without the last, short batch."""
    import jax
    import jax.numpy as jnp

    images = jnp.asarray(training.images, jnp.float32) / MAX_PIXEL
    one_hot = jax.nn.one_hot(jnp.asarray(training.labels), 10)
    random, count = np.random.default_rng(0), len(training.labels) // BATCH
    rates = jnp.full((models, 1, 1), RATE)

    def loss(theta: Any, x: Any, y: Any) -> Any:
        z = x @ theta[:, :-1].T + theta[:, -1]
        return -(y * jax.nn.log_softmax(z)).sum(axis=-1).mean()

    gradients = jax.vmap(jax.grad(loss), (0, None, None))

    def descend(thetas: Any, order: Any) -> Any:
        def step(thetas: Any, batch: Any) -> Any:
            return thetas - rates * gradients(thetas, images[batch], one_hot[batch]), None

        return jax.lax.scan(step, thetas, order)[0]

    compiled = jax.jit(descend)

    def epoch() -> None:
        order = random.permutation(len(training.labels))[: count * BATCH].reshape(count, BATCH)
        compiled(jnp.zeros((models, 10, 785)), jnp.asarray(order)).block_until_ready()

    return epoch


def products(training: Dataset, models: int) -> Epoch:
    """Compute theta x and (a - y) x^T for each batch, from existing matrices."""
    random, count = np.random.default_rng(0), len(training.labels) // BATCH
    x = arrays.aligned(BATCH, 785, training.images)
    x[:] = random.random(x.shape)
    theta = random.random((10 * models, 785))

    def epoch() -> None:
        for _ in range(count):
            (theta @ x.T) @ x

    return epoch


def on_arrays(training: Dataset, models: int) -> Epoch:
    """Train with `Trainer`, on NumPy's arrays, with the products of many models stacked."""
    passes = [Trainer(training, recipes) for recipes in groups(models)]
    return lambda: [one.take_steps(1) for one in passes]


def in_compiled_loops(training: Dataset, models: int) -> Epoch:
    """Train with `CompiledTrainer`, one pass on each CPU."""
    passes = [CompiledTrainer(training, recipes) for recipes in groups(models)]
    pool = ThreadPoolExecutor(os.cpu_count())
    return lambda: list(pool.map(lambda one: one.take_steps(1), passes))


def groups(models: int) -> list[list[Hyperparameters]]:
    """Repeat the lecture's hyperparameters, in groups that train together."""
    return [[LECTURE] * min(models, TOGETHER)] * -(-models // TOGETHER)


WAYS: dict[str, tuple[Way, tuple[int, ...]]] = {
    PRODUCTS: (products, (1, MANY)),
    "the lecture's own loop": (as_written, (1,)),
    "PyTorch, tensors in memory, float32": (in_memory, (1,)),
    "JAX, `jit(scan(vmap(grad)))`, float32": (jax, (1, MANY)),
    "exact, on arrays": (on_arrays, (1, MANY)),
    "exact, in compiled loops": (in_compiled_loops, (1, MANY)),
}


def report() -> str:
    """Return a Markdown table: median seconds of an epoch, and ratios to the bare products."""
    training = batches.load(*datasets.training("mnist"))
    epochs = {
        (name, models): way(training, models)
        for name, (way, sizes) in tqdm(WAYS.items(), desc="epoch: prepare")
        for models in sizes
    }
    for epoch in tqdm(epochs.values(), desc="epoch: warm up"):
        epoch()
    seconds, _ = in_turns(epochs, TURNS, "epoch")
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    ratios = {(name, k): value / medians[PRODUCTS, k] for (name, k), value in medians.items()}
    rows = [
        [name, *(found.get((name, k)) for found in (ratios, medians) for k in (1, MANY))]
        for name in WAYS
    ]
    head = ["an epoch", "1 model", f"{MANY} models", "1 model [s]", f"{MANY} models [s]"]
    return tabulate(rows, head, tablefmt="github", floatfmt=("", ".2f", ".2f", ".3f", ".3f"))
