"""Define the model that MLflow serves, which predicts classes and probabilities of images.

MLflow stores this file with the weights and the modules that the file imports, and needs no others.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.protos.databricks_pb2 import BAD_REQUEST
from mlflow.pyfunc import PythonModel, PythonModelContext
from numpy.typing import NDArray

from softmax.core import model
from softmax.core.arithmetic import MAX_PIXEL


class SoftmaxRegression(PythonModel):  # type: ignore[misc] # MLflow has no types for it
    """Classify images of the configured shape, or rows of features, as `levels` describes them."""

    def load_context(self, context: PythonModelContext) -> None:
        self.theta = model.load(Path(context.artifacts["weights"]))
        self.shape = tuple(context.model_config["shape"])
        self.names = np.array(context.model_config["classes"])

    def predict(self, model_input: np.ndarray) -> pd.DataFrame:
        """Return prediction, p0, p1, ... as in metrics/predictions.csv, and class, by image."""
        images = levels(model_input, self.shape)
        z = model.logits(self.theta, np.pad(images.T, ((0, 1), (0, 0)), constant_values=MAX_PIXEL))
        prediction = model.predict(z)
        probabilities = {f"p{k}": p for k, p in enumerate(model.softmax(z))}
        columns = {"prediction": prediction, **probabilities, "class": self.names[prediction]}
        return pd.DataFrame(columns)


def levels(images: np.ndarray, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the levels 0 to 255, float64 (n, features), of images (n, *shape) or (n, features).

    Integers are levels, and floats from 0 to 1 are rounded to levels. Raise MlflowException for
    all other images, so the server answers with status 400.
    """
    try:
        images = np.array(images.tolist()) if images.dtype == object else images
    except ValueError:
        raise _bad("the images differ in size") from None
    features = math.prod(shape)
    if images.shape[1:] not in ((features,), shape):
        sides = ", ".join(map(str, shape))
        raise _bad(f"shape {images.shape} should be (n, {features}) or (n, {sides})")
    if images.dtype.kind not in "uif":
        raise _bad("pixels should be numbers")
    if images.dtype.kind == "f":
        if not ((images >= 0) & (images <= 1)).all():  # also rejects NaN
            raise _bad("floats should be from 0 to 1, and integers from 0 to 255")
        images = np.rint(images.astype(np.float64) * MAX_PIXEL)
    elif images.size and not 0 <= images.min() <= images.max() <= MAX_PIXEL:
        raise _bad("integers should be from 0 to 255")
    elif images.size and images.dtype != np.uint8 and images.max() == 1:
        raise _bad("integers of only 0 and 1 are ambiguous. Send 0 and 255")
    return images.reshape(-1, features).astype(np.float64)


def _bad(reason: str) -> MlflowException:
    return MlflowException(f"images: {reason}", error_code=BAD_REQUEST)


set_model(SoftmaxRegression())
