"""Packed numbers: their bytes are chosen alike everywhere. Browsers unpack them in test_content."""

import hashlib

import numpy as np

from softmax.report import embedded
from softmax.training import randomness


def test_the_bytes_are_those_of_every_machine() -> None:
    """Where another version of libdeflate chooses others, all pages change: docs/arithmetic.md."""
    uniform = randomness.uniform(20_000, seed=0, stream=9)  # from -1 to 1
    pixels = np.rint((abs(uniform) * 300 - 45).clip(0, 255)).astype(np.uint8)
    found = [embedded.packed(pixels), embedded.doubles(np.rint(uniform * 2**26) / 2**30)]
    hashes = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in found]
    assert hashes == ["1c01edd3af4674bf", "4d4247dc72b0adf3"]
