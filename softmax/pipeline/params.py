"""Read params.yaml as typed, validated values."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from softmax.errors import ParamsError
from softmax.pipeline import datasets

PATH = Path("params.yaml")
MAX_LENGTH, MAX_DEPTH = 100_000, 20  # characters, and nested levels


class Section(BaseModel):
    """A mapping that rejects unknown keys, missing keys and values of the wrong type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _known(dataset: str) -> str:
    """Return `dataset` if datasets.yaml contains it."""
    if dataset not in datasets.load():
        *others, last = map(repr, datasets.load())
        raise PydanticCustomError("unknown", f"should be {', '.join(others)} or {last}")
    return dataset


class Download(Section):
    dataset: Annotated[str, AfterValidator(_known)]


class Train(Section):
    seed: int = Field(ge=0, lt=2**64)
    validation: int = Field(ge=0)
    epochs: int = Field(ge=1, le=10**6)  # about a day on MNIST
    batch_size: int = Field(ge=1, le=2**21)  # arithmetic.MAX_BATCH
    optimizer: Literal["sgd", "momentum", "nesterov", "adam"]
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "cosine"]
    momentum: float = Field(ge=0, lt=1)
    weight_decay: float = Field(ge=0)
    averaging: float = Field(ge=0, lt=1)


class Evaluate(Section):
    samples: list[Annotated[int, Field(ge=0)]] = Field(min_length=1)


class Export(Section):
    scale: int = Field(ge=1, le=40)


class Lesson(Section):
    seed: int = Field(ge=0, lt=2**64)
    points: int = Field(ge=1, le=1000)
    spread: float = Field(gt=0, le=0.2)  # points, up to 3 * spread off a center, fit in the square
    epochs: int = Field(ge=1, le=1000)  # sums stay exact, even at the maximum rate
    learning_rate: float = Field(gt=0, le=10)


class ModelParams(Section):
    """The params on which the model of images and its results depend."""

    download: Download
    train: Train
    evaluate: Evaluate
    export: Export


class Params(ModelParams):
    """All of params.yaml."""

    lesson: Lesson


def load(path: Path = PATH) -> Params:
    """Read and validate `path`.

    Raise ParamsError with a line for each fault: the file, the key, the value and what is allowed.
    """
    try:
        values = _parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ParamsError(f"{path}: {error.strerror}. Run from the repository root.") from None
    except Exception as error:  # parsers of invalid YAML raise many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ParamsError(f"{path}: invalid YAML: {reason}") from None
    return validate(values, str(path))


def validate(values: Any, place: str) -> Params:
    """Return `values` of the file `place` as Params. Raise ParamsError as `load` does."""
    try:
        config = Params.model_validate(values)
    except ValidationError as error:
        lines = (f"{place}: {_describe(fault)}" for fault in error.errors())
        raise ParamsError("\n".join(lines)) from None
    _check_counts(config, place)
    return config


def _parse(text: str) -> Any:
    """Parse YAML 1.2 as DVC does: 010 is ten, 1e-3 is a number, and no key occurs twice.

    Aliases are rejected, because a few lines of them can expand to more values than fit in memory.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"{len(text)} characters, but at most {MAX_LENGTH} are allowed")
    yaml, depth = YAML(typ="safe", pure=True), 0
    for event in yaml.parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        line = f"line {event.start_mark.line + 1}"
        if depth > MAX_DEPTH:
            raise ValueError(f"{line}: more than {MAX_DEPTH} nested levels")
        if isinstance(event, AliasEvent):
            raise ValueError(f"{line}: *{event.anchor} is an alias. Write its values out.")
    return yaml.load(text)


def _check_counts(config: Params, place: str) -> None:
    """Raise ParamsError if `config` needs images that its data set does not contain."""
    entry = datasets.load()[config.download.dataset]
    (training, test), validation = entry.images, config.train.validation
    low, high = entry.validation or (1, training - 1)
    if validation and not low <= validation <= high:
        allowed = f"0, or {low} to {high}" if low <= high else "0"
        raise ParamsError(
            f"{place}: train.validation = {validation} leaves a class without training or "
            f"validation images. Choose {allowed}."
        )
    if (last := max(config.evaluate.samples)) >= test:
        raise ParamsError(
            f"{place}: evaluate.samples contains {last}. Choose test images from 0 to {test - 1}."
        )


def _describe(fault: ErrorDetails) -> str:
    """Return a line for a fault: the key, the value and what is allowed."""
    key, value = ".".join(map(str, fault["loc"])), _written(fault["input"])
    match fault["type"]:
        case "missing":
            return f"{key} is missing. {_keys(fault['loc'])}"
        case "extra_forbidden":
            return f"{key} = {value} is unknown. {_keys(fault['loc'])}"
        case "model_type":
            subject = f"{key} = {value}" if key else f"the file contains {value}, but"
            return f"{subject} should be a mapping of keys to values"
    return f"{key} = {value} {fault['msg'].removeprefix('Input ')}"


def _written(value: Any) -> str:
    """Return `value` in Python's notation."""
    try:
        return repr(value)
    except ValueError:  # Python does not convert integers of more than 4,300 digits
        return "a number with thousands of digits"


def _keys(location: tuple[int | str, ...]) -> str:
    """Return the keys of the mapping that contains `location`, in a sentence."""
    section: Any = Params
    for name in location[:-1]:
        section = section.model_fields[name].annotation
    return f"Use exactly these keys: {', '.join(section.model_fields)}."
