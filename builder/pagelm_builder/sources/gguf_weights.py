"""The weights of a GGUF file as float32 rows in the checkpoint's order.

Reads and dequantizes (the `gguf` package's arithmetic) one run of rows at a time, so that a file larger than
memory can be exported. llama.cpp rotates the positions of Llama by neighbours instead of halves, and so its
files hold the rows of q and k in another order, which is undone here. It knows nothing of quantization to
come.

    rows of one head, as stored   0 h 1 h+1 2 h+2 …   with h = head_dim / 2
                 as handed out    0 1 2 … h h+1 h+2 …
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import BinaryIO, Final, Self

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize
from numpy.typing import NDArray

from pagelm_builder.checkpoint import VALUES_PER_READ, require_finite
from pagelm_builder.config import ModelConfig
from pagelm_builder.errors import CheckpointError
from pagelm_builder.sources.gguf_header import GgufHeader, GgufTensor, damaged
from pagelm_builder.sources.gguf_names import ROPE_DIVISORS, gguf_name
from pagelm_builder.tensors import ModelTensor

_INTERLEAVED: Final = ("self_attn.q_proj", "self_attn.k_proj")


class GgufWeights:
    """The open file; use it as a context manager, which closes it."""

    def __init__(self, header: GgufHeader, config: ModelConfig) -> None:
        self._header = header
        self._config = config
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        try:
            self._file = self._header.path.open("rb")
        except OSError as error:
            raise damaged(self._header.path, f"cannot be read: {error.strerror}", "a GGUF file") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def check(self, tensors: Iterable[ModelTensor]) -> None:
        """Compare names, shapes and types with what the model needs; reads no weights.

        Raises:
            CheckpointError: naming the first tensor that is missing, superfluous, of a wrong shape, or of a
                type that cannot be dequantized.
        """
        expected: set[str] = set()
        for tensor in tensors:  # ends at the first that is missing, however many layers are claimed
            expected.add(name := gguf_name(tensor))
            self._check_tensor(name, tensor)
        for name in self._header.tensors:
            if name not in expected and name != ROPE_DIVISORS:
                raise CheckpointError(
                    f"{self._header.path}: tensor {name!r} has no place in the model",
                    expected=f"only the tensors of a dense {self._config.family.name}",
                    remedy="Leaving weights out would change the model; pick a plain file.",
                )

    def rows(self, tensor: ModelTensor) -> Iterator[NDArray[np.float32]]:
        """The tensor's rows as float32, about 16 MiB at a time; each run is a fresh copy.

        Raises:
            CheckpointError: the file cannot be read, or a weight is not finite.
        """
        stored = self._header.tensors[gguf_name(tensor)]
        is_interleaved = self._config.architecture == "LlamaForCausalLM" and tensor.name.endswith(
            _INTERLEAVED
        )
        unit = self._config.head_dim if is_interleaved else 1
        rows, columns = tensor.shape if tensor.kind == "matrix" else (1, tensor.shape[0])
        step = max(1, VALUES_PER_READ // (columns * unit)) * unit
        for start in range(0, rows, step):
            values = self._read(stored, start, min(step, rows - start), rows)
            if is_interleaved:
                values = _by_halves(values, unit)
            require_finite(values, self._header.path, stored.name)
            yield values if tensor.kind == "matrix" else values[0]

    def _read(self, stored: GgufTensor, start: int, count: int, rows: int) -> NDArray[np.float32]:
        assert self._file is not None
        row_bytes = stored.bytes // rows
        try:
            self._file.seek(stored.offset + start * row_bytes)
            data = self._file.read(count * row_bytes)
        except OSError as error:
            raise damaged(self._header.path, f"cannot be read: {error.strerror}", "a GGUF file") from error
        if len(data) != count * row_bytes:
            raise damaged(self._header.path, "became shorter while it was read", "a whole GGUF file")
        packed = np.frombuffer(data, np.uint8).reshape(count, row_bytes)
        with np.errstate(all="ignore"):  # what is not finite is refused by name
            return dequantize(packed, stored.type).astype(np.float32)

    def _check_tensor(self, name: str, tensor: ModelTensor) -> None:
        stored = self._header.tensors.get(name)
        path = self._header.path
        if stored is None:
            raise CheckpointError(
                f"{path}: tensor {name!r} is missing",
                expected=f"shape {list(tensor.shape)}",
                remedy="Download the file again, or convert the model again.",
            )
        if stored.shape != tensor.shape:
            raise CheckpointError(
                f"{path}: tensor {name!r} has shape {list(stored.shape)}",
                expected=f"{list(tensor.shape)}, as the file's metadata says",
                remedy="Metadata and tensors are of different models: convert the model again.",
            )
        if not _can_dequantize(stored.type):
            raise CheckpointError(
                f"{path}: tensor {name!r} is stored as {stored.type.name}",
                expected="a type that the gguf package can dequantize, such as Q8_0, Q4_K or F16",
                remedy="Pick a file with another quantization.",
            )


def _can_dequantize(kind: GGMLQuantizationType) -> bool:
    _, block_bytes = GGML_QUANT_SIZES[kind]
    try:
        dequantize(np.zeros((1, block_bytes), np.uint8), kind)
    except NotImplementedError:  # how the gguf package says that it only knows the size of this type
        return False
    return True


def _by_halves(values: NDArray[np.float32], head_dim: int) -> NDArray[np.float32]:
    """Rows of whole heads from pairs of neighbours to pairs half a head apart."""
    pairs = values.reshape(-1, head_dim // 2, 2, values.shape[-1])
    return np.ascontiguousarray(pairs.swapaxes(1, 2)).reshape(values.shape)
