"""Which tokens go on to the head, so that prefill never computes logits nobody reads.

last   hidden [1, sequence, hidden_size] ─► Gather(-1) ─► [1, hidden_size]
kept   hidden ─► Slice(-num_logits_to_keep …) ─► [1, kept, hidden_size]         0 keeps all
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from pagelm_builder.components.emitter import GraphEmitter

SCOPE = "/last_token"


def emit_last_tokens(emitter: GraphEmitter, hidden: ir.Value) -> ir.Value:
    if emitter.variant.logits == "last":
        last = emitter.constant(np.array(-1, np.int64), "last_token")
        return emitter.op("Gather", [hidden, last], name=f"{SCOPE}/Gather", attributes={"axis": 1})
    count = emitter.input("num_logits_to_keep", ir.DataType.INT64, [])
    start = emitter.reshape(emitter.op("Neg", [count], name=f"{SCOPE}/Neg"), (1,), SCOPE)
    end = emitter.constant(np.array([np.iinfo(np.int64).max], np.int64), "last_token.end")
    axes = emitter.constant(np.array([1], np.int64), "last_token.axes")
    return emitter.op("Slice", [hidden, start, end, axes], name=f"{SCOPE}/Slice")
