"""Tables of what a model of any classes says of images of any shape."""

import numpy as np
import pytest

from softmax.core import model
from softmax.prediction import answers
from softmax.prediction.reading import Seen

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("classes", [("trouser", "dress"), tuple(f"letter {k}" for k in range(47))])
def test_classes_have_their_names(classes: tuple[str, ...]) -> None:
    shape = (5, 4, 3)
    theta = np.ldexp(RANDOM.integers(-(2**24), 2**24, (len(classes), 61)).astype(np.float64), -30)
    seen = [
        Seen(f"{n}.png", RANDOM.integers(256, size=shape).astype(np.uint8), "as it is")
        for n in range(25)
    ]
    table = answers.table(theta, seen, classes)
    inputs = np.array([[*image.pixels.ravel(), 255.0] for image in seen]).T
    a = model.softmax(model.logits(theta, inputs))
    assert (table[[f"p{k}" for k in range(len(classes))]].to_numpy() == a.T).all()
    assert table["class"].tolist() == [classes[k] for k in a.argmax(axis=0)]

    lines = answers.write(table, classes).splitlines()
    assert lines[-1] == "and 5 more, which --csv and --json print"
    for n, line in enumerate(lines[2:-1]):
        likely = np.argsort(-a[:, n], kind="stable")[:3]
        said = [word for k in likely for word in (classes[k], f"{a[k, n]:.4f}")]
        assert " ".join(line.split()) == " ".join([f"{n}.png", "as it is", *said])
