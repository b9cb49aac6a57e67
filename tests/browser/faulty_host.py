"""A host that goes wrong as it is told: per path, one fault after the other, and it counts what it sent.

Plain otherwise: folders under prefixes, ranges unless they are switched off. It can be stopped and started
again on the same port.
"""

from __future__ import annotations

import http.server
import re
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

MEDIA_TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json"}
MEDIA_TYPES |= {
    ".html": "text/html",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}
# A browser throws away what waits to be read when the connection breaks.
CUT_AFTER_S = 0.1
DRIP_S = 0.1


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one answer.

    Args:
        status: Sent instead of the file.
        cut_at: The connection ends before this byte of the file.
        flip: This byte of the file has a wrong bit.
        length: The file seems to have so many bytes.
        headers: Sent beside the others.
        hold_at: Waits at this byte of the file until `released` is set or the browser goes away.
        drip_from: From this byte on every byte takes `DRIP_S`.
    """

    status: int | None = None
    cut_at: int | None = None
    flip: int | None = None
    length: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hold_at: int | None = None
    drip_from: int | None = None
    released: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Sent:
    """One answer: from which byte on it was asked for, and how many bytes of the file went out."""

    path: str
    start: int
    bytes: int


class FaultyHost:
    """See the module; `url` ends in a slash."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        self.folders = dict(folders)
        self.ranges = True
        self.sent: list[Sent] = []
        self._faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def start(self) -> None:
        host = self

        class Handler(_Handler):
            faulty_host = host

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}).start()

    def stop(self) -> None:
        """Take no more connections and cut those that are open."""
        self._server.shutdown()
        self._server.server_close()
        for faults in self._faults.values():
            for fault in faults:
                fault.released.set()
        with self._lock:
            for connection in self._sockets:
                with suppress(OSError):  # the browser was faster
                    connection.shutdown(socket.SHUT_RDWR)

    def add_fault(self, ending: str, *faults: Fault, times: int = 1) -> None:
        """The next answers for paths that end so; `times` counts for the last fault."""
        self._faults[ending] += [*faults, *faults[-1:] * (times - 1)]

    def clear(self) -> None:
        """Forget faults and figures."""
        self._faults.clear()
        self.sent.clear()
        self.ranges = True

    def bytes_sent(self, ending: str) -> int:
        return sum(sent.bytes for sent in self.sent if sent.path.endswith(ending))

    def starts(self, ending: str) -> list[int]:
        return [sent.start for sent in self.sent if sent.path.endswith(ending)]

    def next_fault(self, path: str) -> Fault:
        with self._lock:
            for ending, faults in self._faults.items():
                if path.endswith(ending) and faults:
                    return faults.pop(0)
        return Fault()

    @contextmanager
    def connection(self, opened: socket.socket) -> Iterator[None]:
        with self._lock:
            self._sockets.add(opened)
        try:
            yield
        finally:
            with self._lock:
                self._sockets.discard(opened)

    def find(self, path: str) -> Path | None:
        for prefix, folder in sorted(self.folders.items(), key=lambda item: -len(item[0])):
            if path.startswith(prefix) and (folder / path.removeprefix(prefix)).is_file():
                return folder / path.removeprefix(prefix)
        return None


class _Handler(http.server.BaseHTTPRequestHandler):
    faulty_host: FaultyHost

    def do_GET(self) -> None:
        host, path = self.faulty_host, self.path.partition("?")[0]
        file, fault = host.find(path), host.next_fault(path)
        if fault.status is not None or file is None:
            host.sent.append(Sent(path, self._start(), 0))
            self.send_error(fault.status or HTTPStatus.NOT_FOUND)
            return
        content = bytearray(file.read_bytes())
        if fault.flip is not None:
            content[fault.flip] ^= 1
        content = content[: fault.length]
        start = self._start() if host.ranges else 0
        if start and start >= len(content):
            host.sent.append(Sent(path, start, 0))
            self.send_error(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            return
        self._send_head(file, start, len(content), fault)
        with host.connection(self.connection):
            self._send_body(path, start, bytes(content), fault)

    def _start(self) -> int:
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        return int(match[1]) if match else 0

    def _send_head(self, file: Path, start: int, length: int, fault: Fault) -> None:
        self.send_response(HTTPStatus.PARTIAL_CONTENT if start else HTTPStatus.OK)
        if start:
            self.send_header("content-range", f"bytes {start}-{length - 1}/{length}")
        self.send_header("content-length", str(length - start))
        self.send_header("content-type", MEDIA_TYPES.get(file.suffix, "application/octet-stream"))
        for name, value in fault.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _send_body(self, path: str, start: int, content: bytes, fault: Fault) -> None:
        end = len(content) if fault.cut_at is None else fault.cut_at
        sent = start
        try:
            if fault.hold_at is not None and start <= fault.hold_at:
                sent += self._write(content[start : fault.hold_at])
                fault.reached.set()
                self._hold(fault)
            if fault.drip_from is not None and start <= fault.drip_from:
                sent += self._write(content[start : fault.drip_from])
                while sent < end:
                    time.sleep(DRIP_S)
                    sent += self._write(content[sent : sent + 1])
            sent += self._write(content[sent:end])
            if fault.cut_at is not None:
                time.sleep(CUT_AFTER_S)
        except OSError:
            pass  # the browser went away, or the host was stopped
        self.faulty_host.sent.append(Sent(path, start, max(0, sent - start)))

    def _hold(self, fault: Fault) -> None:
        while not fault.released.wait(0.02):
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionAbortedError

    def _write(self, data: bytes) -> int:
        self.wfile.write(data)
        return len(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: pytest shows what failed."""


@contextmanager
def serve_with_faults(folders: Mapping[str, Path]) -> Iterator[FaultyHost]:
    """A host for as long as the block runs. Folders by prefix, the site's own under "/"."""
    host = FaultyHost(folders)
    try:
        yield host
    finally:
        host.stop()
