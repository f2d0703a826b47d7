"""IDX files, and how their images become batches."""

import mmap
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import tiny
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from benchmarks import growth
from softmax.core import data
from softmax.core.arrays import Array, to_numpy
from softmax.core.workers import Workers
from softmax.errors import DataError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES

Bytes = NDArray[np.uint8]
IMAGES = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
LABELS = np.array([7, 0, 9], np.uint8)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux knows of memory")


def idx(array: Bytes) -> bytes:
    """Return `array` as an IDX file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/mnist with three images for training and the first of them for testing."""
    monkeypatch.chdir(tmp_path)
    directory = Path("data/mnist")
    directory.mkdir(parents=True)
    arrays = IMAGES, LABELS, IMAGES[:1], LABELS[:1]
    for name, array in zip(FILES, arrays, strict=True):
        (directory / name).write_bytes(idx(array))
    return directory


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
        f"{path}: not an IDX file of uint8 or int32 in 1 dimensions; remove it and run "
        "`dvc repro download`"
    )


def test_read_idx_says_where_a_missing_file_comes_from(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        data.read_idx(tmp_path / "labels", 1)
    assert str(error.value) == f"{tmp_path}/labels: not found; run `dvc repro download`"


def test_images_become_rows_of_pixels(directory: Path) -> None:
    training = data.load(directory / FILES[0], directory / FILES[1], (3, 2, 4), 10)
    test = data.load(directory / FILES[2], directory / FILES[3], (1, 2, 4), 10)

    assert training.images.tolist() == IMAGES.reshape(3, 8).tolist()
    assert training.labels.tolist() == [7, 0, 9]
    assert test.images.tolist() == [list(range(8))]
    assert test.labels.tolist() == [7]
    assert training.images.dtype == training.labels.dtype == np.uint8


@pytest.mark.parametrize(
    ("labels", "fault"),
    [
        (np.array([7, 0, 10], np.uint8), "labels 0 to 10, allowed are 0 to 9"),
        (LABELS[:2], "2 labels for 3 images"),
    ],
)
@pytest.mark.parametrize(
    ("files", "name"), [(catalog.training_files, FILES[1]), (catalog.test_files, FILES[3])]
)
def test_each_image_needs_one_of_the_labels(
    directory: Path, files: Callable[[str], list[Path]], name: str, labels: Bytes, fault: str
) -> None:
    (directory / FILES[2]).write_bytes(idx(IMAGES))
    (directory / name).write_bytes(idx(labels))
    images_path, labels_path = files("mnist")

    with pytest.raises(DataError) as error:
        data.load(images_path, labels_path, IMAGES.shape, 10)
    assert str(error.value) == f"data/mnist/{name}: {fault}"


def test_rgb_images_and_many_classes_have_more_dimensions_and_wider_labels(tmp_path: Path) -> None:
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(idx(IMAGES.reshape(2, 2, 2, 3)))
    labels.write_bytes(b"\0\0\x0c\x01" + np.array([2, 999, 0], ">u4").tobytes())

    read = data.load(images, labels, (2, 2, 2, 3), 1000)
    assert read.images.tolist() == IMAGES.reshape(2, 12).tolist()
    assert read.labels.tolist() == [999, 0]
    assert read.labels.dtype == np.int32
    assert read.labels.dtype.isnative
    with pytest.raises(DataError, match=r"labels 0 to 999, allowed are 0 to 998$"):
        data.load(images, labels, (2, 2, 2, 3), 999)
    images.write_bytes(b"\0\0\x0c\x03" + np.array([2, 2, 2, *range(8)], ">u4").tobytes())
    with pytest.raises(DataError, match="not an IDX file of uint8 in 3"):
        data.load(images, labels, (2, 2, 2), 1000)


def test_images_have_the_shape_that_is_pinned(directory: Path) -> None:
    with pytest.raises(DataError, match=r"3 images of 2 x 4, should be 4 images of 2 x 4$"):
        data.load(directory / FILES[0], directory / FILES[1], (4, 2, 4), 10)


@given(st.integers(1, 30), st.integers(0, 29))
def test_validation_is_the_end_of_the_training_set(count: int, held_out: int) -> None:
    whole = tiny.dataset(count)
    if held_out < count:
        kept, rest = whole.split(held_out)
        assert len(kept.labels) == len(kept.images) == count - held_out
        for parts in zip(whole[:2], kept[:2], rest[:2], strict=True):
            assert parts[0].tolist() == [*parts[1].tolist(), *parts[2].tolist()]
    else:
        with pytest.raises(DataError, match=rf"train\.validation = {held_out} leaves none of"):
            whole.split(held_out)


@pytest.fixture(params=[1, 4, 100])
def window(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of so many images, which are read in pieces of two."""
    monkeypatch.setattr(data, "WINDOW", request.param * 3)
    monkeypatch.setattr(data, "PIECE", 2)


@pytest.mark.parametrize("device", [None, *tiny.TORCH_DEVICES])
@pytest.mark.parametrize("workers", [1, 2, 3, 7])
@pytest.mark.parametrize("size", [1, 2, 5, 99])
@pytest.mark.parametrize("order", [np.array([8, 2, 0, 1, 5]), range(9)], ids=["shuffled", "as is"])
@pytest.mark.usefixtures("window")
def test_batches_are_columns_of_white_ended_pixels_and_one_hot_labels(
    device: str | None, workers: int, size: int, order: Array
) -> None:
    """Put the shares of all workers together: the batches in their order, whatever the window."""
    whole, here = tiny.dataset(9, features=3), order
    if device:
        whole = whole.map(lambda array: tiny.on_torch(array, device))
        here = order if isinstance(order, range) else tiny.on_torch(order, device)
    images, labels = (to_numpy(array)[np.array(order)] for array in whole[:2])

    shares = [
        [
            (*map(np.copy, map(to_numpy, (x, y))), size)
            for x, y, size in data.batches(whole, here, size, Workers(rank, workers, launcher=0))
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


def mapped() -> int:
    """Return how many bytes of files this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[2]) * mmap.PAGESIZE


@LINUX
@pytest.mark.parametrize("shuffled", [True, False])
def test_a_file_is_in_memory_only_for_a_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, shuffled: bool
) -> None:
    count = 20_000
    path, labels = tmp_path / "images", np.zeros(count, np.uint8)
    path.write_bytes(idx(np.ones((count, 28, 28), np.uint8)))
    images = data.read_idx(path, 3).reshape(count, 784)
    monkeypatch.setattr(data, "WINDOW", 2000 * 784)
    order = np.random.default_rng(0).permutation(count) if shuffled else range(count)
    whole = data.Dataset(images, labels, 10)

    before = mapped()
    most = max(mapped() for _ in data.batches(whole, order, 64)) - before
    assert most < images.nbytes / 2


@LINUX
@pytest.mark.extended
def test_memory_does_not_grow_with_the_number_of_images() -> None:
    """Compare 188 MB of images with 47 MB. Only the permutation may grow."""
    small, large = (growth.train(growth.Size(samples=n)).memory for n in (60_000, 240_000))

    assert large - small < 180_000 * 16 + 16 * growth.MIB
