"""Nothing outside the site is served; inside, each file has one address."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from pagelm_builder.serve.site_files import find_file

from .conftest import HASHED, SCRIPT, WEIGHTS, Client

OUTSIDE = [
    "/../secret/key.txt",
    "/../../../../../../etc/passwd",
    "/guide/../../secret/key.txt",
    "/%2e%2e/secret/key.txt",
    "/%2E%2E%2Fsecret%2Fkey.txt",
    "/..%2fsecret/key.txt",
    "/%252e%252e/secret/key.txt",
    "/..%5csecret%5ckey.txt",
    "/..\\secret\\key.txt",
    "//secret/key.txt",
    "//etc/passwd",
    "/%2fetc/passwd",
    "/guide//index.html",
    "/./main.js",
    "/guide/../main.js",
    "/main.js%00",
    "/main.js%00.html",
    "/C:/windows/win.ini",
    "/main.js::$DATA",
    "/linked-file.txt",
    "/linked-folder/key.txt",
    "/linked-folder/",
    "/linked-folder",
    "/loop",
    "/.git/config",
    "/main.js/",
    "/main.js/x",
    "/models/",
    "/" + "a" * 5000,
    "/%ff%fe",
    "/%0a",
    "/guide%2findex.html%0d%0aX-Injected:%201",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_what_is_no_plain_path_inside_the_site_is_not_found(client: Client, path: str) -> None:
    answer = client.request(path)
    assert answer.status == 404
    assert b"SECRET" not in answer.body
    assert "x-injected" not in answer.headers


def test_an_absolute_url_as_target_does_not_leave_the_site(client: Client) -> None:
    assert client.request("http://elsewhere.example/../secret/key.txt").status in (400, 404, 421)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/main.js", SCRIPT),
        ("/main%2ejs", SCRIPT),
        ("/main.js?version=1", SCRIPT),
        ("/inner-link.js", SCRIPT),
        ("/name%20with%20space%20%C3%A9.txt", b"space"),
        (f"/{HASHED}", WEIGHTS),
        ("/empty.txt", b""),
    ],
)
def test_a_file_of_the_site_is_served_whole(client: Client, path: str, body: bytes) -> None:
    answer = client.request(path)
    assert (answer.status, answer.body) == (200, body)
    assert answer.headers["content-length"] == str(len(body))


def test_a_folder_with_an_index_shows_it(client: Client) -> None:
    assert b"<title>pagelm" in client.request("/").body
    assert b"<title>guide" in client.request("/guide/").body


def test_a_folder_without_its_slash_is_redirected_relative_to_itself(client: Client) -> None:
    answer = client.request("/guide?chapter=2", {"Host": "elsewhere.localhost"})
    assert answer.status in (301, 302, 307, 308)
    assert answer.headers["location"] == "./guide/?chapter=2"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "GETT"])
def test_other_methods_are_refused(client: Client, method: str) -> None:
    answer = client.request("/main.js", method=method)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD"


def test_head_says_what_get_would_say(client: Client) -> None:
    for headers in ({}, {"Accept-Encoding": "br"}):
        head, get = (client.request("/main.js", headers, method) for method in ("HEAD", "GET"))
        assert (head.status, head.body) == (200, b"")
        assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


def test_head_of_what_is_not_there_has_no_body(client: Client) -> None:
    head, get = (client.request("/none", method=method) for method in ("HEAD", "GET"))
    assert (head.status, head.body) == (404, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.body))


def test_what_is_not_found_is_told_on_a_page(client: Client) -> None:
    answer = client.request("/none.js")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"404 Not Found" in answer.body
    assert b"no file <code>/none.js</code>" in answer.body
    assert b'go to <a href="/">the page</a>' in answer.body
    assert answer.headers["cache-control"] == "no-cache"


def test_a_path_that_is_not_found_is_shown_as_text(client: Client) -> None:
    body = client.request("/%3Cscript%3E{path}%22&").body
    assert b"<code>/&lt;script&gt;{path}&quot;&amp;</code>" in body


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert find_file(tmp_path.resolve(), "/pipe") is None


def test_a_socket_is_not_opened(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        assert find_file(tmp_path.resolve(), "/s") is None


def test_a_site_that_is_itself_a_link_is_served(site: Path, tmp_path: Path) -> None:
    (tmp_path / "dist").symlink_to(site)
    root = (tmp_path / "dist").resolve()
    assert find_file(root, "/main.js") == site.resolve() / "main.js"


def test_a_neighbour_whose_name_begins_like_the_site_is_outside(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist-private").mkdir()
    (tmp_path / "dist-private" / "key.txt").write_bytes(b"SECRET")
    (tmp_path / "dist" / "link.txt").symlink_to(tmp_path / "dist-private" / "key.txt")
    assert find_file((tmp_path / "dist").resolve(), "/link.txt") is None
