"""The ASGI application: the site's files, security headers on every answer, errors as a small page."""

from __future__ import annotations

import html
import json
from collections.abc import Collection, Mapping
from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pagelm_builder.errors import AddressError, ServeError
from pagelm_builder.serve.headers import MEDIA_TYPES, security_headers
from pagelm_builder.serve.host_names import is_allowed
from pagelm_builder.serve.site_files import INDEX, SiteFiles
from pagelm_builder.weights_address import parse_origin

# Templates of HTML: what was asked for, and where the site begins.
EXPLANATIONS = {
    404: (
        "This site has no file <code>{path}</code>. Check the address, or go to "
        '<a href="{start}">the page</a>. If that page asked for it, the site was built anew: reload the page.'
    ),
    405: "<code>{path}</code> can only be read here (GET, HEAD).",
    421: (
        "This server is not known by the name in the address. Use its number, or, if the name is right, "
        "start <code>pagelm serve</code> with <code>--allow-host</code> and that name."
    ),
}


class SecurityHeaders:
    """Adds the security headers to every answer, errors included."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        await self.app(scope, receive, send_with_headers)


class ModelsForOthers:
    """Lets pages of another origin fetch what is below `models/`, and nothing else.

    No Cross-Origin-Resource-Policy has to allow it too: that counts for requests without CORS.
    """

    def __init__(self, app: ASGIApp, allowed_origin: str) -> None:
        self.app = app
        self.for_others = CORSMiddleware(
            app,
            allow_origins=[allowed_origin],
            allow_methods=["GET", "HEAD"],
            allow_headers=["Range"],
            expose_headers=["Content-Encoding", "Content-Range", "Retry-After"],
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_model = scope["type"] == "http" and scope["path"].startswith("/models/")
        await (self.for_others if is_model else self.app)(scope, receive, send)


class OwnNames:
    """Answers only where this server is called by a name of its own."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_allowed(Headers(scope=scope).get("host"), self.names):
            answer = _explain(HTTPStatus.MISDIRECTED_REQUEST, scope)
            await answer(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def create_app(
    folder: Path, *, allowed_origin: str | None = None, allowed_hosts: Collection[str] = ()
) -> FastAPI:
    """Make the application that serves a site.

    Args:
        allowed_hosts: Names that it may be called by, beside addresses and localhost.
        allowed_origin: Whose pages may fetch the models too, "*" for all; None: nobody's. Not always all,
            since any page that a person visits could then read the models on their own machine.

    Raises:
        ServeError: The folder is not there or has no index.html, or its weights' origin is none.
    """
    if not (folder / INDEX).is_file():
        raise ServeError(
            f"{folder} has no {INDEX}",
            expected="a folder that `pagelm site` wrote",
            remedy="Build it with `pagelm site`, or name the right folder.",
        )
    app = FastAPI(title="pagelm", docs_url=None, redoc_url=None, openapi_url=None)
    if allowed_origin is not None:
        app.add_middleware(ModelsForOthers, allowed_origin=allowed_origin)
    app.add_middleware(OwnNames, names=allowed_hosts)
    app.add_middleware(SecurityHeaders, headers=security_headers(_weights_origin(folder)))
    app.add_exception_handler(HTTPException, _show_error)
    app.mount("/", SiteFiles(folder))
    return app


def _weights_origin(folder: Path) -> str | None:
    """The other origin that this site's pages fetch from, as `pagelm site` wrote it down."""
    try:
        origin = json.loads((folder / "site.json").read_text("utf-8")).get("weights_origin")
    except (OSError, ValueError, AttributeError):
        return None  # a folder of other pages
    try:
        return None if origin is None else parse_origin(str(origin))
    except AddressError as error:
        raise ServeError(
            f"site.json has weights_origin {origin!r}",
            expected=error.expected,
            remedy="Build the site again with `pagelm site`.",
        ) from error


async def _show_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _explain(HTTPStatus(error.status_code), request.scope, error.headers)


def _explain(status: HTTPStatus, scope: Scope, headers: Mapping[str, str] | None = None) -> Response:
    text = EXPLANATIONS.get(status, "<code>{path}</code> cannot be shown.").format(
        path=html.escape(scope["path"]), start=html.escape(scope.get("root_path", "") + "/")
    )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status} {status.phrase}</title>'
        f"<h1>{status} {status.phrase}</h1><p>{text}</p></html>\n"
    ).encode()
    return Response(page, status, {"cache-control": "no-cache", **(headers or {})}, MEDIA_TYPES[".html"])
