"""Which tokens go on to the head, so that prefill never computes logits nobody reads.

last      hidden [1, sequence, hidden_size] ─► Gather(-1) ─► [1, hidden_size]
kept      hidden ─► Slice(-num_logits_to_keep …) ─► [1, kept, hidden_size]         0 keeps all
verified  hidden ─► Slice(-num_logits_to_keep …) ─► Reshape ─► [kept, hidden_size]    1 unless it is given
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from pagelm_builder.components.emitter import GraphEmitter

SCOPE = "/last_token"
COUNT = "num_logits_to_keep"


def emit_last_tokens(emitter: GraphEmitter, hidden: ir.Value, hidden_size: int) -> ir.Value:
    """`[1, sequence, hidden_size]` → the rows of which logits are wanted."""
    match emitter.variant.logits:
        case "last":
            last = emitter.constant(np.array(-1, np.int64), "last_token")
            return emitter.op("Gather", [hidden, last], name=f"{SCOPE}/Gather", attributes={"axis": 1})
        case "kept":
            count = emitter.input(COUNT, ir.DataType.INT64, [])
            start = emitter.op("Neg", [count], name=f"{SCOPE}/Neg")
            return _emit_slice(emitter, hidden, emitter.reshape(start, (1,), SCOPE))
        case "verified":
            count = emitter.optional_input(COUNT, np.array([1], np.int64))
            start = emitter.op("Neg", [count], name=f"{SCOPE}/Neg")
            # two dimensions, as candidates and logits have them: a run that keeps one row is as it always was
            return emitter.reshape(_emit_slice(emitter, hidden, start), (-1, hidden_size), SCOPE)


def _emit_slice(emitter: GraphEmitter, hidden: ir.Value, start: ir.Value) -> ir.Value:
    end = emitter.constant(np.array([np.iinfo(np.int64).max], np.int64), "last_token.end")
    axes = emitter.constant(np.array([1], np.int64), "last_token.axes")
    return emitter.op("Slice", [hidden, start, end, axes], name=f"{SCOPE}/Slice")
