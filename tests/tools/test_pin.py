"""A data set of one's own: pinned from what people have, and changed with it."""

import gzip
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from digits import write_idx
from pinning.places import write_images
from shared import ROOT

from softmax.errors import DataError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES
from softmax.sources import mirror
from softmax.sources.fetching import KEPT
from tools import pin

NOISE = np.random.default_rng(0).integers(256, size=(20, 28, 28))
FAULTS: dict[str, tuple[str, str, Any]] = {  # what the line says: name, file, array
    "Mine.1: a name is made of a-z": ("Mine.1", FILES[1], np.arange(20) % 10),
    "place: training images are 27 x 28, test images 28 x 28": ("mine", FILES[0], NOISE[:, 1:]),
    "place: class 9 has 2 training and 0 test images, and 1 more": (
        "mine",
        FILES[3],
        [*range(9), 10],
    ),
    "place: class 3 has 2 training and 0 test images": (
        "mine",
        FILES[3],
        [0, 1, 2, 4] * 2 + [5, 6],
    ),
    "place: 11 labels for 10 test images": ("mine", FILES[3], np.zeros(11)),
    f"place/{FILES[2]}: not an IDX file of uint8 in 3 dimensions": ("mine", FILES[2], np.zeros(10)),
    f"{FILES[2]}: not found, with .gz or without": ("mine", FILES[2], None),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Four good files, and a datasets.yaml to pin them in."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / catalog.PATH.name, tmp_path)
    monkeypatch.setattr(catalog, "PATH", tmp_path / catalog.PATH.name)
    place = tmp_path / "place"
    place.mkdir()
    for images, pair in ((NOISE, FILES[:2]), (255 - NOISE[:10], FILES[2:])):
        write_idx(place / pair[0], images)
        write_idx(place / pair[1], np.arange(len(images)) % 10)
    yield place
    catalog.load.cache_clear()


def run(
    monkeypatch: pytest.MonkeyPatch, name: str, place: Path | str, *options: str
) -> dict[str, dict[str, Any]]:
    """What datasets.yaml holds after `make pin`."""
    monkeypatch.setattr(sys, "argv", ["pin", name, str(place), *options])
    pin.main()
    content: dict[str, dict[str, Any]] = yaml.safe_load(catalog.PATH.read_text())
    return content


def test_the_entry_is_added_and_nothing_else_is_changed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = catalog.PATH.read_text()
    content = run(monkeypatch, "nobodys", place)["nobodys"]

    assert catalog.PATH.read_text().startswith(before)
    assert list(content) == ["images", "shape", "classes", *FILES]
    assert "20 training and 10 test images of 28 x 28 gray pixels" in capsys.readouterr().out
    catalog.load.cache_clear()
    pinned = catalog.load()["nobodys"]
    assert pinned.sha256 == tuple(content[file] for file in FILES)
    assert (pinned.images, pinned.shape) == ((20, 10), (28, 28))
    assert pinned.classes == tuple("0123456789")


def test_the_files_wait_for_make_repro_as_they_are(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, "mine", place)
    kept = {path.name: path.read_bytes() for path in (KEPT / "mine").iterdir()}
    assert kept == {file: (place / file).read_bytes() for file in FILES}
    assert [path.name for path in KEPT.iterdir()] == ["mine"]
    assert "evaluate.samples to some of 0 to 9: make repro" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["no", "on", "null"])
def test_a_name_is_a_name_whatever_else_it_is_in_yaml(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, name, place)
    catalog.load.cache_clear()
    assert name in catalog.load()


