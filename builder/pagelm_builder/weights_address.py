"""An address on another origin, as somebody types it: checked before a site, its policy or a header has it.

It refuses what cannot work in a browser and what would mean something else in a Content-Security-Policy
(https://www.w3.org/TR/CSP3/#grammardef-host-source). It fetches nothing.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from pagelm_builder.errors import AddressError

# Nothing that ends or separates a source in a policy, and nothing that browsers would write otherwise.
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
PATH = re.compile(r"(/[A-Za-z0-9._~!$&()*+=:@%-]*)*")
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class WeightsAddress:
    """Where the bundles of a site are.

    Attributes:
        folder: Ends in a slash; a bundle NAME is at folder + NAME + "/".
        origin: What the page's policy names.
    """

    folder: str
    origin: str


def parse_weights_address(text: str) -> WeightsAddress:
    """Check the address of a folder on another origin.

    Raises:
        AddressError: Says what about it cannot be.
    """
    parts = _split(text)
    origin = _origin(text, parts)
    path = parts.path.rstrip("/") + "/"
    if not PATH.fullmatch(path) or any(segment in (".", "..") for segment in path.split("/")):
        raise _refuse(text, f"the path {parts.path}", "a path without spaces, quotes, ';', ',' and '..'")
    return WeightsAddress(origin + path, origin)


def parse_origin(text: str) -> str:
    """Check an origin: scheme, host and maybe a port.

    Raises:
        AddressError: Says what about it cannot be, or that more follows.
    """
    parts = _split(text)
    if parts.path not in ("", "/"):
        raise _refuse(text, f"the path {parts.path}", "scheme, host and port alone")
    return _origin(text, parts)


def _split(text: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in text):
        raise _refuse(text, "white space", "an address without any")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise _refuse(
            text, f"a host or port that is none ({error})", "a host, and a port up to 65535"
        ) from error
    if parts.scheme not in DEFAULT_PORTS or not text.lower().startswith(f"{parts.scheme}://"):
        raise _refuse(text, "no http:// or https:// before it", "https://, or http:// on this machine")
    for what, found in (
        ("query", "?" in text),
        ("fragment", "#" in text),
        ("user name", "@" in parts.netloc),
    ):
        if found:
            raise _refuse(text, f"a {what}", "an address that files' names can be put behind")
    return parts


def _origin(text: str, parts: SplitResult) -> str:
    host = parts.netloc.lower().removesuffix(f":{parts.port}").removesuffix(":")
    if not HOST.fullmatch(host):
        raise _refuse(
            text, f"the host {host!r}", "a name of ASCII letters (others in punycode) or an address"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise _refuse(
            text,
            "http on another machine",
            "https: pages run over https, and browsers let those fetch nothing over http but from localhost",
        )
    if parts.port in (None, DEFAULT_PORTS[parts.scheme]):
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{parts.port}"


def _is_loopback(hostname: str) -> bool:
    if hostname == "localhost" or hostname.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False


def _refuse(text: str, what: str, expected: str) -> AddressError:
    return AddressError(
        f"{text!r} has {what}",
        expected=expected,
        remedy="Correct it, like https://weights.example.org/models/.",
    )
