"""A folder on a free port, by the plainest static host."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar


class PlainHandler(http.server.SimpleHTTPRequestHandler):
    """No ranges, no policy, MIME types from the system's table, and only the headers it is given."""

    extensions_map: ClassVar[dict[str, str]] = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".mjs": "text/javascript",
    }

    def __init__(self, *arguments: object, headers: Mapping[str, str], directory: str) -> None:
        self._more_headers = headers
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type]  # the server's own arguments

    def end_headers(self) -> None:
        for name, value in self._more_headers.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: pytest shows what failed."""


@contextmanager
def serve_plainly(folder: Path, headers: Mapping[str, str] | None = None) -> Iterator[str]:
    """Serve a folder while the block runs; yields its address, with a slash at the end."""
    handler = functools.partial(PlainHandler, directory=str(folder), headers=headers or {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
