"""The K greatest logits and their ids, so that the vocabulary never leaves the device.

`whole` sorts the vocabulary in one TopK. `tiled` never sorts a row of more than 2048 columns, the most that
WebGPU's TopK handles in one dispatch: the K greatest of each row are joined into fewer, fuller rows until one
is left. Both are exact, descending, and give the lower id first among equals. Ids travel as float32, exact
below 2^24, because WebGPU's GatherElements takes floats only. For 151,936 = 128 × 1187:

    logits [128, 1187] ─► TopK ─► [128, 64] = [4, 2048] ─► TopK ─► [4, 64] = [1, 256] ─► TopK ─► [1, 64]
                           └─► GatherElements(ids) ─► … ───► GatherElements ─► … ──► GatherElements ─► [1, 64]
"""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from pagelm_builder.components.emitter import GraphEmitter

SCOPE = "/candidates"
MAX_CANDIDATES = 64
WIDEST_ROW = 2048
# Below every float32 logit, and finite: WGSL has no literal for infinity.
PADDING = float(np.finfo(np.float32).min)


def candidate_count(vocab_size: int) -> int:
    return min(MAX_CANDIDATES, vocab_size)


def row_width(length: int) -> int:
    """The widest row that divides `length` without being needlessly narrow; else a full row, to be padded."""
    if length <= WIDEST_ROW:
        return length
    divisors = (width for width in range(WIDEST_ROW, WIDEST_ROW // 4, -1) if length % width == 0)
    return next(divisors, WIDEST_ROW)


def emit_candidates(emitter: GraphEmitter, logits: ir.Value, vocab_size: int) -> tuple[ir.Value, ir.Value]:
    """float32 logits `[1, vocab_size]` → candidate_logits float32 and candidate_ids int64, `[1, K]`; `whole`
    takes any number of rows."""
    count = candidate_count(vocab_size)
    if emitter.variant.top_k == "whole" or vocab_size <= WIDEST_ROW:
        return _emit_top_k(emitter, logits, count, f"{SCOPE}/0")
    values, ids = logits, None
    length, stage = vocab_size, 0
    while True:
        scope = f"{SCOPE}/{stage}"
        width = row_width(length)
        rows = -(-length // width)
        values, ids = _emit_rows(emitter, values, ids, length, width, scope)
        values, positions = _emit_top_k(emitter, values, count, scope)
        ids = emitter.op(
            "GatherElements", [ids, positions], name=f"{scope}/GatherElements", attributes={"axis": 1}
        )
        if rows == 1:
            return values, emitter.cast(ids, ir.DataType.INT64, SCOPE)
        length, stage = rows * count, stage + 1


def _emit_rows(
    emitter: GraphEmitter, values: ir.Value, ids: ir.Value | None, length: int, width: int, scope: str
) -> tuple[ir.Value, ir.Value]:
    """Values and ids as `[rows, width]`; without ids yet, a table of them."""
    rows = -(-length // width)
    missing = rows * width - length
    if missing:
        values = _emit_padding(emitter, values, length, missing, PADDING, f"{scope}/values")
    values = emitter.reshape(values, (rows, width), f"{scope}/values")
    if ids is None:
        return values, _emit_id_table(emitter, rows, width)
    if missing:
        ids = _emit_padding(emitter, ids, length, missing, 0.0, f"{scope}/ids")
    return values, emitter.reshape(ids, (rows, width), f"{scope}/ids")


def _emit_id_table(emitter: GraphEmitter, rows: int, width: int) -> ir.Value:
    """0, 1, 2, … as float32 `[rows, width]`, folded at load instead of stored."""
    bounds = [
        emitter.constant(np.array(bound, np.float32), f"candidates.{name}")
        for name, bound in (("first", 0), ("end", rows * width), ("step", 1))
    ]
    return emitter.reshape(
        emitter.op("Range", bounds, name=f"{SCOPE}/Range"), (rows, width), f"{SCOPE}/table"
    )


def _emit_padding(
    emitter: GraphEmitter,
    values: ir.Value,
    length: int,
    missing: int,
    filler: float,
    scope: str,
) -> ir.Value:
    flat = emitter.reshape(values, (1, length), f"{scope}/flat")
    tail = emitter.constant(np.full((1, missing), filler, np.float32), f"{scope}/padding")
    return emitter.op("Concat", [flat, tail], name=f"{scope}/Concat", attributes={"axis": 1})


def _emit_top_k(emitter: GraphEmitter, rows: ir.Value, count: int, scope: str) -> tuple[ir.Value, ir.Value]:
    k = emitter.constant(np.array([count], np.int64), "candidates.k")
    values, positions = emitter.ops(
        "TopK",
        [rows, k],
        name=f"{scope}/TopK",
        attributes={"axis": -1, "largest": 1, "sorted": 1},
        outputs=(True, True),
    )
    return values, positions
