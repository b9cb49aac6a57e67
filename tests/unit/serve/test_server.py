"""Starting: on loopback, on a port that is free, with a line that says where."""

from __future__ import annotations

import errno
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pagelm_builder.errors import ServeError
from pagelm_builder.serve import create_app, serve
from pagelm_builder.serve.server import describe, open_socket

START = "import sys, pathlib, pagelm_builder.serve as s; s.serve(pathlib.Path(sys.argv[1]), port=0)"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "index.html").write_bytes(b"<!doctype html>")
    return tmp_path


def test_it_says_where_it_is_serves_there_and_stops_when_interrupted(site: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", START, site], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith(f"pagelm serves {site} at http://127.0.0.1:")
        address = next(word for word in line.split() if word.startswith("http"))
        with urllib.request.urlopen(address, timeout=20) as answer:
            assert answer.read() == b"<!doctype html>"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode != 0  # KeyboardInterrupt, which the command turns into 130
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken_is_named_with_a_way_out(site: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError, match=rf"port {port} of 127\.0\.0\.1 is taken.*--port 0"):
            serve(site, port=port)


def test_the_default_is_reachable_from_this_machine_only() -> None:
    with open_socket("127.0.0.1", 0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
    assert serve.__kwdefaults__ == {
        "host": "127.0.0.1",
        "port": 8000,
        "allowed_origin": None,
        "allowed_hosts": (),
    }


def test_port_zero_takes_a_free_one() -> None:
    with open_socket("127.0.0.1", 0) as listening:
        assert listening.getsockname()[1] > 0


@pytest.mark.parametrize("host", ["no such host", "a..b", "256.1.1.1"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ServeError, match=r"is not an address.*--host"):
        open_socket(host, 0)


@pytest.mark.parametrize("port", [-1, 65536, 10**12])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(ServeError, match=rf"^{port} is not a port"):
        open_socket("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ServeError, match=r"192\.0\.2\.1 is no address of this machine"):
        open_socket("192.0.2.1", 0)


def test_a_folder_without_a_page_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServeError, match=r"has no index\.html.*pagelm site"):
        create_app(tmp_path)
    with pytest.raises(ServeError, match=r"has no index\.html"):
        serve(tmp_path / "none", port=0)


def test_an_open_address_is_said_to_be_one() -> None:
    with open_socket("0.0.0.0", 0) as listening:
        text = describe(Path("dist"), listening)
    assert "http://127.0.0.1:" in text
    assert "Other machines can reach it" in text


def test_loopback_is_not_said_to_be_open() -> None:
    with open_socket("127.0.0.1", 0) as listening:
        assert "Other machines" not in describe(Path("dist"), listening)


@pytest.mark.skipif(not socket.has_ipv6 or not Path("/proc/net/if_inet6").exists(), reason="no IPv6 here")
def test_an_ipv6_address_is_shown_in_brackets() -> None:
    with open_socket("::1", 0) as listening:
        assert "http://[::1]:" in describe(Path("dist"), listening)


def test_a_port_that_this_user_may_not_open_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pagelm_builder.serve.server.socket.socket", Refusing)
    with pytest.raises(ServeError, match=r"port 80 may not be opened.*above 1023"):
        open_socket("127.0.0.1", 80)
