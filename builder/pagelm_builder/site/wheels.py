"""The wheels of a site: pagelm's runtime, jinja2 and markupsafe, pure Python, as bytecode, reproducible.

jinja2 and markupsafe are downloaded by pip as `wheels.lock` pins them, without running anything of theirs:
dropping the C extension from markupsafe's wheel leaves what its sdist builds without a compiler. pagelm's
wheel is put together from the runtime that is installed here, so that a page never carries the builder.
Formats: PEP 427 (wheel) and the "recording installed projects" specification (RECORD).
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pagelm
from pagelm_builder.errors import SiteError
from pagelm_builder.site.archive import read_archive, write_archive
from pagelm_builder.site.build_cache import BuildCache
from pagelm_builder.site.locations import find_legal_text

PINS = Path(__file__).with_name("wheels.lock")
SOURCE_TAG = "py3-none-any"
NOT_FOR_WASM = re.compile(r"_speedups\.|.*\.(so|pyd|dylib|c|pyi)$")
PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Wheel:
    """A pure Python wheel, unpacked.

    Args:
        members: File name → content, without the RECORD and WHEEL files, which `write_wheel` makes.
    """

    name: str
    version: str
    members: Mapping[str, bytes]

    @property
    def dist_info(self) -> str:
        return f"{self.name}-{self.version}.dist-info"

    def file_name(self, tag: str) -> str:
        return f"{self.name}-{self.version}-{tag}.whl"

    def licenses(self) -> dict[str, bytes]:
        """File name → licence text."""
        folder = f"{self.dist_info}/licenses/"
        return {
            name.removeprefix(folder): text for name, text in self.members.items() if name.startswith(folder)
        }


def write_wheel(wheel: Wheel, tag: str, *, stored: bool) -> bytes:
    """The wheel as a file; the same members always give the same bytes."""
    members = dict(wheel.members)
    members[f"{wheel.dist_info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: pagelm\nRoot-Is-Purelib: true\nTag: {tag}\n".encode()
    )
    record = f"{wheel.dist_info}/RECORD"
    lines = [f"{name},sha256={_record_hash(members[name])},{len(members[name])}" for name in sorted(members)]
    members[record] = "\n".join([*lines, f"{record},,", ""]).encode()
    return write_archive(members, stored=stored)


def _record_hash(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def read_wheel(name: str, version: str, archive: bytes) -> Wheel:
    """Unpack a wheel, leaving out what only a native interpreter can use."""
    record_files = {f"{name}-{version}.dist-info/{file}" for file in ("RECORD", "WHEEL")}
    members = {
        member: content
        for member, content in read_archive(archive).items()
        if member not in record_files and not NOT_FOR_WASM.match(member.rpartition("/")[2])
    }
    return Wheel(name, version, members)


def make_runtime_wheel() -> Wheel:
    """pagelm's own wheel: the package `pagelm` of this environment and nothing of `pagelm_builder`."""
    package = Path(pagelm.__file__).parent
    members = {
        f"pagelm/{path.relative_to(package).as_posix()}": path.read_bytes()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    version = metadata.version("pagelm")
    requires = [line for line in metadata.requires("pagelm") or () if "extra ==" not in line]
    dist_info = f"pagelm-{version}.dist-info"
    members[f"{dist_info}/METADATA"] = "\n".join(
        ["Metadata-Version: 2.1", "Name: pagelm", f"Version: {version}", "License: Apache-2.0"]
        + [f"Requires-Dist: {line}" for line in sorted(requires)]
        + [""]
    ).encode()
    members[f"{dist_info}/licenses/LICENSE"] = find_legal_text("LICENSE").read_bytes()
    return Wheel("pagelm", version, members)


def download_wheels(cache: BuildCache, *, python_version: str) -> list[Wheel]:
    """The wheels that `wheels.lock` pins, from the cache or through pip.

    Raises:
        SiteError: pip could not get one, or got other bytes than are pinned.
    """
    pins = [match.groupdict() for match in PIN.finditer(PINS.read_text("utf-8"))]
    if any(cache.get("downloads", pin["sha256"]) is None for pin in pins):
        for archive in _download(python_version):
            cache.put("downloads", hashlib.sha256(archive).hexdigest(), archive)
    return [
        read_wheel(pin["name"], pin["version"], cache.path("downloads", pin["sha256"]).read_bytes())
        for pin in pins
    ]


def _download(python_version: str) -> list[bytes]:
    with tempfile.TemporaryDirectory(prefix="pagelm-wheels-") as folder:
        command: list[str | Path] = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "--no-deps", "--only-binary", ":all:"),
            *("--platform", "manylinux2014_x86_64", "--implementation", "cp"),
            *("--python-version", python_version, "--requirement", PINS, "--dest", folder),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SiteError(
                f"pip could not download the wheels of {PINS.name}:\n{done.stderr.strip()[-1500:]}\n",
                expected="a package index within reach, once; later builds take the wheels from the cache",
                remedy="Check the connection, or point pip at a folder (PIP_FIND_LINKS and PIP_NO_INDEX).",
            )
        return [path.read_bytes() for path in sorted(Path(folder).iterdir())]
