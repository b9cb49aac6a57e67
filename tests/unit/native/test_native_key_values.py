"""pagelm._native_key_values: buffers that a run reads and writes in place, and what growing keeps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pagelm._backend_native import NativeBackend
from random_bundle import export_random_bundle


@pytest.fixture(scope="module")
def random_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_random_bundle(tmp_path_factory.mktemp("key-values"))


@pytest.fixture
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Buffers that begin with room for four tokens."""
    monkeypatch.setattr("pagelm._native_key_values.SMALLEST_CAPACITY", 4)


def load(folder: Path) -> NativeBackend:
    return NativeBackend.load(folder, threads=1)


async def logits_along_the_way(backend: NativeBackend) -> list[list[float]]:
    """After a prefill and each of some decoded tokens."""
    await backend.prefill([1, 2, 3], 0)
    seen = [list(await backend.logits())]
    for token_id in range(10, 40):
        await backend.decode(token_id)
        seen.append(list(await backend.logits()))
    return seen


async def test_growing_changes_no_logit(random_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    roomy = await logits_along_the_way(load(random_bundle))
    monkeypatch.setattr("pagelm._native_key_values.SMALLEST_CAPACITY", 4)
    assert await logits_along_the_way(load(random_bundle)) == roomy


@pytest.mark.usefixtures("small_buffers")
async def test_buffers_grow_by_doubling_and_only_when_they_must(random_bundle: Path) -> None:
    backend = load(random_bundle)
    capacities = []
    for token_id in range(9):
        await backend.decode(token_id)
        capacities.append(backend._key_values.capacity)
    assert capacities == [4, 4, 4, 4, 8, 8, 8, 8, 16]


@pytest.mark.usefixtures("small_buffers")
async def test_buffers_never_hold_more_than_the_context(random_bundle: Path) -> None:
    backend = load(random_bundle)
    await backend.prefill([1] * 255, 0)
    assert backend._key_values.capacity == backend.capabilities.max_positions == 256
    await backend.decode(1)
    assert backend.length == 256


async def test_a_step_writes_behind_the_tokens_and_touches_none_of_them(random_bundle: Path) -> None:
    backend = load(random_bundle)
    await backend.prefill([5, 6, 7], 0)
    buffers = backend._key_values._buffers
    before = [buffer.copy() for buffer in buffers]
    await backend.decode(8)
    assert all(now is then for now, then in zip(backend._key_values._buffers, buffers, strict=True))
    for old, new in zip(before, buffers, strict=True):
        np.testing.assert_array_equal(old[:, :, :3], new[:, :, :3])
        assert new[:, :, 3].any()


async def test_closing_gives_the_memory_back(random_bundle: Path) -> None:
    backend = load(random_bundle)
    await backend.prefill([5, 6, 7], 0)
    await backend.close()
    assert backend._key_values._buffers == []
