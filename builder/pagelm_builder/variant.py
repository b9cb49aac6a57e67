"""Which decoder is built for which backend: the one value that components branch on.

Everything that differs between graphs is a field here, so that no component asks for a backend's name. It
knows no ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Variant:
    """How one graph does its arithmetic.

    Attributes:
        name: The key in the manifest.
        linear: `int4` is MatMulNBits; `w8a8` is MatMulInteger over weights expanded at load, with activations
            quantized per token; `float32` is a plain MatMul over unquantized weights, for parity tests.
        compute: Type of activations and KV cache.
        qk_norm: `fused` gives GroupQueryAttention the norm weights (WebGPU needs it for speed); `explicit`
            norms the heads before it (the CPU kernel rejects the fused inputs).
        top_k: `tiled` reduces rows of at most 2048 columns, the most that one WebGPU dispatch sorts;
            `whole` sorts the vocabulary at once; `none` gives no candidates.
        accuracy_level: Of MatMulNBits, on the CPU: 0 computes in float32; 4 quantizes activations to int8 by
            token and block, and is faster.
        required_features: WebGPU features that the adapter must have.
        lookup: `block_quantized` reads the embedding with onnxruntime's own operator; `plain` unpacks the
            rows with ONNX's, for builds that lack it.
        lengths: `inputs` takes the two lengths that attention asks for as inputs; `attention_mask` counts the
            columns of a mask, as Hugging Face's libraries give one.
        logits: `last` are those of the last token; `kept` those of as many as an input says; `verified` too,
            as rows: one where a run does not give that input.
    """

    name: str
    linear: Literal["int4", "w8a8", "float32"]
    compute: Literal["float32", "float16"]
    qk_norm: Literal["fused", "explicit"]
    top_k: Literal["tiled", "whole", "none"]
    accuracy_level: Literal[0, 4] = 0
    required_features: tuple[str, ...] = ()
    lookup: Literal["block_quantized", "plain"] = "block_quantized"
    lengths: Literal["inputs", "attention_mask"] = "inputs"
    logits: Literal["last", "kept", "verified"] = "last"


WEBGPU_F32 = Variant("webgpu-f32", "int4", "float32", "fused", "tiled")
WEBGPU_F16 = Variant("webgpu-f16", "int4", "float16", "fused", "tiled", required_features=("shader-f16",))
WASM = Variant("wasm", "w8a8", "float32", "explicit", "whole", logits="verified")
NATIVE = Variant("native", "int4", "float32", "explicit", "whole", accuracy_level=4, logits="verified")
"""The four graphs of a bundle."""
BUNDLE_VARIANTS = (WEBGPU_F32, WEBGPU_F16, WASM, NATIVE)
"""The same decoder over unquantized weights: what the parity tests compare with transformers."""
FLOAT32 = Variant("float32", "float32", "float32", "explicit", "whole")
"""The graph that transformers.js runs, on either of its devices: its WASM one has no GatherBlockQuantized."""
TRANSFORMERS_JS = Variant(
    "transformers-js",
    "int4",
    "float32",
    "explicit",
    "none",
    lookup="plain",
    lengths="attention_mask",
    logits="kept",
)
