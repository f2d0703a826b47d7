"""IDX files of all that the pipeline takes: RGB, and labels of four bytes."""

from pathlib import Path

import numpy as np
import pytest
from pinning.places import RANDOM, read, refused

from softmax.pinning import idx
from softmax.pinning.found import Found, Part
from softmax.pipeline.catalog import FILES
from softmax.sources.idx import header

CLASSES = [str(k) for k in range(300)]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Files of RGB images in 300 classes."""
    images = RANDOM.integers(256, size=(300, 2, 3, 3), dtype=np.uint8)
    part = Part(images, np.arange(300))
    idx.write(Found(part, part, CLASSES), tmp_path)
    return tmp_path


def write_labels(place: Path, labels: np.ndarray) -> None:
    (place / FILES[3]).write_bytes(header(labels) + labels.tobytes())


def test_what_was_written_is_read_again(place: Path) -> None:
    found, arrays = read(place)
    assert found.classes == CLASSES
    for file, array in zip(FILES, arrays, strict=True):
        assert (place / file).read_bytes() == header(array) + array.tobytes()
    assert arrays[1].tolist() == list(range(300))


@pytest.mark.parametrize(
    ("label", "reason"), [(-1, "labels -1 to 299"), (1000, "labels 0 to 1000")]
)
def test_labels_that_are_no_classes(place: Path, label: int, reason: str) -> None:
    labels = np.arange(300).astype(">i4")
    labels[7] = label
    write_labels(place, labels)
    refused(place, f"{place}: {reason}, allowed are 0 to 999")


def test_a_gap_between_labels(place: Path) -> None:
    for file in FILES[1::2]:
        labels = (2 * np.arange(300)).astype(">i4")
        (place / file).write_bytes(header(labels) + labels.tobytes())
    refused(place, "class 1 has 0 training and 0 test images, and 298 more lack some")
