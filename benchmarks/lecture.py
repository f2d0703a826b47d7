"""How much faster is an epoch than the lecture's own loop?

    python -m benchmarks.lecture

Both train one epoch of the lecture's recipe on MNIST, in turns, in one process: the lecture with a
torchvision data set, ToTensor, a DataLoader and autograd, this project with `Descent.take_steps`.
Needs data/mnist (`dvc repro download`). Prints the seconds of each turn and the ratio of medians.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchmarks.settings import LECTURE
from softmax.core import data
from softmax.pipeline import catalog
from softmax.training.fitting import Descent

TURNS = 10


class LectureMNIST(datasets.MNIST):  # type: ignore[misc] # torchvision has no types
    """torchvision's data set, reading the files where the download stage put them."""

    raw_folder = str(catalog.directory("mnist"))


def lecture_epoch() -> None:
    """One epoch as the lecture writes it."""
    dataset = LectureMNIST(".", train=True, transform=transforms.ToTensor())
    loader: DataLoader[Any] = DataLoader(dataset, batch_size=64, shuffle=True)
    model = torch.nn.Linear(784, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001)
    criterion = torch.nn.CrossEntropyLoss()
    for images, labels in loader:
        optimizer.zero_grad()
        criterion(model(images.view(-1, 784)), labels).backward()
        optimizer.step()


def exact_epoch() -> None:
    """One epoch of the same recipe in this project."""
    Descent(data.load(*catalog.training_files("mnist")), [LECTURE]).take_steps(1)


def seconds(epoch: Callable[[], None]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    epoch()
    return time.perf_counter() - start


def main() -> None:
    """Time both, in turns, and print a row for each turn."""
    print("turn  lecture [s]  exact [s]")
    turns = []
    for turn in range(1, TURNS + 1):
        turns.append((seconds(lecture_epoch), seconds(exact_epoch)))
        print(f"{turn:4}  {turns[-1][0]:11.2f}  {turns[-1][1]:9.3f}")
    lecture, exact = map(statistics.median, zip(*turns, strict=True))
    print(f"median {lecture:.2f} s and {exact:.3f} s: {lecture / exact:.1f} times faster")


if __name__ == "__main__":
    main()
