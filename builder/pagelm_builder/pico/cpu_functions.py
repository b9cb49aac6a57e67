"""RMSNorm and rotary embedding with hand-written gradients: half of the passes autograd makes over memory.

On a CPU these two cost as much as the matrix products of so small a model. Knows nothing of layers.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import FunctionCtx


class _Normalize(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, inputs: Tensor, weight: Tensor, eps: float) -> Tensor:
        norm = torch.linalg.vector_norm(inputs, dim=-1, keepdim=True)
        reciprocal = (norm.square() / inputs.shape[-1] + eps).rsqrt()
        normalized = inputs * reciprocal
        ctx.save_for_backward(normalized, weight, reciprocal)
        result: Tensor = normalized * weight
        return result

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        normalized, weight, reciprocal = cast("tuple[Tensor, Tensor, Tensor]", ctx.saved_tensors)  # type: ignore[attr-defined]  # torch adds it
        product = gradient * normalized
        radial = (product @ weight / weight.shape[0])[..., None]
        inner = (gradient * weight).addcmul_(normalized, radial, value=-1).mul_(reciprocal)
        return inner, product.flatten(0, -2).sum(0), None


class _Rotate(Function):
    @staticmethod
    def forward(ctx: FunctionCtx, states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _rotated(states, cos, sin)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, None, None]:
        cos, sin = cast("tuple[Tensor, Tensor]", ctx.saved_tensors)  # type: ignore[attr-defined]  # torch adds it
        return _rotated(gradient, cos, -sin), None, None


def _rotated(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    output = torch.empty_like(states, memory_format=torch.contiguous_format)
    half = cos.shape[-1]
    first, second = states[..., :half], states[..., half:]
    torch.mul(first, cos, out=output[..., :half]).addcmul_(second, sin, value=-1)
    torch.mul(second, cos, out=output[..., half:]).addcmul_(first, sin)
    return output


def normalize(inputs: Tensor, weight: Tensor, eps: float) -> Tensor:
    """`inputs` over their root mean square along the last dimension, times `weight`."""
    return cast(Tensor, _Normalize.apply(inputs, weight, eps))  # type: ignore[no-untyped-call]  # torch does not annotate it


def rotate(states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary embedding of [batch, heads, seq, head_dim], halves paired as in Qwen3.

    `cos` and `sin` are [seq, head_dim / 2].
    """
    return cast(Tensor, _Rotate.apply(states, cos, sin))  # type: ignore[no-untyped-call]  # torch does not annotate it
