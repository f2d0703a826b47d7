"""Compare random numbers with Philox, implemented from its paper, without NumPy."""

import tracemalloc
from collections.abc import Iterator
from itertools import count, islice
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from softmax.training import randomness

WORD = 2**64
SEEDS = st.integers(0, WORD - 1)


def words(seed: int, stream: int) -> Iterator[int]:
    """Yield the words of Philox4x64-10: four for each value of the counter, which starts at 1.

    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11.
    """
    for block in count(1):
        c0, c1, c2, c3, k0, k1 = block, 0, 0, 0, seed, stream
        for _ in range(10):
            high0, low0 = divmod(0xD2E7470EE14C6C93 * c0, WORD)
            high1, low1 = divmod(0xCA5A826395121157 * c2, WORD)
            c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
            k0, k1 = (k0 + 0x9E3779B97F4A7C15) % WORD, (k1 + 0xBB67AE8584CAA73B) % WORD
        yield from (c0, c1, c2, c3)


@example(seed=2**63, stream=1, length=9)
@example(seed=WORD - 1, stream=1, length=9)
@given(seed=SEEDS, stream=st.integers(0, 1000), length=st.integers(0, 20))
def test_uniform_uses_the_top_53_bits(seed: int, stream: int, length: int) -> None:
    expected = [(word >> 11) / 2**52 - 1 for word in islice(words(seed, stream), length)]

    assert randomness.uniform(length, seed, stream).tolist() == expected


@example(seed=2**63, stream=1, length=9)
@example(seed=WORD - 1, stream=1, length=9)
@given(seed=SEEDS, stream=st.integers(0, 1000), length=st.integers(0, 50))
def test_permutation_sorts_random_words_that_end_in_the_indices(
    seed: int, stream: int, length: int
) -> None:
    size = 1
    while size < length:
        size *= 2
    keys = [word - word % size + n for n, word in enumerate(islice(words(seed, stream), length))]
    permutation = randomness.permutation(length, seed, stream)

    assert permutation.tolist() == sorted(range(length), key=keys.__getitem__)
    assert permutation.dtype == np.int64


def test_permutation_keeps_the_order_of_equal_words(monkeypatch: pytest.MonkeyPatch) -> None:
    equal = np.arange(1000, dtype=np.uint64) % np.uint64(3) << np.uint64(32)
    raw = SimpleNamespace(random_raw=lambda _: equal.copy())
    monkeypatch.setattr(np.random, "Philox", lambda **_: raw)

    expected = sorted(range(1000), key=equal.tolist().__getitem__)
    assert randomness.permutation(1000, 0, 1).tolist() == expected


def test_permutation_uses_16_bytes_per_index() -> None:
    tracemalloc.start()
    randomness.permutation(10**6, seed=0, stream=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 16.1 * 10**6
