"""RMSNorm, alone or together with the residual addition before it.

Emitted as onnxruntime's own operators, which are the anchors of its WebGPU fusions. Zhang & Sennrich 2019.
"""

from __future__ import annotations

import onnx_ir as ir

from pagelm_builder.components.emitter import MICROSOFT, GraphEmitter


def emit_rms_norm(
    emitter: GraphEmitter, hidden: ir.Value, scope: str, tensor: str, epsilon: float
) -> ir.Value:
    """Normalize the last axis and scale it by the stored vector `tensor`."""
    return emitter.op(
        "SimplifiedLayerNormalization",
        [hidden, emitter.compute_weight(f"{tensor}.weight")],
        name=f"{scope}/SimplifiedLayerNormalization",
        attributes={"axis": -1, "epsilon": epsilon, "stash_type": 1},
    )


def emit_residual_rms_norm(
    emitter: GraphEmitter,
    hidden: ir.Value,
    residual: ir.Value,
    scope: str,
    tensor: str,
    epsilon: float,
    *,
    keep_sum: bool,
) -> tuple[ir.Value, ir.Value | None]:
    """Add the residual, then normalize.

    Returns:
        The normalized sum, and the sum itself (the next residual) if `keep_sum`.
    """
    outputs = emitter.ops(
        "SkipSimplifiedLayerNormalization",
        [residual, hidden, emitter.compute_weight(f"{tensor}.weight")],
        name=f"{scope}/SkipSimplifiedLayerNormalization",
        domain=MICROSOFT,
        attributes={"epsilon": epsilon},
        outputs=(True, False, False, True) if keep_sum else (True,),
    )
    return outputs[0], outputs[1] if keep_sum else None
