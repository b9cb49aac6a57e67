"""Waiting in Pyodide: JavaScript's promise integration (JSPI) suspends Python until a promise settles.

Besides `_backend_web` the only file that imports Pyodide's side of JavaScript.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from pyodide.ffi import can_run_sync, run_sync

from pagelm.errors import CannotWaitError

T = TypeVar("T")


class PromiseWaiter:
    """Suspends the call from JavaScript that Python runs in; others go on meanwhile."""

    def check(self) -> None:
        if not can_run_sync():
            raise CannotWaitError(
                "nothing can wait in this call from JavaScript",
                expected="promise integration (JSPI), and Python that was called asynchronously, as by "
                "runPythonAsync or callPromising",
                remedy="Await the method without _sync.",
            )

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        result: T = run_sync(coroutine)
        return result

    def close(self) -> None:
        pass
