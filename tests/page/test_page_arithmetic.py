"""The report's JavaScript in Chromium against Python, bit for bit."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from helpers.samples import (
    GRIDS,
    LARGEST,
    LOGITS,
    SMALLEST_NORMAL,
    TIES,
    UNITS,
    exp_samples,
    log_samples,
    thetas_and_pixels,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from softmax.core import arithmetic, model
from softmax.core.data import Dataset
from softmax.errors import RangeError
from softmax.lesson import plane
from softmax.page import report
from softmax.pipeline.params import Lesson
from softmax.training import initialization

Doubles = NDArray[np.float64]

PAGE = """\
<!DOCTYPE html>
<script type="importmap">{importmap}</script>
<script type="module">
import * as arithmetic from "softmax/arithmetic";
import * as model from "softmax/model";
import {{ sha256 }} from "softmax/sha256";
import {{ fit }} from "softmax/training";

const bytes = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
const doubles = (base64) => new Float64Array(bytes(base64).buffer);
const encode = (values) => {{
  const characters = Array.from(
    new Uint8Array(Float64Array.from(values).buffer),
    (byte) => String.fromCharCode(byte),
  );
  return btoa(characters.join(""));
}};
Object.assign(window, arithmetic, model, {{ bytes, doubles, encode, fit, sha256 }});
</script>
"""


class JavaScript:
    """The report's modules in a browser. Doubles travel as their bytes, in base64."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def value(self, function: str, *arguments: Any) -> Any:
        """What `function` returns, "(x, y) => ...", which sees all that the modules export."""
        return self.page.evaluate(f"(given) => ({function})(...given)", arguments)

    def doubles(self, function: str, *arrays: NDArray[Any]) -> Doubles:
        """`function` of arrays, flattened, as float64; it returns doubles: (n,)."""
        sent = [encoded(array.astype(np.float64).tobytes()) for array in arrays]
        answer = self.page.evaluate(f"(given) => encode(({function})(...given.map(doubles)))", sent)
        return np.frombuffer(base64.b64decode(answer))


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(scope="module")
def javascript(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[JavaScript]:
    """The modules of the report, on a page without anything else."""
    path = tmp_path_factory.mktemp("page") / "index.html"
    path.write_text(PAGE.format(importmap=json.dumps({"imports": report.modules()})))
    with browser.new_page() as page:
        page.goto(path.as_uri())
        yield JavaScript(page)


def same_bits(one: Doubles, other: Doubles) -> bool:
    return one.tobytes() == other.tobytes()


@given(GRIDS, arrays(np.float64, 20, elements=UNITS | TIES))
def test_snap(javascript: JavaScript, grid: float, units: Doubles) -> None:
    x = units * grid

    done = javascript.doubles("(x, [grid]) => x.map((v) => snap(v, grid))", x, np.array([grid]))
    assert same_bits(done, arithmetic.snap(x, grid))


def test_exp_and_log_on_the_samples(javascript: JavaScript) -> None:
    for name, samples in {"exp": exp_samples(), "log": log_samples()}.items():
        done = javascript.doubles(f"(x) => x.map({name})", samples)
        assert same_bits(done, getattr(arithmetic, name)(samples))


@given(
    arrays(np.float64, 100, elements=st.floats(-709, 0), fill=st.nothing()),
    arrays(np.float64, 100, elements=st.floats(SMALLEST_NORMAL, LARGEST), fill=st.nothing()),
)
def test_exp_and_log_everywhere(javascript: JavaScript, x: Doubles, y: Doubles) -> None:
    done = javascript.doubles("(x, y) => [...x.map(exp), ...y.map(log)]", x, y)
    assert same_bits(done, np.concatenate([arithmetic.exp(x), arithmetic.log(y)]))


@given(LOGITS, st.integers(0, 9))
def test_softmax_cross_entropy_and_the_first_among_equals(
    javascript: JavaScript, z: Doubles, label: int
) -> None:
    a, y = model.softmax(z), np.eye(len(z))[[label % len(z)] * z.shape[1]].T
    losses, residuals = model.cross_entropy(z, y), model.residuals(a, y)
    for column in range(z.shape[1]):
        expected = [*a[:, column], losses[column], *residuals[:, column]]
        done = javascript.doubles(
            "(z, [y]) => [...softmax(z), crossEntropy(z, y), ...residuals(softmax(z), y)]",
            z[:, column],
            np.array([label % len(z)]),
        )
        assert same_bits(done, np.array(expected))
    twice = np.vstack([z, z])
    done = javascript.value("(columns) => columns.map(predict)", twice.T.tolist())
    assert done == model.predict(twice).tolist()


@given(thetas_and_pixels())
def test_logits(javascript: JavaScript, drawn: tuple[NDArray[np.int64], NDArray[np.int64]]) -> None:
    theta, pixels = drawn[0] * arithmetic.WEIGHT_GRID, drawn[1].astype(np.float64)
    for x in pixels.T:
        done = javascript.doubles(
            "(theta, x, [classes]) => logits(rows(theta, classes), x)",
            theta,
            x,
            np.array([len(theta)]),
        )
        assert (done == model.logits(theta, x[:, None])[:, 0]).all()


@given(thetas_and_pixels(), st.integers(1, 20), st.integers(0, 9))
def test_gradients(
    javascript: JavaScript,
    drawn: tuple[NDArray[np.int64], NDArray[np.int64]],
    copies: int,
    label: int,
) -> None:
    theta = drawn[0] * arithmetic.WEIGHT_GRID
    pixels = np.tile(drawn[1], copies).astype(np.float64)
    count, y = pixels.shape[1], label % len(theta)
    residuals = model.residuals(
        model.softmax(model.logits(theta, pixels)), np.eye(len(theta))[[y] * count].T
    )
    done = javascript.doubles(
        """(theta, pixels, [classes, count, y]) => meanGradient(
             rows(theta, classes), rows(pixels, count).map((x) => ({ x, y })),
           ).flatMap((row) => [...row])""",
        theta,
        pixels.T,
        np.array([len(theta), count, y]),
    )
    expected = model.mean_gradient(model.gradient_sum(residuals, pixels), count)
    assert (done == expected.ravel()).all()  # the sign of a zero sum depends on the order


@settings(max_examples=20)
@given(
    arrays(np.int64, st.tuples(st.integers(1, 30), st.just(2)), elements=st.integers(-255, 255)),
    st.integers(0, 2**64 - 1),
    st.integers(1, 50),
    st.floats(1e-3, 1000),
)
def test_training(
    javascript: JavaScript, points: NDArray[np.int64], seed: int, epochs: int, rate: float
) -> None:
    """Every epoch: W and b, loss, and how many are right, of any points."""
    labels = np.arange(len(points)) % 3
    chosen = lesson(seed, epochs, rate)
    expected = [
        np.array([*epoch.theta.flat, epoch.training.loss, epoch.training.correct])
        for epoch in plane.fit(Dataset(points, labels, plane.CLASSES), chosen)
    ]
    assert same_bits(fitted(javascript, points, labels, chosen), np.concatenate(expected))


def test_training_ends_where_sums_would_no_longer_be_exact(javascript: JavaScript) -> None:
    points, labels = np.array([[255, 255], [250, 255], [255, 250]]), np.arange(3)
    done = fitted(javascript, points, labels, lesson(0, 20, 3e4)).reshape(-1, 11)
    assert 0 < len(done) < 20
    exact = plane.fit(Dataset(points, labels, plane.CLASSES), lesson(0, len(done), 3e4))
    assert same_bits(done[:, :9].copy(), np.stack([epoch.theta.ravel() for epoch in exact]))
    with pytest.raises(RangeError):
        plane.fit(Dataset(points, labels, plane.CLASSES), lesson(0, len(done) + 1, 3e4))


def lesson(seed: int, epochs: int, rate: float) -> Lesson:
    """Its settings, with a rate that may be larger than that of params.yaml."""
    least = Lesson(seed=seed, points=1, spread=0.1, epochs=epochs, learning_rate=1)
    return least.model_copy(update={"learning_rate": rate})


def fitted(
    javascript: JavaScript, points: NDArray[Any], labels: NDArray[Any], chosen: Lesson
) -> Doubles:
    """theta, loss and number of correct points after each epoch."""
    return javascript.doubles(
        """(theta, points, labels, [rate, epochs]) => {
             const samples = rows(points, labels.length).map(
               (point, n) => ({ x: input(point), y: labels[n] }));
             return fit(rows(theta, 3), samples, rate, epochs).slice(1).flatMap(
               ({ theta, loss, correct }) => [...theta.flatMap((row) => [...row]), loss, correct]);
           }""",
        initialization.uniform(2, chosen.seed, 3),
        points,
        labels,
        np.array([chosen.learning_rate, chosen.epochs]),
    )


def test_the_file_of_a_model(javascript: JavaScript) -> None:
    theta = np.random.default_rng(0).normal(size=(3, 4))
    done = javascript.value(
        "(theta) => sha256(toBytes(rows(doubles(theta), 3)))", encoded(theta.tobytes())
    )
    assert done == hashlib.sha256(model.to_bytes(theta)).hexdigest()


def test_sha256(javascript: JavaScript) -> None:
    """All lengths up to some blocks of 64 bytes, and a long one."""
    content = np.random.default_rng(0).bytes(10**6)
    lengths = [*range(260), len(content)]
    done = javascript.value(
        """(content, lengths) => {
             const all = bytes(content);
             return lengths.map((end) => sha256(all.subarray(0, end)));
           }""",
        encoded(content),
        lengths,
    )
    assert done == [hashlib.sha256(content[:end]).hexdigest() for end in lengths]
