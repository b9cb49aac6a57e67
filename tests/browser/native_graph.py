"""Which of a bundle's graphs gives natively what a page's backend gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pagelm._backend_native import NativeGraph

# int4 weights and float32 activations (`native` does so in `exact_pico` alone), or both int8
NATIVE_GRAPH: Final[Mapping[str, NativeGraph]] = {"webgpu": "native", "wasm": "wasm"}
