"""Runs one built graph on onnxruntime's CPU, from a layout and arrays, without a bundle on disk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from pagelm_builder.config import ModelConfig
from pagelm_builder.graphs import build_graph
from pagelm_builder.quantize.expansion import expand_rows
from pagelm_builder.quantize.round_to_nearest import dequantize_rows
from pagelm_builder.variant import Variant
from pagelm_builder.weights import (
    EXPANDED_FILE,
    WEIGHTS_FILE,
    WeightLayout,
    plan_expansion,
    plan_weights,
    write_weights,
)
from tiny_checkpoints import Arrays, ArraySource


def weight_bytes(config: ModelConfig, layout: WeightLayout, arrays: Arrays) -> bytes:
    """weights.bin of a layout."""
    data = bytearray()
    write_weights(config, layout, ArraySource(arrays), data.extend)
    return bytes(data)


def read_region(layout: WeightLayout, data: bytes, name: str) -> NDArray[np.generic]:
    """One region of weights.bin as an array."""
    region = layout.regions[name]
    dtype = region.dtype.numpy()
    count = int(np.prod(region.shape))
    return np.frombuffer(data, dtype, count, region.offset).reshape(region.shape)


def dequantized(config: ModelConfig, layout: WeightLayout, data: bytes, arrays: Arrays) -> Arrays:
    """The checkpoint whose matrices are what the int4 codes stand for."""
    result = dict(arrays)
    for name in layout.regions:
        if name.endswith(".codes"):
            tensor = name.removesuffix(".codes")
            codes = read_region(layout, data, name)
            scales = read_region(layout, data, f"{tensor}.scales")
            result[f"{tensor}.weight"] = dequantize_rows(codes, scales)
    return result


def expand(config: ModelConfig, layout: WeightLayout, data: bytes) -> bytes:
    """expanded.bin, as the runtime makes it."""
    expanded = plan_expansion(config, layout)
    result = bytearray(expanded.bytes)
    for tensor in expanded.tensors:
        codes = read_region(layout, data, f"{tensor.name}.codes")
        scales = read_region(layout, data, f"{tensor.name}.scales")
        weight, weight_scales = expand_rows(codes, scales)
        for offset, array in ((tensor.weight_offset, weight), (tensor.weight_scales_offset, weight_scales)):
            result[offset : offset + array.nbytes] = array.tobytes()
    return bytes(result)


class Decoder:
    """One sequence on one variant of the decoder.

    Args:
        arrays: Unquantized weights by checkpoint key.
    """

    def __init__(self, config: ModelConfig, variant: Variant, arrays: Arrays) -> None:
        self.config = config
        self.dtype = np.float16 if variant.compute == "float16" else np.float32
        layout = plan_weights(config, "float32" if variant.linear == "float32" else "int4")
        data = weight_bytes(config, layout, arrays)
        files, regions = {WEIGHTS_FILE: data}, layout.regions
        if variant.linear == "w8a8":
            files[EXPANDED_FILE] = expand(config, layout, data)
            regions = regions | plan_expansion(config, layout).regions
        options = ort.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        # without VNNI, x86 kernels saturate uint8 × int8 sums; WASM's do not
        options.add_session_config_entry("session.x64quantprecision", "1")
        options.add_external_initializers_from_files_in_memory(
            list(files), list(files.values()), [len(file) for file in files.values()]
        )
        model = build_graph(config, variant, regions).model
        self.session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.reset()

    def reset(self) -> None:
        shape = (1, self.config.num_key_value_heads, 0, self.config.head_dim)
        self.past = {
            f"past_key_values.{layer}.{part}": np.zeros(shape, self.dtype)
            for layer in range(self.config.num_hidden_layers)
            for part in ("key", "value")
        }
        self.length = 0

    def run(self, input_ids: Sequence[int]) -> dict[str, NDArray[np.generic]]:
        """Append tokens; returns every output by name."""
        total = self.length + len(input_ids)
        feeds = {
            "input_ids": np.array([input_ids], np.int64),
            "seqlens_k": np.array([total - 1], np.int32),
            "total_sequence_length": np.array([total], np.int32),
            **self.past,
        }
        found = dict(zip(self.outputs, self.session.run(self.outputs, feeds), strict=True))
        self.past = {name: found[name.replace("past_key_values", "present")] for name in self.past}
        self.length = total
        return found

    def logits(self, input_ids: Sequence[int]) -> NDArray[np.float32]:
        """Logits `[vocab_size]` after the last of these tokens."""
        logits: NDArray[np.float32] = self.run(input_ids)["logits"][0]
        return logits
