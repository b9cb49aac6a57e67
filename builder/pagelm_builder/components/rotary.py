"""Rotary position tables, computed when the session is created instead of shipped.

Only the inverse frequencies are stored. Everything below depends on constants alone, so onnxruntime folds it
at load: at 40,960 positions × 64 the two float32 tables would add 21 MB to each graph. Angles are float32
products, as in transformers' rotary embeddings. Su et al. 2021.

    Range(0, positions) ─► [positions, 1] × frequencies [head_dim/2] ─► Cos, Sin ─► [positions, head_dim/2]
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from pagelm_builder.components.emitter import GraphEmitter
from pagelm_builder.config import ModelConfig

SCOPE = "/model/rotary_emb"


def inverse_frequencies(config: ModelConfig) -> NDArray[np.float32]:
    """theta^(-2i/head_dim) for i < head_dim/2, every step rounded to float32 as torch rounds it; divided by
    the divisors of a scaled model."""
    exponents = np.arange(0, config.head_dim, 2).astype(np.float32) / np.float32(config.head_dim)
    frequencies: NDArray[np.float32] = np.float32(1) / np.power(np.float32(config.rope_theta), exponents)
    if config.rope_divisors is not None:
        frequencies /= np.array(config.rope_divisors, np.float32)
    return frequencies


def emit_rotary_tables(emitter: GraphEmitter, config: ModelConfig) -> tuple[ir.Value, ir.Value]:
    """cos and sin `[max_position_embeddings, head_dim/2]`, in the compute type."""
    first = emitter.constant(np.array(0, np.float32), "rotary.first")
    end = emitter.constant(np.array(config.max_position_embeddings, np.float32), "rotary.end")
    step = emitter.constant(np.array(1, np.float32), "rotary.step")
    frequencies = emitter.constant(inverse_frequencies(config), "rotary.inverse_frequencies")
    positions = emitter.op("Range", [first, end, step], name=f"{SCOPE}/Range")
    column = emitter.reshape(positions, (-1, 1), SCOPE)
    angles = emitter.op("Mul", [column, frequencies], name=f"{SCOPE}/Mul")
    tables = []
    for kind in ("Cos", "Sin"):
        table = emitter.op(kind, [angles], name=f"{SCOPE}/{kind}")
        if emitter.compute_dtype != ir.DataType.FLOAT:
            table = emitter.cast(table, emitter.compute_dtype, f"{SCOPE}/{kind}")
        tables.append(table)
    return tables[0], tables[1]
