"""Ranges: single ones are served, all others get the whole file, none gets a wrong byte."""

from __future__ import annotations

import pytest

from pagelm_builder.serve.byte_range import parse_single_range

from .conftest import HASHED, SCRIPT, WEIGHTS, Client

PATH = f"/{HASHED}"
SIZE = len(WEIGHTS)


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=100-199", 100, 199),
        ("bytes=4000-", 4000, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-100", SIZE - 100, SIZE - 1),
        (f"bytes=-{SIZE * 2}", 0, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        (f"bytes=10-{SIZE * 100}", 10, SIZE - 1),
        ("bytes=0-9999999999999999999", 0, SIZE - 1),
        ("BYTES=0-4", 0, 4),
        ("bytes= 0-4 ", 0, 4),
    ],
)
def test_a_single_range_is_served(client: Client, header: str, first: int, last: int) -> None:
    answer = client.request(PATH, {"Range": header})
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["content-length"] == str(last - first + 1)
    assert answer.body == WEIGHTS[first : last + 1]


@pytest.mark.parametrize(
    "header", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0", "bytes=9999999999-"]
)
def test_a_range_beyond_the_file_cannot_be_satisfied(client: Client, header: str) -> None:
    answer = client.request(PATH, {"Range": header})
    assert answer.status == 416
    assert answer.headers["content-range"] == f"bytes */{SIZE}"
    assert answer.body == b""


def test_no_range_of_an_empty_file_can_be_satisfied(client: Client) -> None:
    assert client.request("/empty.txt", {"Range": "bytes=0-"}).status == 416


@pytest.mark.parametrize(
    "header",
    [
        "bytes=0-1,5-6",
        "bytes=0-1, 3-",
        "bytes=" + ",".join(f"{i}-{i}" for i in range(2000)),
        "bytes=5-2",
        "bytes=-",
        "bytes=",
        "bytes",
        "",
        "0-5",
        "lines=0-5",
        "bytes=a-b",
        "bytes=+1-2",
        "bytes=1_0-20",
        "bytes=--5",
        "bytes=0x0-5",
        "bytes=0-5;q=1",
        "bytes=1.5-2",
        "bytes=0-" + "9" * 20,
        "bytes=0-" + "9" * 5000,
        "bytes=٠-٥".encode().decode("latin-1"),
    ],
)
def test_any_other_range_gets_the_whole_file(client: Client, header: str) -> None:
    answer = client.request(PATH, {"Range": header})
    assert (answer.status, answer.body) == (200, WEIGHTS)
    assert "content-range" not in answer.headers


def test_two_range_headers_get_the_whole_file(client: Client) -> None:
    answer = client.request(PATH, [("Range", "bytes=0-1"), ("Range", "bytes=2-3")])
    assert (answer.status, answer.body) == (200, WEIGHTS)


def test_a_range_on_head_is_ignored(client: Client) -> None:
    answer = client.request(PATH, {"Range": "bytes=0-1"}, method="HEAD")
    assert (answer.status, answer.headers["content-length"]) == (200, str(SIZE))


def test_a_range_counts_bytes_of_the_file_itself(client: Client) -> None:
    answer = client.request("/main.js", {"Range": "bytes=7-11", "Accept-Encoding": "br, gzip"})
    assert (answer.status, answer.body) == (206, SCRIPT[7:12])
    assert "content-encoding" not in answer.headers
    assert answer.headers["vary"] == "Accept-Encoding"


def test_a_range_that_is_ignored_does_not_stop_compression(client: Client) -> None:
    answer = client.request("/main.js", {"Range": "bytes=0-1,2-3", "Accept-Encoding": "br"})
    assert (answer.status, answer.headers["content-encoding"]) == (200, "br")


@pytest.mark.parametrize("validator", ["etag", "last-modified"])
def test_if_range_with_the_current_validator_gets_the_range(client: Client, validator: str) -> None:
    current = client.request(PATH).headers[validator]
    answer = client.request(PATH, {"Range": "bytes=0-4", "If-Range": current})
    assert (answer.status, answer.body) == (206, WEIGHTS[:5])


@pytest.mark.parametrize("validator", ['"another"', "Thu, 01 Jan 1970 00:00:00 GMT", "", "nonsense"])
def test_if_range_with_another_validator_gets_the_whole_file(client: Client, validator: str) -> None:
    answer = client.request(PATH, {"Range": "bytes=0-4", "If-Range": validator})
    assert (answer.status, answer.body) == (200, WEIGHTS)


def test_a_weak_validator_does_not_do_for_a_range(client: Client) -> None:
    weak = "W/" + client.request(PATH).headers["etag"]
    assert client.request(PATH, {"Range": "bytes=0-4", "If-Range": weak}).status == 200


def test_the_tag_of_a_compressed_variant_does_not_do_for_a_range_of_the_file(client: Client) -> None:
    tag = client.request("/main.js", {"Accept-Encoding": "br"}).headers["etag"]
    answer = client.request("/main.js", {"Range": "bytes=0-4", "If-Range": tag})
    assert (answer.status, answer.body) == (200, SCRIPT)


def test_the_server_says_that_it_takes_ranges(client: Client) -> None:
    assert client.request(PATH).headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"bytes=0-9", b"bytes=0-9"),
        (b"Bytes=\t10-", b"bytes=10-"),
        (b"bytes=-5 ", b"bytes=-5"),
        (b"bytes=-", None),
    ],
)
def test_a_range_is_brought_to_its_shortest_form(header: bytes, expected: bytes | None) -> None:
    assert parse_single_range(header) == expected
