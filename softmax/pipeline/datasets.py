"""Read datasets.yaml: images and classes of each data set, and paths and hashes of its files."""

import functools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML

from softmax.errors import DataError
from softmax.pipeline import files

HERE = Path("datasets.yaml").absolute()  # next to params.yaml, or else in the code's repository
PATH = HERE if HERE.exists() else Path(__file__).parents[2] / HERE.name

MAX_SIDE = 128  # pixels
CLASSES = 1000  # maximum number
MAX_NAME = 40  # characters of a class name


def _differ(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise PydanticCustomError("differ", "two classes have the same name")
    return names


Described = tuple[Path, Path, tuple[int, ...], int]
Count = Annotated[int, Field(strict=True, ge=1)]
Side = Annotated[int, Field(strict=True, ge=1, le=MAX_SIDE)]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
Classes = Annotated[
    tuple[Name, ...], Field(min_length=2, max_length=CLASSES), AfterValidator(_differ)
]


class DatasetFile(BaseModel):
    """The MD5, which DVC uses, the SHA-256 and the size in bytes of an uncompressed file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    md5: str = Field(pattern="^[0-9a-f]{32}$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    size: Annotated[int, Field(strict=True, ge=1)]


class Description(BaseModel):
    """The number and shape of images in a data set, and its classes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    images: tuple[Count, Count]  # in the training and in the test set
    shape: tuple[Side, Side] | tuple[Side, Side, Literal[3]]  # rows, columns, and RGB
    classes: Classes  # names, in the order of the labels

    @property
    def size(self) -> tuple[int, int]:
        """Return the numbers of classes and features."""
        return len(self.classes), math.prod(self.shape)


class DatasetEntry(Description):
    homepage: str = ""  # page that describes the data set
    mirrors: tuple[str, ...] = ()  # URLs of directories with the files, compressed or not
    # Minimum and maximum size for which the validation and the training set contain every class.
    validation: tuple[int, int] | None = None
    prepared: Literal["as they are", "resized", "pen strokes"] = "as they are"
    decoder: str = ""  # library that decoded the image files
    train_images: DatasetFile = Field(alias="train-images-idx3-ubyte")
    train_labels: DatasetFile = Field(alias="train-labels-idx1-ubyte")
    test_images: DatasetFile = Field(alias="t10k-images-idx3-ubyte")
    test_labels: DatasetFile = Field(alias="t10k-labels-idx1-ubyte")

    @property
    def files(self) -> tuple[DatasetFile, ...]:
        """Return the files in the order of FILES."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    @property
    def sha256(self) -> tuple[str, ...]:
        return tuple(file.sha256 for file in self.files)


FILES = tuple(field.alias for field in DatasetEntry.model_fields.values() if field.alias)


@functools.cache
def load() -> dict[str, DatasetEntry]:
    """Return the data sets by name. Raise DataError with the first fault if one is invalid."""
    try:
        read = YAML(typ="safe").load(PATH.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, DatasetEntry]).validate_python(read)
    except ValidationError as error:
        fault = error.errors()[0]
        reason = f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
    except Exception as error:  # parsers of invalid YAML raise many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
    remedy = "Fix it, or restore it with `git checkout HEAD -- datasets.yaml`."
    raise DataError(f"{PATH.name}: {reason}. {remedy}")


def training(dataset: str) -> Described:
    """Return the arguments of batches.load for the training set, with `verified` paths."""
    return _described(dataset, training_files(dataset), load()[dataset].images[0])


def test(dataset: str) -> Described:
    return _described(dataset, test_files(dataset), load()[dataset].images[1])


def _described(dataset: str, paths: Sequence[Path], count: int) -> Described:
    entry = load()[dataset]
    images, labels = verified(dataset, paths)
    return images, labels, (count, *entry.shape), len(entry.classes)


def verified(dataset: str, paths: Sequence[Path]) -> Sequence[Path]:
    """Return `paths` of `dataset`. Raise DataError if a file exists with a different SHA-256."""
    expected = dict(zip(FILES, load()[dataset].sha256, strict=True))
    for path in paths:
        if path.exists() and files.sha256(path) != expected[path.name]:
            raise DataError(
                f"{path}: its SHA-256 differs from {PATH.name}. Run `dvc repro download`."
            )
    return paths


def directory(dataset: str) -> Path:
    return Path("data") / dataset


def training_files(dataset: str) -> list[Path]:
    """Return the paths of the images and the labels of the training set."""
    return [directory(dataset) / name for name in FILES[:2]]


def test_files(dataset: str) -> list[Path]:
    """Return the paths of the images and the labels of the test set."""
    return [directory(dataset) / name for name in FILES[2:]]
