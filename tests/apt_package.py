"""Installs a package of Debian or Ubuntu where that needs no question: as root, or by sudo without one."""

from __future__ import annotations

import os
import shutil
import subprocess


def install_package(name: str) -> bool:
    """Whether apt installed it."""
    privileged = apt_prefix()
    if privileged is None:
        return False
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return not any(
        subprocess.run([*privileged, *command], env=quiet, check=False).returncode
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", name])
    )


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
