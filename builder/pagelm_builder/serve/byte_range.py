"""Range requests: which are served, before Starlette's FileResponse serves them.

RFC 9110, section 14.2 lets a server ignore a Range that it does not want to serve, and asks it to ignore one
that it does not understand and any on a method other than GET. Served are single ranges; what is ignored gets
the whole file: several ranges (no browser asks for them, and answering them is the classic way to make a
server work for nothing), other units, malformed ones. FileResponse by itself would answer the latter with
400, and a HEAD with 206.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HeaderList = list[tuple[bytes, bytes]]

# 19 digits are more than any file has bytes.
_SINGLE_RANGE = re.compile(rb"bytes=[ \t]*([0-9]{0,19})-([0-9]{0,19})[ \t]*", re.IGNORECASE)


def parse_single_range(value: bytes) -> bytes | None:
    """The range in its shortest form (`bytes=0-9`, `bytes=10-`, `bytes=-5`), or None to ignore it."""
    match = _SINGLE_RANGE.fullmatch(value)
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if first and last and int(first) > int(last):
        return None
    return b"bytes=" + first + b"-" + last


def keep_servable_range(headers: Iterable[tuple[bytes, bytes]], method: str) -> HeaderList:
    """The request's headers with a Range only if it is one that is served."""
    headers = list(headers)
    ranges = [value for name, value in headers if name == b"range"]
    others = [(name, value) for name, value in headers if name != b"range"]
    servable = parse_single_range(ranges[0]) if len(ranges) == 1 and method == "GET" else None
    return others if servable is None else [*others, (b"range", servable)]
