"""Params with one thing wrong stop the pipeline in its first stage, and nothing is touched."""

from pathlib import Path

import yaml
from helpers.shared import LECTURE
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
def damaged(draw: st.DrawFn) -> str:
    """Draw a params.yaml that is good but for one thing."""
    text = LECTURE.read_text()
    values = yaml.safe_load(text)
    section = draw(st.sampled_from(sorted(SECTIONS)))
    key = draw(st.sampled_from(SECTIONS[section]))
    wrong = draw(st.sampled_from([*OTHERS, *NUMBERS]))
    match draw(st.sampled_from(["text", "missing", "unknown", "renamed", "section", "value"])):
        case "text":
            return text + draw(st.sampled_from(TEXTS))
        case "missing":
            del values[section][key]
        case "unknown":
            values[section][f"{key}7"] = values[section][key]
        case "renamed":
            values[draw(st.sampled_from(["Train", "", "x" * 999, "a\nb"]))] = values.pop(section)
        case "section":
            values[section] = wrong
        case "value":
            values[section][key] = wrong
    return yaml.safe_dump(values)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=damaged())
def test_any_fault_is_one_short_line_and_touches_nothing(text: str, workspace: Workspace) -> None:
    before = workspace.contents()
    Path("params.yaml").write_text(text)
    said = workspace.stage("check")
    assert said.status == 2
    assert said.err.startswith("error: params.yaml: ")
    assert all(len(line) < 600 and line.isprintable() for line in said.err.splitlines())
    assert workspace.contents() == before
