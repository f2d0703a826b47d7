"""What the lecture's own run on MNIST printed, and how much of it the seed decides."""

from typing import Any

import pandas as pd

from softmax.pipeline.params import Train

DATASET = "mnist"
RECIPE = {
    "validation": 0,
    "epochs": 5,
    "batch_size": 64,
    "optimizer": "sgd",
    "learning_rate": 0.001,
    "schedule": "constant",
    "weight_decay": 0.0,
    "averaging": 0.0,
}
ACCURACY = 0.8477
LOSSES = {(1, 100): 2.25, (1, 900): 1.61, (5, 100): 0.97, (5, 900): 0.73}  # by epoch and batch
PROBABILITIES = {  # of the ten classes, by test image
    1802: [0.0267, 0.0132, 0.5298, 0.0149, 0.0329, 0.0156, 0.0746, 0.0624, 0.2032, 0.0266],
    1100: [0.0080, 0.2501, 0.0679, 0.0442, 0.0252, 0.0718, 0.3474, 0.0223, 0.1111, 0.0520],
    217: [0.0730, 0.1227, 0.0503, 0.0537, 0.0617, 0.3343, 0.0968, 0.0161, 0.1646, 0.0268],
}

# Of this recipe with seeds 0 to 63, by `python -m softmax sweep 'train.seed=range(0,64)'`: test
# accuracy, and the least and the largest probability of what each of these models calls the image.
SEEDS = {"count": 64, "mean": 0.8453, "spread": 0.0016, "lowest": 0.8419, "highest": 0.8494}
SEEDS_SAY = {1802: (0.48, 0.60), 1100: (0.90, 0.93), 217: (0.28, 0.38)}


def beside(dataset: str, train: Train, losses: pd.DataFrame) -> dict[str, Any] | None:
    """The lecture's numbers for the page, or None where this is another recipe or data set.

    `losses` is metrics/loss.csv. All is JSON: accuracy, losses as [epoch, batch, lecture's, ours],
    probabilities as [index, ten values, least, largest], and seeds.
    """
    if dataset != DATASET or not RECIPE.items() <= train.model_dump().items():
        return None
    ours = losses.set_index(["epoch", "batch"])["loss"]
    return {
        "accuracy": ACCURACY,
        "losses": [[*at, theirs, float(ours[at])] for at, theirs in LOSSES.items()],
        "images": [[k, a, *SEEDS_SAY[k]] for k, a in PROBABILITIES.items()],
        "seeds": SEEDS,
    }
