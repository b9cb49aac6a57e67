"""The hand-written gradients equal numeric ones, and Muon's updates are close to orthogonal."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.nn import functional

from pagelm_builder.pico.cpu_functions import normalize, rotate
from pagelm_builder.pico.optimizer import orthogonalize


def random_tensor(*shape: int) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def test_normalize_equals_rms_norm_and_its_gradient_is_right() -> None:
    inputs, weight = random_tensor(2, 3, 5, 8), random_tensor(8)
    torch.testing.assert_close(
        normalize(inputs, weight, 1e-6), functional.rms_norm(inputs, (8,), weight, 1e-6)
    )
    assert gradcheck(lambda x, w: normalize(x, w, 1e-6), (inputs, weight))


def test_rotate_keeps_lengths_and_its_gradient_is_right() -> None:
    states, angles = random_tensor(2, 3, 5, 8), random_tensor(5, 4).detach()
    rotated = rotate(states, angles.cos(), angles.sin())
    torch.testing.assert_close(rotated.norm(dim=-1), states.norm(dim=-1))
    assert gradcheck(lambda x: rotate(x, angles.cos(), angles.sin()), (states,))


def test_orthogonalized_updates_have_singular_values_near_one() -> None:
    for shape in ((3, 128, 32), (3, 32, 128)):
        values = torch.linalg.svdvals(orthogonalize(random_tensor(*shape).float().detach()))
        assert float(values.min()) > 0.5
        assert float(values.max()) < 1.5
