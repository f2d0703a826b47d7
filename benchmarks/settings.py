"""What the lecture trains with."""

from softmax.training.state import Hyperparameters

LECTURE = Hyperparameters(
    seed=0,
    epochs=5,
    batch_size=64,
    optimizer="sgd",
    learning_rate=0.001,
    schedule="constant",
    momentum=0.0,
    weight_decay=0.0,
    averaging=0.0,
)
