"""The weights as transformers.js fetches them: one file, or several where one would be too large.

It cuts a `WeightLayout` between tensors, as ONNX lets none lie in two files, and writes the stream that
`write_weights` gives. It knows neither quantization nor graphs.

    model_q4.onnx_data · model_q4.onnx_data_1 · model_q4.onnx_data_2 …
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from pagelm_builder.weights import Region, WeightLayout

# browsers have buffers of less than 2 GiB, and every file must fit into one
LARGEST_FILE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file: the bytes of the layout from `start` to `end`."""

    name: str
    start: int
    end: int


def divide(
    layout: WeightLayout, stem: str, largest: int = LARGEST_FILE_BYTES
) -> tuple[tuple[DataFile, ...], dict[str, Region]]:
    """The files, and every region at its place in them; a tensor larger than `largest` has a file for itself.

    Args:
        stem: The name of the first file; the others add `_1`, `_2`, …
    """
    starts = [0]
    for region in layout.regions.values():
        if region.offset + region.bytes - starts[-1] > largest and region.offset > starts[-1]:
            starts.append(region.offset)
    ends = [*starts[1:], layout.bytes]
    files = tuple(
        DataFile(f"{stem}_{number}" if number else stem, start, end)
        for number, (start, end) in enumerate(zip(starts, ends, strict=True))
    )
    regions = {}
    for name, region in layout.regions.items():
        file = next(file for file in reversed(files) if file.start <= region.offset)
        regions[name] = replace(region, file=file.name, offset=region.offset - file.start)
    return files, regions


class DataWriter:
    """Takes consecutive bytes of the whole and puts them into the files that they belong to."""

    def __init__(self, folder: Path, files: Sequence[DataFile]) -> None:
        self._folder = folder
        self._following = list(files)
        self._file: BinaryIO | None = None
        self._room = 0

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while len(view):
            if self._file is None or self._room == 0:
                self._open_next()
            assert self._file is not None
            piece, view = view[: self._room], view[self._room :]
            self._file.write(piece)
            self._room -= len(piece)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_next(self) -> None:
        self.close()
        file = self._following.pop(0)
        self._file = (self._folder / file.name).open("wb")
        self._room = file.end - file.start


@contextmanager
def writing(folder: Path, files: Sequence[DataFile]) -> Iterator[DataWriter]:
    """A writer that is closed at the end, whatever happens."""
    writer = DataWriter(folder, files)
    try:
        yield writer
    finally:
        writer.close()
