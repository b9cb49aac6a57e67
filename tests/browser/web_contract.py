"""Runs in the page's Pyodide: the Backend contract on the web backend."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


async def run(make_decoder: Callable[[], Any]) -> str:
    """Name of each check → "" or its traceback, as JSON."""
    from backend_contract import run_checks

    from pagelm._backend_web import WebBackend

    async def make_backend() -> WebBackend:
        return WebBackend(make_decoder())

    return json.dumps(await run_checks(make_backend))
