"""One safetensors file: its header, checked before it is believed, and rows of its tensors.

Rows are read with plain reads, not through a memory map, so that what has been read is not held, and a file
that shrinks meanwhile is an error instead of a signal. It knows nothing of models, and trusts nothing that
the header says. Format: https://huggingface.co/docs/safetensors#format.

    u64 header length │ JSON: name → dtype, shape, data_offsets [begin, end) │ bytes of all tensors, no gaps
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self, TypeGuard

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.errors import CheckpointError

# The format allows 100 MB, which as Python objects could be gigabytes; a tensor takes some 150 bytes.
LARGEST_HEADER = 16 << 20
MOST_DIMENSIONS = 8
DTYPE_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
    "U16": 2, "I16": 2, "F16": 2, "BF16": 2,
    "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8, "C64": 8,
}  # fmt: skip
READABLE_DTYPES = ("BF16", "F16", "F32")
_STORED_AS: dict[str, str] = {"BF16": "<u2", "F16": "<f2", "F32": "<f4"}


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """What the header says of one tensor; `offset` counts from the start of the file."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    bytes: int


class SafetensorsFile:
    """An open file; use it as a context manager.

    Raises:
        CheckpointError: the file is truncated, or its header is not one.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("rb")
        try:
            self.tensors: Mapping[str, StoredTensor] = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def rows(self, name: str, start: int, stop: int) -> NDArray[np.float32]:
        """Rows (elements, of a vector) `start` to `stop` of a tensor in one of `READABLE_DTYPES`, as float32.

        Raises:
            CheckpointError: the file ends early.
        """
        tensor = self.tensors[name]
        row = math.prod(tensor.shape[1:])
        dtype = np.dtype(_STORED_AS[tensor.dtype])
        stored = np.empty((stop - start) * row, dtype)
        self._file.seek(tensor.offset + start * row * dtype.itemsize)
        if self._file.readinto(stored.view(np.uint8).data) != stored.nbytes:
            self._refuse(f"it ends inside tensor {name!r}")
        # bfloat16 is the upper half of a float32
        values = (
            np.left_shift(stored, 16, dtype=np.uint32).view(np.float32)
            if tensor.dtype == "BF16"
            else stored.astype(np.float32, copy=False)
        )
        return values.reshape(stop - start, *tensor.shape[1:])

    def _read_header(self) -> dict[str, StoredTensor]:
        size = self._file.seek(0, 2)
        self._file.seek(0)
        length = int.from_bytes(self._file.read(8), "little")
        if size < 8 or length > size - 8:
            self._refuse(f"a header of {length} bytes in a file of {size}")
        if length > LARGEST_HEADER:
            self._refuse(f"a header of {length} bytes, more than {LARGEST_HEADER}")
        try:
            header = json.loads(self._file.read(length), object_pairs_hook=_without_doubles)
        except (ValueError, RecursionError) as error:  # of JSON, of UTF-8, and of numbers too long to read
            self._refuse(f"its header is not JSON: {error}")
        if not isinstance(header, dict):
            self._refuse("its header is not a JSON object")
        header.pop("__metadata__", None)
        tensors = {name: self._stored_tensor(name, entry, 8 + length) for name, entry in header.items()}
        self._check_order(tensors, 8 + length, size)
        return tensors

    def _stored_tensor(self, name: str, entry: object, start: int) -> StoredTensor:
        if not isinstance(entry, dict):
            self._refuse(f"the entry of {name!r} is not an object")
        dtype, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
        if not isinstance(dtype, str):
            self._refuse(f"tensor {name!r} has dtype {dtype!r}")
        if not _are_sizes(shape) or len(shape) > MOST_DIMENSIONS:
            self._refuse(f"tensor {name!r} has shape {shape!r}")
        if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
            self._refuse(f"tensor {name!r} has data_offsets {offsets!r}")
        size = offsets[1] - offsets[0]
        if dtype in DTYPE_BYTES and math.prod(shape) * DTYPE_BYTES[dtype] != size:
            self._refuse(f"tensor {name!r} of shape {shape} in {dtype} has {size} bytes")
        return StoredTensor(dtype, tuple(shape), start + offsets[0], size)

    def _check_order(self, tensors: Mapping[str, StoredTensor], start: int, size: int) -> None:
        """Tensors lie one after the other, from the header to the end of the file."""
        end = start
        for name, tensor in sorted(tensors.items(), key=lambda item: (item[1].offset, item[1].bytes)):
            if tensor.offset != end:
                self._refuse(f"tensor {name!r} begins at byte {tensor.offset} instead of {end}")
            end += tensor.bytes
        if end != size:
            self._refuse(f"its tensors end at byte {end}, the file at {size}")

    def _refuse(self, problem: str) -> NoReturn:
        raise CheckpointError(
            f"{self.path} is truncated or not a safetensors file: {problem[:300]}",
            expected="a whole safetensors file",
            remedy="Download the file again and compare its size.",
        )


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice in one object")
    return found


def _are_sizes(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 63 for size in value
    )
