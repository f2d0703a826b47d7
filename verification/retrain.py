"""Run the stages train, evaluate and export in the current directory, in one of several variants.

    python -m verification.retrain VARIANT

Environment variables set threads, instruction set and device, as for the stages. torchrun may start
this module in several workers. The stages write their outputs without logging to MLflow, and
then `main` writes report.json.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

from softmax.core import batches, model
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.errors import exits_cleanly
from softmax.pipeline import datasets, files, params, paths
from softmax.pipeline.recorder import Recorder
from softmax.training import fitting, launcher
from softmax.training.fitting import Epoch
from softmax.training.scoring import Score
from stages import evaluate, export, train
from verification import reference

REPORT = Path("report.json")


def run_stages() -> None:
    """Run the stages as `dvc repro` does."""
    for name in ("__init__", "log"):
        setattr(Recorder, name, lambda *_, **__: None)
    train.main()
    if os.environ.get("RANK", "0") == "0":
        evaluate.main()
        export.main()


def with_torch() -> None:
    """Run the code for GPUs on the CPU, with torch's arrays."""
    import torch

    Dataset.to = lambda self, _: self.map(torch.asarray)  # type: ignore[method-assign,assignment]
    run_stages()


def compiled() -> None:
    """Train with the compiled loop of sweeps, which skips pixels that are 0."""
    from softmax.sweep.compiled import CompiledTrainer

    fitting.Trainer = lambda data, configs, _: (  # type: ignore[assignment,misc]
        CompiledTrainer(data, configs)
    )
    run_stages()


def backwards() -> None:
    """Compute every sum in reverse order: over pixels, images and classes."""
    logits, gradient_sum = model.logits, model.gradient_sum
    softmax, cross_entropy = model.softmax, model.cross_entropy
    model.logits = lambda theta, inputs: logits(theta[..., ::-1], inputs[::-1])
    model.gradient_sum = lambda residuals, inputs: gradient_sum(
        residuals[..., ::-1], inputs[:, ::-1]
    )
    model.softmax = lambda z: softmax(z[..., ::-1, :])[..., ::-1, :]
    model.cross_entropy = lambda z, y: cross_entropy(z[..., ::-1, :], y[::-1])[::-1]
    run_stages()


def from_the_text() -> None:
    """Train and score with verification/reference.py, written from docs/arithmetic.md alone."""

    def score(theta: FloatArray, data: Dataset) -> Score:
        return Score(*reference.score(theta, data.images, data.labels), len(data.labels))

    def fit(kept: Dataset, validation_set: Dataset, *_: object) -> Iterator[Epoch]:
        chosen = params.load().train
        images = np.concatenate([kept.images, validation_set.images])
        labels = np.concatenate([kept.labels, validation_set.labels])
        batches_per_epoch = math.ceil(len(kept.labels) / chosen.batch_size)
        epochs = reference.fit(images, labels, kept.classes, chosen)
        for number, (theta, losses) in enumerate(epochs, start=1):
            validation = score(theta, validation_set) if len(validation_set.labels) else None
            yield Epoch(number, batches_per_epoch, theta, losses, score(theta, kept), validation)

    fitting.fit = fit  # type: ignore[assignment] # its parameters have different names
    run_stages()


def as_in_the_lecture() -> None:
    """Train the control and write only its weights, which differ from those of dvc.lock."""
    import safetensors.torch

    from verification import lecture  # imports torch, which takes seconds

    config = params.load()
    training_set = batches.load(*datasets.training(config.download.dataset))
    *_, layer = lecture.fit(training_set, config.train)
    files.write({paths.WEIGHTS: safetensors.torch.save(layer.state_dict())})


VARIANTS: dict[str, Callable[[], None]] = {
    "numpy": run_stages,
    "torch": with_torch,
    "compiled": compiled,
    "backwards": backwards,
    "reference": from_the_text,
    "lecture": as_in_the_lecture,
}


def computed_by(variant: str) -> dict[str, Any]:
    """Return device, instruction set, threads and versions, as the libraries report them."""
    device = launcher.choose()
    threads: int | None
    if variant == "compiled":
        import llvmlite.binding
        import numba

        instructions = os.environ.get("NUMBA_CPU_NAME") or llvmlite.binding.get_host_cpu_name()
        threads = 1
        version = f"numba {numba.__version__} llvmlite {llvmlite.__version__}"
    elif device == "cpu" and variant not in ("torch", "lecture"):
        pools: list[dict[str, Any]] = threadpoolctl.threadpool_info()
        blas = next((pool for pool in pools if pool["user_api"] == "blas"), {})
        instructions, threads = blas.get("architecture"), blas.get("num_threads")
        version = f"numpy {np.__version__} {blas.get('internal_api')} {blas.get('version')}"
    else:
        import torch

        instructions, threads = torch.backends.cpu.get_cpu_capability(), torch.get_num_threads()
        version = f"torch {torch.__version__}"
        if device == "cuda":
            instructions = "sm_{}{}".format(*torch.cuda.get_device_capability())
            device = torch.cuda.get_device_name()
    return {"device": device, "instructions": instructions, "threads": threads, "versions": version}


@exits_cleanly
def main() -> None:
    parser = argparse.ArgumentParser(prog="verification.retrain")
    parser.add_argument("variant", choices=VARIANTS)
    variant = parser.parse_args().variant
    os.environ.pop("WORKERS", None)  # otherwise stages.train would start workers
    started = time.perf_counter()
    VARIANTS[variant]()
    seconds = round(time.perf_counter() - started, 1)
    if os.environ.get("RANK", "0") == "0":
        REPORT.write_text(json.dumps({**computed_by(variant), "seconds": seconds}))


if __name__ == "__main__":
    main()
