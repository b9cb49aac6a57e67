"""Muon: momentum whose matrix updates are orthogonalized (Jordan et al. 2024).

https://kellerjordan.github.io/posts/muon/, in float32 and over stacks of equal shapes: torch.optim.Muon
works in bfloat16, which plain CPUs multiply about a hundred times slower. Knows nothing of models.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import torch
from torch import Tensor

_STEPS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon:
    """Nesterov momentum, then the nearest semi-orthogonal matrix, scaled to an RMS of 0.2 like AdamW's."""

    def __init__(self, matrices: Iterable[Tensor], momentum: float, weight_decay: float) -> None:
        self.momentum = momentum
        self.weight_decay = weight_decay
        by_shape: defaultdict[torch.Size, list[Tensor]] = defaultdict(list)
        for matrix in matrices:
            by_shape[matrix.shape].append(matrix)
        self.groups = list(by_shape.values())
        self.velocities = [torch.zeros(len(group), *group[0].shape) for group in self.groups]

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update from the gradients of all matrices."""
        for group, velocity in zip(self.groups, self.velocities, strict=True):
            gradients = torch.stack([matrix.grad for matrix in group if matrix.grad is not None])
            velocity.lerp_(gradients, 1 - self.momentum)
            update = orthogonalize(gradients.lerp(velocity, self.momentum))
            scale = learning_rate * 0.2 * max(group[0].shape) ** 0.5
            for matrix, direction in zip(group, update, strict=True):
                matrix.mul_(1 - learning_rate * self.weight_decay).add_(direction, alpha=-scale)


def orthogonalize(matrices: Tensor) -> Tensor:
    """Newton-Schulz iteration towards U V^T of each matrix in [count, rows, columns]."""
    tall = matrices.shape[-2] > matrices.shape[-1]
    current = matrices.mT if tall else matrices
    current = current / (current.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    a, b, c = _COEFFICIENTS
    for _ in range(_STEPS):
        gram = current @ current.mT
        current = a * current + (b * gram + c * gram @ gram) @ current
    result: Tensor = current.mT if tall else current
    return result
