"""Fit softmax regression to the training set."""

import numpy as np
from tqdm import tqdm

from softmax.core import arrays, batches, model
from softmax.core.workers import Workers
from softmax.errors import exits_cleanly
from softmax.pipeline import datasets, files, params, paths
from softmax.pipeline.params import Params
from softmax.pipeline.recorder import Recorder
from softmax.training import fitting, launcher, randomness
from softmax.training.fitting import Epoch
from softmax.training.state import Hyperparameters

NO_WEIGHTS = np.empty(0)


@exits_cleanly
def main() -> None:
    """Write the weights, snapshots of earlier weights, and the losses and scores of all epochs."""
    config = params.load()
    if count := launcher.wanted():
        launcher.launch("stages.train", count)
        return
    device = launcher.choose()
    with launcher.join(device) as workers:
        recorder = Recorder("train") if workers.rank == 0 else None
        epochs = fit(config, device, workers)
    if recorder is None:
        return

    metrics = fitting.metrics(epochs[-1])
    classes, features = datasets.load()[config.download.dataset].size
    start = randomness.initial_weights(features, config.train.seed, classes)
    kept = fitting.snapshots(len(epochs))
    thetas = {0: start, **{number: epochs[number - 1].theta for number in kept}}
    if np.array_equal(thetas[0], epochs[-1].theta):
        print("train: no step was large enough to change a weight. Raise train.learning_rate.")
    files.write(
        {
            paths.WEIGHTS: model.to_bytes(epochs[-1].theta),
            paths.LOSSES: files.to_csv(fitting.losses(epochs)),
            paths.EPOCHS: files.to_csv(fitting.scores(epochs)),
            paths.TRAIN_METRICS: files.to_json(metrics),
            **{
                paths.EPOCH_WEIGHTS / f"{number}.safetensors": model.to_bytes(theta)
                for number, theta in thetas.items()
            },
        },
        only_in=paths.EPOCH_WEIGHTS,
    )
    by = f"{device}, {workers.size} workers" if workers.size > 1 else device
    scores = [f"{key} {value:.4f}" for key, value in metrics.items()]
    print(f"train: {len(epochs)} epochs on {by}", *scores, sep=", ")
    recorder.log(config, device=device, workers=workers.size)


def fit(config: Params, device: str, workers: Workers) -> list[Epoch]:
    """Train with the other workers, and show a progress bar in the first."""
    name = config.download.dataset
    dataset = batches.load(*datasets.training(name)).to(device)
    launcher.agree(workers, config.train, datasets.training_files(name))
    kept, validation_set = dataset.split(config.train.validation)
    chosen = Hyperparameters(**config.train.model_dump(exclude={"validation"}))
    epochs, snapshots = [], fitting.snapshots(config.train.epochs)
    hidden = workers.rank > 0 or None  # None hides the bar if stderr is not a terminal
    with (
        arrays.blas_threads(config.train.batch_size),
        tqdm(total=config.train.epochs, desc="train", unit="epoch", disable=hidden) as bar,
    ):
        for epoch in fitting.fit(kept, validation_set, chosen, workers):
            # keep only snapshots, because the weights of all epochs might not fit in memory
            epochs.append(epoch if epoch.number in snapshots else epoch._replace(theta=NO_WEIGHTS))
            bar.set_postfix(loss=f"{epoch.training.loss:.4f}")
            bar.update()
    return epochs


if __name__ == "__main__":
    main()
