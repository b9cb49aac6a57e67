"""Gets a Chromium to test with where `pagelm_builder.verify.chromium` finds none.

From Debian's package through apt (as root or with sudo), else Playwright's own build. `python
tests/browser/chromium.py` does that once before the tests; they only look.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from pagelm_builder.verify.chromium import find_chromium


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
