"""HTTP servers in the process of a test, which give files well or badly."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[BaseHTTPRequestHandler], None]
Serve = Callable[[Mapping[str, Reply]], str]
ENDING = threading.Event()  # set when a test is over, so that no reply outlives it


@contextmanager
def serving() -> Iterator[Serve]:
    """Yield a function that serves a site, {name: reply}, and returns its URL."""
    servers: list[_Server] = []

    def serve(site: Mapping[str, Reply]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.get(self.path.removeprefix("/set/"), status(404))(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Keep stderr for the code under test."""

        server = _Server(("127.0.0.1", 0), Handler)
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
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients here hang up on purpose."""


def status(code: int) -> Reply:
    return lambda request: request.send_error(code)


def sent(start: bytes, again: bytes | None = None, pause: float = 0) -> Reply:
    """Return a reply of these bytes, and then of others, after pauses, until the test is over."""

    def reply(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(start)
        while again is not None and not ENDING.wait(pause):
            request.wfile.write(again)

    return reply


def body(content: bytes, length: int | None = None, encoding: str = "identity") -> Reply:
    """Return a reply of `content`, announced as `length` bytes in this Content-Encoding."""
    length = len(content) if length is None else length
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Encoding: {encoding}\r\n\r\n"
    return sent(head.encode() + content)
