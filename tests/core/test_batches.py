"""Test IDX files, the batches that are made from their images, and the alignment of arrays."""

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import tiny
from helpers.digits import to_idx
from hypothesis import given
from hypothesis import strategies as st

from softmax.core import arrays, batches, idx
from softmax.core.arrays import Array, to_numpy
from softmax.core.workers import Workers
from softmax.errors import DataError

IMAGES = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
LABELS = np.array([7, 0, 9], np.uint8)


def test_changing_an_array_read_from_idx_does_not_change_the_file(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(to_idx(LABELS))
    idx.read(path, 1)[:] = 1

    assert path.read_bytes() == to_idx(LABELS)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(to_idx(LABELS)[:-1], id="truncated"),
        pytest.param(to_idx(LABELS) + b"\0", id="too long"),
        pytest.param(b"\0\0\x0d" + to_idx(LABELS)[3:], id="floats"),
        pytest.param(b"\x1f\x8b\x08\0" + to_idx(LABELS)[4:], id="gzip"),
        pytest.param(to_idx(IMAGES), id="images for labels"),
    ],
)
def test_read_idx_rejects_invalid_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels"
    path.write_bytes(content)

    with pytest.raises(DataError) as error:
        idx.read(path, 1)
    assert str(error.value) == f"{path}: not a 1-dimensional IDX file of uint8 or int32"


@pytest.mark.parametrize(
    ("labels", "shape", "fault"),
    [
        ([7, 0, 10], (3, 2, 4), "labels: labels 0 to 10 instead of 0 to 9"),
        ([7, 0], (3, 2, 4), "labels: 2 labels for 3 images"),
        ([7, 0, 9], (4, 2, 4), "images: 3 images of 2 x 4 instead of 4 images of 2 x 4"),
    ],
)
def test_images_of_the_wrong_shape_and_invalid_labels_are_rejected(
    tmp_path: Path, labels: list[int], shape: tuple[int, ...], fault: str
) -> None:
    (tmp_path / "images").write_bytes(to_idx(IMAGES))
    (tmp_path / "labels").write_bytes(to_idx(np.array(labels)))

    with pytest.raises(DataError) as error:
        batches.load(tmp_path / "images", tmp_path / "labels", shape, 10)
    assert str(error.value) == f"{tmp_path}/{fault}"


@pytest.mark.parametrize(
    ("shape", "kind", "classes"), [((3, 2, 4), "u1", 10), ((2, 2, 2, 3), ">i4", 1000)]
)
def test_images_become_pixel_rows_and_labels_native_integers(
    tmp_path: Path, shape: tuple[int, ...], kind: str, classes: int
) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    numbers = np.resize([classes - 1, 0], shape[0])
    images.write_bytes(to_idx(IMAGES.reshape(shape)))
    labels.write_bytes(to_idx(numbers, kind))

    read = batches.load(images, labels, shape, classes)
    assert read.images.tolist() == IMAGES.reshape(shape[0], -1).tolist()
    assert read.labels.tolist() == numbers.tolist()
    assert (read.images.dtype, read.labels.dtype) == (np.uint8, np.dtype(kind).newbyteorder("="))
    images.write_bytes(to_idx(IMAGES.reshape(shape), ">i4"))
    with pytest.raises(DataError, match=f"not a {len(shape)}-dimensional IDX file"):
        batches.load(images, labels, shape, classes)


@given(st.integers(1, 30), st.integers(0, 29))
def test_the_validation_set_is_the_end_of_the_training_set(count: int, validation_set: int) -> None:
    data, validation_set = tiny.dataset(count), validation_set % count
    kept, rest = data.split(validation_set)
    assert len(kept.labels) == len(kept.images) == count - validation_set
    for parts in zip(data[:2], kept[:2], rest[:2], strict=True):
        assert parts[0].tolist() == [*parts[1].tolist(), *parts[2].tolist()]


@pytest.mark.parametrize("device", [None, *tiny.TORCH_DEVICES])
@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [1, 2, 5, 99])
@pytest.mark.parametrize("order", [np.array([8, 2, 0, 1, 5]), range(9)], ids=["shuffled", "as is"])
def test_batches_have_pixel_columns_with_a_bias_and_one_hot_labels(
    device: str | None, workers: int, size: int, order: Array, tmp_path: Path
) -> None:
    """Check each worker's part of each batch, from a file in NumPy and from tensors in torch."""
    data, index = tiny.dataset(9, features=3), order
    if device:
        data = data.map(lambda array: tiny.on_torch(array, device))
        index = order if isinstance(order, range) else tiny.on_torch(order, device)
    else:
        path = tmp_path / "images"
        path.write_bytes(to_idx(data.images))
        data = data._replace(images=idx.read(path, 2))
    images, labels = (to_numpy(array)[np.array(order)] for array in data[:2])

    shares = [
        [
            (*map(np.copy, map(to_numpy, (x, y))), size)
            for x, y, size in batches.batches(data, index, size, Workers(rank, workers, launcher=0))
        ]
        for rank in range(workers)
    ]
    starts = range(0, len(order), size)
    for start, batch in zip(starts, zip(*shares, strict=True), strict=True):
        stop = min(start + size, len(order))
        for rank, (x, y, count) in enumerate(batch):
            mine = [k for k in range(start, stop) if k % workers == rank]
            assert x.T.tolist() == [[*image, 255] for image in images[mine].tolist()]
            assert y.T.tolist() == [[label == k for k in range(10)] for label in labels[mine]]
            assert x.dtype == y.dtype == np.float64
            assert count == stop - start


def test_data_on_the_cpu_stay_in_numpy() -> None:
    data = batches.Dataset(np.zeros((3, 2), np.uint8), np.arange(3), 3)
    assert data.to("cpu") is data
    assert arrays.to_numpy(data.labels) is data.labels


@pytest.mark.parametrize("columns", [1, 7, 8, 785])
def test_aligned_rows_start_on_cache_lines(columns: int) -> None:
    for like in (np.empty(0), torch.empty(0)):
        array = arrays.aligned(3, columns, like)
        addresses = [row.__array_interface__["data"][0] for row in map(arrays.to_numpy, array)]

        assert array.shape == (3, columns)
        assert not array.any()
        assert [address % 64 for address in addresses] == [0, 0, 0]
