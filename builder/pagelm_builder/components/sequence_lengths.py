"""How many tokens there are, cached ones included: what every layer's attention asks for.

    inputs           seqlens_k, total_sequence_length
    attention_mask   [1, total] ─► Shape ─► Cast ─► total_sequence_length ─► - 1 ─► seqlens_k

Of a mask only the width counts: a graph holds one sequence, in which nothing is padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from pagelm_builder.components.emitter import GraphEmitter

SCOPE = "/model/attention_mask"


@dataclass(frozen=True, slots=True)
class SequenceLengths:
    """Both int32 `[1]`; `seqlens_k` is the total length less one."""

    seqlens_k: ir.Value
    total_sequence_length: ir.Value


def emit_sequence_lengths(emitter: GraphEmitter) -> SequenceLengths:
    int32 = ir.DataType.INT32
    if emitter.variant.lengths == "inputs":
        return SequenceLengths(
            emitter.input("seqlens_k", int32, [1]), emitter.input("total_sequence_length", int32, [1])
        )
    mask = emitter.input("attention_mask", ir.DataType.INT64, [1, "total"])
    width = emitter.op("Shape", [mask], name=f"{SCOPE}/Shape", attributes={"start": 1})
    total = emitter.cast(width, int32, SCOPE)
    one = emitter.constant(np.array(1, np.int32), "sequence_lengths.one")
    return SequenceLengths(emitter.op("Sub", [total, one], name=f"{SCOPE}/Sub"), total)
