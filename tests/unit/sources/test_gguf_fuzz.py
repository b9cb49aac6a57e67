"""Mutated GGUF files end in named errors or are read: nothing else is raised, no memory beyond bounds."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pagelm.errors import PagelmError
from pagelm_builder.sources.open_source import open_source
from pagelm_builder.tensors import model_tensors
from tiny_checkpoints import TINY_LLAMA3
from tiny_gguf import write_gguf

# reading the intact file takes 2 MB
MOST_MEMORY_BYTES = 16 << 20
EDGES = (0, 1, 2, 3, 4, 8, 9, 31, 33, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**62, 2**63, 2**64 - 1)
FUZZ = settings(max_examples=100, deadline=None)
numbers = st.tuples(
    st.integers(0, 2**32), st.sampled_from(EDGES) | st.integers(0, 2**64 - 1), st.sampled_from((1, 4, 8))
)


@pytest.fixture(scope="module")
def intact(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_gguf(tmp_path_factory.mktemp("gguf") / "tiny.gguf", TINY_LLAMA3).read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("mutated")
    tracemalloc.start()
    yield path
    tracemalloc.stop()


def open_mutated(folder: Path, data: bytes) -> str | None:
    """Read all of it; the name of the error that it ends in."""
    path = folder / "mutated.gguf"
    path.write_bytes(data)
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    name = None
    try:
        with open_source(path) as source:
            for tensor in model_tensors(source.config):
                for _ in source.weights.rows(tensor):
                    pass
    except PagelmError as error:
        name = type(error).__name__
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before < MOST_MEMORY_BYTES
    return name


def test_the_intact_file_is_read(intact: bytes, folder: Path) -> None:
    assert open_mutated(folder, intact) is None


@FUZZ
@given(edits=st.lists(numbers, min_size=1, max_size=3))
def test_numbers_before_the_tokenizer_may_be_anything(
    intact: bytes, folder: Path, edits: list[tuple[int, int, int]]
) -> None:
    overwrite_and_open(folder, intact, edits, 0, intact.index(b"tokenizer.ggml.model"))


@FUZZ
@given(edits=st.lists(numbers, min_size=1, max_size=3))
def test_numbers_of_tensors_may_be_anything(
    intact: bytes, folder: Path, edits: list[tuple[int, int, int]]
) -> None:
    overwrite_and_open(folder, intact, edits, intact.index(b"token_embd.weight") - 8, 1500)


def overwrite_and_open(
    folder: Path, intact: bytes, edits: list[tuple[int, int, int]], start: int, length: int
) -> None:
    mutated = bytearray(intact)
    for place, value, width in edits:
        at = start + place % length
        mutated[at : at + width] = struct.pack("<Q", value)[:width]
    open_mutated(folder, bytes(mutated))


@FUZZ
@given(place=st.integers(0, 2**32), lost=st.integers(0, 64), added=st.binary(max_size=16))
def test_bytes_may_be_lost_or_added_anywhere(
    intact: bytes, folder: Path, place: int, lost: int, added: bytes
) -> None:
    at = place % len(intact)
    open_mutated(folder, intact[:at] + added + intact[at + lost :])


@FUZZ
@given(tail=st.binary(max_size=400), keys=st.integers(0, 3), tensors=st.integers(0, 3))
def test_anything_may_follow_the_magic(folder: Path, tail: bytes, keys: int, tensors: int) -> None:
    assert open_mutated(folder, b"GGUF" + struct.pack("<IQQ", 3, tensors, keys) + tail)
