"""Test the entry, the cached files and the output of `softmax data add`, also for damaged files."""

import itertools
import re
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import yaml
from fuzzing.damage import TOKENS, damaged
from helpers.digits import to_idx
from hypothesis import given, settings
from importing.data_add import CACHE, PLACE, Add, noise, saved, write_images
from PIL import Image

from softmax.errors import DataError
from softmax.pipeline import datasets
from softmax.pipeline.datasets import FILES

NOISE = noise(20, 28, 28)
LABELS = np.arange(20) % 10
GOOD = [to_idx(NOISE), to_idx(LABELS), to_idx(255 - NOISE[:10]), to_idx(LABELS[:10])]


def put(*contents: bytes) -> None:
    """Write the contents of the four IDX files."""
    for file, content in zip(FILES, contents, strict=True):
        (PLACE / file).write_bytes(content)


def test_an_entry_is_added_and_the_files_are_cached_for_make_repro(add: Add) -> None:
    put(*GOOD)
    before = datasets.PATH.read_text()
    result = add()
    assert datasets.PATH.read_text().startswith(before)
    written = yaml.safe_load(datasets.PATH.read_text())["mine"]
    assert list(written) == ["images", "shape", "classes", "validation", *FILES]
    assert "\n  images: [20, 10]\n" in datasets.PATH.read_text()
    assert result.classes == tuple("0123456789")
    assert "20 training and 10 test images of 28 x 28 gray pixels" in result.out
    assert "evaluate.samples to numbers from 0 to 9, then run `make repro`" in result.out
    assert written["validation"] == [10, 10]
    kept = sorted(path.read_bytes() for path in CACHE.glob("*/*"))
    assert kept == sorted(set(GOOD))

    subprocess.run(["gzip", *PLACE.iterdir()], check=True)
    add()
    assert yaml.safe_load(datasets.PATH.read_text())["mine"] == written


def test_rgb_images_and_four_byte_labels_are_unchanged(add: Add) -> None:
    put(*[to_idx(noise(300, 2, 3, 3)), to_idx(np.arange(300), ">i4")] * 2)
    assert add().classes == tuple(map(str, range(300)))
    kept = {path.read_bytes() for path in CACHE.glob("*/*")}
    assert kept == {(PLACE / file).read_bytes() for file in FILES}


def test_names_may_be_yaml_keywords_and_good_data_give_no_warnings(add: Add) -> None:
    for part in ("train", "test"):
        write_images(PLACE / part, {"no": 10, "2": 11, "1e3": 12})
    for name in ("no", "null"):
        result = add(name=name)
        assert result.classes == ("1e3", "2", "no")
        assert result.warnings == []
        assert re.search(r"^1e3 +12 +12\n2 +11 +11\nno +10 +10$", result.out, re.MULTILINE)
    assert datasets.load()["null"].classes == ("1e3", "2", "no")


def test_class_names_and_pen_strokes_are_kept_when_data_change(add: Add) -> None:
    put(*GOOD)
    homepage = datasets.load()["fashion-mnist"].homepage
    add.rejected(PLACE, "fashion-mnist: already a data set of this project.", name="fashion-mnist")
    classes = add(name="fashion-mnist", replace="yes").classes
    assert classes[:3] == ("t-shirt", "trouser", "pullover")
    assert datasets.load()["fashion-mnist"].homepage == homepage
    add(name="mnist", replace="yes")
    assert datasets.load()["mnist"].prepared == "pen strokes"


FAULTS: dict[str, dict[int, bytes | None]] = {  # a part of the error, and the files to replace
    "place: train images are 27 x 28, test images are 28 x 28. Save all images": {
        0: to_idx(NOISE[:, 1:])
    },
    "place: 11 labels, but 10 test images. Store one": {3: to_idx(np.zeros(11))},
    f"place: {FILES[2]}: not a 3-dimensional IDX file of uint8": {2: to_idx(np.zeros(10))},
    f"{FILES[2]}: FileNotFoundError": {2: None},
    "place: labels are -1 to 9. Use 0 to 999": {1: to_idx(LABELS - (LABELS == 0), ">i4")},
    "place: labels are 0 to 1000. Use 0 to 999": {3: to_idx(np.full(10, 1000), ">i4")},
    "2 values per pixel. Use 1 (gray) or 3": {
        k: to_idx(noise(n, 6, 6, 2)) for k, n in ((0, 20), (2, 10))
    },
}


