"""Train as the lecture does, in float32. These weights depend on the number of threads."""

from collections.abc import Iterator

import torch
from torch.nn import functional

from softmax.core.batches import Dataset
from softmax.pipeline.params import Train
from softmax.training.state import Hyperparameters


def fit(data: Dataset, params: Train | Hyperparameters) -> Iterator[torch.nn.Linear]:
    """Train a float32 layer with torch's operations and a fixed seed. Yield it after each epoch."""
    torch.manual_seed(params.seed)
    images = torch.tensor(data.images, dtype=torch.float32) / 255
    labels = torch.tensor(data.labels, dtype=torch.int64)
    layer = torch.nn.Linear(images.shape[1], data.classes)
    optimizer = torch.optim.SGD(layer.parameters(), lr=params.learning_rate)
    for _ in range(params.epochs):
        order = torch.randperm(len(labels))
        for batch in torch.split(order, params.batch_size):
            optimizer.zero_grad()
            loss = functional.cross_entropy(layer(images[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        yield layer
