"""Puts one key into a manifest that is there, and leaves every other byte of it as it was.

The file is replaced in one step, and only if nobody has changed it meanwhile. It knows JSON's objects, and
nothing of what a certificate says.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from pagelm_builder.config import JsonValue
from pagelm_builder.disk_space import named_full_disk
from pagelm_builder.errors import VerificationError

_SPACE = re.compile(r"[ \t\n\r]*")


def with_key(text: str, key: str, value: JsonValue) -> str:
    """The text of a JSON object, with the value of one key replaced, or put last where it was absent.

    Args:
        text: An object with at least one key, which `json.loads` takes.
        value: Written on one line.
    """
    written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    decoder = json.JSONDecoder()
    end = text.index("{") + 1
    while True:
        name, after = decoder.raw_decode(text, _skip(text, end))
        start = _skip(text, _skip(text, after) + 1)
        _, end = decoder.raw_decode(text, start)
        if name == key:
            return text[:start] + written + text[end:]
        comma = _skip(text, end)
        if text[comma] == "}":
            return f"{text[:end]},\n {json.dumps(key)}: {written}{text[end:]}"
        end = comma + 1


def write_key(manifest: Path, text: str, key: str, value: JsonValue) -> None:
    """Write `with_key` in the file's place.

    Args:
        manifest: The file.
        text: What was in it when the work on `value` began.

    Raises:
        VerificationError: something else is in it now.
        DiskFullError: there is no room; the file is as it was.
    """
    aside = manifest.with_name(f".{manifest.name}.{os.getpid()}.partial")
    try:
        with named_full_disk(manifest.parent):
            aside.write_bytes(with_key(text, key, value).encode())
            _check_unchanged(manifest, text)
            aside.replace(manifest)
    finally:
        aside.unlink(missing_ok=True)


def _check_unchanged(manifest: Path, text: str) -> None:
    if manifest.read_bytes() != text.encode():
        raise VerificationError(
            f"{manifest} was changed while the bundle was verified",
            expected="the same bundle to the end",
            remedy="Verify it again when nobody writes to it.",
        )


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    assert match is not None  # it matches nothing, too
    return match.end()
