"""Train with each optimizer on CPU and GPU, and compare weights: python -m verification.gpu."""

import hashlib
import time

from softmax.core import batches, model
from softmax.errors import DeviceError, exits_cleanly
from softmax.pipeline import datasets, params
from softmax.training import fitting, launcher
from softmax.training.optimizers import OPTIMIZERS
from softmax.training.state import Hyperparameters


@exits_cleanly
def main() -> None:
    """Print hashes of the weights and seconds per epoch. Raise DeviceError if hashes differ."""
    config, gpu = params.load(), launcher.choose()
    data = batches.load(*datasets.training(config.download.dataset))
    hyperparameters = Hyperparameters(**config.train.model_dump(exclude={"validation"}))
    for optimizer in OPTIMIZERS:
        hashes = set()
        for device in ("cpu", gpu):
            start = time.perf_counter()
            kept, validation_set = data.to(device).split(config.train.validation)
            chosen = hyperparameters._replace(optimizer=optimizer)
            *_, last = fitting.fit(kept, validation_set, chosen)
            seconds = (time.perf_counter() - start) / chosen.epochs
            sha256 = hashlib.sha256(model.to_bytes(last.theta)).hexdigest()
            hashes.add(sha256)
            print(f"{optimizer} on {device}: {sha256}, {seconds:.2f} s per epoch", flush=True)
        if len(hashes) > 1:
            raise DeviceError(f"{gpu}: {optimizer} weights differ from the CPU's. Report this bug.")


if __name__ == "__main__":
    main()
