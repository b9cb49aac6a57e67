"""Gets a Chromium to test with where `pagelm_builder.verify.chromium` finds none.

From Debian's package through apt (as root or with sudo), else Playwright's own build.
`python -m browser.chromium` does that once before the tests; they only look.
"""

from __future__ import annotations

import subprocess
import sys

from apt_package import install_package
from pagelm_builder.verify.chromium import find_chromium


def install_chromium() -> None:
    """Get a Chromium: from apt where that is possible, else from Playwright."""
    if install_package("chromium") and find_chromium():
        return
    subprocess.run([sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"], check=True)


if __name__ == "__main__":
    if find_chromium() is None:
        install_chromium()
