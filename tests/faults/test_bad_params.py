"""Params with one thing wrong stop the pipeline in its first stage, and nothing is touched."""

import copy
from pathlib import Path
from typing import Any

import yaml
from helpers.workspace import Workspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NUMBERS = [-1, -0.5, 1e400, float("nan"), -(2**64)]  # none allowed anywhere
OTHERS = ["", "x", "1e", "0x", "ten", "1_0", "\x1b[2J", "ß" * 300, None, [], {}, [[1]], {"a": 1}]
TEXTS = ["train:\n  seed: 1\n", "a: &a 1\nb: *a\n", "\tx: 1\n", "x: [1\n", "- x\n", "}", "\0"]
TEXTS += ["\x85:", "x: !!python/object/apply:os.system [ls]\n", "x: 2026-13-45\n", "#" * 10**5]
TEXTS += ["[" * 1000]  # each of which ends a file that is good otherwise
SECTIONS = {
    "download": ["dataset"],
    "train": ["seed", "epochs", "batch_size", "optimizer", "learning_rate", "averaging"],
    "evaluate": ["samples"],
    "export": ["scale"],
    "lesson": ["points", "spread"],
}


@st.composite
def faults(draw: st.DrawFn) -> tuple[str, str, str, Any]:
    """Draw a kind of fault, a section, a key of it, and a value that neither may have."""
    section = draw(st.sampled_from(sorted(SECTIONS)))
    key = draw(st.sampled_from(SECTIONS[section]))
    kind = draw(st.sampled_from(["text", "missing", "unknown", "renamed", "section", "value"]))
    names = {"text": TEXTS, "renamed": ["Train", "", "x" * 999, "a\nb"]}
    return kind, section, key, draw(st.sampled_from(names.get(kind, [*OTHERS, *NUMBERS])))


def damaged(text: str, kind: str, section: str, key: str, value: Any) -> str:
    """Return a good params.yaml with one fault."""
    values = yaml.safe_load(text)
    match kind:
        case "text":
            return text + str(value)
        case "missing":
            del values[section][key]
        case "unknown":
            values[section][f"{key}7"] = values[section][key]
        case "renamed":
            values[value] = values.pop(section)
        case "section":
            values[section] = copy.deepcopy(value)
        case "value":
            values[section][key] = copy.deepcopy(value)
    return yaml.safe_dump(values)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fault=faults())
def test_any_fault_is_one_short_line_and_touches_nothing(
    fault: tuple[str, str, str, Any], workspace: Workspace
) -> None:
    good, before = Path("params.yaml").read_text(), workspace.contents()
    try:
        Path("params.yaml").write_text(damaged(good, *fault))
        said = workspace.stage("check")
    finally:
        Path("params.yaml").write_text(good)
    assert said.status == 2
    assert said.err.startswith("error: params.yaml: ")
    assert all(len(line) < 600 and line.isprintable() for line in said.err.splitlines())
    assert workspace.contents() == before
