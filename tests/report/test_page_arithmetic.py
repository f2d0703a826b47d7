"""Test that the report's JavaScript in Chromium computes the same bits as Python."""

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers import samples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from playwright.sync_api import Page

from softmax.core import arithmetic, model
from softmax.core.arrays import FloatArray
from softmax.core.batches import Dataset
from softmax.data.normalization import normalize
from softmax.errors import RangeError
from softmax.pipeline.params import Lesson
from softmax.report import examples
from softmax.training import randomness

JavaScript = Callable[..., FloatArray]

MODULES = """async () => {
  for (const name of ["arithmetic", "model", "normalization", "full_batch"]) {
    Object.assign(window, await import(`softmax/${name}`));
  }
  const octets = (base64) => Uint8Array.from(atob(base64), (octet) => octet.charCodeAt(0));
  const characters = (octets) => Array.from(octets, (octet) => String.fromCharCode(octet));
  window.decode = (base64) => new Float64Array(octets(base64).buffer);
  window.encode = (values) =>
    btoa(characters(new Uint8Array(Float64Array.from(values).buffer)).join(""));
}"""


@pytest.fixture(scope="module")
def javascript(module_page: Page) -> JavaScript:
    """Return a function that calls JavaScript: javascript("(x, y) => ...", x, y).

    All exports of the modules are in scope. Arguments and results are arrays of doubles, which
    are transferred as base64. A result has one axis.
    """
    module_page.evaluate(MODULES)

    def call(function: str, *arguments: Any) -> FloatArray:
        sent = [np.asarray(x, np.float64).tobytes() for x in arguments]
        program = f"(given) => encode(({function})(...given.map(decode)))"
        given = [base64.b64encode(content).decode() for content in sent]
        return np.frombuffer(base64.b64decode(module_page.evaluate(program, given)))

    return call


def same_bits(one: FloatArray, other: FloatArray) -> bool:
    return one.tobytes() == other.tobytes()


@given(samples.GRIDS, arrays(np.float64, 20, elements=samples.UNITS | samples.TIES))
def test_snap_equals_python(javascript: JavaScript, grid: float, units: FloatArray) -> None:
    done = javascript("(x, [grid]) => x.map((v) => snap(v, grid))", units * grid, [grid])
    assert same_bits(done, arithmetic.snap(units * grid, grid))


POSITIVE = st.floats(samples.SMALLEST_NORMAL, samples.LARGEST)


@given(
    arrays(np.float64, 100, elements=st.floats(-709, 0), fill=st.nothing()),
    arrays(np.float64, 100, elements=POSITIVE, fill=st.nothing()),
)
@example(samples.exp_samples(), samples.log_samples())
def test_exp_and_log_equal_python(javascript: JavaScript, x: FloatArray, y: FloatArray) -> None:
    done = javascript("(x, y) => [...x.map(exp), ...y.map(log)]", x, y)
    assert same_bits(done, np.concatenate([arithmetic.exp(x), arithmetic.log(y)]))


@given(samples.LOGITS)
def test_the_first_of_equal_scores_is_predicted(javascript: JavaScript, z: FloatArray) -> None:
    twice = np.vstack([z, z])
    done = javascript("(z, [count]) => rows(z, count).map(predict)", twice.T, [z.shape[1]])
    assert (done == model.predict(twice)).all()


def training(points: NDArray[Any], seed: int, epochs: int, rate: float) -> tuple[Dataset, Lesson]:
    """Return points of all three classes, and params whose rate may exceed the allowed maximum."""
    chosen = Lesson(seed=seed, points=1, spread=0.1, epochs=epochs, learning_rate=1)
    labels = np.arange(len(points)) % 3
    return Dataset(points, labels, 3), chosen.model_copy(update={"learning_rate": rate})


def fitted(javascript: JavaScript, data: Dataset, chosen: Lesson) -> FloatArray:
    """Return theta, loss and number of correct points after each epoch: (epochs, 11)."""
    done = javascript(
        """(theta, points, labels, [rate, epochs]) => {
             const samples = rows(points, labels.length).map(
               (point, n) => ({ x: input(point), y: labels[n] }));
             return fit(rows(theta, 3), samples, rate, epochs).slice(1).flatMap(
               ({ theta, loss, correct }) => [...theta.flatMap((row) => [...row]), loss, correct]);
           }""",
        randomness.initial_weights(2, chosen.seed, 3),
        data.images,
        data.labels,
        [chosen.learning_rate, chosen.epochs],
    )
    return done.reshape(-1, 11)


def in_python(data: Dataset, chosen: Lesson) -> FloatArray:
    epochs = examples.fit(data, chosen)
    return np.array([[*e.theta.flat, e.training.loss, e.training.correct] for e in epochs])


@settings(max_examples=20)
@given(
    arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(-255, 255)),
    st.integers(0, 2**64 - 1),
    st.integers(1, 50),
    st.floats(1e-3, 1000),
)
def test_training_equals_python_on_any_points(
    javascript: JavaScript, points: NDArray[np.int64], seed: int, epochs: int, rate: float
) -> None:
    given = training(points, seed, epochs, rate)
    assert same_bits(fitted(javascript, *given), in_python(*given))


def test_training_stops_before_sums_become_inexact(javascript: JavaScript) -> None:
    points = np.array([[255, 255], [250, 255], [255, 250]])
    done = fitted(javascript, *training(points, 0, 20, 3e4))
    assert 0 < len(done) < 20
    assert same_bits(done, in_python(*training(points, 0, len(done), 3e4)))
    with pytest.raises(RangeError):
        examples.fit(*training(points, 0, len(done) + 1, 3e4))


def normalized(javascript: JavaScript, strokes: samples.Ink) -> FloatArray:
    program = "(ink, [columns]) => normalize(Uint8Array.from(ink), columns)"
    return javascript(program, strokes, [strokes.shape[1]]).reshape(28, 28)


def test_normalization_equals_python_for_extreme_drawings(javascript: JavaScript) -> None:
    for name, strokes in samples.EDGES.items():
        assert (normalized(javascript, strokes) == normalize(strokes)).all(), name


@given(samples.INKS)
def test_normalization_equals_python(javascript: JavaScript, strokes: samples.Ink) -> None:
    assert (normalized(javascript, strokes) == normalize(strokes)).all()
