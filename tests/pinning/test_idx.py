"""IDX files of all that the pipeline takes: RGB, and labels of four bytes."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pinning.pins import KEPT, Pin, noise

from softmax.pipeline.catalog import FILES


def write(path: Path, kind: int, array: NDArray[np.integer]) -> None:
    """Write an IDX file of values of this kind: 8 are bytes, 12 are 32-bit integers."""
    header = np.array([256 * kind + array.ndim, *array.shape], ">u4")
    path.write_bytes(header.tobytes() + array.astype({8: "u1", 12: ">i4"}[kind]).tobytes())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Files of RGB images in 300 classes."""
    place = tmp_path / "place"
    place.mkdir()
    for images, labels in (FILES[:2], FILES[2:]):
        write(place / images, 8, noise(300, 2, 3, 3))
        write(place / labels, 12, np.arange(300))
    return place


def test_rgb_and_labels_of_four_bytes_stay_as_they_are(pin: Pin, place: Path) -> None:
    pinned = pin(place)
    assert pinned.classes == tuple(map(str, range(300)))
    assert pinned.arrays[0].shape == (300, 2, 3, 3)
    assert pinned.arrays[1].tolist() == list(range(300))
    for file in FILES:
        assert (KEPT / "mine" / file).read_bytes() == (place / file).read_bytes()


@pytest.mark.parametrize(
    ("label", "reason"), [(-1, "labels -1 to 299"), (1000, "labels 0 to 1000")]
)
def test_labels_that_are_no_classes_are_refused(
    pin: Pin, place: Path, label: int, reason: str
) -> None:
    labels = np.arange(300)
    labels[7] = label
    write(place / FILES[3], 12, labels)
    pin.refused(place, f"{place}: {reason}, allowed are 0 to 999")


def test_a_gap_between_labels_is_refused(pin: Pin, place: Path) -> None:
    for file in FILES[1::2]:
        write(place / file, 12, 2 * np.arange(300))
    pin.refused(place, "class 1 has 0 training and 0 test images, and 298 more lack some")


def test_two_values_a_pixel_are_refused(pin: Pin, place: Path) -> None:
    for file in FILES[::2]:
        write(place / file, 8, noise(300, 2, 3, 2))
    pin.refused(place, "2 values a pixel; allowed are 1 and 3, of RGB")