@pytest.mark.parametrize("fault", FAULTS)
def test_data_that_the_stages_cannot_use_are_rejected(add: Add, fault: str) -> None:
    put(*GOOD)
    for k, content in FAULTS[fault].items():
        (PLACE / FILES[k]).unlink()
        if content is not None:
            (PLACE / FILES[k]).write_bytes(content)
    add.rejected(PLACE, fault)


@pytest.mark.parametrize(
    ("where", "option", "reason"),
    [
        ("place", {"size": "28x28"}, "place: --size does not apply to IDX files"),
        ("torchvision", {"label": "digit"}, "torchvision: --label does not apply to torchvision's"),
        ("torchvision", {}, "mine: not a supported torchvision data set. Use one of these: kmnist"),
        ("place", {"shape": "32x32x4"}, "'32x32x4' should be"),
        ("place", {"name": "Mine.1"}, "Mine.1: invalid name. Use a-z, 0-9 and -"),
        ("nowhere", {}, "nowhere: not found, or not a data set. Name a directory"),
    ],
)
def test_options_that_do_not_apply_are_rejected(
    add: Add, where: str, option: dict[str, str], reason: str
) -> None:
    put(*GOOD)
    add.rejected(where, reason, **option)


def test_suspicious_data_give_warnings_with_counts(add: Add) -> None:
    """Repeat some training images in the test set, and give some training images two labels."""
    training, test = NOISE[[*range(10), *range(1, 11)]] % 2, NOISE[[4, 5, 6, *range(11, 18)]] % 2
    put(to_idx(training), GOOD[1], to_idx(test), GOOD[3])
    assert add().warnings == [
        "warning: 3 of 10 test images are also in the training set",
        "warning: 9 images are in more than one class, for example in 1 and 0",
        "warning: all pixels are at most 1, but white is 255. Multiply them by 255.",
        "warning: 10 of 10 classes have fewer than 10 training images; class 0 has 2",
        "warning: 10 of 10 classes have fewer than 10 test images; class 0 has 1",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the file: Input should be a valid dictionary"),
        ("mnist:\n", "mnist: Input should be a valid dictionary"),
        ("mnist: {classes: [a]}\n", "mnist.images: Field required"),
        ("mnist: {images: [1, 0]}\n", "mnist.images.1: Input should be greater than or equal to 1"),
        ("mnist: {images: [1, 1], shape: [1, 1], classes: [a, a]}\n", "mnist.classes: two classes"),
        ("a: [\n", "while parsing"),
    ],
)
def test_a_damaged_datasets_yaml_is_kept_and_reported(add: Add, text: str, fault: str) -> None:
    put(*GOOD)
    datasets.PATH.write_text(text)
    assert add.run().err.splitlines()[-1].startswith("error: datasets.yaml: ")
    assert (datasets.PATH.read_text(), [*CACHE.glob("*/*")]) == (text, [])
    with pytest.raises(DataError, match=f"^datasets.yaml: {fault}[^\n]*. Fix it, or restore it"):
        datasets.load()


ARRAYS = {"x_train": NOISE, "y_train": LABELS, "x_test": 255 - NOISE, "y_test": LABELS.astype(str)}
ROWS = "".join(f"{k % 2},{k},{2 * k},{3 * k},255\n" for k in range(20))
FIGURES = [Image.fromarray(noise(6, 9, *rgb)) for rgb in ((), (3,))]
SAMPLES = {
    "mine.npz": [saved(save, **ARRAYS) for save in (np.savez, np.savez_compressed)],
    "mine.csv": [f"label,a,b,c,d\n{ROWS}".encode()],
    "place/train/a/a.png": [
        saved(picture.save, kind)
        for kind in ("PNG", "JPEG", "BMP", "PPM", "TIFF", "WEBP")
        for picture in FIGURES
    ],
}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("name", SAMPLES)
def test_a_damaged_file_is_imported_or_rejected(
    add: Add, name: str, record_property: Callable[[str, object], None]
) -> None:
    tried = itertools.count()
    write_images(PLACE, {"train/a": 1, "train/b": 1, "test/a": 1, "test/b": 1})
    place = PLACE if name.startswith(str(PLACE)) else name

    @settings(deadline=timedelta(seconds=5), max_examples=settings().max_examples // 5)
    @given(damaged(SAMPLES[name], TOKENS))
    def attempt(content: bytes) -> None:
        next(tried)
        Path(name).write_bytes(content)
        printed = add.run(place)
        if printed.status != 0:  # the error may quote the name of a column, with line breaks
            assert printed.status == 2
            assert printed.err.startswith("error: place" if place == PLACE else f"error: {name}: ")

    attempt()
    record_property("cases", next(tried))
