"""Test correct and faulty mirrors, as real servers and directories. Passwords stay hidden."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from download.sites import GOOD, PLAIN, Fetch, Reply, Serve, body, sent, status
from helpers.runs import runs
from helpers.workspace import Workspace

from softmax.data import sources
from softmax.errors import SourceError
from softmax.pipeline import datasets
from softmax.pipeline.datasets import FILES

TIMEOUT = 0.3  # seconds to wait for the next byte
PAUSE = TIMEOUT / 6
OK = b"HTTP/1.1 200 OK\r\n"


def chunked(content: bytes, end: bytes = b"0\r\n\r\n") -> Reply:
    """Return a reply that sends `content` in two chunks, without a Content-Length."""
    chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (content[:5], content[5:])]
    return sent(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks) + end)


@pytest.mark.parametrize(
    ("ending", "reply"),
    [
        ("", body),
        (".gz", lambda content: body(gzip.compress(content))),
        ("", chunked),
        (".gz", lambda content: body(gzip.compress(content), encoding="gzip")),  # as some servers
    ],
)
def test_http_mirrors_may_send_plain_compressed_or_chunked_files(
    serve: Serve, fetch: Fetch, ending: str, reply: Callable[[bytes], Reply]
) -> None:
    url = serve({f"{name}{ending}": reply(content) for name, content in GOOD.items()})
    assert fetch(url) == (GOOD, url)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_mirror_may_be_a_directory_or_file_url(fetch: Fetch, tmp_path: Path, scheme: str) -> None:
    directory = Path("good").rename(tmp_path / "a b")
    place = f"{scheme}{directory}"
    assert fetch(place) == (GOOD, place)
    subprocess.run(["gzip", *directory.iterdir()], check=True)
    assert fetch(place) == (GOOD, place)


CONTENT = b"\0\0\x08\x01" + np.random.default_rng(0).bytes(1000)
REDIRECT = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://[bad\r\n\r\n"
FAULTS = {  # the reply, and a part of the reason that is reported
    "500": (status(500), "500"),
    "404": (status(404), "404"),
    "wrong": (body(CONTENT), f"SHA-256 is {hashlib.sha256(CONTENT).hexdigest()}, expected "),
    "truncated": (body(CONTENT, length=1500), "Not enough data"),
    "truncated chunks": (chunked(CONTENT, end=b""), "Not enough data"),
    "redirect": (sent(REDIRECT), "Invalid"),
    "flood": (sent(OK + b"\r\n", bytes(2**16)), "larger than 1584 bytes"),
    "another protocol": (sent(b"SSH-2.0-x\r\n"), "SSH-2.0-x"),
    "hang up": (sent(b""), "disconnected"),
    "stall": (sent(OK + b"Content-Length: 99\r\n\r\n\0", b"", PAUSE), "imeout"),
    "drip": (sent(OK + b"Content-Length: 999\r\n\r\n", b"\0", PAUSE), "not complete after 1 s"),
    "truncated.gz": (body(gzip.compress(CONTENT)[:-300]), "end-of-stream"),
    "damaged.gz": (body(gzip.compress(b"")[:10] + b"\xff" * 100), "invalid block type"),
    "bit flip.gz": (body(gzip.compress(CONTENT)[:-8] + bytes(8)), "CRC check failed"),
    "bomb.gz": (body(gzip.compress(bytes(2**26), 1)), "larger than 1584 bytes"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_mirror_is_skipped_and_named_if_verbose(
    serve: Serve,
    fetch: Fetch,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    reply, reason = FAULTS[fault]
    bad = serve(PLAIN | {f"{FILES[2]}{Path(fault).suffix}": reply})
    good = serve(PLAIN)
    monkeypatch.setattr(sources, "TIMEOUT", TIMEOUT)
    monkeypatch.setattr(sources, "DEADLINE", 3 * TIMEOUT)
    monkeypatch.setenv("VERBOSE", "1")
    start = time.monotonic()
    tracemalloc.start()
    assert fetch(bad, "mnist", good) == (GOOD, good)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - start < 9
    assert peak < 2**23
    output = capsys.readouterr().err
    assert output.startswith(f"{bad}: {FILES[2]}: ")
    assert reason in output
    assert output.count("\n") == 1


@pytest.mark.parametrize("place", ["file:///no/such/directory", __file__, "http://[bad", "x://y"])
def test_an_invalid_mirror_is_rejected(fetch: Fetch, place: str) -> None:
    with pytest.raises(SourceError, match=rf"\n{re.escape(place)}: {FILES[0]}: "):
        fetch(place, "fashion-mnist")


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (lambda path, content: path.write_bytes(content + b"\0"), "larger than 2368 bytes"),
        (lambda path, _: path.mkdir(), "IsADirectoryError"),
        (lambda path, _: os.mkfifo(path), "a pipe instead of a file"),
        (lambda path, _: path.symlink_to("/dev/zero"), "larger than 2368 bytes"),
        (lambda path, _: path.symlink_to("/none"), "FileNotFoundError"),
    ],
)
def test_an_invalid_file_of_a_mirror_is_rejected(
    fetch: Fetch, tmp_path: Path, put: Callable[[Path, bytes], object], reason: str
) -> None:
    put(tmp_path / FILES[0], GOOD[FILES[0]])
    with pytest.raises(SourceError, match=f"{FILES[0]}: {reason}"):
        fetch(tmp_path, "fashion-mnist")


SECRET = "s3cret"  # noqa: S105 (not a real password)
FORMS = {  # forms of an address, and whether the data can be downloaded from it
    f"http://me:{SECRET}@{{host}}": True,
    f"http://{SECRET}@{{host}}": True,
    f"http://{{host}}/.?token={SECRET}": False,
    f"http://me:{SECRET}/and@more@{{host}}": False,
    f"http://me:{SECRET}@127.0.0.1:1/{SECRET}@": False,
    f"me:{SECRET}@{{host}}": False,
    f"HTTP://{{host}}/#{SECRET}": False,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_mirror_password_is_never_shown(workspace: Workspace, serve: Serve, form: str) -> None:
    files = [*Path("data/digits").iterdir()]
    host = serve({path.name: body(path.read_bytes()) for path in files}).removeprefix("http://")
    shutil.rmtree(".dvc/cache")
    for path in files:
        path.unlink()
    address = form.format(host=host)
    workspace.monkeypatch.setenv("MNIST_MIRROR", address)
    workspace.monkeypatch.setenv("VERBOSE", "1")
    results = [workspace.stage("download"), workspace.tool("data add", "mine", address)]

    assert [printed.status for printed in results] == ([0, 0] if FORMS[form] else [2, 2])
    tags = json.dumps([run.data.tags for run in runs(workspace.store, "downloads")])
    assert not FORMS[form] or host in tags
    for way in (*(p.out + p.err for p in results), tags, datasets.PATH.read_text()):
        assert SECRET not in way
