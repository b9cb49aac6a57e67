"""What verification measures on a bundle, and that each thing it promises to notice is noticed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from altered_bundle import Edit, alter_bundle, replace_graph, set_attribute
from graph_sessions import Decoder, expand, weight_bytes
from pagelm.manifest import load_manifest
from pagelm_builder import export
from pagelm_builder import external_data as external_data_module
from pagelm_builder.config import ModelConfig
from pagelm_builder.distributions import kl_divergence, log_softmax
from pagelm_builder.errors import VerificationError
from pagelm_builder.export import export_bundle
from pagelm_builder.external_data import external_data
from pagelm_builder.graphs import BuiltGraph, build_wasm
from pagelm_builder.parity import deviations, measure_parity, sequence_of_ids
from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.expansion import expand_rows
from pagelm_builder.variant import NATIVE, WASM
from pagelm_builder.weights import ExpandedLayout, Region, WeightLayout, plan_weights
from tiny_checkpoints import TINY, random_arrays, write_checkpoint, write_config

GRAPHS = ["webgpu-f32", "webgpu-f16", "wasm", "native"]
RUNNABLE = ["wasm", "native"]
Alter = Callable[[str, Edit], Path]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("source") / "tiny", dtype=np.float32)


@pytest.fixture(scope="module")
def bundle(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bundle(checkpoint, tmp_path_factory.mktemp("out") / "bundle")


@pytest.fixture
def alter(bundle: Path, tmp_path: Path) -> Alter:
    """Copy the bundle, edit one of its graphs, and let the manifest name the edited file."""

    def alter(name: str, edit: Edit) -> Path:
        return alter_bundle(bundle, tmp_path / "altered", name, edit)

    return alter


def node_of(graph: onnx.GraphProto, op_type: str) -> onnx.NodeProto:
    return next(node for node in graph.node if node.op_type == op_type)


# what it measures


def test_export_writes_what_was_measured_into_the_manifest(bundle: Path) -> None:
    parity = load_manifest(bundle).parity
    assert parity == measure_parity(bundle)
    assert (parity["tokens"], parity["positions"]) == (32, 13)
    assert set(parity) == {"tokens", "positions", "native", "wasm", "wasm_to_native"}


def ids_of(bundle: Path) -> list[int]:
    model = load_manifest(bundle).model
    return sequence_of_ids(model.vocab_size, model.max_position_embeddings)


def test_figures_are_those_of_the_graphs_run_by_other_code(bundle: Path) -> None:
    """The same sequence through sessions that the tests build from arrays, without a bundle."""
    ids = ids_of(bundle)
    rows = {}
    for variant in (NATIVE, WASM):
        decoder = Decoder(TINY, variant, random_arrays(TINY))
        rows[variant.name] = np.array(
            [decoder.logits(ids[:20]), *(decoder.logits([id_]) for id_ in ids[20:])]
        )
    native, wasm = (rows[name].astype(np.float64) for name in ("native", "wasm"))
    p, q = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) for logits in (native, wasm))
    divergence = (p * np.log(p / q)).sum(axis=1)
    found = load_manifest(bundle).parity["wasm_to_native"]
    assert found == {
        "kl_divergence_mean": pytest.approx(divergence.mean(), rel=6e-3),
        "kl_divergence_max": pytest.approx(divergence.max(), rel=6e-3),
        "deviation_mean": pytest.approx(np.mean((wasm - native).std(axis=1) / native.std(axis=1)), rel=6e-3),
        "top_1_agreement": pytest.approx((native.argmax(1) == wasm.argmax(1)).mean(), rel=6e-3),
    }
    deviation = load_manifest(bundle).parity["native"]["logits_deviation"]  # type: ignore[index]
    assert deviation == pytest.approx(native.std(axis=1).mean(), rel=6e-3)


def test_expansion_in_pieces_gives_the_bytes_of_the_whole(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_data_module, "VALUES_PER_EXPANSION", 1000)
    layout = plan_weights(TINY)
    data = weight_bytes(TINY, layout, random_arrays(TINY))
    with external_data(bundle, load_manifest(bundle), ["wasm"], parent=bundle.parent) as folder:
        assert (folder / "weights.bin").read_bytes() == data
        assert (folder / "expanded.bin").read_bytes() == expand(TINY, layout, data)
    assert [path.name for path in bundle.parent.iterdir()] == [bundle.name]


def test_ids_depend_on_the_vocabulary_alone_and_lie_inside_it(bundle: Path) -> None:
    ids = ids_of(bundle)
    assert ids == ids_of(bundle)
    assert len(set(ids)) == 32
    assert max(ids) < TINY.vocab_size
    # from every quarter of the vocabulary
    assert {id_ * 4 // TINY.vocab_size for id_ in ids} == {0, 1, 2, 3}


def test_a_context_shorter_than_the_sequence_is_not_exceeded(checkpoint: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(checkpoint, tmp_path / "source"))
    write_config(source, max_position_embeddings=24)
    parity = load_manifest(export_bundle(source, tmp_path / "bundle")).parity
    assert (parity["tokens"], parity["positions"]) == (24, 5)


def test_divergence_of_equal_rows_is_zero_and_of_others_what_the_formula_says() -> None:
    rows = np.log(np.array([[0.5, 0.5], [0.9, 0.1]]))
    others = np.log(np.array([[0.5, 0.5], [0.5, 0.5]]))
    expected = [0, 0.9 * np.log(0.9 / 0.5) + 0.1 * np.log(0.1 / 0.5)]
    # logits are defined up to a constant
    np.testing.assert_allclose(
        kl_divergence(log_softmax(rows + 700), log_softmax(others - 700)), expected, atol=1e-12
    )


def test_deviation_is_a_share_of_the_spread_and_ignores_constants() -> None:
    reference = np.array([[1.0, -1.0], [1.0, -1.0], [2.0, 2.0], [2.0, 2.0]])
    found = np.array([[1.5, -1.5], [6.0, 4.0], [0.0, 0.0], [1.0, 0.0]])
    assert deviations(reference, found).tolist() == [0.5, 0, 0, np.inf]


def test_progress_counts_the_graphs_that_run(bundle: Path) -> None:
    reports: list[tuple[str, int, int]] = []
    measure_parity(bundle, lambda *report: reports.append(report))
    assert reports == [("verify", done, 2) for done in (0, 1, 2)]


# what it notices


def test_a_corrupted_expanded_weight_ends_the_export_and_leaves_nothing(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expand_wrongly(
        codes: NDArray[np.uint8],
        scales: NDArray[np.float16],
        form: BlockFormat,
        factors: NDArray[np.float32] | None,
    ) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        weight, weight_scales = expand_rows(codes, scales, form, factors)
        # one of the fourteen matrices of the layers, mirrored: q_proj
        return (weight[::-1], weight_scales) if weight.shape == (64, 128) else (weight, weight_scales)

    monkeypatch.setattr(external_data_module, "expand_rows", expand_wrongly)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(VerificationError, match="graph wasm: against graph native, logits deviate") as raised:
        export_bundle(checkpoint, out / "bundle")
    assert raised.value.expected == "at most 0.25"
    assert raised.value.remedy.startswith("Nothing was written.")
    assert list(out.iterdir()) == []


def test_an_earlier_bundle_outlives_an_export_that_fails_verification(
    bundle: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = Path(shutil.copytree(bundle, tmp_path / "out" / "bundle"))
    monkeypatch.setattr(
        external_data_module,
        "expand_rows",
        lambda codes, scales, form, factors: (0, np.ones(len(codes), np.float32)),
    )
    with pytest.raises(VerificationError):
        export_bundle(checkpoint, out)
    assert (out / "manifest.json").read_bytes() == (bundle / "manifest.json").read_bytes()
    assert [path.name for path in out.parent.iterdir()] == ["bundle"]


def test_a_graph_that_reads_another_layers_weights_is_noticed(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build_swapped(config: ModelConfig, layout: WeightLayout, expanded: ExpandedLayout) -> BuiltGraph:
        regions = dict(expanded.regions)
        first, second = (f"model.layers.{layer}.mlp.down_proj.int8" for layer in (0, 1))
        a, b = regions[first], regions[second]
        regions[first] = Region(first, a.file, a.dtype, a.shape, b.offset, b.bytes)
        regions[second] = Region(second, b.file, b.dtype, b.shape, a.offset, a.bytes)
        return build_wasm(config, layout, ExpandedLayout(expanded.tensors, regions, expanded.bytes))

    monkeypatch.setattr(export, "build_wasm", build_swapped)
    with pytest.raises(VerificationError, match="graph wasm: against graph native"):
        export_bundle(checkpoint, tmp_path / "bundle")


def pick_the_first_token(graph: onnx.GraphProto) -> None:
    """Right for a decoded token, wrong for a prefill."""
    node = next(node for node in graph.node if node.name == "/last_token/Slice")
    for index, bound in ((1, 0), (2, 1)):
        tensor = onnx.numpy_helper.from_array(np.array([bound], np.int64), f"bound.{bound}")
        graph.initializer.append(tensor)
        node.input[index] = tensor.name


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_prefill_that_is_not_the_decode_of_its_tokens_is_noticed(name: str, alter: Alter) -> None:
    problem = f"graph {name}: logits after prefill \\+ decode deviate from those after prefill by"
    with pytest.raises(VerificationError, match=problem):
        measure_parity(alter(name, pick_the_first_token))


@pytest.mark.parametrize("name", RUNNABLE)
def test_candidates_that_are_not_the_greatest_are_noticed(name: str, alter: Alter) -> None:
    def take_the_least(graph: onnx.GraphProto) -> None:
        set_attribute(node_of(graph, "TopK"), "largest", 0)

    with pytest.raises(VerificationError, match=f"graph {name}: 64 of 64 candidates are not the greatest"):
        measure_parity(alter(name, take_the_least))


@pytest.mark.parametrize("name", RUNNABLE)
def test_logits_that_are_not_numbers_are_noticed(name: str, alter: Alter) -> None:
    def take_a_root_of_a_negative(graph: onnx.GraphProto) -> None:
        set_attribute(node_of(graph, "SimplifiedLayerNormalization"), "epsilon", -1e6)

    with pytest.raises(VerificationError, match=f"graph {name}: 512 of 512 logits are not finite"):
        measure_parity(alter(name, take_a_root_of_a_negative))


@pytest.mark.parametrize("name", RUNNABLE)
def test_a_graph_that_onnxruntime_refuses_is_named(name: str, alter: Alter) -> None:
    def ask_for_an_unknown_operator(graph: onnx.GraphProto) -> None:
        node_of(graph, "GatherBlockQuantized").op_type = "GatherNoSuchThing"

    with pytest.raises(
        VerificationError, match=f"graph {name}: onnxruntime fails on it: .*GatherNoSuchThing"
    ):
        measure_parity(alter(name, ask_for_an_unknown_operator))


def rename_an_output(graph: onnx.GraphProto) -> None:
    old = graph.output[-1].name
    graph.output[-1].name = "present.last"
    for node in graph.node:
        node.output[:] = ["present.last" if value == old else value for value in node.output]


def change_a_type(graph: onnx.GraphProto) -> None:
    graph.input[1].type.tensor_type.elem_type = onnx.TensorProto.INT64


def change_a_size(graph: onnx.GraphProto) -> None:
    graph.output[2].type.tensor_type.shape.dim[1].dim_value = 511


def reach_beyond_the_weights(graph: onnx.GraphProto) -> None:
    tensor = next(tensor for tensor in graph.initializer if tensor.external_data)
    next(item for item in tensor.external_data if item.key == "offset").value = str(10**9)


def read_another_file(graph: onnx.GraphProto) -> None:
    tensor = next(tensor for tensor in graph.initializer if tensor.external_data)
    next(item for item in tensor.external_data if item.key == "location").value = "other.bin"


def leave_out_a_node(graph: onnx.GraphProto) -> None:
    graph.node.remove(node_of(graph, "GroupQueryAttention"))


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (
            rename_an_output,
            "output present.1.value is absent, and 1 more .expected FLOAT(16)? .1, 2, total, 32",
        ),
        (change_a_type, r"input seqlens_k is INT64 \[1\] \(expected INT32 \[1\]\)"),
        (change_a_size, r"output logits is FLOAT \[(1|kept), 511\] \(expected FLOAT \[(1|kept), 512\]\)"),
        (reach_beyond_the_weights, "ends at byte 10000.* of weights.bin .expected at most"),
        (read_another_file, "is in 'other.bin' .expected weights.bin"),
        (leave_out_a_node, "does not pass onnx.checker"),
    ],
    ids=["output", "type", "size", "beyond the end", "another file", "no node makes a value"],
)
@pytest.mark.parametrize("name", GRAPHS)
def test_a_graph_that_breaks_the_contract_is_named(name: str, edit: Edit, problem: str, alter: Alter) -> None:
    with pytest.raises(VerificationError, match=f"graph {name}: .*{problem}"):
        measure_parity(alter(name, edit))


def test_a_file_that_is_no_graph_is_named(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "altered"))
    replace_graph(copy, "webgpu-f16", b"\xff no protobuf")
    with pytest.raises(VerificationError, match="graph webgpu-f16: is not ONNX"):
        measure_parity(copy)
