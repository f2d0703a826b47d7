"""`make pin`: the entry and files of a data set of one's own, and what is said of it."""

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from helpers.digits import write_idx
from pinning.pins import KEPT, Pin, noise, write_images

from softmax.errors import DataError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES

NOISE = noise(20, 28, 28)
FAULTS: dict[str, tuple[str, str, Any]] = {  # what the line says: name, file, array
    "Mine.1: a name is made of a-z": ("Mine.1", FILES[1], np.arange(20) % 10),
    "place: training images are 27 x 28, test images 28 x 28": ("mine", FILES[0], NOISE[:, 1:]),
    "place: 11 labels for 10 test images": ("mine", FILES[3], np.zeros(11)),
    f"place/{FILES[2]}: not an IDX file of uint8 in 3 dimensions": ("mine", FILES[2], np.zeros(10)),
    f"{FILES[2]}: not found, with .gz or without": ("mine", FILES[2], None),
}


@pytest.fixture
def place(pin: Pin) -> Path:
    """Four good files, in a directory `place`."""
    place = pin.workspace.directory / "place"
    place.mkdir()
    for images, pair in ((NOISE, FILES[:2]), (255 - NOISE[:10], FILES[2:])):
        write_idx(place / pair[0], images)
        write_idx(place / pair[1], np.arange(len(images)) % 10)
    return place


def entry(name: str = "mine") -> dict[str, Any]:
    """Return the entry of datasets.yaml."""
    content: dict[str, dict[str, Any]] = yaml.safe_load(catalog.PATH.read_text())
    return content[name]


def test_the_entry_is_added_and_nothing_else_is_changed(pin: Pin, place: Path) -> None:
    before = catalog.PATH.read_text()
    pinned = pin(place, "nobodys")
    assert catalog.PATH.read_text().startswith(before)
    assert list(entry("nobodys")) == ["images", "shape", "classes", *FILES]
    assert "\n  images: [20, 10]\n" in catalog.PATH.read_text()
    assert "20 training and 10 test images of 28 x 28 gray pixels" in pinned.out
    assert pinned.classes == tuple("0123456789")


def test_the_files_wait_for_make_repro_as_they_are(pin: Pin, place: Path) -> None:
    out = pin(place).out
    kept = {path.name: path.read_bytes() for path in (KEPT / "mine").iterdir()}
    assert kept == {file: (place / file).read_bytes() for file in FILES}
    assert [path.name for path in KEPT.iterdir()] == ["mine"]
    assert "evaluate.samples to some of 0 to 9: make repro" in out


def test_gzipped_files_have_the_same_hashes(pin: Pin, place: Path) -> None:
    pin(place)
    before = entry()
    for file in map(place.joinpath, FILES):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    pin(place)
    assert entry() == before


@pytest.mark.parametrize("name", ["no", "null"])
def test_a_name_is_a_name_whatever_else_it_is_in_yaml(pin: Pin, place: Path, name: str) -> None:
    pin(place, name)


def test_names_of_classes_may_be_words_of_yaml(pin: Pin, place: Path) -> None:
    write_images(place / "photos", {"no": 12, "2": 12, "1e3": 12})
    assert pin(place / "photos").classes == ("1e3", "2", "no")
    assert entry()["classes"] == ["1e3", "2", "no"]


def test_names_of_classes_stay_when_data_change(pin: Pin, place: Path) -> None:
    homepage = entry("fashion-mnist")["homepage"]
    assert pin(place, "fashion-mnist").classes[:3] == ("t-shirt", "trouser", "pullover")
    assert entry("fashion-mnist")["homepage"] == homepage


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_stages_could_not_use_is_refused(pin: Pin, place: Path, fault: str) -> None:
    name, file, array = FAULTS[fault]
    (place / file).unlink()
    if array is not None:
        write_idx(place / file, np.array(array))
    pin.refused("place", fault, name)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("where", "option", "reason"),
    [
        ("place", {"size": "28x28"}, "place: SIZE is not for IDX files"),
        ("torchvision", {"label": "digit"}, "torchvision: LABEL is not for torchvision's data"),
        ("place", {"size": "28"}, "SIZE=28: should be rows and columns, as 20x30"),
        ("place", {"shape": "32x32x4"}, "SHAPE=32x32x4: should be"),
        ("nowhere", {}, "nowhere: neither a directory nor a file"),
    ],
)
def test_options_that_do_not_apply_are_refused(
    pin: Pin, where: str, option: dict[str, str], reason: str
) -> None:
    pin.refused(where, reason, **option)


def test_odd_data_are_told_by_numbers(pin: Pin, place: Path) -> None:
    write_idx(place / FILES[0], NOISE % 2)
    write_idx(place / FILES[2], np.concatenate([NOISE[4:7] % 2, 1 - NOISE[:7] % 2]))
    assert pin(place).warnings == [
        "warning: 3 of 10 test images are in the training set, too",
        "warning: pixels are 0 to 1, where white is 255; multiply them by 255",
        "warning: 10 of 10 classes have fewer than 10 training images; class 0 has 2",
        "warning: 10 of 10 classes have fewer than 10 test images; class 0 has 1",
    ]


def test_data_with_nothing_odd_have_no_warnings(pin: Pin, place: Path) -> None:
    for part in ("train", "test"):
        write_images(place / "photos" / part, {"a": 10, "b": 11})
    pinned = pin(place / "photos")
    assert pinned.warnings == []
    assert re.search(r"^a +10 +10\nb +11 +11$", pinned.out, re.MULTILINE)


def test_of_many_classes_the_table_shows_the_ends(pin: Pin, place: Path) -> None:
    labels = np.concatenate([np.arange(60), np.full(9, 41)])
    for images, file in (FILES[:2], FILES[2:]):
        write_idx(place / images, np.zeros((69, 1, 1)))
        write_idx(place / file, labels)
    rows = pin(place).out.split("\n\n")[1].splitlines()
    assert len(rows) == 13
    assert rows[2].split() == ["41", "10", "10"]
    assert rows[7].split() == ["..."] * 3


def test_what_is_within_the_limits_may_be_in_datasets_yaml(pin: Pin, place: Path) -> None:
    names = np.array([f"{k:040}" for k in range(1000)])
    images = np.zeros((1000, 128, 1), np.uint8)
    np.savez(place / "a.npz", x_train=images, y_train=names, x_test=images, y_test=names)
    assert pin(place / "a.npz").classes == tuple(names.tolist())


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n"])
def test_a_damaged_datasets_yaml_stays(pin: Pin, place: Path, text: str) -> None:
    catalog.PATH.write_text(text)
    printed = pin.run(place, "mine")
    assert printed.status == 2
    assert re.fullmatch(r"error: datasets.yaml: .*\n", printed.err[printed.err.index("error:") :])
    assert catalog.PATH.read_text() == text


@pytest.mark.usefixtures("pin")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "all of it: Input should be a valid dictionary"),
        ("mnist:\n", "mnist: Input should be a valid dictionary"),
        ("mnist: {classes: [a]}\n", "mnist.images: Field required"),
        ("mnist: {images: [1, 0]}\n", "mnist.images.1: Input should be greater than or equal to 1"),
        ("mnist: {images: [1, 1], shape: [1, 1], classes: [a, a]}\n", "mnist.classes: two classes"),
        ("a: [\n", "while parsing"),
    ],
)
def test_a_damaged_datasets_yaml_is_named_with_its_fault(text: str, fault: str) -> None:
    catalog.PATH.write_text(text)
    with pytest.raises(DataError, match=f"^datasets.yaml: {fault}[^\n]*; mend it, or write the"):
        catalog.load()
