"""Headers that lie: whatever the bytes, a named error or a tensor inside the file, in bounded memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from pagelm_builder import checkpoint as checkpoint_module
from pagelm_builder.checkpoint import Checkpoint
from pagelm_builder.errors import CheckpointError
from pagelm_builder.safetensors_file import SafetensorsFile
from pagelm_builder.tensors import ModelTensor
from pagelm_builder.weights import plan_weights, write_weights
from tiny_checkpoints import TINY

ARRAYS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(4, np.float16)}
WHOLE = save(ARRAYS)
HEADER_BYTES = 8 + int.from_bytes(WHOLE[:8], "little")
HEADER = json.loads(WHOLE[8:HEADER_BYTES])
SIZES = st.one_of(st.integers(-2, 40), st.integers(0, 2**80), st.floats(), st.booleans(), st.none())
JSON = st.recursive(
    st.one_of(SIZES, st.text(max_size=4)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ANY_FILE = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def with_header(header: bytes, body: bytes = WHOLE[HEADER_BYTES:]) -> bytes:
    return len(header).to_bytes(8, "little") + header + body


def open_and_read(folder: Path, data: bytes) -> dict[str, np.ndarray] | None:
    """Every readable tensor of a file, or None where it is refused; any other error ends the test."""
    path = folder / "file.safetensors"
    path.write_bytes(data)
    try:
        with SafetensorsFile(path) as file:
            for tensor in file.tensors.values():
                assert 0 <= tensor.offset <= tensor.offset + tensor.bytes <= len(data)
            return {
                name: file.rows(name, 0, tensor.shape[0])
                for name, tensor in file.tensors.items()
                if tensor.dtype in ("BF16", "F16", "F32") and tensor.shape
            }
    except CheckpointError as error:
        refusal = error
    assert refusal.expected
    assert refusal.remedy
    assert len(str(refusal)) < 1000
    return None


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    found = open_and_read(tmp_path, WHOLE)
    assert found is not None
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)


@ANY_FILE
@given(data=st.binary(max_size=64))
@example(data=b"\xff" * 8)
@example(data=(2**63).to_bytes(8, "little") + b"{}")
@example(data=with_header(b"[" * 100_000, b""))
@example(data=with_header(b'{"a":' * 50_000, b""))
@example(data=with_header(b'{"a":' + b"9" * 10_000 + b"}", b""))
@example(data=with_header(b'{"a": NaN}', b""))
@example(data=with_header(b"\xff\xfe", b""))
def test_bytes_that_are_no_header_end_in_the_named_error(tmp_path: Path, data: bytes) -> None:
    open_and_read(tmp_path, data)


@ANY_FILE
@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, kept: int) -> None:
    assert open_and_read(tmp_path, WHOLE[:kept]) is None


@ANY_FILE
@given(st.integers(0, HEADER_BYTES - 1), st.integers(0, 255))
def test_a_changed_byte_of_the_header_never_reads_outside_the_file(
    tmp_path: Path, position: int, value: int
) -> None:
    open_and_read(tmp_path, WHOLE[:position] + bytes([value]) + WHOLE[position + 1 :])


@ANY_FILE
@given(
    name=st.sampled_from(["a", "b"]),
    key=st.sampled_from(["dtype", "shape", "data_offsets", None]),
    value=st.one_of(JSON, st.lists(SIZES, max_size=10)),
)
@example(name="a", key="data_offsets", value=[8, 32])
@example(name="a", key="data_offsets", value=[0, 2**62])
@example(name="a", key="shape", value=[2**62, 2**62, 0])
@example(name="a", key="shape", value=[3, 2, True])
def test_a_changed_entry_ends_in_the_named_error_or_stays_inside(
    tmp_path: Path, name: str, key: str | None, value: object
) -> None:
    entries = json.loads(json.dumps(HEADER))
    if key is None:
        entries[name] = value
    else:
        entries[name][key] = value
    open_and_read(tmp_path, with_header(json.dumps(entries).encode()))


@pytest.mark.parametrize(
    "offsets",
    [{"a": [0, 24], "b": [20, 28]}, {"a": [0, 24], "b": [28, 36]}, {"a": [8, 32], "b": [0, 8]}],
    ids=["overlap", "gap", "out of order"],
)
def test_tensors_follow_each_other_without_gap_or_overlap(
    tmp_path: Path, offsets: dict[str, list[int]]
) -> None:
    entries = {name: {**HEADER[name], "data_offsets": place} for name, place in offsets.items()}
    found = open_and_read(tmp_path, with_header(json.dumps(entries).encode()))
    in_order = sorted(offsets.values()) == [[0, 8], [8, 32]]
    assert (found is not None) == in_order


def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    entry = json.dumps(HEADER["a"])
    assert open_and_read(tmp_path, with_header(f'{{"a": {entry}, "a": {entry}}}'.encode())) is None


def test_a_header_that_claims_gigabytes_allocates_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file.safetensors"
    path.write_bytes((1 << 33).to_bytes(8, "little"))
    with path.open("r+b") as file:
        file.truncate((1 << 33) + 8)  # a sparse file: as long as it says, nearly nothing on disk
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="a header of 8589934592 bytes"):
        SafetensorsFile(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_tensor_larger_than_memory_streams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 runs of rows through reader, quantizer and writer, in less memory than a third of the tensor."""
    run = 1 << 18
    monkeypatch.setattr(checkpoint_module, "VALUES_PER_READ", run)
    rows, columns = 16 * run // TINY.hidden_size, TINY.hidden_size
    tensor = ModelTensor("model.embed_tokens", (rows, columns), "matrix")
    header = json.dumps(
        {tensor.key: {"dtype": "BF16", "shape": [rows, columns], "data_offsets": [0, 2 * rows * columns]}}
    ).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(with_header(header, b""))
    with path.open("r+b") as file:
        file.truncate(8 + len(header) + 2 * rows * columns)
    written = 0

    def count(data: bytes) -> None:
        nonlocal written
        written += len(data)

    monkeypatch.setattr("pagelm_builder.weights.model_tensors", lambda config: iter([tensor]))
    layout = plan_weights(TINY)
    with Checkpoint(tmp_path) as checkpoint:
        tracemalloc.start()
        write_weights(TINY, layout, checkpoint, count)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert written == layout.bytes
    assert peak < 4 * rows * columns / 3
