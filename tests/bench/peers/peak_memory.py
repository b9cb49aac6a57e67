"""How much memory a page's process held at its peak, where the system tells: on Linux."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Browser


def peak_bytes(browser: Browser) -> int | None:
    """Of the largest renderer that is alive, workers and WebAssembly included; ask before the page closes."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    peaks = [_peak_of(process["id"]) for process in processes if process["type"] == "renderer"]
    return max((peak for peak in peaks if peak is not None), default=None)


def _peak_of(process: int) -> int | None:
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else None