def test_names_of_classes_may_be_words_of_yaml_and_stay_when_data_change(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_images(place / "photos", {"no": 12, "2": 12, "1e3": 12})
    assert run(monkeypatch, "photos", place / "photos")["photos"]["classes"] == ["1e3", "2", "no"]
    catalog.load.cache_clear()
    assert catalog.load()["photos"].classes == ("1e3", "2", "no")

    names = run(monkeypatch, "fashion-mnist", place)["fashion-mnist"]["classes"]
    assert names[:3] == ["t-shirt", "trouser", "pullover"]


def test_what_is_said_shows_no_password(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = [(place / file).read_bytes() for file in FILES]
    monkeypatch.setattr(mirror, "read", lambda *_: iter(contents))
    run(monkeypatch, "mine", "http://me:secret@host/set")
    monkeypatch.setattr(mirror, "read", lambda *_: iter(contents[::-1]))
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, "mine", "http://me:secret@host/set")
    out, err = capsys.readouterr()
    assert "error: http://host/set" in err
    assert "secret" not in out + err


def test_gzipped_files_have_the_same_hashes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run(monkeypatch, "mine", place)
    for file in map(place.joinpath, FILES):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()

    assert run(monkeypatch, "mine", place) == first


def test_a_changed_label_changes_its_hash_only(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = run(monkeypatch, "mine", place)["mine"]
    write_idx(place / FILES[3], np.arange(10)[::-1])
    after = run(monkeypatch, "mine", place)["mine"]

    assert [key for key in before if before[key] != after[key]] == [FILES[3]]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_stages_could_not_use_is_refused_in_one_line(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    before = catalog.PATH.read_text()
    name, file, array = FAULTS[fault]
    (place / file).unlink()
    if array is not None:
        write_idx(place / file, np.array(array))
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, name, place)
    error = capsys.readouterr().err
    assert fault in error
    assert error.count("\n") == 1
    assert catalog.PATH.read_text() == before
    assert not list(Path("data").glob("*/*"))


@pytest.mark.parametrize(
    ("where", "options", "reason"),
    [
        ("place", ["--size=28x28"], "place: SIZE is not for IDX files"),
        ("torchvision", ["--label=digit"], "torchvision: LABEL is not for torchvision's data"),
        ("place", ["--size=28"], "SIZE=28: should be rows and columns, as 20x30"),
        ("place", ["--shape=32x32x4"], "SHAPE=32x32x4: should be"),
        ("nowhere", [], "nowhere: neither a directory nor a file"),
    ],
)
@pytest.mark.usefixtures("place")
def test_options_that_do_not_apply(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    where: str,
    options: list[str],
    reason: str,
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, "mine", where, *options)
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1


def test_odd_data_are_told_by_numbers(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_idx(place / FILES[0], NOISE % 2)
    write_idx(place / FILES[2], np.concatenate([NOISE[4:7] % 2, 1 - NOISE[:7] % 2]))
    run(monkeypatch, "mine", place)
    assert capsys.readouterr().err.splitlines() == [
        "warning: 3 of 10 test images are in the training set, too",
        "warning: pixels are 0 to 1, where white is 255; multiply them by 255",
        "warning: 10 of 10 classes have fewer than 10 training images; class 0 has 2",
        "warning: 10 of 10 classes have fewer than 10 test images; class 0 has 1",
    ]


def test_data_with_nothing_odd_have_no_warnings(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "test"):
        write_images(place / "photos" / part, {"a": 10, "b": 11})
    run(monkeypatch, "mine", place / "photos")
    out, err = capsys.readouterr()
    assert err == ""
    assert re.search(r"^a +10 +10\nb +11 +11$", out, re.MULTILINE)


def test_of_many_classes_the_table_shows_the_ends(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.concatenate([np.arange(60), np.full(9, 41)])
    images = np.zeros((69, 1, 1))
    for pair in (FILES[:2], FILES[2:]):
        write_idx(place / pair[0], images)
        write_idx(place / pair[1], labels)
    run(monkeypatch, "mine", place)
    rows = capsys.readouterr().out.split("\n\n")[1].splitlines()
    assert len(rows) == 13
    assert rows[2].split() == ["41", "10", "10"]
    assert rows[7].split() == ["..."] * 3


def test_what_is_within_the_limits_may_be_in_datasets_yaml(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = np.array([f"{k:040}" for k in range(1000)])
    images = np.zeros((1000, 128, 1), np.uint8)
    np.savez(place / "a.npz", x_train=images, y_train=names, x_test=images, y_test=names)
    run(monkeypatch, "mine", place / "a.npz")
    catalog.load.cache_clear()
    assert catalog.load()["mine"].classes == tuple(names.tolist())


@pytest.mark.parametrize("text", ["", "- a\n", "a: [\n"])
def test_a_damaged_datasets_yaml_stays(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    catalog.PATH.write_text(text)
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, "mine", place)
    assert re.fullmatch(r"error: datasets.yaml: .*\n", capsys.readouterr().err)
    assert catalog.PATH.read_text() == text


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
def test_a_damaged_datasets_yaml_is_named_with_its_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, fault: str
) -> None:
    monkeypatch.setattr(catalog, "PATH", tmp_path / "datasets.yaml")
    catalog.PATH.write_text(text)
    catalog.load.cache_clear()
    with pytest.raises(DataError, match=f"^datasets.yaml: {fault}[^\n]*; mend it, or write the"):
        catalog.load()
