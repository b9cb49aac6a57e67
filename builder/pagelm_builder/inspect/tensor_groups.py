"""Bytes of the weights by what they are for: embedding and head, each projection of all layers, norms.

It knows the names that checkpoints give to tensors, and no file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pagelm_builder.inspect.stored_tensors import StoredTensor
from pagelm_builder.tensors import EMBEDDING, UNTIED_HEAD

PROJECTIONS = {
    **{f"{part}_proj": f"attention {part}" for part in "qkvo"},
    **{f"{part}_proj": f"mlp {part}" for part in ("gate", "up", "down")},
}
NORMS, BIASES, OTHER, PADDING = "norms", "biases", "other", "padding"


@dataclass(frozen=True, slots=True)
class TensorGroup:
    """Bytes of some tensors: `codes` and `scales` of matrices, `plain` for what is stored as it is."""

    name: str
    codes: int = 0
    scales: int = 0
    plain: int = 0

    @property
    def bytes(self) -> int:
        return self.codes + self.scales + self.plain


def group_tensors(
    tensors: Iterable[StoredTensor], *, total_bytes: int, tied: bool
) -> tuple[TensorGroup, ...]:
    """Add up; the rest of `total_bytes`, between regions, is a group of its own. Groups without bytes are
    left out.

    Args:
        tied: Whether the embedding gives the logits too.
    """
    head = {EMBEDDING: "embedding and head"} if tied else {EMBEDDING: "embedding", UNTIED_HEAD: "head"}
    names = [*head.values(), *PROJECTIONS.values(), NORMS, BIASES, OTHER]
    sums = {name: dict.fromkeys(("codes", "scales", "plain"), 0) for name in names}
    for tensor in tensors:
        kind = tensor.piece if tensor.piece in ("codes", "scales") else "plain"
        sums[_group(tensor, head)][kind] += tensor.bytes
    groups = [TensorGroup(name, **kinds) for name, kinds in sums.items()]
    padding = total_bytes - sum(group.bytes for group in groups)
    groups.append(TensorGroup(PADDING, plain=max(0, padding)))
    return tuple(group for group in groups if group.bytes)


def _group(tensor: StoredTensor, head: dict[str, str]) -> str:
    last = tensor.name.rpartition(".")[2]
    if tensor.piece == "bias":
        return BIASES
    if tensor.name in head:
        return head[tensor.name]
    return PROJECTIONS.get(last, NORMS if last.endswith("norm") else OTHER)
