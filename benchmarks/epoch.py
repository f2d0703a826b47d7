"""Measure an epoch with the lecture's hyperparameters, for one model and for 64 models.

These take turns on all CPUs: this project, the lecture's own loop and other libraries (in float32),
all on MNIST in memory, and the two float64 matrix products of an epoch on random, dense images.
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

from benchmarks.shared import LECTURE, groups, in_turns
from softmax.core import arrays, batches
from softmax.core.arithmetic import MAX_PIXEL
from softmax.core.batches import Dataset
from softmax.pipeline import datasets
from softmax.sweep.compiled import CompiledTrainer
from softmax.training.fitting import Trainer
from verification import lecture

TURNS = 5
MANY = 64  # models that train together
BATCH, RATE = LECTURE.batch_size, LECTURE.learning_rate
PRODUCTS = "the two products alone, float64"

Epoch = Callable[[], object]
Prepare = Callable[[Dataset, int], Epoch]  # from the training set and the number of models


class LectureMNIST(MNIST):  # type: ignore[misc] # torchvision has no types
    """torchvision's MNIST, reading the files of stage download."""

    raw_folder = str(datasets.directory("mnist"))


def as_written(_: Dataset, __: int) -> Epoch:
    """Train as the lecture does, with torchvision's data set, ToTensor, DataLoader and autograd."""
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
    """Train with the lecture's layer, loss and optimizer, on tensors in memory."""
    epochs = lecture.fit(training, LECTURE._replace(epochs=1 + TURNS))
    return lambda: next(epochs)


def jax(training: Dataset, models: int) -> Epoch:
    """Train by jit(scan(vmap(grad))), one program per epoch, without the last, smaller batch."""
    import jax
    import jax.numpy as jnp

    images = jnp.asarray(training.images, jnp.float32) / MAX_PIXEL
    one_hot = jax.nn.one_hot(jnp.asarray(training.labels), 10)
    random, count = np.random.default_rng(0), len(training.labels) // BATCH
    chosen = [one.learning_rate for group in groups(models) for one in group]
    rates = jnp.array(chosen).reshape(models, 1, 1)

    def loss(theta: Any, x: Any, y: Any) -> Any:
        z = x @ theta[:, :-1].T + theta[:, -1]
        return -(y * jax.nn.log_softmax(z)).sum(axis=-1).mean()

    gradients = jax.vmap(jax.grad(loss), (0, None, None))

    def train(thetas: Any, order: Any) -> Any:
        def step(thetas: Any, batch: Any) -> Any:
            return thetas - rates * gradients(thetas, images[batch], one_hot[batch]), None

        return jax.lax.scan(step, thetas, order)[0]

    compiled = jax.jit(train)

    def epoch() -> None:
        order = random.permutation(len(training.labels))[: count * BATCH].reshape(count, BATCH)
        compiled(jnp.zeros((models, 10, 785)), jnp.asarray(order)).block_until_ready()

    return epoch


def products(training: Dataset, models: int) -> Epoch:
    """Multiply random matrices of the shapes in theta x and (a - y) x^T, for each full batch."""
    random, count = np.random.default_rng(0), len(training.labels) // BATCH
    x = arrays.aligned(BATCH, 785, training.images)
    x[:] = random.random(x.shape)
    theta = random.random((10 * models, 785))

    def epoch() -> None:
        for _ in range(count):
            (theta @ x.T) @ x

    return epoch


def on_arrays(training: Dataset, models: int) -> Epoch:
    """Train with `Trainer` on NumPy arrays, which stacks the products of many models."""
    trainers = [Trainer(training, configurations) for configurations in groups(models)]
    return lambda: [trainer.take_steps(1) for trainer in trainers]


def in_compiled_loops(training: Dataset, models: int) -> Epoch:
    """Train with `CompiledTrainer`, with one group of models on each CPU."""
    trainers = [CompiledTrainer(training, configurations) for configurations in groups(models)]
    pool = ThreadPoolExecutor(os.cpu_count())
    return lambda: list(pool.map(lambda trainer: trainer.take_steps(1), trainers))


METHODS: dict[str, tuple[Prepare, tuple[int, ...]]] = {  # each with the numbers of models
    PRODUCTS: (products, (1, MANY)),
    "the lecture's own loop": (as_written, (1,)),
    "PyTorch, tensors in memory, float32": (in_memory, (1,)),
    "JAX, `jit(scan(vmap(grad)))`, float32": (jax, (1, MANY)),
    "this project, on arrays": (on_arrays, (1, MANY)),
    "this project, in compiled loops": (in_compiled_loops, (1, MANY)),
}


def report() -> str:
    """Return a Markdown table of median seconds, and of their ratios to the products alone."""
    training = batches.load(*datasets.training("mnist"))
    epochs = {
        (name, models): prepare(training, models)
        for name, (prepare, sizes) in tqdm(METHODS.items(), desc="epoch: prepare")
        for models in sizes
    }
    for epoch in tqdm(epochs.values(), desc="epoch: warm up"):
        epoch()
    seconds, _ = in_turns(epochs, TURNS, "epoch")
    medians = {key: statistics.median(values) for key, values in seconds.items()}
    ratios = {(name, k): value / medians[PRODUCTS, k] for (name, k), value in medians.items()}
    rows = [
        [name, *(values.get((name, k)) for values in (ratios, medians) for k in (1, MANY))]
        for name in METHODS
    ]
    head = ["one epoch", "1 model, ratio", f"{MANY} models, ratio", "1 model [s]"]
    head.append(f"{MANY} models [s]")
    return tabulate(rows, head, tablefmt="github", floatfmt=("", ".2f", ".2f", ".3f", ".3f"))
