"""A bundle measured against its checkpoint: the figures, and what cannot be compared."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from pagelm.bundle_files import read_verified
from pagelm.errors import ManifestError
from pagelm.manifest import load_manifest
from pagelm.tokenizer import Tokenizer
from pagelm_builder.decoder_session import DecoderSession
from pagelm_builder.distributions import log_softmax
from pagelm_builder.documents import Text
from pagelm_builder.errors import EvaluationError
from pagelm_builder.evaluate import teacher_forcing
from pagelm_builder.evaluate.all_positions import LAST_TOKEN, emit_all_positions
from pagelm_builder.evaluate.measure import CpuGraph, measure_bundle
from pagelm_builder.evaluate.teacher_forcing import TeacherForcedDecoder
from pagelm_builder.export import export_bundle
from pagelm_builder.external_data import external_data
from pagelm_builder.graphs import build_graph
from pagelm_builder.pico.vocabulary import make_tokenizer, save_tokenizer
from pagelm_builder.variant import NATIVE
from pagelm_builder.weights import plan_weights
from tiny_checkpoints import TINY, random_arrays, write_checkpoint
from transformers_models import all_logits

GRAPHS: tuple[CpuGraph, ...] = ("native", "wasm")
TEXT = Text("What is 12 + 30? It is 42, and the letters of the word are counted one by one.")
# as in the parity tests: kernels for one row and for many add in another order, and may then round apart
TOLERANCE = 0.02


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny", TINY, dtype=np.float32)


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(checkpoint, tmp_path_factory.mktemp("bundle") / "tiny")


def token_ids(bundle: Path) -> list[int]:
    manifest = load_manifest(bundle)
    return Tokenizer.from_bytes(read_verified(bundle, manifest.tokenizer)).encode(TEXT.text)


@pytest.mark.parametrize("graph", GRAPHS)
def test_logits_of_all_positions_are_those_of_the_graph_that_is_shipped(graph: str, bundle: Path) -> None:
    manifest, ids = load_manifest(bundle), token_ids(bundle)
    with external_data(bundle, manifest, [graph]) as external:
        found = np.concatenate(list(TeacherForcedDecoder(bundle, manifest, graph, external).logits(ids)))
        shipped = DecoderSession(bundle, manifest, graph, external)
    assert found.shape == (len(ids), TINY.vocab_size)
    for position in (0, 1, 7, len(ids) - 1):
        shipped.reset()
        expected = shipped.run(ids[: position + 1]).logits
        np.testing.assert_allclose(found[position], expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("graph", GRAPHS)
def test_figures_are_those_of_transformers_against_the_shipped_graph(
    graph: CpuGraph, bundle: Path, checkpoint: Path
) -> None:
    ids = token_ids(bundle)
    result = measure_bundle(bundle, checkpoint, [TEXT], graph=graph)
    manifest = load_manifest(bundle)
    with external_data(bundle, manifest, [graph]) as external:
        shipped = DecoderSession(bundle, manifest, graph, external)
    log_q = log_softmax(np.stack([shipped.run([token]).logits for token in ids[:-1]]))
    log_p = log_softmax(all_logits(TINY, random_arrays(TINY), ids)[:-1])
    rows = np.arange(len(ids) - 1)
    divergence = (np.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()
    assert result.positions == len(ids) - 1
    assert result.kl_divergence_mean == pytest.approx(divergence, rel=0.02)
    assert result.kl_divergence_mean > 0.001
    agreement = (log_p.argmax(axis=1) == log_q.argmax(axis=1)).mean()
    assert result.top_1_agreement == pytest.approx(agreement, abs=1.01 / len(rows))
    assert result.perplexity == pytest.approx(np.exp(-log_q[rows, ids[1:]].mean()), rel=0.005)
    assert result.reference_perplexity == pytest.approx(np.exp(-log_p[rows, ids[1:]].mean()), rel=1e-4)


def test_chunks_and_sequences_change_no_figure(
    bundle: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documents = [TEXT, Text("The second text is not the continuation of the first.")]
    whole = measure_bundle(bundle, checkpoint, documents)
    monkeypatch.setattr(teacher_forcing, "LOGITS_AT_ONCE", 3 * TINY.vocab_size)
    chunks = measure_bundle(bundle, checkpoint, documents)
    assert chunks.positions == whole.positions
    assert chunks.kl_divergence_mean == pytest.approx(whole.kl_divergence_mean, rel=1e-4)
    singly = [measure_bundle(bundle, checkpoint, [document]) for document in documents]
    total = sum(part.kl_divergence_mean * part.positions for part in singly)
    assert whole.kl_divergence_mean == pytest.approx(total / whole.positions, rel=1e-4)


def test_progress_counts_the_checkpoints_layers_then_the_texts(bundle: Path, checkpoint: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    measure_bundle(bundle, checkpoint, [TEXT], progress=lambda *call: calls.append(call))
    assert calls == [("reference", 1, 2), ("reference", 2, 2), ("evaluate", 1, 1)]


def test_a_checkpoint_of_another_vocabulary_size_is_refused(bundle: Path, tmp_path: Path) -> None:
    other = write_checkpoint(tmp_path / "other", replace(TINY, vocab_size=600))
    with pytest.raises(EvaluationError, match=r"has a vocabulary of 600 tokens \(expected 512"):
        measure_bundle(bundle, other, [TEXT])


def test_a_checkpoint_whose_ids_mean_other_tokens_is_refused(
    bundle: Path, checkpoint: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(checkpoint, tmp_path / "other")
    save_tokenizer(make_tokenizer(seed=1), other)
    with pytest.raises(EvaluationError, match="has another tokenizer"):
        measure_bundle(bundle, other, [TEXT])


def test_a_bundle_without_the_graph_is_refused_before_any_work(
    bundle: Path, checkpoint: Path, tmp_path: Path
) -> None:
    one_graph = shutil.copytree(bundle, tmp_path / "bundle")
    manifest = json.loads((one_graph / "manifest.json").read_text(encoding="utf-8"))
    del manifest["graphs"]["wasm"]
    (one_graph / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    calls: list[object] = []
    with pytest.raises(ManifestError, match=r"graphs\.wasm is missing"):
        measure_bundle(one_graph, checkpoint, [TEXT], graph="wasm", progress=lambda *call: calls.append(call))
    assert calls == []


def test_a_graph_of_an_earlier_version_which_picks_one_token_gives_all_positions_too() -> None:
    graph = build_graph(TINY, replace(NATIVE, logits="last"), plan_weights(TINY).regions).model
    model = onnx.load_model_from_string(emit_all_positions(graph))
    (logits,) = (value for value in model.graph.output if value.name == "logits")
    assert [size.dim_param or size.dim_value for size in logits.type.tensor_type.shape.dim] == [
        1,
        "sequence",
        TINY.vocab_size,
    ]
    assert not [node.name for node in model.graph.node if node.name.startswith(LAST_TOKEN)]


def test_a_graph_that_picks_no_last_token_is_refused(bundle: Path) -> None:
    manifest = load_manifest(bundle)
    model = onnx.load_model_from_string(read_verified(bundle, manifest.graph("native").file))
    for node in model.graph.node:
        if node.name.startswith(LAST_TOKEN):
            node.name = f"/other{node.name}"
    with pytest.raises(EvaluationError, match="0 nodes /last_token/"):
        emit_all_positions(model.SerializeToString())
    with pytest.raises(EvaluationError, match="not ONNX"):
        emit_all_positions(b"no protobuf")
