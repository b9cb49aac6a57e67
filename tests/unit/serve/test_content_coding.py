"""Negotiation: the client's preference first, then the smaller variant."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import brotli
import pytest

from pagelm_builder.serve.content_coding import choose_coding
from pagelm_builder.serve.site_files import list_representations

from .conftest import SCRIPT, Client


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "identity"),
        ("", "identity"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0.5,gzip;q=0.5", "br"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0, gzip;q=0.0", "identity"),
        ("identity", "identity"),
        ("identity, br;q=0.1", "identity"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("gzip;q=0.001", "gzip"),
        ("*", "br"),
        ("*;q=0", "identity"),
        ("*;q=0.1, br;q=0", "gzip"),
        ("identity;q=0", "identity"),
        ("identity;q=0.5, *;q=0", "identity"),
        ("zstd", "identity"),
        ("br ; q=1.0 , gzip ; q=0.2", "br"),
        ("br;q=2, gzip", "gzip"),
        ("br;q=banana, gzip;q=0.5", "gzip"),
        ("br;level=9, gzip", "gzip"),
        (",,;q=1,", "identity"),
        ("b r", "identity"),
        ("br" * 10000, "identity"),
    ],
)
def test_the_coding_that_the_client_likes_best(header: str | None, expected: str) -> None:
    assert choose_coding(header, {"identity", "br", "gzip"}) == expected


def test_a_variant_that_is_not_there_is_not_chosen() -> None:
    assert choose_coding("br, gzip;q=0.1", {"identity", "gzip"}) == "gzip"
    assert choose_coding("br", {"identity", "gzip"}) == "identity"
    assert choose_coding("*", {"identity"}) == "identity"


def test_the_variant_is_sent_with_the_type_of_the_file(client: Client) -> None:
    answer = client.request("/main.js", {"Accept-Encoding": "br"})
    assert answer.headers["content-encoding"] == "br"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert brotli.decompress(answer.body) == SCRIPT


def test_gzip_is_sent_where_it_is_all_there_is(client: Client) -> None:
    answer = client.request("/only-gzip.css", {"Accept-Encoding": "br, gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body) == SCRIPT


def test_every_answer_that_depends_on_the_coding_says_so(client: Client) -> None:
    for headers in ({}, {"Accept-Encoding": "br"}, {"Accept-Encoding": "identity"}, {"If-None-Match": "*"}):
        assert client.request("/main.js", headers).headers["vary"] == "Accept-Encoding"
    assert "vary" not in client.request("/index.html", {"Accept-Encoding": "br"}).headers


def test_two_headers_count_as_one_list(client: Client) -> None:
    answer = client.request("/main.js", [("Accept-Encoding", "gzip;q=0.5"), ("Accept-Encoding", "br")])
    assert answer.headers["content-encoding"] == "br"


def test_a_variant_that_leads_out_of_the_site_is_not_sent(client: Client) -> None:
    answer = client.request("/guide/page.js", {"Accept-Encoding": "br"})
    assert answer.body == SCRIPT
    assert "content-encoding" not in answer.headers


def test_a_variant_older_than_its_file_is_not_used(tmp_path: Path) -> None:
    file, variant = tmp_path / "main.js", tmp_path / "main.js.br"
    file.write_bytes(SCRIPT)
    variant.write_bytes(brotli.compress(SCRIPT))
    assert set(list_representations(file)) == {"identity", "br"}
    os.utime(variant, (0, 0))
    assert set(list_representations(file)) == {"identity"}
