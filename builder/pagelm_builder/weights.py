"""Where every stored tensor lies in `weights.bin`, and the bytes themselves, streamed in that order.

All graphs point into this one layout; nothing is stored twice. A layout is decided from the config alone,
before any weight is read; writing it then reads, quantizes and emits one run of rows at a time. It knows
nothing of graphs or of how the stream is cut into parts. Specified in docs/contracts.md, "int4 weights".

    weights.bin   one region per tensor, each at a multiple of 64 bytes, zeros in between
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from pagelm_builder.checkpoint import TensorSource
from pagelm_builder.config import ModelConfig
from pagelm_builder.errors import ConfigError
from pagelm_builder.quantize.block_format import BlockFormat, WeightFormat
from pagelm_builder.quantize.quantizer import ROUND_TO_NEAREST, MatrixQuantizer, QuantizedRows
from pagelm_builder.tensors import ModelTensor, head_name, inputs_name, model_tensors

WEIGHTS_FILE = "weights.bin"
EXPANDED_FILE = "expanded.bin"
ALIGNMENT = 64

Storage = Literal["int4", "float32"]
DEFAULT_FORMAT = WeightFormat()


@dataclass(frozen=True, slots=True)
class Region:
    """One tensor's bytes inside an external-data file; `form` says how to read codes, and is theirs alone."""

    name: str
    file: str
    dtype: ir.DataType
    shape: tuple[int, ...]
    offset: int
    bytes: int
    form: BlockFormat | None = None


@dataclass(frozen=True, slots=True)
class WeightLayout:
    """All regions of `weights.bin`, in order, by name.

    Names: `{tensor}.codes` and `{tensor}.scales` for an int4 matrix, `{tensor}.weight` or `{tensor}.bias` for
    what is kept as float32, `{inputs}.factors` for those of the `wasm` graph's activations.
    """

    storage: Storage
    regions: dict[str, Region]
    bytes: int


@dataclass(frozen=True, slots=True)
class ExpandedTensor:
    """One matrix of `expanded.bin`: where its codes are, and where its int8 bytes go."""

    name: str
    rows: int
    columns: int
    form: BlockFormat
    codes_offset: int
    scales_offset: int
    weight_offset: int
    weight_scales_offset: int
    input_factors_offset: int | None


@dataclass(frozen=True, slots=True)
class ExpandedLayout:
    """The file that the runtime makes at load for the W8A8 graph.

    Region names: `{tensor}.int8` `[K, N]` and `{tensor}.int8_scales` `[N]`.
    """

    tensors: tuple[ExpandedTensor, ...]
    regions: dict[str, Region]
    bytes: int


