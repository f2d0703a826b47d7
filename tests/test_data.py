"""IDX files, and how their images become batches."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from softmax import data
from softmax.arrays import Array, to_numpy
from softmax.catalog import FILES
from softmax.data import Dataset
from softmax.errors import DataError

Bytes = NDArray[np.uint8]
IMAGES = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
LABELS = np.array([7, 0, 9], np.uint8)


def idx(array: Bytes) -> bytes:
    """`array` as an IDX file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/mnist with three images for training and the first of them for testing."""
    monkeypatch.chdir(tmp_path)
    folder = Path("data/mnist")
    folder.mkdir(parents=True)
    arrays = IMAGES, LABELS, IMAGES[:1], LABELS[:1]
    for name, array in zip(FILES, arrays, strict=True):
        (folder / name).write_bytes(idx(array))
    return folder


@given(arrays(np.uint8, array_shapes(max_dims=3)))
def test_idx_files_give_their_array_back(
    tmp_path_factory: pytest.TempPathFactory, array: Bytes
) -> None:
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(idx(array))
    read = data.read_idx(path, array.ndim)

    assert read.dtype == np.uint8
    assert read.tolist() == array.tolist()


def test_the_file_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(idx(LABELS))
    data.read_idx(path, 1)[:] = 1

    assert path.read_bytes() == idx(LABELS)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(idx(LABELS)[:3], id="truncated magic"),
        pytest.param(idx(LABELS)[:6], id="truncated header"),
        pytest.param(idx(LABELS)[:-1], id="truncated"),
        pytest.param(idx(LABELS) + b"\0", id="too long"),
        pytest.param(b"\0\0\x0d" + idx(LABELS)[3:], id="floats"),
        pytest.param(b"\x1f\x8b\x08\0" + idx(LABELS)[4:], id="gzip"),
        pytest.param(idx(IMAGES), id="images for labels"),
    ],
)
def test_read_idx_refuses_what_is_not_idx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels"
    path.write_bytes(content)

    with pytest.raises(DataError) as error:
        data.read_idx(path, 1)
    assert str(error.value) == (
        f"{path}: not an IDX file of unsigned bytes in 1 dimensions; remove it and run "
        "`dvc repro download`"
    )


def test_read_idx_says_where_a_missing_file_comes_from(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        data.read_idx(tmp_path / "labels", 1)
    assert str(error.value) == f"{tmp_path}/labels: not found; run `dvc repro download`"


@pytest.mark.usefixtures("folder")
def test_images_become_rows_of_pixels() -> None:
    training, test = data.load_training("mnist"), data.load_test("mnist")

    assert training.images.tolist() == IMAGES.reshape(3, 8).tolist()
    assert training.labels.tolist() == [7, 0, 9]
    assert test.images.tolist() == [list(range(8))]
    assert test.labels.tolist() == [7]
    assert (training.images.dtype, training.labels.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param(np.array([7, 0, 10], np.uint8), id="label out of range"),
        pytest.param(LABELS[:2], id="an image without label"),
    ],
)
@pytest.mark.parametrize(
    ("load", "name"), [(data.load_training, FILES[1]), (data.load_test, FILES[3])]
)
def test_each_image_needs_one_of_ten_labels(
    folder: Path, load: Callable[[str], Dataset], name: str, labels: Bytes
) -> None:
    (folder / FILES[2]).write_bytes(idx(IMAGES))
    (folder / name).write_bytes(idx(labels))

    with pytest.raises(DataError) as error:
        load("mnist")
    assert str(error.value) == (f"data/mnist: {name} should give each image one of 10 classes")


@given(st.integers(1, 30), st.integers(0, 29))
def test_validation_is_the_end_of_the_training_set(count: int, held_out: int) -> None:
    whole = tiny.dataset(count)
    if held_out < count:
        kept, rest = whole.split(held_out)
        assert len(kept.labels) == len(kept.images) == count - held_out
        for parts in zip(whole, kept, rest, strict=True):
            assert parts[0].tolist() == [*parts[1].tolist(), *parts[2].tolist()]
    else:
        with pytest.raises(DataError, match=rf"train\.validation = {held_out} leaves none of"):
            whole.split(held_out)


@pytest.mark.parametrize("device", [None, *tiny.TORCH_DEVICES])
@pytest.mark.parametrize("size", [1, 2, 5, 99])
def test_batches_are_columns_of_white_ended_pixels_and_one_hot_labels(
    size: int, device: str | None
) -> None:
    whole, order = tiny.dataset(9, features=3), np.array([8, 2, 0, 1, 5])
    images, labels = whole.images[order], whole.labels[order]

    def upload(array: Array) -> Array:
        return tiny.on_torch(array, device) if device else array

    starts = range(0, 5, size)
    batches = data.batches(Dataset(*map(upload, whole)), upload(order), size)
    for start, batch in zip(starts, batches, strict=True):
        x, y = map(to_numpy, batch)
        chosen = slice(start, start + size)
        assert x.T.tolist() == [[*image, 255] for image in images[chosen].tolist()]
        assert y.T.tolist() == [[label == k for k in range(10)] for label in labels[chosen]]
        assert x.dtype == y.dtype == np.float64
