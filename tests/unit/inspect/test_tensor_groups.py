"""Every byte of the weights belongs to one group."""

from __future__ import annotations

from pagelm_builder.inspect.stored_tensors import StoredTensor
from pagelm_builder.inspect.tensor_groups import TensorGroup, group_tensors

TENSORS = [
    StoredTensor("model.embed_tokens", "codes", 64, 64),
    StoredTensor("model.embed_tokens", "scales", 4, 8),
    StoredTensor("lm_head", "codes", 32, 32),
    StoredTensor("model.layers.0.self_attn.q_proj", "codes", 16, 16),
    StoredTensor("model.layers.1.self_attn.q_proj", "codes", 16, 16),
    StoredTensor("model.layers.1.self_attn.q_proj", "scales", 1, 2),
    StoredTensor("model.layers.1.self_attn.q_proj", "bias", 3, 12),
    StoredTensor("model.layers.1.self_attn.q_norm", "weight", 2, 8),
    StoredTensor("model.layers.1.mlp.down_proj", "codes", 5, 5),
    StoredTensor("model.norm", "weight", 1, 4),
    StoredTensor("something.else", "weight", 1, 4),
]
TOTAL = sum(tensor.bytes for tensor in TENSORS)


def test_layers_add_up_and_pieces_stay_apart() -> None:
    assert group_tensors(TENSORS, total_bytes=TOTAL + 9, tied=False) == (
        TensorGroup("embedding", codes=64, scales=8),
        TensorGroup("head", codes=32),
        TensorGroup("attention q", codes=32, scales=2),
        TensorGroup("mlp down", codes=5),
        TensorGroup("norms", plain=12),
        TensorGroup("biases", plain=12),
        TensorGroup("other", plain=4),
        TensorGroup("padding", plain=9),
    )


def test_a_tied_embedding_is_the_head_too() -> None:
    first, *_ = group_tensors(TENSORS[:2], total_bytes=72, tied=True)
    assert first == TensorGroup("embedding and head", codes=64, scales=8)
