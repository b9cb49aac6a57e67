"""Qwen3-0.6B as it will be: bytes, bindings and graphs, planned from its config without a weight."""

from __future__ import annotations

import json

import pytest

from pagelm_builder.bundle import PART_BYTES
from pagelm_builder.config import ModelConfig, read_config
from pagelm_builder.graphs import BuiltGraph, build_graph
from pagelm_builder.quantize.block_format import WeightFormat
from pagelm_builder.random_checkpoint import QWEN3_06B
from pagelm_builder.variant import BUNDLE_VARIANTS
from pagelm_builder.weights import DEFAULT_FORMAT, plan_expansion, plan_weights

MIB = 1 << 20


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ModelConfig:
    folder = tmp_path_factory.mktemp("config")
    (folder / "config.json").write_text(json.dumps(QWEN3_06B))
    return read_config(folder)


def build_all(config: ModelConfig, weight_format: WeightFormat) -> list[BuiltGraph]:
    layout = plan_weights(config, weight_format=weight_format)
    regions = layout.regions | plan_expansion(config, layout).regions
    return [build_graph(config, variant, regions) for variant in BUNDLE_VARIANTS]


@pytest.fixture(scope="module")
def graphs(config: ModelConfig) -> list[BuiltGraph]:
    return build_all(config, DEFAULT_FORMAT)


def test_all_graphs_together_need_338_megabytes_of_weights_at_most(config: ModelConfig) -> None:
    assert plan_weights(config).bytes <= 338_000_000


def test_parts_fit_any_free_static_host() -> None:
    assert PART_BYTES <= 24 * MIB


def test_no_binding_is_larger_than_every_webgpu_device_allows(graphs: list[BuiltGraph]) -> None:
    on_webgpu = [graph for graph in graphs if graph.variant.qk_norm == "fused"]
    assert [graph.largest_binding_bytes <= 128 * MIB for graph in on_webgpu] == [True, True]


def test_graphs_ship_no_tables(graphs: list[BuiltGraph]) -> None:
    # cos and sin of 40,960 positions alone would be 21 MB
    assert all(len(graph.model) < MIB for graph in graphs)


# what README and --help say of the options
@pytest.mark.parametrize(
    ("weight_format", "megabytes"),
    [
        (WeightFormat(4, 16), 373),
        (WeightFormat(4, 32), 336),
        (WeightFormat(4, 64), 317),
        (WeightFormat(4, 128), 308),
        (WeightFormat(8, 32), 413),
    ],
    ids=str,
)
def test_a_format_has_the_size_that_help_says(
    weight_format: WeightFormat, megabytes: int, config: ModelConfig
) -> None:
    assert round(plan_weights(config, weight_format=weight_format).bytes / 1e6) == megabytes


def test_eight_bits_in_the_head_need_a_binding_above_the_default_limit(config: ModelConfig) -> None:
    graphs = build_all(config, WeightFormat(8, 32))
    largest = {graph.variant.name: graph.largest_binding_bytes for graph in graphs}
    assert largest["webgpu-f32"] == largest["webgpu-f16"] == 151_936 * 1024
