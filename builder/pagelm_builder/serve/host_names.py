"""Which names a request may call this server by.

A page of another site can have its own name lead to this machine after it was loaded (DNS rebinding), and
would then be of one origin with what is served here: it could read every file. Addresses and localhost lead
nowhere else, so they are always right; other names have to be given. Pure functions; no name server is asked.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from pagelm_builder.errors import ServeError

NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*")


def parse_host_name(text: str) -> str:
    """A name as browsers send it: in lower case, without a port.

    Raises:
        ServeError: It is none.
    """
    name = text.strip().rstrip(".").lower()
    if not NAME.fullmatch(name):
        raise ServeError(
            f"{text!r} is no name of a host",
            expected="a name alone, like workstation.example.org",
            remedy="Check --allow-host: no http://, no port.",
        )
    return name


def is_allowed(host: str | None, names: Collection[str]) -> bool:
    """Whether a Host header calls this server by an address, localhost or one of these names.

    Args:
        host: As it was sent; None: not at all, which no browser does.
        names: As `parse_host_name` gives them.
    """
    if host is None:
        return True
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if name is None:
        return False
    name = name.rstrip(".")
    return name == "localhost" or name.endswith(".localhost") or name in names or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
