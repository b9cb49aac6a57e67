"""The weight layout, and the stream that fills it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from graph_sessions import read_region, weight_bytes
from pagelm_builder.config import ModelConfig
from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.quantize.quantizer import QuantizedRows, RoundToNearest
from pagelm_builder.quantize.round_to_nearest import quantize_rows
from pagelm_builder.tensors import ModelTensor, model_tensors
from pagelm_builder.weights import ALIGNMENT, plan_expansion, plan_weights, write_weights
from tiny_checkpoints import TINY, ArraySource, RunsSource, random_arrays

UNTIED = replace(TINY, tie_word_embeddings=False)


@pytest.mark.parametrize("config", [TINY, UNTIED], ids=["tied", "untied"])
def test_regions_are_aligned_and_apart(config: ModelConfig) -> None:
    layout = plan_weights(config)
    for plan in (layout, plan_expansion(config, layout)):
        end = 0
        for region in plan.regions.values():
            assert region.offset % ALIGNMENT == 0
            assert end <= region.offset < end + ALIGNMENT
            end = region.offset + region.bytes
        assert end == plan.bytes


def test_each_region_holds_its_quantized_tensor() -> None:
    arrays = random_arrays(TINY)
    layout = plan_weights(TINY)
    data = weight_bytes(TINY, layout, arrays)
    assert len(data) == layout.bytes
    for tensor in model_tensors(TINY):
        if tensor.kind == "vector":
            np.testing.assert_array_equal(read_region(layout, data, tensor.key), arrays[tensor.key])
            continue
        codes, scales = quantize_rows(arrays[tensor.key])
        np.testing.assert_array_equal(read_region(layout, data, f"{tensor.name}.codes"), codes)
        np.testing.assert_array_equal(read_region(layout, data, f"{tensor.name}.scales"), scales)


def test_runs_of_rows_give_the_same_bytes_as_whole_tensors() -> None:
    arrays = random_arrays(TINY)
    layout = plan_weights(TINY)
    found = bytearray()
    write_weights(TINY, layout, RunsSource(arrays), found.extend)
    assert bytes(found) == weight_bytes(TINY, layout, arrays)


def test_progress_ends_at_the_total() -> None:
    layout = plan_weights(TINY)
    reports: list[tuple[int, int]] = []
    write_weights(
        TINY,
        layout,
        ArraySource(random_arrays(TINY)),
        lambda data: None,
        lambda done, total: reports.append((done, total)),
    )
    assert reports == sorted(reports)
    assert reports[-1] == (layout.bytes, layout.bytes)


def test_tied_embedding_is_stored_once_and_serves_as_the_head() -> None:
    names = [name for name in plan_weights(TINY).regions if "embed" in name or "head" in name]
    assert names == ["model.embed_tokens.codes", "model.embed_tokens.scales"]


def test_only_matrices_that_are_multiplied_by_are_expanded() -> None:
    tied = {tensor.name for tensor in plan_expansion(TINY, plan_weights(TINY)).tensors}
    untied = {tensor.name for tensor in plan_expansion(UNTIED, plan_weights(UNTIED)).tensors}
    assert tied - untied == {"model.embed_tokens"}
    assert untied - tied == {"lm_head"}
    assert len(tied) == 1 + 7 * TINY.num_hidden_layers


def test_what_a_quantizer_chooses_is_what_is_stored() -> None:
    class Counting(RoundToNearest):
        """Codes that count up instead of what the weights say."""

        def quantize(
            self, tensor: ModelTensor, runs: Iterable[NDArray[np.float32]], form: BlockFormat
        ) -> Iterator[QuantizedRows]:
            for codes, scales in super().quantize(tensor, runs, form):
                yield np.arange(codes.size, dtype=np.uint8).reshape(codes.shape), scales

    layout = plan_weights(TINY)
    found = bytearray()
    write_weights(TINY, layout, ArraySource(random_arrays(TINY)), found.extend, quantizer=Counting())
    codes = read_region(layout, bytes(found), "model.layers.1.mlp.down_proj.codes")
    assert codes.ravel()[:300].tolist() == [value % 256 for value in range(300)]
