"""Collects nodes and initializers while a graph is being composed.

Node names follow the checkpoint (`/model/layers.3/self_attn/q_proj/MatMulNBits`), a node's outputs are
`{node}/output_0`. Weights are references into external files; small constants are stored inline. It knows
nothing of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from pagelm_builder.quantize.block_format import BlockFormat
from pagelm_builder.variant import Variant
from pagelm_builder.weights import Region

MICROSOFT = "com.microsoft"
Attributes: TypeAlias = Mapping[str, int | float | str]


class GraphEmitter:
    """The graph under construction, for one variant over given regions of external files."""

    def __init__(self, variant: Variant, regions: Mapping[str, Region]) -> None:
        self.variant = variant
        self.inputs: list[ir.Value] = []
        self.nodes: list[ir.Node] = []
        self.initializers: dict[str, ir.Value] = {}
        self._regions = regions
        self._casts: dict[str, ir.Value] = {}

    @property
    def compute_dtype(self) -> ir.DataType:
        """The type of activations."""
        return ir.DataType.FLOAT16 if self.variant.compute == "float16" else ir.DataType.FLOAT

    def input(self, name: str, dtype: ir.DataType, shape: Sequence[int | str]) -> ir.Value:
        """An input of the graph; they stand in the order in which they are asked for."""
        value = ir.Value(name=name, type=ir.TensorType(dtype), shape=ir.Shape(shape))
        self.inputs.append(value)
        return value

    def optional_input(self, name: str, default: NDArray[np.generic]) -> ir.Value:
        """An input that a run may leave out: a graph input and an initializer of one name."""
        value = self.constant(default, name)
        self.inputs.append(value)
        return value

    def op(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        *,
        name: str,
        domain: str = "",
        attributes: Attributes | None = None,
    ) -> ir.Value:
        """Emit a node with one output."""
        return self.ops(op_type, inputs, name=name, domain=domain, attributes=attributes, outputs=(True,))[0]

    def ops(
        self,
        op_type: str,
        inputs: Sequence[ir.Value | None],
        *,
        name: str,
        outputs: Sequence[bool],
        domain: str = "",
        attributes: Attributes | None = None,
    ) -> list[ir.Value]:
        """Emit a node; `outputs` says which of its outputs are wanted. Returns the wanted ones."""
        values = [
            ir.Value(name=f"{name}/output_{index}" if wanted else "") for index, wanted in enumerate(outputs)
        ]
        node = ir.node(op_type, inputs, attributes, domain=domain, outputs=values, name=name)
        self.nodes.append(node)
        return [value for value, wanted in zip(values, outputs, strict=True) if wanted]

    def weight(self, region_name: str, shape: tuple[int, ...] | None = None) -> ir.Value:
        """A stored tensor, by region; `shape` views the same bytes in another shape, as a second
        initializer."""
        region = self._regions[region_name]
        dims = region.shape if shape is None else shape
        name = region_name if dims == region.shape else f"{region_name}.{'x'.join(map(str, dims))}"
        if name not in self.initializers:
            tensor = ir.ExternalTensor(
                region.file, region.offset, region.bytes, region.dtype, shape=ir.Shape(dims), name=name
            )
            self._add_initializer(name, tensor, region.dtype, dims)
        return self.initializers[name]

    def compute_weight(self, region_name: str, shape: tuple[int, ...] | None = None) -> ir.Value:
        """A stored float tensor as the compute type; the Cast is folded when onnxruntime loads the graph."""
        value = self.weight(region_name, shape)
        if value.dtype == self.compute_dtype:
            return value
        assert value.name is not None
        if value.name not in self._casts:
            self._casts[value.name] = self.cast(value, self.compute_dtype, f"/{value.name}")
        return self._casts[value.name]

    def optional_weight(self, region_name: str) -> ir.Value | None:
        """A stored tensor that not every bundle has."""
        return self.weight(region_name) if region_name in self._regions else None

    def block_format(self, tensor: str) -> BlockFormat:
        """How the codes of a quantized matrix are stored."""
        form = self._regions[f"{tensor}.codes"].form
        assert form is not None
        return form

    def constant(self, array: NDArray[np.generic], name: str) -> ir.Value:
        """A small inline tensor; the same name always means the same array."""
        if name not in self.initializers:
            tensor = ir.Tensor(array, name=name)
            self._add_initializer(name, tensor, tensor.dtype, array.shape)
        return self.initializers[name]

    def cast(self, value: ir.Value, dtype: ir.DataType, scope: str) -> ir.Value:
        return self.op("Cast", [value], name=f"{scope}/Cast", attributes={"to": int(dtype)})

    def reshape(self, value: ir.Value, shape: Sequence[int], scope: str) -> ir.Value:
        """Reshape; 0 keeps a dimension, -1 is inferred."""
        dims = self.constant(np.array(shape, np.int64), f"shape.{'x'.join(map(str, shape))}")
        return self.op("Reshape", [value, dims], name=f"{scope}/Reshape")

    def _add_initializer(
        self, name: str, tensor: ir.TensorProtocol, dtype: ir.DataType, shape: Sequence[int]
    ) -> None:
        self.initializers[name] = ir.Value(
            name=name, shape=ir.Shape(shape), type=ir.TensorType(dtype), const_value=tensor
        )