class _Placer:
    def __init__(self, file: str) -> None:
        self.file = file
        self.regions: dict[str, Region] = {}
        self.end = 0

    def place(
        self, name: str, dtype: ir.DataType, shape: tuple[int, ...], form: BlockFormat | None = None
    ) -> Region:
        offset = -(-self.end // ALIGNMENT) * ALIGNMENT
        size = int(np.prod(shape)) * dtype.itemsize
        region = Region(name, self.file, dtype, shape, offset, int(size), form)
        self.regions[name] = region
        self.end = offset + region.bytes
        return region


def plan_weights(
    config: ModelConfig,
    storage: Storage = "int4",
    weight_format: WeightFormat = DEFAULT_FORMAT,
    smoothed: Container[str] = (),
) -> WeightLayout:
    """Place every tensor of the model. `float32` keeps matrices as they are, for parity tests.

    Args:
        smoothed: The inputs that have factors, by `inputs_name`; they come last.

    Raises:
        ConfigError: the rows of a matrix do not divide into blocks.
    """
    placer = _Placer(WEIGHTS_FILE)
    for tensor in model_tensors(config):
        if tensor.kind == "matrix" and storage == "int4":
            form = weight_format.head if tensor.name == head_name(config) else weight_format.body
            rows, blocks = tensor.shape[0], _blocks_per_row(tensor, form)
            placer.place(f"{tensor.name}.codes", ir.DataType.UINT8, (rows, blocks, form.block_bytes), form)
            placer.place(f"{tensor.name}.scales", ir.DataType.FLOAT16, (rows, blocks))
        else:
            placer.place(tensor.key, ir.DataType.FLOAT, tensor.shape)
    for inputs, size in _inputs(config).items():
        if inputs in smoothed:
            placer.place(f"{inputs}.factors", ir.DataType.FLOAT, (size,))
    return WeightLayout(storage, placer.regions, placer.end)


def _blocks_per_row(tensor: ModelTensor, form: BlockFormat) -> int:
    columns = tensor.shape[1]
    if columns % form.block_size:
        raise ConfigError(
            f"tensor {tensor.key!r} has rows of {columns} weights",
            expected=f"a multiple of the block size, {form.block_size}",
            remedy="Choose a smaller --block-size.",
        )
    return columns // form.block_size


def plan_expansion(config: ModelConfig, layout: WeightLayout) -> ExpandedLayout:
    """Place the int8 form of every matrix that is multiplied by (not of an untied embedding)."""
    placer = _Placer(EXPANDED_FILE)
    tensors = []
    for tensor in _multiplied(config):
        rows, columns = tensor.shape
        codes = layout.regions[f"{tensor.name}.codes"]
        assert codes.form is not None
        factors = layout.regions.get(f"{inputs_name(tensor.name)}.factors")
        weight = placer.place(f"{tensor.name}.int8", ir.DataType.INT8, (columns, rows))
        scales = placer.place(f"{tensor.name}.int8_scales", ir.DataType.FLOAT, (rows,))
        tensors.append(
            ExpandedTensor(
                name=tensor.name,
                rows=rows,
                columns=columns,
                form=codes.form,
                codes_offset=codes.offset,
                scales_offset=layout.regions[f"{tensor.name}.scales"].offset,
                weight_offset=weight.offset,
                weight_scales_offset=scales.offset,
                input_factors_offset=None if factors is None else factors.offset,
            )
        )
    return ExpandedLayout(tuple(tensors), placer.regions, placer.end)


def write_weights(
    config: ModelConfig,
    layout: WeightLayout,
    source: TensorSource,
    write: Callable[[bytes], None],
    progress: Callable[[int, int], None] | None = None,
    quantizer: MatrixQuantizer = ROUND_TO_NEAREST,
) -> None:
    """Stream `weights.bin` through `write`; memory stays within a few times the largest run of rows.

    Args:
        source: Where the float32 values come from.
        write: Called with consecutive bytes; their total is `layout.bytes`.
        progress: Called with bytes written so far and in all.
        quantizer: How codes and scales are chosen.
    """
    written = 0
    for region_name, chunks in _streams(config, layout, source, quantizer):
        region = layout.regions[region_name]
        write(bytes(region.offset - written))
        written = region.offset
        for chunk in chunks:
            data = chunk.tobytes()
            write(data)
            written += len(data)
            if progress is not None:
                progress(written, layout.bytes)
        assert written == region.offset + region.bytes, region_name
    assert written == layout.bytes


def _streams(
    config: ModelConfig, layout: WeightLayout, source: TensorSource, quantizer: MatrixQuantizer
) -> Iterator[tuple[str, Iterator[NDArray[np.generic]]]]:
    """Regions in layout order with their bytes; each must be used up before the next is asked for."""
    for tensor in model_tensors(config):
        if tensor.kind == "matrix" and layout.storage == "int4":
            scales: list[NDArray[np.generic]] = []
            form = layout.regions[f"{tensor.name}.codes"].form
            assert form is not None
            yield (
                f"{tensor.name}.codes",
                _codes(quantizer.quantize(tensor, source.rows(tensor), form), scales),
            )
            yield f"{tensor.name}.scales", iter(scales)
        else:
            yield tensor.key, iter(source.rows(tensor))
    for inputs in _inputs(config):
        if f"{inputs}.factors" in layout.regions:
            yield f"{inputs}.factors", iter([quantizer.input_factors()[inputs]])


def _codes(
    quantized: Iterator[QuantizedRows], scales: list[NDArray[np.generic]]
) -> Iterator[NDArray[np.generic]]:
    for codes, block_scales in quantized:
        scales.append(block_scales)
        yield codes


def _inputs(config: ModelConfig) -> dict[str, int]:
    """What matrices are multiplied by, and its size, in the order of computation."""
    return {inputs_name(tensor.name): tensor.shape[1] for tensor in _multiplied(config)}


def _multiplied(config: ModelConfig) -> Iterator[ModelTensor]:
    for tensor in model_tensors(config):
        is_lookup_only = tensor.name == "model.embed_tokens" and head_name(config) != tensor.name
        if tensor.kind == "matrix" and not is_lookup_only:
            yield tensor
