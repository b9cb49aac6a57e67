"""What an export says that its graphs say first: the tokens of other runs, and how sure they are."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pagelm._backend_native import NativeBackend
from pagelm.backend import Backend
from pagelm.manifest import load_manifest
from pagelm_builder.external_data import external_data
from pagelm_builder.first_tokens import PROMPT_TOKENS, TOKENS, find_first_tokens
from pagelm_builder.verify.reference import open_exact
from random_bundle import export_random_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_random_bundle(tmp_path_factory.mktemp("first-tokens"))


def manifest_of(bundle: Path) -> Any:
    return json.loads((bundle / "manifest.json").read_text("utf-8"))


@contextmanager
def open_graph(bundle: Path, graph: str) -> Iterator[Backend]:
    if graph == "wasm":
        yield NativeBackend.load(bundle, graph="wasm")
    else:
        with open_exact(bundle, load_manifest(bundle)) as backend:
            yield backend


@pytest.mark.parametrize(("graph", "share"), [("webgpu-f32", 1e-3), ("webgpu-f16", 0.1), ("wasm", None)])
def test_they_are_what_the_runtime_says(bundle: Path, graph: str, share: float | None) -> None:
    """Each graph's, by the runtime's own backend: ids, margins, and the tolerance in deviations."""
    manifest = manifest_of(bundle)
    [prompt] = manifest["first_tokens"]["prompts"]
    entry = manifest["first_tokens"]["graphs"][graph]
    [reply] = entry["replies"]
    assert len(reply["ids"]) == len(reply["margins"]) == TOKENS

    async def follow(backend: Backend) -> list[np.ndarray]:
        await backend.prefill(prompt["input_ids"], 0)
        rows = [np.array(await backend.logits())]
        for token_id in reply["ids"][:-1]:
            await backend.decode(token_id)
            rows.append(np.array(await backend.logits()))
        await backend.close()
        return rows

    with open_graph(bundle, graph) as backend:
        rows = asyncio.run(follow(backend))
    assert [int(row.argmax()) for row in rows] == reply["ids"]
    best = [np.sort(row)[-2:] for row in rows]
    assert reply["margins"] == pytest.approx([high - low for low, high in best], rel=6e-4)
    if share is None:
        share = 6 * max(manifest["parity"]["wasm_to_native"]["deviation_mean"], 0.005)
    assert entry["near_tie"] == pytest.approx(share * np.mean([row.std() for row in rows]), rel=6e-4)


def test_the_prompt_is_a_question_of_many_tokens(bundle: Path) -> None:
    [prompt] = manifest_of(bundle)["first_tokens"]["prompts"]
    assert len(prompt["input_ids"]) >= PROMPT_TOKENS
    question = b"user\n" + prompt["text"].encode()
    assert bytes(prompt["input_ids"][1 : 1 + len(question)]) == question


def test_a_prompt_leaves_room_in_a_short_context(tmp_path: Path) -> None:
    [prompt] = manifest_of(export_random_bundle(tmp_path, positions=24))["first_tokens"]["prompts"]
    assert len(prompt["input_ids"]) == 24 - TOKENS


def test_a_template_that_refuses_a_question_has_none(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "copy"))
    manifest = manifest_of(copy)
    template = b"{{ raise_exception('never') }}"
    digest = hashlib.sha256(template).hexdigest()
    file = f"template.{digest[:16]}.jinja"
    entry = {"file": file, "bytes": len(template), "sha256": digest}
    (copy / file).write_bytes(template)
    (copy / "manifest.json").write_text(json.dumps({**manifest, "chat_template": entry}))
    with external_data(copy, load_manifest(copy), ("native", "wasm")) as external:
        assert find_first_tokens(copy, external, 0.04) == {}
