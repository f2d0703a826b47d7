"""Export the model to ONNX, and compare ONNX Runtime's predictions with the pipeline's."""

import json
from importlib.util import find_spec

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from softmax.core import batches, model
from softmax.core.arithmetic import MAX_PIXEL
from softmax.errors import DataError, SoftmaxError
from softmax.pipeline import datasets, dvc_lock, files, params, paths

PATH = paths.WEIGHTS.with_suffix(".onnx")
OPERATORS, FORMAT = 13, 7  # versions of 2020, the first with float64 for all operators used
CHUNK = 1000  # images per call of ONNX Runtime


def run() -> None:
    """Write the model if ONNX Runtime predicts the same labels, and print what differs."""
    if missing := [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]:
        raise SoftmaxError(f"onnx: {' and '.join(missing)} not installed. Run `make .venv/dev`.")
    dataset = params.load().download.dataset
    dvc_lock.verify(paths.WEIGHTS, paths.PREDICTIONS)
    entry, test = datasets.load()[dataset], batches.load(*datasets.test(dataset))
    theta = model.load(paths.WEIGHTS, entry.size)
    properties = {
        "classes": json.dumps(entry.classes),
        "dataset": dataset,
        "weights.sha256": files.sha256(paths.WEIGHTS),
    }
    content = build(theta, entry.shape, properties)
    expected = pd.read_csv(paths.PREDICTIONS).drop(columns="label").to_numpy()
    largest = compare(content, test.images.reshape(-1, *entry.shape), expected)
    files.write({PATH: content})
    print(
        f"onnx: {PATH}: ONNX Runtime predicts the same labels for all {len(expected)} test images, "
        f"and probabilities that differ by at most {largest:.1g}"
    )


def build(theta: NDArray[np.float64], shape: tuple[int, ...], properties: dict[str, str]) -> bytes:
    """Return the bytes of an ONNX model of theta (classes, features + 1), with these properties.

    The input is `images`, uint8 (n, *shape). The outputs are `label`, int64 (n,), and
    `probabilities`, float64 (n, classes). All sums up to the logits are exact, as in the pipeline,
    so the labels are the same. Probabilities differ slightly: the exponentials are the library's.
    """
    from onnx import TensorProto, checker, helper, numpy_helper

    weight, bias = theta[:, :-1].T, theta[:, -1] * MAX_PIXEL
    constants = {"weight": weight, "bias": bias, "scale": 1 / MAX_PIXEL}
    node = helper.make_node
    graph = helper.make_graph(
        [
            node("Flatten", ["images"], ["rows"]),
            node("Cast", ["rows"], ["pixels"], to=TensorProto.DOUBLE),
            node("MatMul", ["pixels", "weight"], ["product"]),
            node("Add", ["product", "bias"], ["sum"]),
            node("Mul", ["sum", "scale"], ["z"]),
            node("ArgMax", ["z"], ["label"], axis=1, keepdims=0),
            node("Softmax", ["z"], ["probabilities"], axis=1),
        ],
        "softmax-regression",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["n", *shape])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]),
            helper.make_tensor_value_info("probabilities", TensorProto.DOUBLE, ["n", len(theta)]),
        ],
        [numpy_helper.from_array(np.array(x), name) for name, x in constants.items()],
    )
    versions = [helper.make_opsetid("", OPERATORS)]
    made = helper.make_model(graph, opset_imports=versions, ir_version=FORMAT)
    helper.set_model_props(made, properties)
    checker.check_model(made, full_check=True)
    return made.SerializeToString()


def compare(content: bytes, images: NDArray[np.uint8], expected: NDArray[np.float64]) -> float:
    """Return the maximum difference between the model's probabilities and the `expected` ones.

    A row of `expected`, (n, 1 + classes), is the label and the probabilities of an image. Raise
    DataError if a label differs.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    largest = 0.0
    for start in tqdm(range(0, len(images), CHUNK), desc="onnx", leave=False, disable=None):
        part = slice(start, start + CHUNK)
        label, probabilities = session.run(None, {"images": images[part]})
        if (different := np.flatnonzero(label != expected[part, 0])).size:
            k = start + different[0]
            raise DataError(
                f"{PATH}: not written: it classifies test image {k} as {label[different[0]]}, but "
                f"{paths.PREDICTIONS} says {expected[k, 0]:.0f}. Run `dvc repro`."
            )
        largest = max(largest, abs(probabilities - expected[part, 1:]).max())
    return largest
