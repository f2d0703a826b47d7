"""Test that parsers read damaged files or raise a SoftmaxError of short lines, within seconds."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import yaml
from fuzzing.damage import TOKENS, damaged
from helpers.digits import to_idx
from helpers.shared import LECTURE, ROOT
from hypothesis import given, settings

from softmax.core import batches, model
from softmax.errors import SoftmaxError, shown
from softmax.pipeline import datasets, dvc_lock, params

SECONDS = 5  # the limit for one file; most take less than a millisecond
LABELS = to_idx(np.array([7, 0, 9]))
IMAGES = to_idx(np.arange(24).reshape(3, 2, 4))


def read_idx(path: Path) -> None:
    """Load the file as images or labels, and assert that the arrays equal its bytes."""
    content, other = path.read_bytes(), path.with_name("other")
    if is_images := content[3:4] == b"\3":
        other.write_bytes(LABELS)
        read = batches.load(path, other, (3, 2, 4), 10)
    else:
        other.write_bytes(IMAGES)
        read = batches.load(other, path, (3, 2, 4), 10)
    assert read.images.shape[0] == len(read.labels) > 0
    assert content.endswith((read.images if is_images else read.labels).tobytes())


THETA = np.rint(np.random.default_rng(0).uniform(-4, 4, (10, 4)) * 2**30) / 2**30
MODELS = [
    model.to_bytes(THETA),
    safetensors.numpy.save({"weight": THETA.astype(np.float32), "bias": np.arange(10)}),
]


def read_model(path: Path) -> None:
    read = model.load(path, (10, 3))
    assert read.shape == THETA.shape
    assert read.dtype == np.float64
    assert np.isfinite(read).all()


def read_dvc_lock(path: Path) -> None:
    found = dvc_lock.parse(path.read_bytes())
    dvc_lock.values(found)
    dvc_lock.shown(found)
    for name in (*found, *dvc_lock.RESULTS):
        dvc_lock.inputs(found, name)
        dvc_lock.outputs(found, name)
    dvc_lock.params(found)


def read_datasets(path: Path) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(datasets, "PATH", path)
        datasets.load.__wrapped__()


LOCK = (ROOT / "dvc.lock").read_bytes()
TRAIN = b"  train:\n    cmd: x\n    params:\n      params.yaml:\n        train.seed: 0\n"
EXPORT = b"stages:\n  export:\n    outs:\n    - path: images/weights\n      md5: a.dir\n"
HASHES = "".join(f"  {name}: {k:064x}\n" for k, name in enumerate(datasets.FILES))
ENTRY = f"mine:\n{HASHES}  images: [3, 1]\n  shape: [2, 4]\n  classes: [a, b]\n  homepage: ''\n"
GOOD = yaml.safe_load(LECTURE.read_text())
VALUES = [-1, -0.5, 1e400, float("nan"), -(2**64), "", "x", "1e", "10", "1_0", "\x1b[2J", "ß" * 300]
VALUES += [None, [], {}, [[1]], {"a": 1}]  # values of a known key and of an unknown key
PARAMS = [
    yaml.dump(GOOD | {name: section | {key: value}}, Dumper=yaml.CSafeDumper).encode()
    for name, section in GOOD.items()
    for key in (*section, "unknown\n")
    for value in VALUES
]
PARSERS: dict[str, tuple[list[bytes], Callable[[Path], object], int]] = {  # the divisor of inputs
    "IDX": ([IMAGES, LABELS], read_idx, 1),
    "safetensors": (MODELS, read_model, 1),
    "dvc.lock": ([LOCK[: LOCK.index(b"  check:")] + TRAIN, EXPORT], read_dvc_lock, 2),
    "params.yaml": (PARAMS, params.load, 2),
    "datasets.yaml": ([ENTRY.encode()], read_datasets, 2),
}


@pytest.mark.parametrize("name", PARSERS)
def test_a_damaged_file_is_parsed_or_rejected_in_short_lines(
    name: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    samples, parse, slowness = PARSERS[name]
    path, tried = tmp_path / "file", itertools.count()

    @settings(deadline=timedelta(seconds=SECONDS), max_examples=settings().max_examples // slowness)
    @given(damaged(samples, TOKENS))
    def attempt(content: bytes) -> None:
        next(tried)
        path.unlink(missing_ok=True)  # the old file may still be mapped into memory
        path.write_bytes(content)
        try:
            parse(path)
        except SoftmaxError as error:
            lines = shown(str(error)).splitlines()
            assert all(len(line) < 600 and line.isprintable() for line in lines)

    attempt()
    record_property("cases", next(tried))
