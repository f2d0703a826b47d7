"""Test that ONNX Runtime predicts the pipeline's labels with the model of `softmax onnx`."""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from helpers.clones import git
from helpers.workspace import Workspace, error

from softmax.cli import onnx
from softmax.core import idx, model
from softmax.errors import DataError
from softmax.pipeline import files, paths

CLOSE = 2**-38  # the pipeline rounds exponentials to multiples of 2^-40


def test_onnx_labels_equal_the_pipelines(workspace: Workspace) -> None:
    printed = workspace.tool("onnx")
    assert "ONNX Runtime predicts the same labels for all 30 test images" in printed.out
    session = onnxruntime.InferenceSession(onnx.PATH)
    images = idx.read(Path("data/digits/t10k-images-idx3-ubyte"), 3)
    label, probabilities = session.run(["label", "probabilities"], {"images": images})
    expected = pd.read_csv(paths.PREDICTIONS)
    assert (label == expected["prediction"]).all()
    assert label.dtype == np.int64
    assert probabilities.dtype == np.float64
    assert abs(probabilities - expected.loc[:, "p0":].to_numpy()).max() < CLOSE
    properties = session.get_modelmeta().custom_metadata_map
    assert json.loads(properties["classes"]) == [str(k) for k in range(10)]
    assert properties["weights.sha256"] == files.sha256(paths.WEIGHTS)
    assert git(workspace.directory, "status", "--porcelain") == ""


def test_weights_that_differ_from_dvc_lock_are_rejected(workspace: Workspace) -> None:
    paths.WEIGHTS.write_bytes(model.to_bytes(np.zeros((10, 65))))
    assert error(workspace.tool("onnx")).startswith(f"{paths.WEIGHTS}: differs from dvc.lock")
    assert not onnx.PATH.exists()


def test_any_shape_and_number_of_classes_work_and_a_wrong_label_is_rejected() -> None:
    """Use three classes of RGB images of 2 x 5 pixels."""
    random = np.random.default_rng(0)
    theta = np.ldexp(random.integers(-(2**30), 2**30, (3, 31)), -30)
    images = random.integers(0, 256, (100, 2, 5, 3), np.uint8)
    inputs = np.pad(images.reshape(100, 30).T, ((0, 1), (0, 0)), constant_values=255).astype(float)
    z = model.logits(theta, inputs)
    answers = np.column_stack([model.predict(z), model.softmax(z).T])
    content = onnx.build(theta, images.shape[1:], {})
    assert onnx.compare(content, images, answers) < CLOSE
    answers[7, 0] = 3
    with pytest.raises(DataError, match=r"written: it classifies test image 7 as \d, .* says 3\."):
        onnx.compare(content, images, answers)


def test_missing_onnx_gives_the_install_command(workspace: Workspace) -> None:
    workspace.monkeypatch.setitem(sys.modules, "onnxruntime", None)
    output = error(workspace.tool("onnx"))
    assert output == "onnx: onnxruntime not installed. Run `make .venv/dev`."
