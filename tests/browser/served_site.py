"""`pagelm serve` on a free port, as a person starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serve_site(folder: Path) -> Iterator[str]:
    """Serve a site while the block runs; yields its address, with a slash at the end."""
    command = [sys.executable, "-m", "pagelm_builder.cli", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            line = server.stdout.readline()
            yield next(word for word in line.split() if word.startswith("http://"))
        finally:
            server.terminate()
