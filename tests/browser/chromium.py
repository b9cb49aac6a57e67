"""Finds a Chromium to test with, and gets one where there is none.

Order: `PAGELM_CHROMIUM`, a Chromium or Chrome on the path, Debian's package through apt (as root or with
sudo), Playwright's own build. `python tests/browser/chromium.py` does that once before the tests; they only
look.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

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


def find_chromium() -> str | None:
    """Path of a Chromium that is here, or None; Playwright finds its own build by itself."""
    named = os.environ.get("PAGELM_CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"PAGELM_CHROMIUM names {named}, and there is no such file")
        return named
    return next((path for path in map(shutil.which, NAMES) if path), None)


def launch_arguments() -> list[str]:
    """Flags for a headless Chromium whose WebGPU runs on the CPU."""
    sandbox = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    return [*sandbox, *QUIET, *SOFTWARE_WEBGPU]


def install_chromium() -> None:
    """Get a Chromium: from apt where that is possible, else from Playwright."""
    privileged = apt_prefix()
    if privileged is not None:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"]):
            if subprocess.run([*privileged, *command], env=quiet, check=False).returncode:
                break
        if find_chromium():
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"], check=True)


def apt_prefix() -> list[str] | None:
    """What to put before apt-get: nothing as root, sudo if it asks no password; None: no apt here."""
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n"]
    return None


if __name__ == "__main__":
    if find_chromium() is None:
        install_chromium()
