"""NumPy's .npz with the four arrays of Keras' mnist.npz. Nothing in it is unpickled."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from softmax.errors import DataError
from softmax.pinning.found import Found, Part, shortened
from softmax.pinning.labels import encode

NAMES = ("x_train", "y_train", "x_test", "y_test")


def read(place: Path) -> Found:
    """The images, uint8 as they are, and the labels, integers or names."""
    arrays = _load(place)
    for x, y in (NAMES[:2], NAMES[2:]):
        if len(arrays[x]) != arrays[y].size:
            raise DataError(f"{place}: {arrays[y].size} labels {y} for {len(arrays[x])} images {x}")
    classes, labels = encode(place, *(arrays[y].astype(np.str_).ravel() for y in NAMES[1::2]))
    training, test = (
        Part(_images(place, x, arrays[x]), indices)
        for x, indices in zip(NAMES[::2], labels, strict=True)
    )
    return Found(training, test, classes)


def _load(place: Path) -> dict[str, NDArray[Any]]:
    """The arrays by name."""
    try:
        with np.load(place, allow_pickle=False) as archive:
            if missing := [name for name in NAMES if name not in archive]:
                raise DataError(
                    f"{place}: holds {shortened(list(archive))}, but no {', '.join(missing)}; "
                    f"should hold {', '.join(NAMES)}"
                )
            return {name: archive[name] for name in NAMES}
    except DataError:
        raise
    except Exception as error:  # whatever a reader comes upon in damaged bytes
        raise DataError(f"{place}: not an .npz of plain arrays, or damaged: {error}") from None


def _images(place: Path, name: str, array: NDArray[Any]) -> NDArray[np.uint8]:
    """`array` as (n, rows, columns) or (n, rows, columns, 3)."""
    if array.dtype != np.uint8:
        raise DataError(
            f"{place}: {name} is {array.dtype}; should be uint8, 0 to 255, as of "
            f"(255 * {name}).round().astype('uint8') where white is 1"
        )
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3 and not (array.ndim == 4 and array.shape[3] == 3):
        raise DataError(
            f"{place}: {name} has shape {array.shape}; should be (n, rows, columns) or "
            "(n, rows, columns, 3)"
        )
    return array
