"""Where the checkpoint of pico lies, the model that this package carries."""

from __future__ import annotations

from pathlib import Path

EMBEDDED_MODEL = "pico"


def embedded_checkpoint() -> Path:
    """The folder, as `pagelm export` takes one."""
    return Path(__file__).parent / EMBEDDED_MODEL / "checkpoint"
