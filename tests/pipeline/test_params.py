"""params.yaml: what it may hold, and what it says of what it may not."""

from pathlib import Path

import pytest
from dvc.utils.serialize import parse_yaml
from helpers.shared import LECTURE, ROOT

from softmax.errors import ParamsError
from softmax.pipeline import catalog, params

PINNED = " or ".join(", ".join(map(repr, catalog.load())).rsplit(", ", 1))
VALID = LECTURE.read_text()
KEYS = "the keys here are download, train, evaluate, export, lesson"
TRAIN_KEYS = (
    "the keys here are seed, validation, epochs, batch_size, optimizer, learning_rate, schedule, "
    "momentum, weight_decay, averaging"
)
FAULTS = [  # what to replace in VALID, by what, and the lines that this must cause
    (
        "epochs: 5",
        f"epochs: 0x{'f' * 5000}",
        "train.epochs = a number of thousands of digits should be less than or equal to 1000000",
    ),
    ("seed: 0", "seed: 0\n  sead: 1", f"train.sead = 1 is unknown; {TRAIN_KEYS}"),
    ("export:", "import: {}\nexport:", f"import = {{}} is unknown; {KEYS}"),
    ("  seed: 0\n", "", f"train.seed is missing; {TRAIN_KEYS}"),
    ("  scale: 10\n", "", "export = None should be a mapping of keys to values"),
    ("seed: 0", "seed: true", "train.seed = True should be a valid integer"),
    ("seed: 0", "seed: 0.0", "train.seed = 0.0 should be a valid integer"),
    ("seed: 0", "seed:", "train.seed = None should be a valid integer"),
    ("seed: 0", 'seed: "0"', "train.seed = '0' should be a valid integer"),
    ("momentum: 0.9", "momentum: false", "train.momentum = False should be a valid number"),
    (
        "weight_decay: 0.0",
        "weight_decay: .nan",
        "train.weight_decay = nan should be a finite number",
    ),
    (
        "learning_rate: 0.001",
        "learning_rate: 1e400",
        "train.learning_rate = inf should be a finite number",
    ),
    ("seed: 0", "seed: -1", "train.seed = -1 should be greater than or equal to 0"),
    ("seed: 0", f"seed: {2**64}", f"train.seed = {2**64} should be less than {2**64}"),
    (
        "batch_size: 64",
        "batch_size: 2097153",
        "train.batch_size = 2097153 should be less than or equal to 2097152",
    ),
    (
        "learning_rate: 0.001",
        "learning_rate: 0",
        "train.learning_rate = 0 should be greater than 0",
    ),
    ("momentum: 0.9", "momentum: 1.0", "train.momentum = 1.0 should be less than 1"),
    ("averaging: 0.0", "averaging: 1", "train.averaging = 1 should be less than 1"),
    (
        "optimizer: sgd",
        "optimizer: lbfgs",
        "train.optimizer = 'lbfgs' should be 'sgd', 'momentum', 'nesterov' or 'adam'",
    ),
    ("dataset: mnist", "dataset: cifar", f"download.dataset = 'cifar' should be {PINNED}"),
    ("spread: 0.16", "spread: 0.201", "lesson.spread = 0.201 should be less than or equal to 0.2"),
    ("points: 50", "points: 0", "lesson.points = 0 should be greater than or equal to 1"),
    (
        "scale: 10\n\nlesson:\n  seed: 0",
        "scale: 41\n\nlesson:\n  seed: -1",
        "export.scale = 41 should be less than or equal to 40\n"
        "lesson.seed = -1 should be greater than or equal to 0",
    ),
    ("epochs: 40", "epochs: 1001", "lesson.epochs = 1001 should be less than or equal to 1000"),
    (
        "learning_rate: 2.0",
        "learning_rate: 10.1",
        "lesson.learning_rate = 10.1 should be less than or equal to 10",
    ),
    (VALID[VALID.index("lesson:") :], "", f"lesson is missing; {KEYS}"),
    (
        "samples: [1802, 1100, 217]",
        "samples: 1802",
        "evaluate.samples = 1802 should be a valid list",
    ),
    (
        "samples: [1802, 1100, 217]",
        "samples: [-1, two, 3.0, 4]",
        "evaluate.samples.0 = -1 should be greater than or equal to 0\n"
        "evaluate.samples.1 = 'two' should be a valid integer\n"
        "evaluate.samples.2 = 3.0 should be a valid integer",
    ),
]
FILES = {
    "empty": (b"", "the file = None should be a mapping of keys to values"),
    "a list": (b"- train\n", "the file = ['train'] should be a mapping of keys to values"),
    "not YAML": (b"train: [1, 2\n", "not YAML: while parsing a flow sequence"),
    "not UTF-8": (b"train: \xff\n", "not YAML: 'utf-8' codec can't decode byte 0xff"),
    "control character": (b"train: \x01\n", "not YAML: unacceptable character #x0001"),
    "no such day": (b"train: 2026-13-01\n", "not YAML: month must be in 1..12"),
    "no number": (b"train: !!int ''\n", "not YAML: "),
    "deep": (b"[" * 5000, "not YAML: line 1: nested more than 20 deep"),
    "long": (b"#" * 100_001, "not YAML: 100001 characters; 100000 are allowed"),
    "aliases": (
        b"a: &a [1]\n"
        + b"".join(b"%c: &%c [*%c, *%c]\n" % (k, k, k - 1, k - 1) for k in range(98, 123)),
        "not YAML: line 2: *a stands for other values; write them out",
    ),
    "merges": (
        b"a: &a {x: 1}\nb: {<<: [*a, *a]}\n",
        "not YAML: line 2: *a stands for other values; write them out",
    ),
}


