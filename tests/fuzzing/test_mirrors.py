"""Hostile mirrors: whatever a server sends, nothing but the pinned bytes is taken."""

import gzip
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
from fuzzing.damage import damaged
from helpers.sites import Reply, sent, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from softmax.errors import SourceError
from softmax.pipeline import catalog
from softmax.pipeline.catalog import FILES, Pinned
from softmax.sources import fetching, mirror

GOOD = {name: bytes([0, 0, 8, 1, 0, 0, 0, 99]) + bytes([k] * 99) for k, name in enumerate(FILES)}
GZIPPED = {f"{name}.gz": gzip.compress(content) for name, content in GOOD.items()}
PATIENCE = 0.3  # seconds for the next byte; for all files thrice that
STATUS = [b"HTTP/1.1 200 OK", b"HTTP/1.0 200", b"HTTP/9 999 ?", b"HTTP/1.1 -1 x", b"\xff\xfe", b""]
STATUS += [b"HTTP/1.1 206 Partial", b"HTTP/1.1 304 x", b"HTTP/1.1 204 x", b"HTTP/1.1 100 Continue"]
STATUS += [b"HTTP/1.1 500 " + b"x" * 70_000, b"HTTP/1.1 401 x", b"HTTP/1.1 302 x", b"SSH-2.0-x"]
HEADERS = [b"Content-Length: 3", b"Content-Length: -1", b"Content-Length: 1" + b"0" * 30]
HEADERS += [b"Content-Length: x", b"Transfer-Encoding: chunked", b"Content-Encoding: br, gzip"]
HEADERS += [b"Location: /", b"Location: file:///etc/passwd", b"Location: http://[", b"Location: //"]
HEADERS += [b"Set-Cookie: " + b"a=b;" * 999, b"x" * 70_000, b"X: \0\xff", b": ", b"no colon"]
HEADERS += [b"Content-Encoding: deflate", b"WWW-Authenticate: Basic", b"Refresh: 0"]
BODIES = [b"", b"z", b"0\r\n\r\n", b"<html>Log in</html>", gzip.compress(bytes(2**22))]


def response(status: bytes, headers: list[bytes], body: bytes) -> bytes:
    """Return what a server sends."""
    return b"\r\n".join([status, *headers, b"", body])


SITE = {
    name: response(STATUS[0], [b"Content-Length: %d" % len(body)], body)
    for name, body in (GOOD | GZIPPED).items()
}
RESPONSES = st.one_of(
    damaged([*SITE.values()], [line + b"\r\n" for line in (*STATUS, *HEADERS)] + BODIES),
    st.builds(
        response,
        st.sampled_from(STATUS),
        st.lists(st.sampled_from(HEADERS), max_size=2),
        st.sampled_from([*BODIES, *GZIPPED.values()]),
    ),
)
REPLIES = st.builds(sent, RESPONSES) | st.builds(sent, RESPONSES, st.sampled_from(BODIES[1:]))


def test_the_pinned_bytes_come_or_one_line_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = {name: sha256(content).hexdigest() for name, content in GOOD.items()}
    entry = catalog.load()["fashion-mnist"].model_dump(by_alias=True) | pins
    pinned = Pinned.model_validate(entry | {"images": (99, 99)})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(mirror, "TIMEOUT", PATIENCE)
    monkeypatch.setattr(mirror, "DEADLINE", 3 * PATIENCE)
    monkeypatch.setitem(catalog.load(), "fashion-mnist", pinned)

    @settings(max_examples=settings().max_examples // 5)
    @given(st.dictionaries(st.sampled_from(sorted(SITE)), REPLIES, min_size=1, max_size=2))
    def attempt(hostile: dict[str, Reply]) -> None:
        site = {name: sent(content) for name, content in SITE.items()}
        start = time.monotonic()
        with serving() as serve:
            monkeypatch.setenv("MNIST_MIRROR", serve(site | hostile))
            try:
                found, _ = fetching.fetch("fashion-mnist")
            except SourceError as error:
                first, reason, last = str(error).split("\n")
                assert first == "no source gave fashion-mnist:"
                assert any(name in reason for name in FILES)
                assert last.startswith("set MNIST_MIRROR to")
            else:
                assert list(found.values()) == list(GOOD.values())
        assert time.monotonic() - start < 20 * PATIENCE

    attempt()
