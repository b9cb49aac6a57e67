"""Progress of long work for a person at a terminal. It knows no work, only stages and numbers."""

from __future__ import annotations

import sys


class ProgressLine:
    """Shows `stage done/total` on one terminal line that overwrites itself; silent where nobody watches."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._shown:
            end = "\n" if done >= total else ""
            sys.stderr.write(f"\r\x1b[2K{stage} {done}/{total}{end}")
            sys.stderr.flush()
