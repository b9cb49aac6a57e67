"""Linear layers, with or without bias, in the three number formats of `Variant.linear`.

Layers that read the same activation (q, k, v; gate, up) are emitted together: W8A8 quantizes that activation
once.

    int4     x ─────────────────────────────────► MatMulNBits(codes, scales, (bias))
    w8a8     x (─► × factors) = x
             x ─► |x| ─► max over the row ─► × 1/127 ─► max ε ─► row scale
             └──► ÷ row scale ─► + 128.5 ─► to uint8 ─► MatMulInteger(int8) ─► × row scale ─► × channel scale
                                                                                             (─► + bias)
    float32  x ─► MatMul(transposed weight) (─► + bias)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir

from pagelm_builder.components.emitter import MICROSOFT, GraphEmitter
from pagelm_builder.tensors import inputs_name

ACTIVATION_ZERO_POINT = 128


@dataclass(frozen=True, slots=True)
class Linear:
    """One layer: the scope of its nodes, the checkpoint's tensor, its sizes, and whether it has a bias."""

    scope: str
    tensor: str
    outputs: int
    inputs: int
    bias: bool = False


def emit_linears(
    emitter: GraphEmitter, hidden: ir.Value, scope: str, layers: Sequence[Linear]
) -> list[ir.Value]:
    """Apply several layers to one activation `[1, sequence, inputs]`; `scope` names what they share."""
    match emitter.variant.linear:
        case "int4":
            return [_emit_int4(emitter, hidden, layer) for layer in layers]
        case "w8a8":
            factors = emitter.optional_weight(f"{inputs_name(layers[0].tensor)}.factors")
            if factors is not None:
                hidden = emitter.op("Mul", [hidden, factors], name=f"{scope}/smooth/Mul")
            codes, row_scales = _emit_row_quantization(emitter, hidden, scope)
            return [_emit_w8a8(emitter, codes, row_scales, layer) for layer in layers]
        case "float32":
            return [_emit_float32(emitter, hidden, layer) for layer in layers]


def emit_linear(emitter: GraphEmitter, hidden: ir.Value, layer: Linear) -> ir.Value:
    return emit_linears(emitter, hidden, layer.scope, [layer])[0]


def _emit_int4(emitter: GraphEmitter, hidden: ir.Value, layer: Linear) -> ir.Value:
    """No zero points: the form that onnxruntime fuses on WebGPU."""
    form = emitter.block_format(layer.tensor)
    inputs: list[ir.Value | None] = [
        hidden,
        emitter.weight(f"{layer.tensor}.codes"),
        emitter.compute_weight(f"{layer.tensor}.scales"),
    ]
    if layer.bias:
        # inputs 3 and 4 (zero_points, g_idx) are not used
        inputs += [None, None, emitter.compute_weight(f"{layer.tensor}.bias")]
    return emitter.op(
        "MatMulNBits",
        inputs,
        name=f"{layer.scope}/MatMulNBits",
        domain=MICROSOFT,
        attributes={
            "K": layer.inputs,
            "N": layer.outputs,
            "bits": form.bits,
            "block_size": form.block_size,
            "accuracy_level": emitter.variant.accuracy_level,
        },
    )


def _emit_row_quantization(emitter: GraphEmitter, hidden: ir.Value, scope: str) -> tuple[ir.Value, ir.Value]:
    """uint8 codes around 128 and one scale per token; per tensor would let one token ruin all others."""
    step = emitter.constant(np.array(1 / 127, np.float32), "activation.step")
    smallest = emitter.constant(np.array(1e-30, np.float32), "activation.smallest_scale")
    # adding 128.5 and truncating rounds half up
    offset = emitter.constant(np.array(ACTIVATION_ZERO_POINT + 0.5, np.float32), "activation.offset")
    axes = emitter.constant(np.array([-1], np.int64), "activation.axes")
    magnitude = emitter.op("Abs", [hidden], name=f"{scope}/quantize/Abs")
    largest = emitter.op("ReduceMax", [magnitude, axes], name=f"{scope}/quantize/ReduceMax")
    scaled = emitter.op("Mul", [largest, step], name=f"{scope}/quantize/Mul")
    row_scales = emitter.op("Max", [scaled, smallest], name=f"{scope}/quantize/Max")
    quotient = emitter.op("Div", [hidden, row_scales], name=f"{scope}/quantize/Div")
    shifted = emitter.op("Add", [quotient, offset], name=f"{scope}/quantize/Add")
    return emitter.cast(shifted, ir.DataType.UINT8, f"{scope}/quantize"), row_scales


def _emit_w8a8(emitter: GraphEmitter, codes: ir.Value, row_scales: ir.Value, layer: Linear) -> ir.Value:
    zero_point = emitter.constant(np.array(ACTIVATION_ZERO_POINT, np.uint8), "activation.zero_point")
    product = emitter.op(
        "MatMulInteger",
        [codes, emitter.weight(f"{layer.tensor}.int8"), zero_point],
        name=f"{layer.scope}/MatMulInteger",
    )
    real = emitter.cast(product, ir.DataType.FLOAT, layer.scope)
    by_row = emitter.op("Mul", [real, row_scales], name=f"{layer.scope}/rows/Mul")
    channel_scales = emitter.weight(f"{layer.tensor}.int8_scales")
    by_channel = emitter.op("Mul", [by_row, channel_scales], name=f"{layer.scope}/channels/Mul")
    return _emit_bias(emitter, by_channel, layer)


def _emit_float32(emitter: GraphEmitter, hidden: ir.Value, layer: Linear) -> ir.Value:
    weight = emitter.weight(f"{layer.tensor}.weight")
    transposed = emitter.op("Transpose", [weight], name=f"{layer.scope}/Transpose")
    product = emitter.op("MatMul", [hidden, transposed], name=f"{layer.scope}/MatMul")
    return _emit_bias(emitter, product, layer)


def _emit_bias(emitter: GraphEmitter, product: ir.Value, layer: Linear) -> ir.Value:
    if not layer.bias:
        return product
    bias = emitter.compute_weight(f"{layer.tensor}.bias")
    return emitter.op("Add", [product, bias], name=f"{layer.scope}/bias/Add")
