"""From a URL to a file of the site, and never to one outside of it.

Starlette's StaticFiles and FileResponse do conditional requests, ranges and sending; owned here are what may
be asked for, index.html of folders, compressed variants, types and cache policy.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Receive, Scope, Send

from pagelm_builder.serve.byte_range import keep_servable_range
from pagelm_builder.serve.content_coding import SUFFIXES, Coding, choose_coding
from pagelm_builder.serve.headers import cache_control, media_type

INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Representation:
    """A file as it lies on the disk, maybe compressed."""

    path: Path
    stat: os.stat_result


def find_file(root: Path, url_path: str) -> Path | None:
    """What a URL path means inside the site: a file or a folder, or None.

    Args:
        root: The site's folder, resolved.
        url_path: Decoded once, as a server does; begins with "/".
    """
    *folders, last = url_path.removeprefix("/").split("/")
    names = [*folders, last] if last else folders
    if not all(_is_plain(name) for name in names):
        return None
    try:
        found = root.joinpath(*names).resolve(strict=True)
        mode = found.stat().st_mode
    except (OSError, RuntimeError, ValueError):  # not there, too long, a loop of links, not a path at all
        return None
    if not found.is_relative_to(root):  # a link that leads out
        return None
    if stat.S_ISDIR(mode):
        return found
    return found if stat.S_ISREG(mode) and last and os.access(found, os.R_OK) else None


def _is_plain(name: str) -> bool:
    """Whether one segment of a path is a name, visible, and the same on every operating system."""
    return bool(name) and not name.startswith(".") and not any(character in name for character in "\0\\:")


def list_representations(file: Path) -> dict[Coding, Representation]:
    """The file and its compressed variants; a variant older than the file is stale and does not count."""
    original = file.stat()
    representations: dict[Coding, Representation] = {"identity": Representation(file, original)}
    for coding, suffix in SUFFIXES.items():
        variant = file.with_name(file.name + suffix)
        try:
            status = variant.lstat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and status.st_mtime >= original.st_mtime:
            representations[coding] = Representation(variant, status)
    return representations


class SiteFiles(StaticFiles):
    """An ASGI application that serves one folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder)
        self.root = folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": keep_servable_range(scope["headers"], scope["method"])}
        await super().__call__(scope, receive, send)

    def get_path(self, scope: Scope) -> str:
        path: str = scope["path"]
        return path

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer a GET or HEAD of a URL path.

        Raises:
            HTTPException: 404 and 405, which the application turns into a page.
        """
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        file = await to_thread.run_sync(find_file, self.root, path)
        if file is not None and file.is_dir():
            if path and not path.endswith("/"):
                return _redirect_into(path, scope)
            file = await to_thread.run_sync(find_file, self.root, f"{path}{INDEX}")
        if file is None or file.is_dir():
            raise HTTPException(404)
        representations = await to_thread.run_sync(list_representations, file)
        return self._represent(file, representations, scope)

    def _represent(self, file: Path, representations: dict[Coding, Representation], scope: Scope) -> Response:
        request = Headers(scope=scope)
        # A range counts bytes of the file itself.
        asked = None if "range" in request else ", ".join(request.getlist("accept-encoding")) or None
        coding = choose_coding(asked, representations.keys())
        path = file.relative_to(self.root).as_posix()
        headers = {"cache-control": cache_control(path)}
        if len(representations) > 1:
            headers["vary"] = "Accept-Encoding"
        if coding != "identity":
            headers["content-encoding"] = coding
        chosen = representations[coding]
        response = FileResponse(
            chosen.path, headers=headers, media_type=media_type(path), stat_result=chosen.stat
        )
        if self.is_not_modified(response.headers, request):
            return NotModifiedResponse(response.headers)
        return response


def _redirect_into(path: str, scope: Scope) -> Response:
    """To the same folder with a slash at its end; relative, so that no Host header can lead it elsewhere."""
    query = scope.get("query_string", b"").decode("latin-1")
    target = f"./{quote(path.rpartition('/')[2])}/"
    return RedirectResponse(f"{target}?{query}" if query else target, headers={"cache-control": "no-cache"})
