"""Which of the representations that are there a client gets: brotli, gzip, or the file as it is.

RFC 9110, section 12.5.3 (Accept-Encoding) and 12.4.2 (quality values).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

Coding = Literal["br", "gzip", "identity"]

PREFERENCE: tuple[Coding, ...] = ("br", "gzip", "identity")
SUFFIXES: dict[Coding, str] = {"br": ".br", "gzip": ".gz"}

_ELEMENT = re.compile(
    r"\s*(?P<coding>[a-z0-9!#$%&'*+.^_`|~-]+)\s*(?:;\s*q=(?P<quality>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.I,
)


def choose_coding(accept_encoding: str | None, available: Collection[Coding]) -> Coding:
    """The coding that the client likes best; ours decides between equals.

    Args:
        accept_encoding: The header, or None where there is none.
        available: Codings that are there beside identity, which always is, and is also the answer to a
            client that refuses everything: it can still say no, and an empty 406 would help nobody.
    """
    if accept_encoding is None:
        return "identity"
    qualities = _parse(accept_encoding)
    rest = qualities.get("*", 0.0)

    def quality(coding: Coding) -> float:
        if coding == "identity":  # acceptable unless refused, and then at the smallest preference
            return qualities.get("identity", 0.0005 if "*" not in qualities else rest)
        return qualities.get(coding, rest)

    candidates = [coding for coding in PREFERENCE if coding == "identity" or coding in available]
    best = max(candidates, key=quality)  # the first of equals
    return best if quality(best) > 0 else "identity"


def _parse(accept_encoding: str) -> dict[str, float]:
    """Coding → quality; an element that is none is skipped."""
    qualities = {}
    for element in accept_encoding.split(","):
        if match := _ELEMENT.fullmatch(element):
            coding = match["coding"].lower().removeprefix("x-")
            qualities[coding] = 1.0 if match["quality"] is None else float(match["quality"])
    return qualities
