"""A data set of one's own: pinned from its files, and changed with them."""

import gzip
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from digits import write_idx
from shared import LECTURE, ROOT

from softmax.errors import DataError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES
from softmax.sources import mirror
from tools import pin

FAULTS: dict[str, tuple[str, str, np.ndarray | None]] = {  # what the line says: name, file, array
    "Mine.1: a name is made of a-z": ("Mine.1", FILES[1], np.zeros(20)),
    f"place/{FILES[2]}: 10 images of 27 x 28, should be 10 images of 28 x 28": (
        "mine",
        FILES[2],
        np.zeros((10, 27, 28)),
    ),
    f"place/{FILES[3]}: 11 labels for 10 images": ("mine", FILES[3], np.zeros(11)),
    f"place/{FILES[2]}: not an IDX file of uint8": ("mine", FILES[2], np.zeros(10)),
    f"{FILES[2]}: not found, with .gz or without": ("mine", FILES[2], None),
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Four good files, and a datasets.yaml to pin them in."""
    shutil.copy(ROOT / catalog.PATH.name, tmp_path)
    monkeypatch.setattr(catalog, "PATH", tmp_path / catalog.PATH.name)
    place = tmp_path / "place"
    place.mkdir()
    for count, pair in ((20, FILES[:2]), (10, FILES[2:])):
        write_idx(place / pair[0], np.zeros((count, 28, 28)))
        write_idx(place / pair[1], np.arange(count) % 10)
    yield place
    catalog.load.cache_clear()


def run(monkeypatch: pytest.MonkeyPatch, name: str, place: Path) -> dict[str, dict[str, str]]:
    """What datasets.yaml holds after `make pin`."""
    monkeypatch.setattr(sys, "argv", ["pin", name, str(place)])
    pin.main()
    content: dict[str, dict[str, str]] = yaml.safe_load(catalog.PATH.read_text())
    return content


def test_the_entry_is_added_and_nothing_else_is_changed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = catalog.PATH.read_text()
    content = run(monkeypatch, "nobodys", place)

    assert catalog.PATH.read_text().startswith(before)
    assert list(content["nobodys"]) == ["images", "shape", "classes", *FILES]
    assert "20 training and 10 test images" in capsys.readouterr().out
    catalog.load.cache_clear()
    assert catalog.load()["nobodys"].sha256 == tuple(content["nobodys"][file] for file in FILES)


@pytest.mark.parametrize("name", ["no", "on", "null"])
def test_a_name_is_a_name_whatever_else_it_is_in_yaml(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(monkeypatch, name, place)
    catalog.load.cache_clear()
    assert name in catalog.load()


def test_the_advice_shows_no_password(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = [(place / file).read_bytes() for file in FILES]
    monkeypatch.setattr(mirror, "read", lambda *_: iter(contents))
    monkeypatch.setattr(sys, "argv", ["pin", "mine", "http://me:secret@host/set"])
    pin.main()
    assert "run MNIST_MIRROR=http://host/set dvc repro" in capsys.readouterr().out


@pytest.mark.parametrize(("last", "told"), [(9, False), (10, True)])
def test_samples_that_the_set_does_not_have_are_told(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    last: int,
    told: bool,
) -> None:
    values = yaml.safe_load(LECTURE.read_text())
    values["evaluate"]["samples"] = [3, last]
    (place.parent / "params.yaml").write_text(yaml.safe_dump(values))
    monkeypatch.chdir(place.parent)
    run(monkeypatch, "mine", place)
    line = f"evaluate.samples in params.yaml is [3, {last}]; here it can name 0 to 9\n"
    assert (line in capsys.readouterr().out) == told


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
    write_idx(place / FILES[3], np.full(10, 3))
    after = run(monkeypatch, "mine", place)["mine"]

    assert [file for file in FILES if before[file] != after[file]] == [FILES[3]]


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
        write_idx(place / file, array)
    with pytest.raises(SystemExit, match="2"):
        run(monkeypatch, name, place)
    error = capsys.readouterr().err
    assert fault in error
    assert error.count("\n") == 1
    assert catalog.PATH.read_text() == before


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
