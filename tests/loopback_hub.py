"""A Hugging Face hub of one machine: the part of its HTTP interface that huggingface_hub downloads through.

    GET  /api/models/{repo}/revision/{revision}     the commit and the files
    HEAD, GET /{repo}/resolve/{revision}/{file}     with ETag, X-Repo-Commit and ranges

It can also misbehave: ask for an account, cut a file in the middle, or send a damaged one.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit


@dataclass
class LoopbackHub:
    """Repositories by name; each has the same files at every revision.

    Attributes:
        files: Repository → file name → content.
        revisions: Revision → commit.
        gated: Repositories that answer 403 without an account.
        cuts: File name → bytes to send before the connection breaks, once.
        requests: (method, path, Range header) of everything that was asked for.
    """

    files: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    revisions: dict[str, str] = field(default_factory=lambda: {"main": "a" * 40, "v1": "b" * 40})
    gated: set[str] = field(default_factory=set)
    cuts: dict[str, int] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    endpoint: str = ""

    def downloads(self, name: str) -> list[str | None]:
        """The Range headers of the GET requests for a file."""
        return [span for method, path, span in self.requests if method == "GET" and path.endswith(f"/{name}")]


@contextmanager
def serve_hub(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    """Serve on a free port while the block runs."""

    class Handler(_HubHandler):
        pass

    Handler.hub = hub
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _HubHandler(BaseHTTPRequestHandler):
    hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path, self.headers.get("Range")))
        if match := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
            self._with_access(*match.groups(), None)
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._with_access(*match.groups())
        else:
            self._send(404, b"", {})

    def _with_access(self, repo: str, revision: str, name: str | None) -> None:
        hub = self.hub
        commit = revision if revision in hub.revisions.values() else hub.revisions.get(revision)
        if repo in hub.gated:
            self._refuse(403, "GatedRepo")
        elif repo not in hub.files:
            self._refuse(401, "RepoNotFound")
        elif commit is None:
            self._refuse(404, "RevisionNotFound")
        elif name is None:
            siblings = [
                {"rfilename": file, "size": len(data), "blobId": hashlib.sha1(data).hexdigest()}
                for file, data in hub.files[repo].items()
            ]
            body = {"_id": "0", "id": repo, "modelId": repo, "sha": commit, "siblings": siblings}
            self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})
        elif name not in hub.files[repo]:
            self._refuse(404, "EntryNotFound")
        else:
            self._send_file(name, hub.files[repo][name], commit)

    def _send_file(self, name: str, data: bytes, commit: str) -> None:
        headers = {
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
            "X-Repo-Commit": commit,
            "Accept-Ranges": "bytes",
        }
        if match := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            start = int(match[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._send(206, data[start:], headers)
        elif self.command == "GET" and name in self.hub.cuts:
            self._send(200, data, headers, sent_bytes=self.hub.cuts.pop(name))
        else:
            self._send(200, data, headers)

    def _refuse(self, status: int, code: str) -> None:
        self._send(status, b"", {"X-Error-Code": code, "X-Error-Message": code})

    def _send(
        self, status: int, body: bytes, headers: Mapping[str, str], sent_bytes: int | None = None
    ) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if sent_bytes is None else body[:sent_bytes])
        if sent_bytes is not None:
            self.wfile.flush()
            self.close_connection = True
