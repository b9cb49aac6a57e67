"""`pagelm verify` for real: pico is certified by what was measured, a graph that computes else is not."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from altered_bundle import alter_graph, set_attribute
from pagelm.manifest import load_manifest

ROOT = Path(__file__).parents[2]
QUESTION = "What is 27 + 38?"
TOKENS = 4


@pytest.fixture
def bundle(dist: Path, tmp_path: Path) -> Path:
    """pico with one example; a question takes SwiftShader some seconds."""
    copy = Path(
        shutil.copytree(
            dist / "models" / "pico", tmp_path / "pico", ignore=shutil.ignore_patterns("*.br", "*.gz")
        )
    )
    manifest = json.loads((copy / "manifest.json").read_text("utf-8")) | {"examples": [QUESTION]}
    (copy / "manifest.json").write_text(json.dumps(manifest, indent=2), "utf-8")
    return copy


def verify(bundle: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, as Playwright runs in this one already."""
    command = [sys.executable, "-m", "pagelm_builder.cli", "verify", str(bundle), f"--tokens={TOKENS}"]
    return subprocess.run(
        [*command, "--node-modules", str(ROOT / "node_modules"), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_pico_is_certified_and_its_manifest_changes_in_nothing_else(bundle: Path) -> None:
    before = (bundle / "manifest.json").read_text("utf-8")
    done = verify(bundle, "--json")
    assert done.returncode == 0, done.stderr
    after = (bundle / "manifest.json").read_text("utf-8")
    assert after.startswith(before.rstrip().removesuffix("}").rstrip())
    assert json.loads(after) == {**json.loads(before), "certificate": json.loads(done.stdout)}
    assert {path.name for path in bundle.iterdir()} == {"graphs", "manifest.json", "tokenizer", "weights"}

    certificate = load_manifest(bundle).certificate
    assert certificate is not None
    assert [(prompt.text, prompt.enable_thinking) for prompt in certificate.prompts] == [
        (QUESTION, True),
        (QUESTION, False),
    ]
    graphs = certificate.graphs
    assert set(graphs) == {"native", "wasm", "webgpu-f32", "webgpu-f16"}
    assert graphs["webgpu-f16"].not_run == "no shader-f16; its structure was checked"
    native = [reply.ids for reply in graphs["native"].replies]
    assert [len(ids) for ids in native] == [TOKENS, TOKENS]
    assert [reply.ids for reply in graphs["webgpu-f32"].replies] == native
    assert [reply.ids for reply in graphs["wasm"].replies] == native

    figures = json.loads(done.stdout)["figures"]
    assert figures["agreement"]["webgpu-f32"]["tokens"] == 2 * TOKENS
    assert 0 < figures["agreement"]["webgpu-f32"]["difference_max"] < 1e-4
    fusion = figures["fusion"]
    assert fusion["dispatches_per_token"] == 9 * 4 + 5
    assert fusion["kernels"]["MatMulNBitsQkvDecode"]["dispatches_per_token"] == 4
    entry = load_manifest(bundle).graphs["webgpu-f32"]
    assert fusion["storage_buffers"] == entry.storage_buffers


@pytest.mark.parametrize("graph", ["webgpu-f32", "wasm"])
def test_a_graph_with_another_constant_is_refused_by_name(bundle: Path, graph: str) -> None:
    """Hashes are right and the graph is valid: what it computes is all that is wrong."""

    def raise_epsilon(edited: onnx.GraphProto) -> None:
        for node in edited.node:
            if any(attribute.name == "epsilon" for attribute in node.attribute):
                set_attribute(node, "epsilon", 0.5)

    alter_graph(bundle, graph, raise_epsilon)
    before = (bundle / "manifest.json").read_bytes()
    done = verify(bundle)
    assert done.returncode == 1
    assert done.stderr.startswith(f"pagelm: VerificationError: graph {graph}: ")
    assert (bundle / "manifest.json").read_bytes() == before
