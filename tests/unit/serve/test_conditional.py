"""Conditional requests: a client that has the file is told so, and no other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from pagelm_builder.serve import create_app

from .conftest import Client


def test_the_current_tag_is_not_modified(client: Client) -> None:
    first = client.request("/main.js")
    answer = client.request("/main.js", {"If-None-Match": first.headers["etag"]})
    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == first.headers["etag"]
    assert answer.headers["cache-control"] == first.headers["cache-control"]


@pytest.mark.parametrize("template", ["{}", "W/{}", '"other", {}', '{} , "other"', "*"])
def test_a_list_that_holds_the_tag_is_not_modified(client: Client, template: str) -> None:
    tag = client.request("/main.js").headers["etag"]
    assert client.request("/main.js", {"If-None-Match": template.format(tag)}).status == 304


@pytest.mark.parametrize("tag", ['"other"', "", "other", 'W/"other"'])
def test_another_tag_gets_the_file(client: Client, tag: str) -> None:
    assert client.request("/main.js", {"If-None-Match": tag}).status == 200


def test_each_representation_has_a_tag_of_its_own(client: Client) -> None:
    tags = {
        client.request("/main.js", {"Accept-Encoding": coding}).headers["etag"]
        for coding in ("br", "gzip", "")
    }
    assert len(tags) == 3


def test_the_tag_of_one_representation_is_not_taken_for_another(client: Client) -> None:
    brotli_tag = client.request("/main.js", {"Accept-Encoding": "br"}).headers["etag"]
    assert client.request("/main.js", {"If-None-Match": brotli_tag}).status == 200
    again = client.request("/main.js", {"If-None-Match": brotli_tag, "Accept-Encoding": "br"})
    assert again.status == 304


def test_the_date_of_the_file_is_not_modified(client: Client) -> None:
    date = client.request("/main.js").headers["last-modified"]
    assert client.request("/main.js", {"If-Modified-Since": date}).status == 304
    assert client.request("/main.js", {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}).status == 200
    assert client.request("/main.js", {"If-Modified-Since": "not a date"}).status == 200


def test_a_tag_outweighs_a_date(client: Client) -> None:
    date = client.request("/main.js").headers["last-modified"]
    headers = {"If-None-Match": '"other"', "If-Modified-Since": date}
    assert client.request("/main.js", headers).status == 200


def test_not_modified_outweighs_a_range(client: Client) -> None:
    tag = client.request("/main.js").headers["etag"]
    assert client.request("/main.js", {"If-None-Match": tag, "Range": "bytes=0-4"}).status == 304


def test_a_changed_file_has_another_tag(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(b"one")
    browser = TestClient(create_app(tmp_path), base_url="http://localhost")
    tag = browser.get("/").headers["etag"]
    (tmp_path / "index.html").write_bytes(b"two")
    os.utime(tmp_path / "index.html", (1, 1))
    answer = browser.get("/", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.text) == (200, "two")


def test_a_site_that_was_built_anew_is_served_at_once(tmp_path: Path) -> None:
    """The builder renames the finished folder to the name of the older one."""
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_bytes(b"old")
    browser = TestClient(create_app(tmp_path / "dist"), base_url="http://localhost")
    assert browser.get("/").text == "old"
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "index.html").write_bytes(b"new")
    (tmp_path / "dist").rename(tmp_path / "older")
    (tmp_path / "new").rename(tmp_path / "dist")
    assert browser.get("/").text == "new"
