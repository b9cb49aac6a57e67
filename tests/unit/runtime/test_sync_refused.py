"""Methods named …_sync where nothing may wait: inside a running loop, and in Pyodide without JSPI."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest

from fakes import VOCAB_SIZE, RecordingBackend, model_on, successor
from pagelm.errors import CannotWaitError
from pagelm.language_model import LanguageModel


def where_nothing_may_wait(call: Callable[[], object]) -> object:
    if sys.platform == "emscripten":
        return call()

    async def inside() -> object:
        return call()

    return asyncio.run(inside())


@pytest.mark.parametrize(
    "call",
    [
        lambda model: model.generate_sync("abc"),
        lambda model: model.chat().send_sync("abc"),
        lambda model: model.chat("abc").prefill_system_sync(),
        lambda model: model.close_sync(),
    ],
)
def test_a_call_where_nothing_may_wait_is_refused_and_runs_nothing(
    call: Callable[[LanguageModel], object],
) -> None:
    backend = RecordingBackend(successor, vocab_size=VOCAB_SIZE)
    model = model_on(backend)
    with pytest.raises(CannotWaitError, match="without _sync"):
        where_nothing_may_wait(lambda: call(model))
    assert (backend.calls, backend.closed) == ([], False)
