"""What a decoded token costs on WebGPU: dispatches by kernel, what they bind, bytes read back.

Whether onnxruntime fused what the graph was shaped for shows in nothing else. Measured on a loaded page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pagelm_builder.verify.model_client import GREEDY, ModelClient


@dataclass(frozen=True, slots=True)
class DecodeCosts:
    """Of one graph on one adapter.

    Attributes:
        dispatches: Per decoded token, by kernel.
        read_back_bytes: Per decoded token.
        storage_buffers: The most that a dispatch of each kernel bound, in any run so far.
        largest_bindings: Bytes of the largest of them.
    """

    dispatches: dict[str, float]
    read_back_bytes: float
    storage_buffers: dict[str, int]
    largest_bindings: dict[str, int]


@dataclass(frozen=True, slots=True)
class _Totals:
    """What one reply took."""

    runs: int
    dispatches: dict[str, int]
    mapped_bytes: int


def measure_decode_costs(
    model: ModelClient,
    messages: Sequence[Mapping[str, object]],
    *,
    enable_thinking: bool,
    tokens: tuple[int, int],
) -> DecodeCosts | None:
    """Two replies to one prompt, one longer: what the longer one adds is what its tokens cost.

    One reply goes before, so that both find the same tokens in the cache and prefill the same rest.

    Args:
        tokens: Most tokens of each.

    Returns:
        None where the longer reply is not longer.
    """
    short, long = tokens
    _reply_totals(model, messages, enable_thinking, short)
    less, more = (_reply_totals(model, messages, enable_thinking, limit) for limit in (short, long))
    decoded = more.runs - less.runs
    if decoded < 1:
        return None
    statistics = model.statistics()
    names = more.dispatches.keys() | less.dispatches.keys()
    added = {name: more.dispatches.get(name, 0) - less.dispatches.get(name, 0) for name in sorted(names)}
    return DecodeCosts(
        {name: count / decoded for name, count in added.items() if count},
        (more.mapped_bytes - less.mapped_bytes) / decoded,
        statistics["storageBuffers"],
        statistics["largestBindings"],
    )


def _reply_totals(
    model: ModelClient, messages: Sequence[Mapping[str, object]], enable_thinking: bool, tokens: int
) -> _Totals:
    before = model.statistics()
    sampling = {**GREEDY, "maxNewTokens": tokens}
    model.reply(messages, enable_thinking=enable_thinking, sampling=sampling)
    after = model.statistics()
    dispatches = {
        name: count - before["dispatches"].get(name, 0) for name, count in after["dispatches"].items()
    }
    return _Totals(after["runs"] - before["runs"], dispatches, after["mappedBytes"] - before["mappedBytes"])
