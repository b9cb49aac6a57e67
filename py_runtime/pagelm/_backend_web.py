"""The web backend: the worker's decoder (web/decoder.js) as the engine sees it.

With `_waiting_web` the only file that imports Pyodide's side of JavaScript. It converts: token ids into an
Int32Array, a packed Float64Array into candidates, a JavaScript error into a named one. Tensors never come
here. Specified in docs/contracts.md, "JavaScript: decoder".
"""

from __future__ import annotations

from array import array
from collections.abc import Awaitable, Sequence
from typing import Any

from pyodide.ffi import JsException, to_js

from pagelm import errors
from pagelm.backend import Candidates, Capabilities, check_prefill, check_truncate, check_verify
from pagelm.errors import BackendError

_REMEDY = "Reload the page; if it happens again, choose another backend in the Settings."


class WebBackend:
    """One sequence in onnxruntime-web.

    Args:
        decoder: A JavaScript `Decoder`; the backend becomes its only user.
    """

    def __init__(self, decoder: Any) -> None:
        capabilities = decoder.capabilities
        self._decoder = decoder
        self._capabilities = Capabilities(
            capabilities.name,
            capabilities.graph,
            capabilities.candidates,
            capabilities.vocabSize,
            capabilities.maxPositions,
            capabilities.verifyTokens,
        )
        self._length: int = decoder.length
        self._packed = array("d", bytes(8 * 2 * capabilities.candidates))

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def length(self) -> int:
        return self._length

    @property
    def key_value_bytes(self) -> int:
        return int(self._decoder.keyValueBytes)

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        max_positions = self._capabilities.max_positions
        check_prefill(input_ids, position, length=self._length, max_positions=max_positions)
        [candidates] = await self._step(self._decoder.prefill(to_js(array("i", input_ids)), position))
        self._length += len(input_ids)
        return candidates

    async def decode(self, token_id: int) -> Candidates:
        max_positions = self._capabilities.max_positions
        check_prefill((token_id,), self._length, length=self._length, max_positions=max_positions)
        [candidates] = await self._step(self._decoder.decode(token_id))
        self._length += 1
        return candidates

    async def verify(self, input_ids: Sequence[int], position: int) -> Sequence[Candidates]:
        check_verify(input_ids, position, length=self._length, capabilities=self._capabilities)
        candidates = await self._step(self._decoder.verify(to_js(array("i", input_ids)), position))
        self._length += len(input_ids)
        return candidates

    def truncate(self, length: int) -> None:
        check_truncate(length, length=self._length)
        try:
            self._decoder.truncate(length)
        except JsException as error:
            raise to_backend_error(error) from error
        self._length = length

    async def logits(self) -> Sequence[float]:
        try:
            logits = await self._decoder.logits()
        except JsException as error:
            raise to_backend_error(error) from error
        values = array("f", bytes(4 * self._capabilities.vocab_size))
        logits.assign_to(values)  # one copy: most readers look at few of 150,000
        return values

    async def close(self) -> None:
        await self._decoder.close()

    async def _step(self, step: Awaitable[Any]) -> list[Candidates]:
        """The rows that a step gives: of each, K logits, then K ids."""
        count = self._capabilities.candidates
        try:
            packed = await step
            length = len(packed)
            values = self._packed if length == 2 * count else array("d", bytes(8 * length))
            packed.assign_to(values)
        except JsException as error:
            raise to_backend_error(error) from error
        return [
            Candidates(values[at : at + count].tolist(), list(map(int, values[at + count : at + 2 * count])))
            for at in range(0, length, 2 * count)
        ]


def to_backend_error(error: Any) -> BackendError:
    """A JavaScript error as the class of the same name, else a BackendError that keeps name and message."""
    known = getattr(errors, error.name, BackendError)
    if hasattr(error, "problem") and issubclass(known, BackendError):
        return known(error.problem, expected=error.expected, remedy=error.remedy)
    return BackendError(f"{error.name}: {error.message}", expected="a step that succeeds", remedy=_REMEDY)
