"""What MLflow shows of the answers to the test images: each class, and the mistakes."""

import numpy as np
import pandas as pd

from softmax.pipeline import paths
from softmax.provenance.facts import Facts
from softmax.results import evaluation

MATRIX = 12  # classes, of which a note has room for the confusion of each with each
WORST = 20  # mistakes that are shown of more


def confusion(facts: Facts) -> pd.DataFrame:
    """How many images of each class, by row, are called each, both by name."""
    names = facts.pinned().classes
    answers = pd.read_csv(facts.folder / paths.PREDICTIONS, usecols=["label", "prediction"])
    cells = evaluation.confusion_matrix(answers, len(names))
    return pd.DataFrame(cells, pd.Index(names, name="class"), names)


def by_class(counts: pd.DataFrame) -> str:
    """How many images of each class are right, from the confusion, as MLflow keeps a table."""
    ratios = evaluation.by_class(counts.to_numpy())
    table = {
        "class": counts.index,
        "recall": ratios["recall"],
        "precision": ratios["precision"],
        "right": np.diag(counts),
        "images": counts.sum(axis=1).to_numpy(),
    }
    return pd.DataFrame(table).to_json(orient="split", index=False)


def mistakes(counts: pd.DataFrame) -> str:
    """The confusion in Markdown, or where that has no room its largest cells that are wrong."""
    if len(counts) <= MATRIX:
        return str(counts.to_markdown())
    cells, names = counts.to_numpy(), counts.columns
    wrong = cells - np.diag(np.diag(cells))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:WORST]
    pairs = [(names[k], names[j], wrong[k, j]) for k, j in (divmod(c, len(names)) for c in worst)]
    return str(pd.DataFrame(pairs, columns=["class", "called", "images"]).to_markdown(index=False))
