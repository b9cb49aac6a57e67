"""How a quantized matrix is stored: bits of a code, and weights along a row that share a scale.

It knows which values onnxruntime's kernels take, and neither models nor how codes are chosen. Specified in
docs/contracts.md, "int4 weights".
"""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BITS = (4, 8)
BLOCK_SIZES = (16, 32, 64, 128)


@dataclass(frozen=True, slots=True)
class BlockFormat:
    """Of one matrix."""

    bits: int = 4
    block_size: int = 32

    def __post_init__(self) -> None:
        assert self.bits in HEAD_BITS, self.bits
        assert self.block_size in BLOCK_SIZES, self.block_size

    @property
    def zero_point(self) -> int:
        """The code of weight 0."""
        return 1 << (self.bits - 1)

    @property
    def largest_code(self) -> int:
        return (1 << self.bits) - 1

    @property
    def block_bytes(self) -> int:
        """Bytes of the codes of one block."""
        return self.block_size * self.bits // 8


@dataclass(frozen=True, slots=True)
class WeightFormat:
    """Of all matrices of a model.

    Attributes:
        head_bits: Of the matrix that gives the logits, which is the embedding too where they are tied.
        block_size: Of every matrix.
    """

    head_bits: int = 4
    block_size: int = 32

    @property
    def head(self) -> BlockFormat:
        return BlockFormat(self.head_bits, self.block_size)

    def entries(self) -> dict[str, int | bool]:
        """What is said of it where the weights are described."""
        return {
            "bits": self.body.bits,
            "head_bits": self.head_bits,
            "block_size": self.block_size,
            "symmetric": True,
        }

    @property
    def body(self) -> BlockFormat:
        """Of every other matrix."""
        return BlockFormat(4, self.block_size)
