"""Test valid values of params.yaml, and the error for each invalid value."""

import re
from pathlib import Path

import pytest
from dvc.utils.serialize import parse_yaml
from helpers.shared import LECTURE

from softmax.errors import ParamsError
from softmax.pipeline import datasets, params

DATASETS = " or ".join(", ".join(map(repr, datasets.load())).rsplit(", ", 1))
VALID = LECTURE.read_text()
KEYS = "Use exactly these keys: download, train, evaluate, export, lesson."
TRAIN_KEYS = f"Use exactly these keys: {', '.join(params.Train.model_fields)}."
LACK = "24 leaves a class without training or validation images. "
HUGE = f"0x{'f' * 5000}"
FAULTS = [  # a key, its text in the file, and the error without the key
    ("download.dataset", "cifar", f"'cifar' should be {DATASETS}"),
    ("train.seed", "true", "True should be a valid integer"),
    ("train.seed", "0.0", "0.0 should be a valid integer"),
    ("train.seed", '"0"', "'0' should be a valid integer"),
    ("train.seed", "-1", "-1 should be greater than or equal to 0"),
    ("train.seed", f"{2**64}", f"{2**64} should be less than {2**64}"),
    (
        "train.epochs",
        HUGE,
        "a number with thousands of digits should be less than or equal to 1000000",
    ),
    ("train.validation", "24", f"{LACK}Choose 0, or 25 to 59982."),
    ("train.batch_size", "2097153", "2097153 should be less than or equal to 2097152"),
    ("train.optimizer", "sdg", "'sdg' should be 'sgd', 'momentum', 'nesterov' or 'adam'"),
    ("train.learning_rate", "1e400", "inf should be a finite number"),
    ("train.learning_rate", "0", "0 should be greater than 0"),
    ("train.momentum", "false", "False should be a valid number"),
    ("train.momentum", "1.0", "1.0 should be less than 1"),
    ("train.weight_decay", ".nan", "nan should be a finite number"),
    ("train.averaging", "1", "1 should be less than 1"),
    ("evaluate.samples", "1802", "1802 should be a valid list"),
    ("lesson.points", "0", "0 should be greater than or equal to 1"),
    ("lesson.spread", "0.201", "0.201 should be less than or equal to 0.2"),
    ("lesson.epochs", "1001", "1001 should be less than or equal to 1000"),
    ("lesson.learning_rate", "10.1", "10.1 should be less than or equal to 10"),
]
OTHERS = [  # a text in VALID, its replacement, and the expected errors
    ("seed: 0", "seed: 0\n  sead: 1", f"train.sead = 1 is unknown. {TRAIN_KEYS}"),
    ("export:", "import: {}\nexport:", f"import = {{}} is unknown. {KEYS}"),
    ("  seed: 0\n", "", f"train.seed is missing. {TRAIN_KEYS}"),
    ("  scale: 10\n", "", "export = None should be a mapping of keys to values"),
    (VALID[VALID.index("lesson:") :], "", f"lesson is missing. {KEYS}"),
    (
        "samples: [1802, 1100, 217]\n\nexport:\n  scale: 10",
        "samples: [two, 3.0, 4]\n\nexport:\n  scale: 41",
        "evaluate.samples.0 = 'two' should be a valid integer\n"
        "evaluate.samples.1 = 3.0 should be a valid integer\n"
        "export.scale = 41 should be less than or equal to 40",
    ),
]
FILES = {
    "empty": (b"", "the file contains None, but should be a mapping of keys to values"),
    "a list": (b"- train\n", "the file contains ['train'], but should be a mapping of keys"),
    "not YAML": (b"train: [1, 2\n", "invalid YAML: while parsing a flow sequence"),
    "a key twice": (b"a: {b: 1, b: 2}", "invalid YAML: while constructing a mapping in"),
    "not UTF-8": (b"train: \xff\n", "invalid YAML: 'utf-8' codec can't decode byte 0xff"),
    "no such day": (b"train: 2026-13-01\n", "invalid YAML: month must be in 1..12"),
    "deep": (b"[" * 5000, "invalid YAML: line 1: more than 20 nested levels"),
    "long": (b"#" * 100_001, "invalid YAML: 100001 characters, but at most 100000 are allowed"),
    "aliases": (b"a: &a [1]\nb: {<<: [*a, *a]}\n", "invalid YAML: line 2: *a is an alias"),
}


def load(directory: Path, content: bytes) -> params.Params:
    """Write `content` to params.yaml and load it."""
    path = directory / "params.yaml"
    path.write_bytes(content)
    return params.load(path)


def faults(directory: Path, content: bytes) -> list[str]:
    """Load invalid `content`, and return the errors without the file name that begins each line."""
    with pytest.raises(ParamsError) as error:
        load(directory, content)
    name, *lines = f"\n{error.value}".split(f"\n{directory}/params.yaml: ")
    assert not name
    return lines


def changed(key: str, written: str) -> bytes:
    """Return VALID with the text `written` as the value of `key`."""
    section, _, leaf = key.partition(".")
    start, name, rest = VALID.partition(f"\n{section}:\n")
    rest, count = re.subn(f"(?<=  {leaf}: ).*", written, rest, count=1)
    assert count
    return (start + name + rest).encode()


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-3", 1e-3), ("1E+2", 100.0), ("2.e0", 2.0), ("1", 1.0), ("5.0e-1", 0.5)],
)
def test_exponents_need_no_decimal_point(tmp_path: Path, written: str, value: float) -> None:
    settings = load(tmp_path, changed("train.learning_rate", written))
    assert settings.train.learning_rate == value


@pytest.mark.parametrize("written", ["010", "0o12", "10", "0xA"])
def test_integers_have_the_value_that_dvc_reads(tmp_path: Path, written: str) -> None:
    content = changed("train.epochs", written)
    dvc = parse_yaml(content.decode(), "params.yaml")
    assert load(tmp_path, content).train.epochs == dvc["train"]["epochs"]


@pytest.mark.parametrize(("key", "written", "output"), FAULTS, ids=[f[2] for f in FAULTS])
def test_an_invalid_value_is_reported_with_the_allowed_values(
    tmp_path: Path, key: str, written: str, output: str
) -> None:
    assert faults(tmp_path, changed(key, written)) == [f"{key} = {output}"]


@pytest.mark.parametrize(("old", "new", "lines"), OTHERS, ids=[f[2][:40] for f in OTHERS])
def test_each_fault_is_reported_in_a_line_that_names_the_file(
    tmp_path: Path, old: str, new: str, lines: str
) -> None:
    assert old in VALID
    assert faults(tmp_path, VALID.replace(old, new, 1).encode()) == lines.splitlines()


@pytest.mark.parametrize("fault", FILES)
def test_a_file_that_is_not_a_yaml_mapping_is_reported(tmp_path: Path, fault: str) -> None:
    content, complaint = FILES[fault]
    (line,) = faults(tmp_path, content)
    assert line.startswith(complaint)
    assert "\n" not in line


def test_a_missing_params_yaml_names_the_directory_to_run_from(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"/params\.yaml: No such file or directory. Run from"):
        params.load(tmp_path / "params.yaml")
