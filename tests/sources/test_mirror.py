"""Every mirror, good and bad, against real servers and directories."""

import gzip
import hashlib
import os
import random
import time
import tracemalloc
import zlib
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from sources.sites import (  # noqa: F401 (fixtures)
    ENDING,
    SLOW,
    Files,
    Reply,
    Serve,
    _files,
    _nothing_from_outside,
    _serve,
    body,
    expected,
    gzipped,
    message,
    plain,
    status,
)
from torchvision import datasets

from softmax.errors import SourceError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES
from softmax.sources import fetching, idx, mirror


def chunked(content: bytes, end: bytes = b"0\r\n\r\n") -> Reply:
    """`content` in chunks, without a Content-Length."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for start in range(0, len(content), 1000):
            chunk = content[start : start + 1000]
            request.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        request.wfile.write(end)

    return reply


def silence(_: BaseHTTPRequestHandler) -> None:
    ENDING.wait()


def stall(request: BaseHTTPRequestHandler) -> None:
    body(b"\0\0", length=100)(request)
    ENDING.wait()


def drip(request: BaseHTTPRequestHandler) -> None:
    body(b"\0", length=1000)(request)
    while not ENDING.wait(SLOW / 6):
        request.wfile.write(b"\0")


def drip_headers(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while not ENDING.wait(SLOW / 6):
        request.wfile.write(b"Name: value\r\n")


def continue_for_ever(request: BaseHTTPRequestHandler) -> None:
    while not ENDING.wait(SLOW / 6):
        request.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")


def lead_nowhere(request: BaseHTTPRequestHandler) -> None:
    request.send_response(302)
    request.send_header("Location", "http://[bad")
    request.end_headers()


def flood(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    while not ENDING.is_set():
        request.wfile.write(bytes(2**16))


def speak_another_protocol(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"SSH-2.0-x\r\n")


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def in_chunks(files: Files) -> dict[str, Reply]:
    return {name: chunked(content) for name, content in files.items()}


def encoded(files: Files) -> dict[str, Reply]:
    return {name: body(gzip.compress(content), encoding="gzip") for name, content in files.items()}


def gzipped_and_encoded(files: Files) -> dict[str, Reply]:
    return {f"{name}.gz": reply for name, reply in encoded(files).items()}


def wrongly_labelled(files: Files) -> dict[str, Reply]:
    return {name: body(content, encoding="gzip") for name, content in files.items()}


# Mirrors that are right


@pytest.mark.parametrize(
    "site", [plain, gzipped, in_chunks, encoded, gzipped_and_encoded, wrongly_labelled]
)
def test_http_mirror(
    files: Files,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    site: Callable[[Files], dict[str, Reply]],
) -> None:
    url = serve(site(files))
    monkeypatch.setenv("MNIST_MIRROR", url)
    assert fetching.fetch("mnist") == (expected("mnist", files), url)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_directory(
    files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scheme: str, compress: bool
) -> None:
    folder = tmp_path / "a b%20c"
    folder.mkdir()
    for name, content in files.items():
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    place = scheme + quote(str(folder)) if scheme else str(folder)
    monkeypatch.setenv("MNIST_MIRROR", place)
    assert fetching.fetch("mnist") == (expected("mnist", files), place)


# Mirrors that are wrong

CONTENT = b"\0\0\x08\x01" + random.Random(0).randbytes(1000)  # noqa: S311 (nothing secret)
FAULTS = {
    "500": (status(500), "HTTP 500"),
    "404": (status(404), "not found, with .gz or without"),
    "empty": (body(b""), "not found, with .gz or without"),
    "wrong": (
        body(CONTENT),
        f"SHA-256 is {hashlib.sha256(CONTENT).hexdigest()}, expected {{pin}}",
    ),
    "truncated": (body(CONTENT, length=2000), "truncated"),
    "truncated chunks": (chunked(CONTENT, end=b""), "truncated"),
    "truncated gzip": (body(gzip.compress(CONTENT)[:-300]), "truncated"),
    "not gzip": (body(b"\x1f\x8b" + CONTENT), "damaged gzip: Unknown compression method"),
    "damaged gzip": (
        body(gzip.compress(b"")[:10] + b"\xff" * 100),
        "damaged gzip: Error -3 while decompressing data: invalid block type",
    ),
    "bit flip": (
        body(gzip.compress(CONTENT)[:-8] + bytes(8)),
        "damaged gzip: CRC check failed 0x0 != {crc}",
    ),
    "silence": (silence, "timed out"),
    "stall": (stall, "timed out"),
    "drip": (drip, "not complete after 3 s"),
    "drip of headers": (drip_headers, "not complete after 3 s"),
    "100 Continue": (continue_for_ever, "not complete after 3 s"),
    "redirect": (lead_nowhere, "not an address, or it leads to none"),
    "flood": (flood, "over 1584 bytes"),
    "bomb": (body(gzip.compress(bytes(2**26), 1)), "over 1584 bytes"),
    "another protocol": (speak_another_protocol, "SSH-2.0-x"),
    "hang up": (hang_up, "Remote end closed connection without response"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_mirror_is_passed_over_and_named_to_who_asks(
    files: Files,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    reply, reason = FAULTS[fault]
    reason = reason.format(pin=catalog.load()["mnist"].sha256[2], crc=hex(zlib.crc32(CONTENT)))
    bad = serve(plain(files) | {FILES[2]: reply})
    good = serve(plain(files))
    monkeypatch.setattr(datasets.MNIST, "mirrors", [good])
    monkeypatch.setenv("MNIST_MIRROR", bad)
    monkeypatch.setattr(mirror, "DEADLINE", 3 * SLOW)
    start = time.monotonic()
    tracemalloc.start()
    fetched = fetching.fetch("mnist")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - start < 10 * SLOW
    assert fetched == (expected("mnist", files), good)
    assert capsys.readouterr().err == ""
    assert peak < 2**20
    monkeypatch.setenv("VERBOSE", "1")
    fetching.fetch("mnist")
    assert capsys.readouterr().err == f"{bad}: {FILES[2]}: {reason}\n"


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/set", "file:///no/such/directory", __file__])
def test_neither_directory_nor_url(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("MNIST_MIRROR", place)
    with pytest.raises(SourceError) as caught:
        fetching.fetch("fashion-mnist")
    failure = f"{place}: neither a directory nor a file:// or http(s):// URL of one"
    assert str(caught.value) == message("fashion-mnist", failure)


def test_malformed_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MIRROR", "http://[bad")
    with pytest.raises(SourceError, match="not an address, or it leads to none\n"):
        fetching.fetch("fashion-mnist")


@pytest.mark.parametrize("compress", [False, True])
def test_a_file_may_have_no_byte_more_than_its_entry_says(
    files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, compress: bool
) -> None:
    content = files[FILES[0]] + b"\0"
    (tmp_path / FILES[0]).write_bytes(gzip.compress(content) if compress else content)
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path))
    with pytest.raises(SourceError, match=f"{FILES[0]}: over 2368 bytes\n"):
        fetching.fetch("fashion-mnist")


def test_labels_of_four_bytes_are_not_too_long(files: Files) -> None:
    training, test = catalog.load()["mnist"].images
    assert idx.limits(catalog.load()["mnist"]) == (
        len(files[FILES[0]]),
        len(idx.header(np.zeros(training, ">i4"))) + 4 * training,
        len(files[FILES[2]]),
        len(idx.header(np.zeros(test, ">i4"))) + 4 * test,
    )


def test_unreadable_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / FILES[0]).mkdir()
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path))
    with pytest.raises(SourceError, match=f"{FILES[0]}: not a file\n"):
        fetching.fetch("fashion-mnist")


def test_a_pipe_in_a_directory_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / FILES[0])
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path))
    with pytest.raises(SourceError, match=f"{FILES[0]}: not a file\n"):
        fetching.fetch("fashion-mnist")
