"""Packed numbers: what comes out again, and that their bytes are chosen alike everywhere."""

import base64
import hashlib
import zlib

import numpy as np

from softmax.page import packing
from softmax.training import randomness

UNIFORM = randomness.uniform(20_000, seed=0, stream=9)  # from -1 to 1
PIXELS = np.rint((abs(UNIFORM) * 300 - 45).clip(0, 255)).astype(np.uint8)
WEIGHTS = np.rint(UNIFORM * 2**26) / 2**30


def test_pixels_come_out_as_they_were() -> None:
    assert zlib.decompress(base64.b64decode(packing.packed(PIXELS))) == PIXELS.tobytes()


def test_weights_come_out_to_the_last_bit() -> None:
    planes = zlib.decompress(base64.b64decode(packing.doubles(WEIGHTS)))
    octets = np.frombuffer(planes, np.uint8).reshape(8, -1).T
    assert octets.tobytes() == WEIGHTS.astype("<f8").tobytes()


def test_the_bytes_are_those_of_every_machine() -> None:
    """Where another version of libdeflate chooses others, all pages change: docs/arithmetic.md."""
    found = [packing.packed(PIXELS), packing.doubles(WEIGHTS)]
    hashes = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in found]
    assert hashes == ["1c01edd3af4674bf", "4d4247dc72b0adf3"]
