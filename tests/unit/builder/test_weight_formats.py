"""Bundles in other block sizes and with eight bits in the head: what is written, and that graphs agree."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pagelm_builder.errors import ConfigError
from pagelm_builder.export import export_bundle
from pagelm_builder.quantize.block_format import WeightFormat
from pagelm_builder.weights import plan_weights
from tiny_checkpoints import TINY, random_arrays, write_checkpoint

WIDE = replace(TINY, hidden_size=128, intermediate_size=128)
UNTIED = replace(WIDE, tie_word_embeddings=False)
FORMATS = [WeightFormat(4, 16), WeightFormat(4, 64), WeightFormat(4, 128), WeightFormat(8, 32)]


def manifest_of(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "wide"
    return write_checkpoint(folder, WIDE, random_arrays(WIDE), np.float32)


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_every_graph_of_a_format_reads_its_weights(
    form: WeightFormat, checkpoint: Path, tmp_path: Path
) -> None:
    # the export ends with a comparison of two graphs that share nothing but the stored bytes
    manifest = manifest_of(export_bundle(checkpoint, tmp_path / "bundle", weight_format=form))
    found = manifest["quantization"]
    assert (found["head_bits"], found["block_size"]) == (form.head_bits, form.block_size)
    tensors = manifest["graphs"]["wasm"]["expanded"]["tensors"]
    assert {tensor["block_size"] for tensor in tensors} == {form.block_size}
    bits = {tensor["name"]: tensor["bits"] for tensor in tensors}
    assert bits.pop("model.embed_tokens") == form.head_bits
    assert set(bits.values()) == {4}


def test_eight_bits_double_the_codes_of_the_head_and_nothing_else() -> None:
    four, eight = (plan_weights(WIDE, weight_format=WeightFormat(bits)).bytes for bits in (4, 8))
    assert eight - four == WIDE.vocab_size * WIDE.hidden_size // 2


def test_only_the_matrix_that_gives_the_logits_has_the_heads_bits() -> None:
    regions = plan_weights(UNTIED, weight_format=WeightFormat(8, 32)).regions
    assert regions["lm_head.codes"].shape == (UNTIED.vocab_size, 4, 32)
    assert regions["model.embed_tokens.codes"].shape == (UNTIED.vocab_size, 4, 16)


def test_rows_that_do_not_divide_into_blocks_are_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"embed_tokens\.weight' has rows of 96 weights") as raised:
        plan_weights(replace(TINY, hidden_size=96, vocab_size=64), weight_format=WeightFormat(4, 64))
    assert "smaller --block-size" in raised.value.remedy
