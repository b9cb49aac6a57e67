"""The gated feed-forward layer: down(silu(gate(x)) * up(x)). SiLU as Sigmoid and Mul: WebGPU fuses that.

Shazeer 2020, "GLU variants improve Transformer".
"""

from __future__ import annotations

import onnx_ir as ir

from pagelm_builder.components.emitter import GraphEmitter
from pagelm_builder.components.linear import Linear, emit_linear, emit_linears
from pagelm_builder.config import ModelConfig
from pagelm_builder.tensors import node_scope


def emit_mlp(emitter: GraphEmitter, config: ModelConfig, hidden: ir.Value, prefix: str) -> ir.Value:
    """The feed-forward of the layer `prefix` over `[1, sequence, hidden_size]`."""
    tensor = f"{prefix}.mlp"
    scope = node_scope(tensor)
    hidden_size, intermediate_size = config.hidden_size, config.intermediate_size
    gate, up = emit_linears(
        emitter,
        hidden,
        f"{scope}/gate_up",
        [
            Linear(f"{scope}/gate_proj", f"{tensor}.gate_proj", intermediate_size, hidden_size),
            Linear(f"{scope}/up_proj", f"{tensor}.up_proj", intermediate_size, hidden_size),
        ],
    )
    sigmoid = emitter.op("Sigmoid", [gate], name=f"{scope}/act_fn/Sigmoid")
    silu = emitter.op("Mul", [gate, sigmoid], name=f"{scope}/act_fn/Mul")
    gated = emitter.op("Mul", [silu, up], name=f"{scope}/Mul")
    return emit_linear(
        emitter, gated, Linear(f"{scope}/down_proj", f"{tensor}.down_proj", hidden_size, intermediate_size)
    )
