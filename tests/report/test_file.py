"""Test the numbers, text and code in the report's file, without a browser."""

import hashlib
import html
import inspect
import json
import re
import subprocess
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import yaml
from helpers import digits
from helpers.report import GIVEN, LESSON, LESSON_DATA, facts, number, section
from helpers.shared import ROOT
from helpers.workspace import Workspace, copy, enter, run_stages

from softmax.core import arrays, model
from softmax.pipeline import datasets, dvc_lock, files, params, paths
from softmax.report import document, embedded, examples
from softmax.training import randomness
from softmax.training.optimizers import OPTIMIZERS

ORDER = ["labels", "contrast", "softmax", "likelihood", "lesson", "gradient", "code"]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the report of a tiny workspace, the working directory. Tests must not change it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        enter(copy(tmp_path_factory.mktemp("file") / "workspace"), monkeypatch)
        yield paths.REPORT.read_text(encoding="utf-8")


def test_the_report_is_one_file_and_its_contents_list_all_sections(text: str) -> None:
    assert [path.name for path in paths.REPORT.parent.iterdir()] == ["index.html"]
    sections = re.findall('<section id="(.*?)"', text)
    links = re.findall('<li><a href="#(.*?)"', text)
    assert ["results", *links] == sections
    assert [name for name in sections if name in ORDER] == ORDER  # the lecture's
    assert not re.findall(r'(?:src|href)="(?!#|data:)', text)


def test_counts_rates_and_accuracy_match_the_predictions(text: str) -> None:
    table = pd.read_csv(paths.PREDICTIONS)
    counts = pd.crosstab(table["label"], table["prediction"]).reindex(
        index=range(10), columns=range(10), fill_value=0
    )
    cells = re.findall(r'data-label="(.)" data-prediction="(.)".*?>(\d+)</button>', text, re.DOTALL)
    shown = np.zeros((10, 10), int)
    for label, prediction, count in cells:
        shown[int(label), int(prediction)] = count
    assert (shown == counts.to_numpy()).all()
    correct = shown.diagonal()
    called = shown.sum(0)[shown.sum(0) > 0]
    expected = [*correct / shown.sum(1), *correct[shown.sum(0) > 0] / called]
    rates = re.findall(r'class="rate">\s*<span.*?>(.*?)</span>', text)
    assert rates == [f"{np.floor(100 * rate + 0.5):.0f}%" for rate in expected]
    accuracy = json.loads(paths.TEST_METRICS.read_text())["accuracy"]
    assert f"{accuracy:.2%} accuracy on 30 test images." in section(text, "results")


def test_hashes_match_data_and_weights_and_find_the_commit(text: str) -> None:
    hashes = [*datasets.load()[digits.NAME].sha256, files.sha256(paths.WEIGHTS)]
    assert re.findall("<code>([0-9a-f]{64})</code>", text) == hashes
    (command,) = re.findall("<code>(git log .*)</code>", text)
    found = subprocess.check_output(html.unescape(command), shell=True, text=True)  # noqa: S602
    assert found.startswith("commit ")
    assert "The maintainers of softmax-mnist" in text[text.index("<footer") :]


def test_the_report_shows_the_code_of_the_project_and_the_lecture(text: str) -> None:
    blocks = re.findall("<pre><code>(.*?)</code></pre>", text, re.DOTALL)
    shown = [html.unescape(re.sub("<.*?>", "", code)) for code in blocks]
    names = ["logits", "softmax", "cross_entropy", "residuals", "gradient_sum", "mean_gradient"]
    sources = [inspect.getsource(getattr(model, name)) for name in names]
    assert shown[:6] == [source.strip() for source in sources]
    assert shown[6].startswith("export function step(")
    assert shown[6].endswith("}")
    scope = {"np": np, "softmax": model.softmax, "Y": np.eye(3)[LESSON_DATA.labels]}
    scope |= {"X": LESSON_DATA.images / 255, "compute_loss": lambda y, z: model.cross_entropy(z, y)}
    exec("\n".join(shown[7:11]), scope)  # noqa: S102
    ours = examples.fit(LESSON_DATA, LESSON)[-1].training.loss
    assert scope["L"] == pytest.approx(ours, rel=0.1)  # from a different start
    compile("\n".join(shown[11:]), "PyTorch", "exec")


