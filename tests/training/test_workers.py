"""Workers that train together, here in threads: each has the bytes of one that trains alone."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from helpers import tiny

from softmax.core.arrays import Array
from softmax.core.workers import Workers
from softmax.training import fitting
from softmax.training.fitting import Epoch

COUNT = 3
WAIT = 60  # seconds


def facts(epochs: list[Epoch]) -> list[dict[str, Any]]:
    """Return epochs as values to compare, theta down to the bit."""
    return [epoch._asdict() | {"theta": epoch.theta.tobytes()} for epoch in epochs]


@pytest.mark.parametrize("batch_size", [2, 7, 100])
def test_each_worker_has_the_bytes_of_one(batch_size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let batches be smaller than the team, not a multiple of it, and the whole set."""
    monkeypatch.setattr(fitting, "REPORT_EVERY", 2)
    kept, held_out = tiny.dataset(421).split(100)
    params = tiny.params(batch_size=batch_size, optimizer="momentum", averaging=0.5)
    alone = facts([*fitting.fit(kept, held_out, params)])
    barrier, shares = Barrier(COUNT), dict[int, Array]()

    def add(worker: Workers, array: Array) -> Array:
        shares[worker.rank] = array.copy()
        barrier.wait(WAIT)
        array[...] = sum(shares.values())
        barrier.wait(WAIT)
        return array

    monkeypatch.setattr(Workers, "sum", add)

    def work(rank: int) -> list[dict[str, Any]]:
        return facts([*fitting.fit(kept, held_out, params, Workers(rank, COUNT, launcher=0))])

    with ThreadPoolExecutor(COUNT) as pool:
        assert [*pool.map(work, range(COUNT))] == [alone] * COUNT
