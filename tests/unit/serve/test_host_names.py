"""By which names the server answers: not by one that another site has lead here."""

from __future__ import annotations

import pytest

from pagelm_builder.errors import ServeError
from pagelm_builder.serve.host_names import is_allowed, parse_host_name

from .conftest import Client

OWN = [
    "localhost",
    "LOCALHOST:8000",
    "pagelm.localhost:80",
    "127.0.0.1:8000",
    "[::1]:8000",
    "192.168.0.7",
    "localhost.",
]
FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.nip.io",
    "::1]",
    "",
    ":80",
    "[x]",
    "a b",
]


@pytest.mark.parametrize("host", OWN)
def test_addresses_and_localhost_are_always_right(client: Client, host: str) -> None:
    assert is_allowed(host, ())
    assert client.request("/", {"Host": host}).status == 200


@pytest.mark.parametrize("host", FOREIGN)
def test_any_other_name_is_not(host: str) -> None:
    assert not is_allowed(host, ())


def test_a_foreign_name_gets_nothing_and_is_told_the_way(client: Client) -> None:
    for path in ("/", "/main.js", "/models/pico/manifest.json", "/none"):
        answer = client.request(path, {"Host": "evil.example:8000"})
        assert answer.status == 421
        assert b"--allow-host" in answer.body
        assert "content-security-policy" in answer.headers


def test_a_name_that_was_allowed_is_right_however_it_is_written() -> None:
    names = {parse_host_name("Work-Station.Example.org.")}
    assert is_allowed("work-station.example.ORG:8000", names)
    assert not is_allowed("example.org", names)


@pytest.mark.parametrize("text", ["http://a.org", "a.org:80", "", "*", "a..b", "-a.org", "*.a.org"])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(ServeError, match="no name of a host"):
        parse_host_name(text)
