"""A data set of 530 images with a label one can see, and the lock of what comes of it."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from shared import ROOT

from softmax.core import data
from softmax.pipeline import files, params
from softmax.pipeline.catalog import FILES, Pinned
from softmax.provenance import lock
from verification import hashes


def write_mnist(folder: Path) -> None:
    """Write 500 training and 30 test images, each with a bright line that tells its label."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, count in {"train": 500, "t10k": 30}.items():
        labels = np.arange(count) % 10
        images = random.integers(60, size=(count, 28, 28))
        images[np.arange(count), labels * 2] += 190
        write_idx(folder / f"{name}-images-idx3-ubyte", images)
        write_idx(folder / f"{name}-labels-idx1-ubyte", labels)


def pinned(folder: Path) -> Pinned:
    """The entry of datasets.yaml for the files in `folder`, of gray images in ten classes."""
    paths = [folder / file for file in FILES]
    training, test = (data.read_idx(path, 3).shape for path in paths[::2])
    return Pinned.model_validate(
        {
            "images": (training[0], test[0]),
            "shape": training[1:],
            "classes": list("0123456789"),
            **{path.name: files.sha256(path) for path in paths},
        }
    )


def write_idx(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write `array` as an IDX file of unsigned bytes."""
    header = np.array([0x0800 + array.ndim, *array.shape], ">u4")
    path.write_bytes(header.tobytes() + array.astype(np.uint8).tobytes())


def write_lock() -> dict[str, Any]:
    """Write the dvc.lock of the results that are here, and return its content."""
    locked = lock.load(ROOT)
    content = {"stages": {name: locked[name] for name in ("download", *lock.RESULTS)}}
    content["stages"]["download"] |= {"params": {}, "outs": []}
    settings = params.load().model_dump()
    for name in lock.RESULTS:
        stage = content["stages"][name]
        for key in stage["params"]["params.yaml"]:
            section, leaf = key.split(".")
            stage["params"]["params.yaml"][key] = settings[section][leaf]
        for file in stage["deps"] + stage["outs"]:
            file["path"] = re.sub("^data/[^/]+/", "data/mnist/", file["path"])
            file["md5"] = hashes.md5(Path(file["path"])) or file["md5"]
    lock.PATH.write_text(yaml.safe_dump(content))
    return content
