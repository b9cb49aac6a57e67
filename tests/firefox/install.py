"""Gets a Firefox to test with where there is none on the path: Debian's or Ubuntu's, through apt.

Without one the tests of Firefox are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import sys

from apt_package import install_package

NAMES = ("firefox-esr", "firefox")


def main() -> None:
    if os.environ.get("PAGELM_FIREFOX") or any(map(shutil.which, NAMES)):
        return
    if not any(map(install_package, NAMES)):
        print("No Firefox, and apt gave none: its tests are skipped.", file=sys.stderr)


if __name__ == "__main__":
    main()
