"""A bundle of random weights, and a static host for it that counts and cuts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from random_bundle import export_random_bundle


class Host(SimpleHTTPRequestHandler):
    """A static host with ranges that counts what it sends, and cuts the first answers if told to."""

    sent: list[tuple[str, int]]
    cuts: dict[str, int]

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        name = self.path.lstrip("/")
        body = data[start : self.cuts.pop(name, len(data))]
        self.sent.append((name, len(body)))
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return export_random_bundle(tmp_path)


@pytest.fixture
def weights(bundle: Path) -> str:
    """The part of the weights, by its name in the bundle."""
    (part,) = (bundle / "weights").iterdir()
    return f"weights/{part.name}"


@pytest.fixture
def host(bundle: Path) -> Iterator[tuple[str, type[Host]]]:
    class Serving(Host):
        """The counts of one test."""

    Serving.sent, Serving.cuts = [], {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Serving, directory=str(bundle)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", Serving
    server.shutdown()
    server.server_close()
