"""How many images of which size there are, and how many of each class."""

import numpy as np
from tabulate import tabulate

from softmax.pinning.found import Found

LISTED = 50  # classes, each in a row; of more, those with the most and the fewest images
ENDS = 5


def summary(found: Found) -> str:
    """A line and a table."""
    parts = found.training, found.test
    rows, columns, *rgb = found.training.images.shape[1:]
    counts = [np.bincount(part.labels, minlength=len(found.classes)).tolist() for part in parts]
    table = [
        (name, *map("{:,}".format, row)) for name, *row in zip(found.classes, *counts, strict=True)
    ]
    if len(table) > LISTED:
        order = np.argsort(counts[0], kind="stable")[::-1]
        table = [table[k] for k in order]
        table[ENDS:-ENDS] = [("...", "...", "...")]
    training, test = (f"{len(part.labels):,}" for part in parts)
    kind = "RGB" if rgb else "gray"
    return "\n".join(
        [
            f"{training} training and {test} test images of {rows} x {columns} {kind} pixels, "
            f"{len(found.classes)} classes",
            "",
            tabulate(
                table,
                ["class", "training", "test"],
                disable_numparse=True,
                colalign=("left", "right", "right"),
            ),
        ]
    )
