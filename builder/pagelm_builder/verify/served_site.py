"""A site on a free port of this machine for as long as a block runs, served as a person serves it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pagelm_builder.errors import ServeError


@contextmanager
def serve_site(folder: Path, *options: str) -> Iterator[str]:
    """Serve a site while the block runs; yields its address, with a slash at the end.

    In a process of its own, because Playwright keeps this one's event loop.

    Args:
        options: More of `pagelm serve`.

    Raises:
        ServeError: the server does not start; it has said why on standard error.
    """
    command = [sys.executable, "-m", "pagelm_builder.cli", "serve", str(folder), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            words = server.stdout.readline().split()
            address = next((word for word in words if word.startswith("http://")), None)
            if address is None:
                raise ServeError(
                    f"{folder} is not served",
                    expected="an address",
                    remedy="Run pagelm serve on it to see why.",
                )
            yield address
        finally:
            server.terminate()
