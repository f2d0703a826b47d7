"""Params with one thing wrong stop the pipeline in its first stage, and nothing is touched."""

from random import Random
from typing import Any

import yaml
from clones import Clone
from outcome import assert_told, contents, rests
from shared import LECTURE
from tally import Tally

GOOD: dict[str, dict[str, Any]] = yaml.safe_load(LECTURE.read_text())
NUMBERS = [-1, -0.5, 1e400, float("nan"), -(2**64)]  # none allowed anywhere
OTHERS = ["", "x", "1e", "0x", "ten", "1_0", "\x1b[2J", "ß" * 300, None, [], {}, [[1]], {"a": 1}]
TEXTS = [  # which end a file that is good otherwise
    *(
        "train:\n  seed: 1\n",
        "a: &a 1\nb: *a\n",
        "\tx: 1\n",
        "x: [1\n",
        "- x\n",
        "}",
        "\0",
        "\x85:",
    ),
    *("x: !!python/object/apply:os.system [ls]\n", "x: 2026-13-45\n", "#" * 10**5, "[" * 1000),
]


def damaged(random: Random) -> str:
    """A params.yaml with one fault."""
    text = LECTURE.read_text()
    values: dict[str, Any] = {name: dict(keys) for name, keys in GOOD.items()}
    section = random.choice(list(values))
    key = random.choice(list(values[section]))
    match random.randrange(6):
        case 0:
            return text + random.choice(TEXTS)
        case 1:
            del values[section][key]
        case 2:
            values[section][f"{key}{random.randrange(99)}"] = values[section][key]
        case 3:
            values[random.choice(["Train", "", "x" * 999, "a\nb"])] = values.pop(section)
        case 4:
            values[section] = random.choice([*OTHERS, *NUMBERS])
        case _:
            values[section][key] = random.choice([*OTHERS, *NUMBERS])
    return yaml.safe_dump(values)


def test_bad_params(tally: Tally, team: Clone) -> None:
    path, before = team.folder / "params.yaml", contents(team.folder)
    good = path.read_bytes()

    def stage(random: Random) -> None:
        path.write_text(damaged(random))
        done = team.attempt("python", "-m", "stages.check")
        assert_told(done, 2)
        assert done.stderr.startswith("error: params.yaml: ")
        assert all(len(line) < 600 and line.isprintable() for line in done.stderr.splitlines())
        assert contents(team.folder) == before

    def pipeline(random: Random) -> None:
        """DVC itself may say no; params.valid is an output of the stage that fails."""
        path.write_text(damaged(random))
        assert_told(team.attempt("dvc", "repro"), 1, 2, 255)
        assert contents(team.folder).items() <= before.items()
        assert contents(team.folder).keys() >= before.keys() - {"params.valid"}
        path.write_bytes(good)
        assert_told(team.attempt("dvc", "repro"), 0)
        assert contents(team.folder) == before
        assert not rests(team.folder)

    try:
        tally.run("for a stage", stage, short=5, long=1_980)
        tally.run("for `dvc repro`", pipeline, short=1, long=20)
    finally:
        path.write_bytes(good)
