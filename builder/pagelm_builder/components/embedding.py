"""Token embedding: rows looked up in the same bytes that the tied head multiplies by.

The lookup takes the codes in the head's own shape, one block a row of the last axis, so that one initializer
(and one GPU buffer) serves both; the blocks are joined again by a Reshape that moves nothing.

    codes [vocab, hidden/B, B/2] ─► GatherBlockQuantized ─► [1, sequence, hidden/B, B] ─► Reshape

In plain operators the same arithmetic, exact in float32 (codes of 8 bits are not unpacked):

    codes ─► Gather ─┬─► BitwiseAnd 15 ─┐
                     └─► BitShift 4 ────┴─► interleave ─► - 8 ─► × (scales ─► Gather) ─► Reshape
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from pagelm_builder.components.emitter import MICROSOFT, GraphEmitter
from pagelm_builder.config import ModelConfig
from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.tensors import EMBEDDING

SCOPE = "/model/embed_tokens"


def emit_embedding(emitter: GraphEmitter, config: ModelConfig, input_ids: ir.Value) -> ir.Value:
    """`[1, sequence]` ids → `[1, sequence, hidden_size]`."""
    if emitter.variant.linear == "float32":
        table = emitter.weight(f"{EMBEDDING}.weight")
        return emitter.op("Gather", [table, input_ids], name=f"{SCOPE}/Gather", attributes={"axis": 0})
    form = emitter.block_format(EMBEDDING)
    if emitter.variant.lookup == "plain":
        return _emit_plain_lookup(emitter, config, input_ids, form)
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


def _emit_plain_lookup(
    emitter: GraphEmitter, config: ModelConfig, input_ids: ir.Value, form: BlockFormat
) -> ir.Value:
    codes, scales = (
        emitter.op("Gather", [table, input_ids], name=f"{SCOPE}/{name}/Gather", attributes={"axis": 0})
        for name, table in (
            ("codes", emitter.weight(f"{EMBEDDING}.codes")),
            ("scales", emitter.compute_weight(f"{EMBEDDING}.scales")),
        )
    )
    blocks = config.hidden_size // form.block_size
    if form.bits == 4:
        codes = _emit_nibbles(emitter, codes)
    real = emitter.cast(codes, emitter.compute_dtype, SCOPE)
    real = emitter.reshape(real, (1, -1, blocks, form.block_size), f"{SCOPE}/blocks")
    zero = emitter.constant(np.array(form.zero_point, emitter.compute_dtype.numpy()), "embedding.zero_point")
    steps = emitter.op("Sub", [real, zero], name=f"{SCOPE}/Sub")
    scale = emitter.reshape(scales, (1, -1, blocks, 1), f"{SCOPE}/scales")
    scaled = emitter.op("Mul", [steps, scale], name=f"{SCOPE}/Mul")
    return emitter.reshape(scaled, (0, 0, config.hidden_size), SCOPE)


def _emit_nibbles(emitter: GraphEmitter, codes: ir.Value) -> ir.Value:
    """The low and the high half of each byte as the last axis, of 2: the order of the weights."""
    mask = emitter.constant(np.array(15, np.uint8), "embedding.low_nibble")
    shift = emitter.constant(np.array(4, np.uint8), "embedding.high_nibble")
    axis = emitter.constant(np.array([-1], np.int64), "embedding.last_axis")
    low = emitter.op("BitwiseAnd", [codes, mask], name=f"{SCOPE}/BitwiseAnd")
    high = emitter.op("BitShift", [codes, shift], name=f"{SCOPE}/BitShift", attributes={"direction": "RIGHT"})
    pair = [
        emitter.op("Unsqueeze", [half, axis], name=f"{SCOPE}/{name}/Unsqueeze")
        for name, half in (("low", low), ("high", high))
    ]
    return emitter.op("Concat", pair, name=f"{SCOPE}/Concat", attributes={"axis": -1})
