"""Candidates against a stable argsort, over vocabularies that fit one row, several rows, and need padding."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from pagelm_builder.components.candidates import WIDEST_ROW, emit_candidates, row_width
from pagelm_builder.components.emitter import GraphEmitter
from pagelm_builder.decoder import IR_VERSION, OPSETS
from pagelm_builder.variant import NATIVE, WEBGPU_F32, Variant

VOCABULARIES = [10, 64, 512, 2048, 2049, 4099, 50257, 151936]


def run_candidates(
    variant: Variant, logits: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.int64], list[str]]:
    vocab_size = logits.shape[1]
    emitter = GraphEmitter(variant, {})
    value = ir.Value(name="logits", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape([1, vocab_size]))
    values, ids = emit_candidates(emitter, value, vocab_size)
    values.type, ids.type = ir.TensorType(ir.DataType.FLOAT), ir.TensorType(ir.DataType.INT64)
    graph = ir.Graph(
        [value],
        [values, ids],
        nodes=emitter.nodes,
        initializers=list(emitter.initializers.values()),
        opset_imports=OPSETS,
        name="candidates",
    )
    model = ir.to_proto(ir.Model(graph, ir_version=IR_VERSION)).SerializeToString()
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = session.run(None, {"logits": logits})
    return found[0], found[1], [node.op_type for node in emitter.nodes]


@pytest.mark.parametrize("variant", [NATIVE, WEBGPU_F32], ids=lambda variant: variant.top_k)
@pytest.mark.parametrize("vocab_size", VOCABULARIES)
@pytest.mark.parametrize("levels", [1 << 30, 40], ids=["distinct", "many ties"])
def test_candidates_are_the_stable_argsort(variant: Variant, vocab_size: int, levels: int) -> None:
    random = np.random.default_rng(vocab_size)
    logits = np.round(random.standard_normal((1, vocab_size)) * levels).astype(np.float32)
    values, ids, _ = run_candidates(variant, logits)
    expected = np.argsort(-logits[0], kind="stable")[:64]
    np.testing.assert_array_equal(ids[0], expected)
    np.testing.assert_array_equal(values[0], logits[0][expected])


def test_padding_never_beats_the_smallest_logits() -> None:
    logits = np.full((1, 2049), np.finfo(np.float32).min, np.float32)
    _, ids, _ = run_candidates(WEBGPU_F32, logits)
    np.testing.assert_array_equal(ids[0], np.arange(64))


def test_qwen3_vocabulary_is_cut_without_padding() -> None:
    assert row_width(151936) == 1187


@pytest.mark.parametrize("vocab_size", VOCABULARIES)
def test_no_sorted_row_is_wider_than_one_dispatch_takes(vocab_size: int) -> None:
    assert row_width(vocab_size) <= WIDEST_ROW


@pytest.mark.parametrize(("vocab_size", "stages"), [(512, 1), (2048, 1), (50257, 2), (151936, 3)])
def test_tiles_are_merged_in_few_stages(vocab_size: int, stages: int) -> None:
    _, _, operators = run_candidates(WEBGPU_F32, np.zeros((1, vocab_size), np.float32))
    assert operators.count("TopK") == stages
