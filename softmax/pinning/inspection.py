"""What a careful colleague sees in a data set before training: what cannot be, and what is odd."""

import hashlib

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from softmax.errors import DataError
from softmax.pinning.found import Found, check_classes, check_counts, check_size

FEW = 10  # images of a class: less says little


def check(place: str, found: Found) -> None:
    """Raise DataError, in one line, if the pipeline cannot use the data."""
    sets = {"training": found.training, "test": found.test}
    for name, part in sets.items():
        if len(part.images) != len(part.labels):
            raise DataError(
                f"{place}: {len(part.labels)} labels for {len(part.images)} {name} images"
            )
    shapes = [part.images.shape[1:] for part in sets.values()]
    if shapes[0] != shapes[1]:
        training, test = (" x ".join(map(str, shape)) for shape in shapes)
        raise DataError(f"{place}: training images are {training}, test images {test}")
    check_size(place, *shapes[0][:2])
    if shapes[0][2:] not in ((), (3,)):
        raise DataError(f"{place}: {shapes[0][2]} values a pixel; allowed are 1 and 3, of RGB")
    check_classes(place, found.classes)
    check_counts(place, found.classes, found.training.labels, found.test.labels)


def odd(found: Found) -> list[str]:
    """What may be wrong, each in a line."""
    warnings = list(found.warnings)
    if known := _in_training(found):
        warnings.append(
            f"{known:,} of {len(found.test.labels):,} test images are in the training set, too"
        )
    brightest = max(part.images.max() for part in (found.training, found.test))
    if brightest <= 1:
        warnings.append(f"pixels are 0 to {brightest}, where white is 255; multiply them by 255")
    for name, part in (("training", found.training), ("test", found.test)):
        counts = np.bincount(part.labels, minlength=len(found.classes))
        if few := np.count_nonzero(counts < FEW):
            rarest = found.classes[int(counts.argmin())]
            warnings.append(
                f"{few} of {len(counts)} classes have fewer than {FEW} {name} images; class "
                f"{rarest} has {counts.min()}"
            )
    return warnings


def _in_training(found: Found) -> int:
    """How many test images have the same pixels as a training image."""
    test = [_digest(image) for image in found.test.images]
    known = set(test)
    bar = tqdm(found.training.images, "doubles", unit=" images", leave=False, disable=None)
    both = {digest for image in bar if (digest := _digest(image)) in known}
    return sum(digest in both for digest in test)


def _digest(image: NDArray[np.uint8]) -> bytes:
    """What two images have in common only if all pixels are equal."""
    return hashlib.sha256(image.tobytes()).digest()
