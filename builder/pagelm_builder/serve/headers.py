"""What the server says about every file: its type, how long it may be kept, what the page may do.

Pure functions of a path inside the site and of where its weights are; nothing here opens a file. The
policies are those of docs/contracts.md, "Site".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

MEDIA_TYPES: Mapping[str, str] = {
    ".bin": "application/octet-stream",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/vnd.microsoft.icon",
    ".jinja": "text/plain; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": "application/octet-stream",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}
UNKNOWN_MEDIA_TYPE = "application/octet-stream"

CONNECT_TO_ITSELF = "connect-src 'self'"


def content_security_policy(weights_origin: str | None) -> str:
    """The policy of a site.

    Args:
        weights_origin: The one other origin that the page fetches from.
    """
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self' 'wasm-unsafe-eval'",
            "style-src 'self'",
            "img-src 'self' data:",
            allow_connecting_to(weights_origin),
            "worker-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )


def allow_connecting_to(weights_origin: str | None) -> str:
    """The policy's directive for what the page fetches."""
    return CONNECT_TO_ITSELF if weights_origin is None else f"{CONNECT_TO_ITSELF} {weights_origin}"


def security_headers(weights_origin: str | None) -> dict[str, str]:
    """What goes with every file of a site."""
    return {
        "content-security-policy": content_security_policy(weights_origin),
        # Both together isolate the page, which is what threads in WebAssembly (SharedArrayBuffer) ask for.
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }


IMMUTABLE = "public, max-age=31536000, immutable"
REVALIDATE = "no-cache"
NAMES_ITS_CONTENT = re.compile(
    r"""vendor/[^/]+-\d[^/]*/.+               # a folder of one version
      | python/wheels/[0-9a-f]{16}/.+         # a folder of one content
      | (.*/)?[^/]+\.[0-9a-f]{16}\.[^/.]+     # a name of one content""",
    re.VERBOSE,
)


def media_type(path: str) -> str:
    """Content-Type of a file."""
    return MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), UNKNOWN_MEDIA_TYPE)


def cache_control(path: str) -> str:
    """Cache-Control of a file, by its path inside the site."""
    return IMMUTABLE if NAMES_ITS_CONTENT.fullmatch(path) else REVALIDATE
