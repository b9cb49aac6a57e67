"""Addresses of another origin: what they become in a policy, and those that cannot be one."""

from __future__ import annotations

import pytest

from pagelm_builder.errors import AddressError
from pagelm_builder.weights_address import parse_origin, parse_weights_address


@pytest.mark.parametrize(
    ("text", "folder", "origin"),
    [
        ("https://w.example.org", "https://w.example.org/", "https://w.example.org"),
        ("HTTPS://W.Example.org:443/a/b//", "https://w.example.org/a/b/", "https://w.example.org"),
        ("https://w.example.org:8443/a", "https://w.example.org:8443/a/", "https://w.example.org:8443"),
        ("http://127.0.0.1:8001/models/", "http://127.0.0.1:8001/models/", "http://127.0.0.1:8001"),
        ("http://[::1]:80/", "http://[::1]/", "http://[::1]"),
        ("http://localhost/x%20y/", "http://localhost/x%20y/", "http://localhost"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/", "https://xn--bcher-kva.example"),
    ],
)
def test_what_an_address_becomes(text: str, folder: str, origin: str) -> None:
    address = parse_weights_address(text)
    assert (address.folder, address.origin) == (folder, origin)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("weights.example.org/models", "no http:// or https://"),
        ("//weights.example.org", "no http:// or https://"),
        ("https:/weights.example.org", "no http:// or https://"),
        ("ftp://weights.example.org", "no http:// or https://"),
        ("models/", "no http:// or https://"),
        ("", "no http:// or https://"),
        ("https://", "the host ''"),
        ("https://weights.example.org/?v=1", "a query"),
        ("https://weights.example.org/?", "a query"),
        ("https://weights.example.org/#models", "a fragment"),
        ("https://me:secret@weights.example.org/", "a user name"),
        ("https://weights.example.org:99999/", "a host or port that is none"),
        ("https://[::1/", "a host or port that is none"),
        ("https://weights.example.org; script-src *", "white space"),
        ("https://weights.example.org;script-src", "the host"),
        ("https://*.example.org/", "the host"),
        ("https://weights'example.org/", "the host"),
        ("https://bücher.example/", "the host"),
        ("https://weights.example.org/a b", "white space"),
        ("https://weights.example.org/a;b", "the path"),
        ("https://weights.example.org/a/../b", "the path"),
        ("http://weights.example.org/", "http on another machine"),
        ("http://10.0.0.7:8000/", "http on another machine"),
    ],
)
def test_what_cannot_be_an_address_is_named(text: str, problem: str) -> None:
    with pytest.raises(AddressError) as raised:
        parse_weights_address(text)
    assert raised.value.problem.startswith(f"{text!r} has {problem}")
    assert "like https://weights.example.org/models/" in raised.value.remedy


def test_an_origin_has_no_path() -> None:
    assert parse_origin("https://example.org/") == "https://example.org"
    with pytest.raises(AddressError, match="the path /models"):
        parse_origin("https://example.org/models")
