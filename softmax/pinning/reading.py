"""What lies at a place, in whichever format, as four IDX files."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from softmax.errors import DataError
from softmax.pinning import arrays, folders, idx, inspection, named, table
from softmax.pinning.found import Found, Part, check_size
from softmax.pinning.resizing import resize


class Options(NamedTuple):
    """What a person may say of the data, None where these say it themselves.

    The rows and columns that images are resized to; and of CSV the rows, columns, and 3 if RGB, of
    an image, and the column of labels.
    """

    size: tuple[int, ...] | None = None
    shape: tuple[int, ...] | None = None
    label: str | None = None


USED = {
    "torchvision's data": (),
    "IDX files": (),
    "CSV": ("size", "shape", "label"),
    "an .npz": ("size",),
    "folders of images": ("size",),
}


def read(name: str, place: str, options: Options, folder: Path) -> Found:
    """The data at `place`, as files in `folder`; `name` is that of a data set of torchvision.

    Raises DataError, in one line, for whatever the pipeline cannot use.
    """
    kind, path = _kind(place), Path(place)
    for option, value in options._asdict().items():
        if value is not None and option not in USED[kind]:
            raise DataError(f"{place}: {option.upper()} is not for {kind}")
    if options.size:
        check_size("SIZE", *options.size)
    match kind:
        case "IDX files":
            found = idx.read(place, folder)
            inspection.check(place, found)
            return found
        case "torchvision's data":
            found = named.read(name, folder)
        case "CSV":
            found = table.read(path, options.label, options.shape)
        case "an .npz":
            found = arrays.read(path)
        case _:
            found = folders.read(path, options.size, folder)
    if options.size:
        found = found._replace(
            training=_resized(found.training, *options.size),
            test=_resized(found.test, *options.size),
        )
    inspection.check(place, found)
    idx.write(found, folder)
    return found


def _kind(place: str) -> str:
    """Which of USED lies at `place`; DataError if none."""
    path = Path(place)
    if place == named.PLACE:
        return "torchvision's data"
    if idx.lie_at(place):
        return "IDX files"
    if path.suffix == ".npz":
        return "an .npz"
    if path.suffix == ".csv" or all((path / name).exists() for name in table.FILES):
        return "CSV"
    if path.is_dir():
        return "folders of images"
    raise DataError(f"{place}: neither a directory nor a file .csv or .npz, a URL or {named.PLACE}")


def _resized(part: Part, rows: int, columns: int) -> Part:
    """`part`, its images in this size."""
    bar = tqdm(part.images, "resizing", unit=" images", leave=False, disable=None)
    return part._replace(images=np.stack([resize(image, rows, columns) for image in bar]))
