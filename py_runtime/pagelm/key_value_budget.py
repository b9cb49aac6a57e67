"""How many positions the keys and values may have within a budget of memory.

    bytes of a token = layers · 2 (key, value) · num_key_value_heads · head_dim · bytes of a number

The budget is for the keys and values at rest: while they grow, old and new exist side by side for a moment.
Allocates nothing. The page has the same rule (web/key-value-budget.js).
"""

from __future__ import annotations

from pagelm.config import ModelConfig
from pagelm.errors import DeviceMemoryError

SMALLEST_CONTEXT_TOKENS = 512
_BYTES = {"float16": 2, "float32": 4}


def key_value_bytes_per_token(model: ModelConfig, dtype: str) -> int:
    """Bytes that one token takes in all layers.

    Args:
        dtype: "float16" or "float32", what the graph keeps them in.
    """
    numbers = model.num_hidden_layers * 2 * model.num_key_value_heads * model.head_dim
    return numbers * _BYTES[dtype]


def positions_within(model: ModelConfig, dtype: str, memory_budget: int | None) -> int:
    """How many positions the context has: the model's, or fewer where the budget does not hold them.

    Args:
        dtype: As above.
        memory_budget: Bytes for keys and values; None: as many as the model's positions take.

    Raises:
        DeviceMemoryError: The budget does not hold `SMALLEST_CONTEXT_TOKENS`, or the model's positions where
            those are fewer.
    """
    greatest = model.max_position_embeddings
    if memory_budget is None:
        return greatest
    per_token = key_value_bytes_per_token(model, dtype)
    positions = memory_budget // per_token
    least = min(SMALLEST_CONTEXT_TOKENS, greatest)
    if positions < least:
        raise DeviceMemoryError(
            f"the memory budget of {memory_budget} bytes holds keys and values of {max(0, positions)} tokens",
            expected=f"at least {least * per_token} bytes, enough for {least} tokens",
            remedy="Raise the memory budget, or leave it out.",
        )
    return min(positions, greatest)
