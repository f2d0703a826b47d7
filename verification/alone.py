"""Train with verification/reference.py and NumPy alone, and compare with models/.

    python -m verification.alone < params.json

`make verify-emulated` runs this module where the stages' libraries cannot be installed.
"""

import hashlib
import json
import platform
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from verification import reference

WEIGHTS = Path("models/softmax.safetensors")


def main() -> None:
    """Print a line for each epoch and a verdict. Exit with status 1 if the weights differ."""
    config = json.load(sys.stdin)
    directory = Path("data", config["download"]["dataset"])
    images, labels = (
        _read(directory / f"train-{name}-ubyte") for name in ("images-idx3", "labels-idx1")
    )
    train: Any = SimpleNamespace(**config["train"])
    machine = f"{platform.machine()}, {sys.byteorder}-endian, Python {platform.python_version()}"
    print(f"{machine}, NumPy {np.__version__}", flush=True)
    pixels, y = images.reshape(len(images), -1), labels.astype(np.int64)
    for number, epoch in enumerate(reference.fit(pixels, y, int(y.max()) + 1, train), start=1):
        weights = reference.file(epoch.theta)
        print(f"epoch {number}: {hashlib.sha256(weights).hexdigest()}", flush=True)
    same = weights == WEIGHTS.read_bytes()
    print(f"{'identical to' if same else 'DIFFERENT from'} {WEIGHTS}")
    sys.exit(not same)


def _read(path: Path) -> reference.Bytes:
    """Return the uint8 array in an IDX file, whose fourth byte is the number of dimensions."""
    content = path.read_bytes()
    sizes = np.frombuffer(content, ">u4", content[3], 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sizes)


if __name__ == "__main__":
    main()
