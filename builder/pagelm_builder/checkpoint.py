"""A folder of safetensors files, read slice by slice.

Finds each tensor's file (one file, or several under `model.safetensors.index.json`), checks names, shapes and
dtypes before anything is converted, and hands out float32 rows, so that a checkpoint larger than memory can
be exported. It knows nothing of quantization. Format: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pagelm_builder.errors import CheckpointError
from pagelm_builder.safetensors_file import READABLE_DTYPES, SafetensorsFile
from pagelm_builder.tensors import ModelTensor

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
# rows read at once: 4 MiB of float32 stay in the processor's cache; quantizing 16 MiB takes twice the time
VALUES_PER_READ = 1 << 20


class TensorSource(Protocol):
    """Where a converter gets its values from: a checkpoint, or arrays in memory."""

    def rows(self, tensor: ModelTensor) -> Iterator[NDArray[np.float32]]:
        """The tensor in consecutive runs of whole rows `[n, columns]`; a vector as one run `[length]`."""
        ...


class Checkpoint:
    """An open checkpoint; use it as a context manager, which closes the files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._files: dict[str, SafetensorsFile] = {}
        self._file_of: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            for name, keys in _shards(self._folder):
                self._open(name, keys)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def check(self, tensors: Iterable[ModelTensor], *, ignored: Iterable[str] = ()) -> None:
        """Compare names, shapes and dtypes with what the model needs; reads headers only.

        Args:
            tensors: Every parameter of the model.
            ignored: Keys that may be there and are not used.

        Raises:
            CheckpointError: naming the first tensor that is missing, superfluous, or of a wrong shape or
                dtype.
        """
        expected: set[str] = set()
        for tensor in tensors:  # ends at the first that is missing, however many layers are claimed
            expected.add(tensor.key)
            self._check_tensor(tensor.key, tensor)
        allowed = set(ignored)
        for key in self._file_of:
            if key not in expected and key not in allowed and not key.endswith(".rotary_emb.inv_freq"):
                raise CheckpointError(
                    f"{self._path(key)}: tensor {key!r} has no place in the model",
                    expected="only the tensors that a dense decoder of its family has",
                    remedy="Leaving weights out would change the model; pick a plain checkpoint.",
                )

    def rows(self, tensor: ModelTensor) -> Iterator[NDArray[np.float32]]:
        """The tensor's rows as float32, at most 4 MiB at a time; each run is a fresh copy.

        Raises:
            CheckpointError: the file cannot be read, or a weight is not finite.
        """
        file = self._files[self._file_of[tensor.key]]
        step = tensor.shape[0]
        if tensor.kind == "matrix":
            step = max(1, VALUES_PER_READ // tensor.shape[1])
        for start in range(0, tensor.shape[0], step):
            try:
                values = file.rows(tensor.key, start, min(start + step, tensor.shape[0]))
            except OSError as error:
                raise _unreadable(file.path, error) from error
            require_finite(values, self._path(tensor.key), tensor.key)
            yield values

    def _open(self, name: str, keys: Iterable[str] | None) -> None:
        path = self._folder / name
        try:
            file = self._stack.enter_context(SafetensorsFile(path))
        except FileNotFoundError:
            raise CheckpointError(
                f"{path} is missing",
                expected=f"{SINGLE_FILE}, or every file that {INDEX_FILE} names",
                remedy="Download the missing file.",
            ) from None
        except OSError as error:
            raise _unreadable(path, error) from error
        self._files[name] = file
        for key in file.tensors if keys is None else keys:
            self._file_of[key] = name

    def _path(self, key: str) -> Path:
        return self._folder / self._file_of[key]

    def _check_tensor(self, key: str, tensor: ModelTensor) -> None:
        if key not in self._file_of:
            raise CheckpointError(
                f"{self._folder}: tensor {key!r} is missing",
                expected=f"shape {list(tensor.shape)}",
                remedy="Check that config.json and the weight files belong to the same model.",
            )
        path = self._path(key)
        stored = self._files[self._file_of[key]].tensors.get(key)
        if stored is None:
            raise CheckpointError(
                f"{path} lacks the tensor {key!r}, which {INDEX_FILE} says is there",
                expected="an index that belongs to the files",
                remedy="Download the index and the weight files again.",
            )
        if stored.shape != tensor.shape:
            raise CheckpointError(
                f"{path}: tensor {key!r} has shape {list(stored.shape)}",
                expected=f"{list(tensor.shape)}, as config.json says",
                remedy="Check that config.json and the weight files belong to the same model.",
            )
        if stored.dtype not in READABLE_DTYPES:
            raise CheckpointError(
                f"{path}: tensor {key!r} has dtype {stored.dtype[:40]}",
                expected=" or ".join(READABLE_DTYPES),
                remedy="Export from the unquantized checkpoint.",
            )


def require_finite(values: NDArray[np.float32], path: Path, key: str) -> None:
    """Refuse NaN and infinity.

    Raises:
        CheckpointError: naming file and tensor.
    """
    if not np.isfinite(values).all():
        raise CheckpointError(
            f"{path}: tensor {key!r} holds NaN or infinity",
            expected="finite weights",
            remedy="Download or train the checkpoint again.",
        )


def _shards(folder: Path) -> list[tuple[str, list[str] | None]]:
    """File names with the keys to take from each; None takes all."""
    index = folder / INDEX_FILE
    if not index.exists():
        return [(SINGLE_FILE, None)]
    try:
        weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        keys_of: dict[str, list[str]] = {}
        for key, name in weight_map.items():
            keys_of.setdefault(str(name), []).append(str(key))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f"{index} cannot be read: {error!r}",
            expected='a JSON object with "weight_map", tensor name → file name',
            remedy="Download the file again.",
        ) from error
    for name in keys_of:
        if Path(name).name != name:
            raise CheckpointError(
                f"{index} names the file {name!r}",
                expected="a file beside the index",
                remedy="Do not trust this checkpoint: it points outside its folder.",
            )
    return list(keys_of.items())


def _unreadable(path: Path, error: OSError) -> CheckpointError:
    return CheckpointError(
        f"{path} cannot be read: {error}",
        expected="a readable safetensors file",
        remedy="Check the file's permissions and the disk.",
    )
