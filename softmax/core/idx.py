"""Read IDX, the format of MNIST's files: http://yann.lecun.com/exdb/mnist."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from softmax.errors import FormatError

BYTES, INTEGERS = 0x0800, 0x0C00  # type codes, to which the number of dimensions is added
IMAGE_TYPES = {BYTES: np.dtype("uint8")}
LABEL_TYPES = IMAGE_TYPES | {INTEGERS: np.dtype(">i4")}  # int32 for more than 256 classes


def read(path: Path, dimensions: int) -> NDArray[np.integer]:
    """Map an IDX file of uint8, or of labels in big-endian int32, into memory, copy on write.

    Raise FormatError if the file is missing, or if its type, dimensions or length are wrong.
    """
    offset = 4 + 4 * dimensions
    types = LABEL_TYPES if dimensions == 1 else IMAGE_TYPES
    try:
        with path.open("rb") as file:
            header = file.read(offset)
        magic, *shape = np.frombuffer(header, ">u4").tolist()
        kind = types[magic - dimensions]
        if path.stat().st_size != offset + math.prod(shape) * kind.itemsize:
            raise ValueError
        return np.asarray(np.memmap(path, kind, mode="c", offset=offset, shape=tuple(shape)))
    except FileNotFoundError:
        raise FormatError(f"{path}: not found") from None
    except (KeyError, ValueError):
        raise FormatError(
            f"{path}: not a {dimensions}-dimensional IDX file of "
            f"{' or '.join(kind.name for kind in types.values())}"
        ) from None


def header(array: NDArray[np.integer]) -> bytes:
    """Return the IDX header, type and shape, of `array`, uint8 or big-endian int32."""
    kind = BYTES if array.dtype == np.uint8 else INTEGERS
    return np.array([kind + array.ndim, *array.shape], ">u4").tobytes()
