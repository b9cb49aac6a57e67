"""Start the web server: take the port first, say where it is, then serve until it is told to stop."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Collection
from pathlib import Path

import uvicorn

from pagelm_builder.errors import ServeError
from pagelm_builder.serve.application import create_app


def serve(
    folder: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allowed_origin: str | None = None,
    allowed_hosts: Collection[str] = (),
) -> None:
    """Serve a site until interrupted.

    Args:
        host: Address to listen on; the default is reachable from this machine only.
        port: 0 for any that is free.
        allowed_origin: Whose pages may fetch the models too, "*" for all; None: nobody's.
        allowed_hosts: Names that browsers may call it by, beside addresses, localhost and `host`.

    Raises:
        ServeError: No site in the folder, or no such address or port to be had.
    """
    app = create_app(folder, allowed_origin=allowed_origin, allowed_hosts={host.lower(), *allowed_hosts})
    with open_socket(host, port) as listening:
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        print(describe(folder, listening), flush=True)
        uvicorn.Server(config).run(sockets=[listening])


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ServeError: Says whether the port is taken, the address unknown, or both not allowed.
    """
    if not 0 <= port <= 65535:  # getaddrinfo would take 65536 for 0
        raise ServeError(f"{port} is not a port", expected="0 to 65535", remedy="Check --port.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ServeError(
            f"{host!r} is not an address ({error})", expected="a host name or address", remedy="Check --host."
        ) from error
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere this option takes ports away from others
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise _explain(error, host, port) from error
    return listening


def _explain(error: OSError, host: str, port: int) -> ServeError:
    if error.errno == errno.EADDRINUSE:
        return ServeError(
            f"port {port} of {host} is taken by another program",
            expected="a free port",
            remedy="Stop that program, or take another port: --port 0 takes any that is free.",
        )
    if error.errno == errno.EACCES:
        return ServeError(
            f"port {port} may not be opened by this user",
            expected="a port above 1023",
            remedy="Check --port.",
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return ServeError(
            f"{host} is no address of this machine",
            expected="127.0.0.1 or one it has",
            remedy="Check --host.",
        )
    return ServeError(
        f"cannot listen on {host}:{port} ({error})", expected="a free port", remedy="Try another."
    )


def describe(folder: Path, listening: socket.socket) -> str:
    """What the person at the terminal reads: where the page is, who can reach it, how it stops."""
    host, port = listening.getsockname()[:2]
    address = ipaddress.ip_address(host)
    shown = address
    if address.is_unspecified:
        shown = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    name = f"[{shown}]" if shown.version == 6 else str(shown)
    line = f"pagelm serves {folder} at http://{name}:{port}/ (Ctrl+C stops it)"
    if address.is_loopback:
        return line
    return (
        f"{line}\nOther machines can reach it too; their browsers allow WebGPU and threads only over HTTPS."
    )
