"""pagelm._backend_native beyond the contract: what it loads, what it refuses, and whole replies."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes import collect
from pagelm._backend_native import NativeBackend
from pagelm._native_weights import expand_weights
from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation, Token
from pagelm.errors import BackendError, ManifestError, PartAlteredError, PartMissingError
from pagelm.events import Done, TextDelta
from pagelm.language_model import LanguageModel
from pagelm.manifest import load_manifest
from pagelm.manifest_values import Expanded, ExpandedTensor
from pagelm.sampling_options import SamplingOptions
from random_bundle import export_random_bundle

GREEDY = SamplingOptions(temperature=0.0)
ASK = [{"role": "user", "content": "2 + 2?"}]


@pytest.fixture(scope="session")
def random_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_random_bundle(tmp_path_factory.mktemp("random"))


@pytest.fixture
def own_bundle(random_bundle: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(random_bundle, tmp_path / "bundle"))


async def greedy_ids(backend: NativeBackend, prompt: list[int], count: int) -> list[int]:
    steps = Engine(backend, prefill_chunk_tokens=5).generate(
        prompt, sampling=GREEDY, eos_token_ids=(), max_new_tokens=count
    )
    return [step.token_id async for step in steps if isinstance(step, Token)]


def test_capabilities_are_the_manifests(random_bundle: Path) -> None:
    capabilities = NativeBackend.load(random_bundle).capabilities
    model = load_manifest(random_bundle).model
    assert (capabilities.name, capabilities.graph) == ("native", "native")
    assert (capabilities.vocab_size, capabilities.max_positions) == (
        model.vocab_size,
        model.max_position_embeddings,
    )


async def test_a_whole_reply(random_bundle: Path) -> None:
    model = await LanguageModel.load(random_bundle, threads=1)
    events = await collect(model.reply(ASK, sampling=GREEDY, max_new_tokens=12))
    again = await collect(model.reply(ASK, sampling=GREEDY, max_new_tokens=12))
    assert isinstance(events[-1], Done)
    assert events[:-1] == again[:-1]
    await model.close()


async def test_the_cached_prefix_changes_no_token(random_bundle: Path) -> None:
    used = NativeBackend.load(random_bundle, threads=1)
    for prompt in ([1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 9, 9], [1, 2, 3, 4, 9, 9, 30, 31]):
        fresh = NativeBackend.load(random_bundle, threads=1)
        assert await greedy_ids(used, prompt, 10) == await greedy_ids(fresh, prompt, 10)


async def test_the_context_may_be_filled_to_its_end(random_bundle: Path) -> None:
    backend = NativeBackend.load(random_bundle, threads=1)
    room = backend.capabilities.max_positions
    assert len(await greedy_ids(backend, list(range(100)), room)) == room - 100


async def test_a_step_lets_others_run(random_bundle: Path) -> None:
    backend = NativeBackend.load(random_bundle, threads=1)
    cancellation = Cancellation()
    task = asyncio.create_task(
        collect(Engine(backend).generate([1], sampling=GREEDY, eos_token_ids=(), cancellation=cancellation))
    )
    await asyncio.sleep(0)
    cancellation.cancel()
    steps = await task
    assert len(steps) <= 3


async def test_a_seeded_reply_is_repeated(random_bundle: Path) -> None:
    model = await LanguageModel.load(random_bundle, threads=1)
    options = SamplingOptions(temperature=1.0, top_k=0, top_p=1.0, seed=3)
    first, second = [await collect(model.reply(ASK, sampling=options, max_new_tokens=20)) for _ in range(2)]
    assert [event for event in first if isinstance(event, TextDelta)] == [
        event for event in second if isinstance(event, TextDelta)
    ]


@pytest.mark.parametrize(("bits", "block_size"), [(4, 32), (4, 16), (4, 64), (8, 32)])
@pytest.mark.parametrize("elements_at_once", [1, 128, 1 << 22])
@pytest.mark.parametrize("smoothed", [False, True])
def test_wasm_weights_are_within_half_a_level_of_the_stored_ones(
    elements_at_once: int, bits: int, block_size: int, smoothed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a dequantization of its own, code by code; in pieces of one, two and all rows."""
    monkeypatch.setattr("pagelm._native_weights._ELEMENTS_AT_ONCE", elements_at_once)
    random = np.random.default_rng(1)
    rows, columns, zero = 6, 64, 2 ** (bits - 1)
    levels = random.integers(0, 2**bits, (rows, columns))
    levels[2] = zero  # a row of zeros
    scales = random.uniform(-0.1, 0.1, (rows, columns // block_size)).astype(np.float16)
    dense = np.array(
        [
            [(int(levels[n, k]) - zero) * float(scales[n, k // block_size]) for k in range(columns)]
            for n in range(rows)
        ]
    )
    flat = [int(level) for level in levels.ravel()]
    codes = bytes(flat) if bits == 8 else bytes(flat[i] | flat[i + 1] << 4 for i in range(0, len(flat), 2))
    factors = (2.0 ** (-random.integers(0, 9, columns) / 4)).astype("<f4")
    stored = b"pad." + codes + scales.tobytes()
    weights = np.frombuffer(stored + factors.tobytes(), np.uint8)
    tensor = ExpandedTensor("q", rows, columns, bits, block_size, 4, 4 + len(codes), 8, 8 + rows * columns)
    if smoothed:
        tensor, dense = replace(tensor, input_factors_offset=len(stored)), dense / factors
    data = expand_weights(weights, Expanded("expanded.bin", 8 + rows * columns + rows * 4, (tensor,)))

    int8 = data[8 : 8 + rows * columns].view(np.int8).reshape(columns, rows)
    row_scales = data[8 + rows * columns :].view("<f4")
    assert row_scales[2] == 1
    assert np.all(np.abs(int8.T * row_scales[:, None] - dense) <= row_scales[:, None] * 0.5001)
    assert np.all(np.abs(int8).max(axis=0)[[0, 1, 3, 4, 5]] == 127)
    assert not data[:8].any()


def test_an_altered_part_is_refused(own_bundle: Path) -> None:
    part = next((own_bundle / "weights").iterdir())
    part.write_bytes(bytes(part.stat().st_size))
    with pytest.raises(PartAlteredError, match=part.name):
        NativeBackend.load(own_bundle)


def test_a_missing_graph_is_refused(own_bundle: Path) -> None:
    for path in (own_bundle / "graphs").glob("native.*"):
        path.unlink()
    with pytest.raises(PartMissingError, match="native"):
        NativeBackend.load(own_bundle)


async def test_an_altered_tokenizer_is_refused_before_the_weights_are_read(own_bundle: Path) -> None:
    for path in (own_bundle / "tokenizer").glob("tokenizer.*"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    shutil.rmtree(own_bundle / "weights")
    with pytest.raises(PartAlteredError, match="tokenizer"):
        await LanguageModel.load(own_bundle)


async def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"manifest.json cannot be read"):
        await LanguageModel.load(tmp_path)


def test_a_graph_that_onnxruntime_cannot_read_is_refused(own_bundle: Path) -> None:
    manifest = json.loads((own_bundle / "manifest.json").read_text())
    entry = manifest["graphs"]["native"]
    data = b"no graph at all"
    entry["sha256"] = hashlib.sha256(data).hexdigest()
    entry["bytes"] = len(data)
    entry["file"] = f"graphs/native.{entry['sha256'][:16]}.onnx"
    (own_bundle / entry["file"]).write_bytes(data)
    (own_bundle / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BackendError, match="onnxruntime refuses graphs/native"):
        NativeBackend.load(own_bundle)


def test_a_whole_reply_without_a_loop(random_bundle: Path) -> None:
    model = LanguageModel.load_sync(random_bundle, threads=1)
    events = list(model.reply_sync(ASK, sampling=GREEDY, max_new_tokens=8))
    assert isinstance(events[-1], Done)
    assert events[-1].usage.reasoning_tokens + events[-1].usage.answer_tokens == 8
    model.close_sync()
    with pytest.raises(BackendError, match="closed"):
        next(model.reply_sync(ASK))
