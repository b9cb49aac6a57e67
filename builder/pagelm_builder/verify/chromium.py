"""Finds a Chromium and starts it headless, with WebGPU on the CPU or on this machine's GPU.

Order: what is asked for by path, `PAGELM_CHROMIUM`, a Chromium or Chrome on the path, Playwright's own build.
It knows browsers, and no site.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from pagelm_builder.errors import BrowserError

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

# Quiet: without these Chromium looks up its vendor's hosts at every start.
QUIET = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# SwiftShader runs real WGSL on the CPU, with subgroups and without shader-f16.
SOFTWARE_WEBGPU = (
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--use-vulkan=swiftshader",
)
HARDWARE_WEBGPU = ("--enable-unsafe-webgpu", "--enable-features=Vulkan")
REMEDY = (
    "Install Chromium with the system's packages, or run: python -m playwright install chromium; or name one "
    "with --chromium PATH or PAGELM_CHROMIUM."
)


def find_chromium() -> str | None:
    """Path of a Chromium that is here, or None; Playwright finds its own build by itself.

    Raises:
        BrowserError: PAGELM_CHROMIUM names a file that is not there.
    """
    named = os.environ.get("PAGELM_CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise BrowserError(
                f"PAGELM_CHROMIUM names {named}, and there is no such file",
                expected="the path of a Chromium",
                remedy="Correct it, or unset it to use one on the path.",
            )
        return named
    return next((path for path in map(shutil.which, NAMES) if path), None)


def launch_arguments(*, hardware: bool = False) -> list[str]:
    """Flags for a headless Chromium.

    Args:
        hardware: Whether WebGPU runs on this machine's GPU; else on the CPU, the same everywhere.
    """
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [*sandbox, *QUIET, *(HARDWARE_WEBGPU if hardware else SOFTWARE_WEBGPU)]


@contextmanager
def open_chromium(path: Path | None = None, *, hardware: bool = False) -> Iterator[Browser]:
    """A running browser for as long as the block runs.

    Args:
        path: Which one; by default the one that `find_chromium` or Playwright finds.

    Raises:
        BrowserError: there is none, or it does not start.
    """
    executable = str(path) if path else find_chromium()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=executable, args=launch_arguments(hardware=hardware)
            )
        except PlaywrightError as error:
            what = f"{executable} does not start" if executable else "there is no Chromium"
            raise BrowserError(
                f"{what}: {error.message.splitlines()[0]}",
                expected="one that Playwright can drive",
                remedy=REMEDY,
            ) from error
        try:
            yield browser
        finally:
            browser.close()
