"""Token embedding: rows looked up in the same bytes that the tied head multiplies by.

The lookup takes the codes in the head's own shape, one block a row of the last axis, so that one initializer
(and one GPU buffer) serves both; the blocks are joined again by a Reshape that moves nothing.

    codes [vocab, hidden/B, B/2] ─► GatherBlockQuantized ─► [1, sequence, hidden/B, B] ─► Reshape
"""

from __future__ import annotations

import onnx_ir as ir

from pagelm_builder.components.emitter import MICROSOFT, GraphEmitter
from pagelm_builder.config import ModelConfig
from pagelm_builder.tensors import EMBEDDING

SCOPE = "/model/embed_tokens"


def emit_embedding(emitter: GraphEmitter, config: ModelConfig, input_ids: ir.Value) -> ir.Value:
    """`[1, sequence]` ids → `[1, sequence, hidden_size]`."""
    if emitter.variant.linear == "float32":
        table = emitter.weight(f"{EMBEDDING}.weight")
        return emitter.op("Gather", [table, input_ids], name=f"{SCOPE}/Gather", attributes={"axis": 0})
    form = emitter.block_format(EMBEDDING)
    blocks = config.hidden_size // form.block_size
    scales = emitter.compute_weight(f"{EMBEDDING}.scales", (config.vocab_size, blocks, 1))
    gathered = emitter.op(
        "GatherBlockQuantized",
        [emitter.weight(f"{EMBEDDING}.codes"), input_ids, scales],
        name=f"{SCOPE}/GatherBlockQuantized",
        domain=MICROSOFT,
        attributes={
            "bits": form.bits,
            "block_size": form.block_size,
            "gather_axis": 0,
            "quantize_axis": 2,
        },
    )
    return emitter.reshape(gathered, (0, 0, config.hidden_size), SCOPE)
