"""A sixth of the images for the test, as of MNIST's, by a hash: the same ones on every machine."""

import hashlib


def is_for_test(name: bytes) -> bool:
    """Whether the first 8 bytes of the SHA-256, as a big-endian number, are below 2^64 / 6."""
    return int.from_bytes(hashlib.sha256(name).digest()[:8]) * 6 < 2**64
