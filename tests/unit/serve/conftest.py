"""A small site behind a real server on a port of its own, and a client that sends bytes as they are given.

http.client neither normalizes paths nor adds headers, so a test says exactly what goes over the wire.
"""

from __future__ import annotations

import gzip
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import brotli
import pytest
import uvicorn

from pagelm_builder.serve import create_app
from pagelm_builder.serve.server import open_socket

SCRIPT = b"export const answer = 42;\n" * 100
WEIGHTS = bytes(range(256)) * 16
HASHED = "models/pico/weights/000.0123456789abcdef.bin"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Client:
    """Sends one request per connection."""

    port: int

    def request(
        self, path: str, headers: Mapping[str, str] | list[tuple[str, str]] | None = None, method: str = "GET"
    ) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            pairs = list(headers.items() if isinstance(headers, Mapping) else headers or [])
            has_host = any(name == "Host" for name, _ in pairs)
            connection.putrequest(method, path, skip_host=has_host, skip_accept_encoding=True)
            for name, value in pairs:
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            answer_headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, answer_headers, response.read())
        finally:
            connection.close()


def write_site(folder: Path) -> Path:
    """Files of every kind, variants of some, and a secret beside the site that links lead to."""
    files = {
        "index.html": b"<!doctype html><title>pagelm</title>",
        "main.js": SCRIPT,
        "main.js.br": brotli.compress(SCRIPT),
        "main.js.gz": gzip.compress(SCRIPT),
        "only-gzip.css": SCRIPT,
        "only-gzip.css.gz": gzip.compress(SCRIPT),
        "empty.txt": b"",
        "guide/index.html": b"<!doctype html><title>guide</title>",
        "models/pico/manifest.json": b"{}",
        HASHED: WEIGHTS,
        ".git/config": b"hidden",
        "name with space é.txt": b"space",
        "vendor/pyodide-314.0.7/pyodide.mjs": b"export {};",
        "python/wheels/0123456789abcdef/pagelm-0.1.0-cp314-none-any.whl": b"PK",
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    secret = folder.parent / "secret"
    secret.mkdir()
    (secret / "key.txt").write_bytes(b"SECRET")
    os.utime(secret / "key.txt", (2**31, 2**31))  # newer than the site, as a variant has to be
    (folder / "linked-file.txt").symlink_to(secret / "key.txt")
    (folder / "linked-folder").symlink_to(secret)
    (folder / "inner-link.js").symlink_to(folder / "main.js")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "guide" / "page.js").write_bytes(SCRIPT)
    (folder / "guide" / "page.js.br").symlink_to(secret / "key.txt")
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_site(tmp_path_factory.mktemp("served") / "dist")


@pytest.fixture(scope="session")
def client(site: Path) -> Iterator[Client]:
    with open_socket("127.0.0.1", 0) as listening:
        config = uvicorn.Config(create_app(site), log_level="warning", lifespan="off", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield Client(listening.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join(timeout=20)
