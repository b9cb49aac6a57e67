"""Types, cache policy and security headers."""

from __future__ import annotations

import pytest

from pagelm_builder.serve.headers import IMMUTABLE, REVALIDATE, cache_control, media_type

from .conftest import HASHED, Client


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/pyodide.mjs", "text/javascript; charset=utf-8"),
        ("main.js", "text/javascript; charset=utf-8"),
        ("MAIN.JS", "text/javascript; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("site.json", "application/json"),
        ("x-1-py3-none-any.whl", "application/zip"),
        ("library.zip", "application/zip"),
        ("graph.onnx", "application/octet-stream"),
        ("000.bin", "application/octet-stream"),
        ("template.jinja", "text/plain; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("app.webmanifest", "application/manifest+json"),
        ("index.html", "text/html; charset=utf-8"),
        ("licenses/marked/LICENSE", "application/octet-stream"),
        ("page.html.exe", "application/octet-stream"),
    ],
)
def test_media_types(path: str, expected: str) -> None:
    assert media_type(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        HASHED,
        "python/standard-library.0123456789abcdef.zip",
        "python/lock.0123456789abcdef.json",
        "python/wheels/0123456789abcdef/jinja2-3.1.6-cp314-none-any.whl",
        "vendor/pyodide-314.0.7/pyodide.asm.wasm",
        "vendor/onnxruntime-web-1.30.0/ort.wasm.min.mjs",
    ],
)
def test_what_names_its_content_is_kept_for_ever(path: str) -> None:
    assert cache_control(path) == IMMUTABLE


@pytest.mark.parametrize(
    "path",
    [
        "index.html",
        "site.json",
        "vendor/marked.js",
        "vendor/no-version/file.js",
        "models/pico/manifest.json",
        "models/pico.0123456789abcdef/manifest.json",
        "models/0123456789abcdef/manifest.json",
        "main.0123456789abcde.js",
        "main.0123456789ABCDEF.js",
        "widgets/vendor/pyodide-1.0/x.js",
    ],
)
def test_what_may_change_under_its_name_is_asked_for_again(path: str) -> None:
    assert cache_control(path) == REVALIDATE


@pytest.mark.parametrize("path", ["/", "/main.js", "/none", "/guide", f"/{HASHED}", "/%0a"])
def test_every_answer_carries_the_security_headers(client: Client, path: str) -> None:
    headers = client.request(path).headers
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-embedder-policy"] == "require-corp"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = dict(directive.split(" ", 1) for directive in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self' 'wasm-unsafe-eval'"
    assert policy["worker-src"] == "'self'"
    assert "unsafe-inline" not in headers["content-security-policy"]


def test_a_refused_method_and_a_bad_range_carry_them_too(client: Client) -> None:
    for answer in (
        client.request("/main.js", method="POST"),
        client.request("/main.js", {"Range": "bytes=999999-"}),
        client.request("/main.js", {"If-None-Match": "*"}),
    ):
        assert answer.status in (405, 416, 304)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in answer.headers


def test_the_server_does_not_say_what_it_runs_on(client: Client) -> None:
    assert "x-powered-by" not in client.request("/").headers


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/main.js", REVALIDATE),
        (f"/{HASHED}", IMMUTABLE),
        ("/vendor/pyodide-314.0.7/pyodide.mjs", IMMUTABLE),
        ("/python/wheels/0123456789abcdef/pagelm-0.1.0-cp314-none-any.whl", IMMUTABLE),
    ],
)
def test_cache_policy_is_sent(client: Client, path: str, expected: str) -> None:
    assert client.request(path).headers["cache-control"] == expected