def test_examples_show_their_distance_from_finite_differences(text: str) -> None:
    table = pd.read_csv(paths.LESSON_EXAMPLES)
    shown = re.findall(r"<span data-i18n=\"number\"[^>]*>(\d.\d\d\u00a0·\u00a010⁻.+?)<", text)
    expected = table["finite_differences_off_by"].dropna()
    np.testing.assert_allclose(list(map(number, shown)), expected, rtol=5e-3)


def test_a_training_with_all_options_is_described_correctly(workspace: Workspace) -> None:
    changes = {"optimizer": "adam", "schedule": "cosine", "weight_decay": 0.01, "averaging": 0.9}
    workspace.set(train=changes | {"validation": 100})
    dvc_lock.PATH.unlink()
    run_stages(("train", "evaluate", "report"))
    text = paths.REPORT.read_text(encoding="utf-8")
    curves = section(text, "curves")
    assert "Adam does not step along it" in curves
    assert "gradient descent" not in curves
    assert "falls to 0, along half a cosine" in curves
    assert "Weight decay adds 0.01 times each weight" in curves
    assert "moving average of W and b over all steps, with decay 0.9" in curves
    assert "does not train on the 100 images of the validation set" in curves
    assert "loss on the validation set" in curves
    assert "100th" not in curves  # an epoch has fewer than 100 batches
    assert "learns from 400 images" in section(text, "data")
    assert "Another 100 images form the validation set" in section(text, "data")
    epochs = pd.read_csv(paths.EPOCHS)
    for row in epochs.drop(columns="step").to_numpy():
        assert "{:.0f} {:.3f} {:.2%} {:.3f} {:.2%}".format(*row) in curves


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_has_its_text_and_formula(text: str, optimizer: str) -> None:
    """Change only the optimizer and the momentum of the workspace's hyperparameters."""
    train = params.load().train.model_copy(update={"optimizer": optimizer, "momentum": 0.8})
    table = document.examples(arrays.read_csv(paths.LESSON_EXAMPLES))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    shown = {"train": train, "sha256": {}, "examples": table, "citation": citation}
    written = document.html(facts(text), **shown).decode()
    (step,) = re.findall(r'<p class="step">(.*?)</p>', written, re.DOTALL)
    assert "".join(re.sub("<.*?>", "", step).split()).startswith("G=12∑")  # batches of two
    steps = re.findall(r">(\w)</mi><mo[^>]*>←", step)
    assert steps == {"sgd": ["W"], "adam": ["M", "V", "W"]}.get(optimizer, ["V", "W"])
    assert (">0.8</mn><mi>V</mi>" in step) == (optimizer in ("momentum", "nesterov"))


def test_different_params_or_data_are_not_compared_with_the_lecture(text: str) -> None:
    train = params.load().train.model_copy(update=GIVEN["hyperparameters"])
    for change in ({"epochs": 6}, {"validation": 1}, {"averaging": 0.9}):
        other = train.model_copy(update=change)
        assert document.lecture_results("mnist", other, {}, np.eye(10)) is None
    assert document.lecture_results(digits.NAME, train, {}, np.eye(10)) is None
    assert '<section id="lecture"' not in text
    assert facts(text)["lecture"] is None


def test_embedded_data_have_the_same_bytes_on_every_machine() -> None:
    """Fail if a new version of libdeflate changes the bytes of all reports (docs/arithmetic.md)."""
    uniform = randomness.uniform(20_000, seed=0, stream=9)  # from -1 to 1
    pixels = np.rint((abs(uniform) * 300 - 45).clip(0, 255)).astype(np.uint8)
    found = [embedded.packed(pixels), embedded.doubles(np.rint(uniform * 2**26) / 2**30)]
    hashes = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in found]
    assert hashes == ["b8ae16a011869f8f", "1386d70527641772"]
