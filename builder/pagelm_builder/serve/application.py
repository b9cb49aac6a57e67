"""The ASGI application: the site's files, security headers on every answer, errors as a small page."""

from __future__ import annotations

import html
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pagelm_builder.errors import ServeError
from pagelm_builder.serve.headers import MEDIA_TYPES, SECURITY_HEADERS
from pagelm_builder.serve.site_files import INDEX, SiteFiles

# Templates of HTML: what was asked for, and where the site begins.
EXPLANATIONS = {
    404: (
        "This site has no file <code>{path}</code>. Check the address, or go to "
        '<a href="{start}">the page</a>. If that page asked for it, the site was built anew: reload the page.'
    ),
    405: "<code>{path}</code> can only be read here (GET, HEAD).",
}


class SecurityHeaders:
    """Adds the security headers to every answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def create_app(folder: Path) -> FastAPI:
    """Make the application that serves a site.

    Raises:
        ServeError: The folder is not there or has no index.html.
    """
    if not (folder / INDEX).is_file():
        raise ServeError(
            f"{folder} has no {INDEX}",
            expected="a folder that `pagelm site` wrote",
            remedy="Build it with `pagelm site`, or name the right folder.",
        )
    app = FastAPI(title="pagelm", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(SecurityHeaders)
    app.add_exception_handler(HTTPException, _show_error)
    app.mount("/", SiteFiles(folder))
    return app


async def _show_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    text = EXPLANATIONS.get(status, "<code>{path}</code> cannot be shown.").format(
        path=html.escape(request.scope["path"]), start=html.escape(request.scope.get("root_path", "") + "/")
    )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status} {status.phrase}</title>'
        f"<h1>{status} {status.phrase}</h1><p>{text}</p></html>\n"
    ).encode()
    headers = {"cache-control": "no-cache", **(error.headers or {})}
    return Response(page, status, headers, MEDIA_TYPES[".html"])
