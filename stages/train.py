"""Fit softmax regression to the training set."""

import time

from tqdm import tqdm

from softmax import data, device, files, history, model, params, paths, tracking, training
from softmax.errors import exits_cleanly


@exits_cleanly
def main() -> None:
    """Write the weights, the losses and scores along the way, and the final scores."""
    started = time.time()
    settings = params.load()
    where = device.choose()
    dataset = data.load_training(settings.download.dataset).to(where)
    kept, held_out = dataset.split(settings.train.validation)

    epochs = []
    with tqdm(total=settings.train.epochs, desc="train", unit="epoch", disable=None) as bar:
        for epoch in training.fit(kept, held_out, settings.train):
            epochs.append(epoch)
            bar.set_postfix(loss=f"{epoch.training.loss:.4f}")
            bar.update()

    weights = model.to_bytes(epochs[-1].theta)
    metrics = history.metrics(epochs[-1])
    files.write(
        {
            paths.WEIGHTS: weights,
            paths.LOSSES: files.to_csv(history.losses(epochs)),
            paths.EPOCHS: files.to_csv(history.scores(epochs)),
            paths.TRAIN_METRICS: files.to_json(metrics),
        }
    )
    print(f"train: {len(epochs)} epochs on {where}", *(f"{k} {v:.4f}" for k, v in metrics.items()))
    tracking.log_training(settings, device=where, started=started)


if __name__ == "__main__":
    main()
