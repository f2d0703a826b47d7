"""A tiny data set as good mirrors give it."""

import gzip
from collections.abc import Callable

import numpy as np
from helpers.sites import body

from softmax.pipeline.datasets import FILES

Files = dict[str, bytes]
Fetch = Callable[..., tuple[Files, str]]
IMAGES = [
    np.random.default_rng(n).integers(256, size=(count, 784), dtype=np.uint8)
    for n, count in enumerate((2, 1, 2))  # training, validation, test
]
GOOD: Files = {
    FILES[0]: b"\0\0\x08\x03\0\0\0\x03\0\0\0\x1c\0\0\0\x1c" + b"".join(map(bytes, IMAGES[:2])),
    FILES[1]: b"\0\0\x08\x01\0\0\0\x03" + bytes([3, 9, 0]),
    FILES[2]: b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c" + bytes(IMAGES[2]),
    FILES[3]: b"\0\0\x08\x01\0\0\0\x02" + bytes([7, 1]),
}
PLAIN = {name: body(content) for name, content in GOOD.items()}
GZIPPED = {f"{name}.gz": body(gzip.compress(content)) for name, content in GOOD.items()}
