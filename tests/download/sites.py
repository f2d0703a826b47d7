"""Serve a tiny data set, correctly or with faults, from the process of a test."""

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from softmax.pipeline.datasets import FILES

Files = dict[str, bytes]
Fetch = Callable[..., tuple[Files, str]]
Reply = Callable[[BaseHTTPRequestHandler], None]
Serve = Callable[[Mapping[str, Reply]], str]
ENDING = threading.Event()  # set at the end of a test, to stop endless replies


class Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing, because clients disconnect on purpose."""


def status(code: int) -> Reply:
    return lambda request: request.send_error(code)


def sent(start: bytes, again: bytes | None = None, pause: float = 0) -> Reply:
    """Return a reply that sends `start`, then `again` every `pause` seconds until the test ends."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(start)
        while again is not None and not ENDING.wait(pause):
            request.wfile.write(again)

    return reply


def body(content: bytes, length: int | None = None, encoding: str = "identity") -> Reply:
    """Return a reply that sends `content`, with these values of Content-Length and -Encoding."""
    length = len(content) if length is None else length
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Encoding: {encoding}\r\n\r\n"
    return sent(head.encode() + content)


IMAGES = [
    np.random.default_rng(n).integers(256, size=(count, 784), dtype=np.uint8)
    for n, count in enumerate((2, 1, 2))  # training, validation, test
]
GOOD: Files = {
    FILES[0]: b"\0\0\x08\x03\0\0\0\x03\0\0\0\x1c\0\0\0\x1c" + b"".join(map(bytes, IMAGES[:2])),
    FILES[1]: b"\0\0\x08\x01\0\0\0\x03" + bytes([3, 9, 0]),
    FILES[2]: b"\0\0\x08\x03\0\0\0\x02\0\0\0\x1c\0\0\0\x1c" + bytes(IMAGES[2]),
    FILES[3]: b"\0\0\x08\x01\0\0\0\x02" + bytes([7, 1]),
}
PLAIN = {name: body(content) for name, content in GOOD.items()}