def load(directory: Path, content: bytes) -> params.Params:
    """What `content` holds."""
    path = directory / "params.yaml"
    path.write_bytes(content)
    return params.load(path)


def test_loads_the_params_of_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert params.load().download.dataset in catalog.load()


def test_values_arrive_as_they_stand(tmp_path: Path) -> None:
    settings = load(tmp_path, VALID.encode())
    assert settings.train.batch_size == 64
    assert settings.train.learning_rate == 0.001
    assert settings.train.optimizer == "sgd"
    assert settings.evaluate.samples == [1802, 1100, 217]


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-3", 1e-3), ("1E+2", 100.0), ("2.e0", 2.0), ("1", 1.0), ("5.0e-1", 0.5)],
)
def test_exponents_need_no_point(tmp_path: Path, written: str, value: float) -> None:
    settings = load(tmp_path, VALID.replace("0.001", written).encode())
    assert settings.train.learning_rate == value


@pytest.mark.parametrize("written", ["010", "0o12", "10", "0xA"])
def test_numbers_are_those_that_dvc_reads(tmp_path: Path, written: str) -> None:
    content = VALID.replace("epochs: 5", f"epochs: {written}")
    assert content != VALID
    settings = load(tmp_path, content.encode())
    assert settings.train.epochs == parse_yaml(content, "params.yaml")["train"]["epochs"]


def test_a_key_that_comes_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="duplicate key"):
        load(tmp_path, VALID.replace("epochs: 5", "epochs: 5\n  epochs: 6").encode())


@pytest.mark.parametrize(("old", "new", "lines"), FAULTS, ids=[f[2][:40] for f in FAULTS])
def test_each_fault_has_a_line_with_key_value_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, lines: str
) -> None:
    assert old in VALID
    with pytest.raises(ParamsError) as error:
        load(tmp_path, VALID.replace(old, new, 1).encode())
    expected = [f"{tmp_path}/params.yaml: {line}" for line in lines.splitlines()]
    assert str(error.value).splitlines() == expected


@pytest.mark.parametrize("fault", FILES)
def test_a_file_that_is_no_mapping_is_named(tmp_path: Path, fault: str) -> None:
    content, complaint = FILES[fault]
    with pytest.raises(ParamsError) as error:
        load(tmp_path, content)
    assert str(error.value).startswith(f"{tmp_path}/params.yaml: {complaint}")
    assert "\n" not in str(error.value)


def test_a_missing_file_is_looked_for_in_the_repository_root(tmp_path: Path) -> None:
    with pytest.raises(ParamsError) as error:
        params.load(tmp_path / "params.yaml")
    assert str(error.value) == (
        f"{tmp_path}/params.yaml: No such file or directory; run from the repository root"
    )


def test_params_cannot_be_changed(tmp_path: Path) -> None:
    settings = load(tmp_path, VALID.encode())
    with pytest.raises(ValueError, match="frozen"):
        settings.train.seed = 1
