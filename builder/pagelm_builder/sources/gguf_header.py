"""The header of a GGUF file: its metadata by key, and where each tensor lies.

A reader of its own, because the `gguf` package's trusts every count and length that the file claims: here
each is compared with the bytes that are left before anything is allocated, so that a damaged or hostile file
of any size ends in a named error. It refuses to know models. Format: llama.cpp's docs/gguf.md, versions 2
and 3, little-endian.

    "GGUF" | u32 version | u64 tensors | u64 keys | keys | tensor infos | padding | data
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from numpy.typing import NDArray

from pagelm_builder.errors import CheckpointError

MAGIC: Final = b"GGUF"
VERSIONS: Final = (2, 3)
# The greatest vocabularies take 10 MB; strings in memory take several times their bytes in the file.
LARGEST_HEADER_BYTES: Final = 64 << 20

MetadataValue: TypeAlias = "int | float | bool | str | list[str] | NDArray[np.generic]"

_SCALARS: Final = {
    0: "<u1", 1: "<i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", 7: "?",
    10: "<u8", 11: "<i8", 12: "<f8",
}  # fmt: skip
_STRING, _ARRAY = 8, 9
_MOST_DIMENSIONS = 4
_DEFAULT_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class GgufTensor:
    """Where a tensor lies: rows first, `offset` from the start of the file."""

    name: str
    shape: tuple[int, ...]
    type: GGMLQuantizationType
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """All that stands before the data."""

    path: Path
    metadata: Mapping[str, MetadataValue]
    tensors: Mapping[str, GgufTensor]


def read_header(path: Path) -> GgufHeader:
    """Read and check the header; the data is not touched.

    Raises:
        CheckpointError: not a GGUF file, cut short, of another version, or with a tensor of an unknown type.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            data = file.read(min(size, LARGEST_HEADER_BYTES))
    except OSError as error:
        raise damaged(path, f"cannot be read: {error.strerror}", "a GGUF file") from error
    cursor = _Cursor(path, data, size)
    if not data.startswith(MAGIC):
        raise damaged(path, "does not begin with GGUF", "a folder of a checkpoint, or a GGUF file")
    cursor.take(len(MAGIC))
    version = cursor.integer("<I")
    if version not in VERSIONS:
        raise damaged(path, f"is of GGUF version {version}", "version 2 or 3, little-endian")
    tensor_count, key_count = cursor.integer("<Q"), cursor.integer("<Q")
    metadata = _read_metadata(cursor, key_count)
    places = _read_places(cursor, tensor_count)
    alignment = metadata.get("general.alignment", _DEFAULT_ALIGNMENT)
    if type(alignment) is not int or alignment < 1 or alignment & (alignment - 1):
        raise damaged(path, f"has general.alignment {alignment!r}", "a power of two")
    start = -(-cursor.at // alignment) * alignment
    return GgufHeader(
        path, metadata, {place.name: _locate(path, place, start, alignment, size) for place in places}
    )


def damaged(path: Path, problem: str, expected: str) -> CheckpointError:
    return CheckpointError(
        f"{path} {problem}",
        expected=expected,
        remedy="Download the file again and compare its size, or convert the model again.",
    )


class _Cursor:
    """Reads the header's bytes in order, never beyond the end."""

    def __init__(self, path: Path, data: bytes, size: int) -> None:
        self.path = path
        self.at = 0
        self._data = data
        self._size = size

    def take(self, count: int) -> bytes:
        self.require(count)
        self.at += count
        return self._data[self.at - count : self.at]

    def require(self, count: int) -> None:
        """Refuse to go on without so many bytes ahead."""
        if count <= len(self._data) - self.at:
            return
        if count > self._size - self.at:
            problem = f"is truncated: its header wants {count} bytes at {self.at} of {self._size}"
            raise damaged(self.path, problem, "a whole GGUF file")
        raise damaged(self.path, "has a header without end", f"at most {LARGEST_HEADER_BYTES} bytes of it")

    def integer(self, form: str) -> int:
        value: int = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return value

    def text(self) -> str:
        data = self.take(self.integer("<Q"))
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise damaged(self.path, f"holds a string that is not UTF-8: {data[:40]!r}", "UTF-8") from None

    def array(self, kind: int, count: int) -> NDArray[np.generic]:
        dtype = np.dtype(_SCALARS[kind])
        return np.frombuffer(self.take(count * dtype.itemsize), dtype)


def _read_metadata(cursor: _Cursor, count: int) -> dict[str, MetadataValue]:
    metadata: dict[str, MetadataValue] = {}
    for _ in range(count):
        key = cursor.text()
        if key in metadata:
            raise damaged(cursor.path, f"has the key {key!r} twice", "each key once")
        metadata[key] = _read_value(cursor, key, cursor.integer("<I"))
    return metadata


def _read_value(cursor: _Cursor, key: str, kind: int) -> MetadataValue:
    if kind == _STRING:
        return cursor.text()
    if kind == _ARRAY:
        kind, count = cursor.integer("<I"), cursor.integer("<Q")
        if kind == _STRING:
            cursor.require(8 * count)
            return [cursor.text() for _ in range(count)]
        if kind in _SCALARS:
            return cursor.array(kind, count)
    elif kind in _SCALARS:
        value: int | float | bool = cursor.array(kind, 1)[0].item()
        return value
    raise damaged(cursor.path, f"has a value of unknown type {kind} at {key!r}", "GGUF's value types")


@dataclass(frozen=True, slots=True)
class _Place:
    name: str
    shape: tuple[int, ...]
    type: int
    offset: int


def _read_places(cursor: _Cursor, count: int) -> list[_Place]:
    places: list[_Place] = []
    names: set[str] = set()
    for _ in range(count):
        name = cursor.text()
        if name in names:
            raise damaged(cursor.path, f"has the tensor {name!r} twice", "each tensor once")
        names.add(name)
        dimensions = cursor.integer("<I")
        if not 1 <= dimensions <= _MOST_DIMENSIONS:
            raise damaged(cursor.path, f"gives tensor {name!r} {dimensions} dimensions", "1 to 4")
        shape = tuple(cursor.integer("<Q") for _ in range(dimensions))[::-1]
        places.append(_Place(name, shape, cursor.integer("<I"), cursor.integer("<Q")))
    return places


def _locate(path: Path, place: _Place, start: int, alignment: int, size: int) -> GgufTensor:
    try:
        kind = GGMLQuantizationType(place.type)
    except ValueError:
        raise damaged(
            path,
            f"stores tensor {place.name!r} as type {place.type}, which is unknown",
            "ggml's tensor types",
        ) from None
    block, block_bytes = GGML_QUANT_SIZES[kind]
    if min(place.shape) < 1 or place.shape[-1] % block:
        problem = f"gives tensor {place.name!r} the shape {list(place.shape)}"
        raise damaged(path, problem, f"whole blocks of {block} for {kind.name}")
    length = prod(place.shape) // block * block_bytes
    offset = start + place.offset
    if place.offset % alignment:
        raise damaged(path, f"puts tensor {place.name!r} at {place.offset}", f"a multiple of {alignment}")
    if offset + length > size:
        problem = f"is truncated: tensor {place.name!r} ends at byte {offset + length} of {size}"
        raise damaged(path, problem, "a whole GGUF file")
    return GgufTensor(place.name, place.shape, kind, offset, length)
