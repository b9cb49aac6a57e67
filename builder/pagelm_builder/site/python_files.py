"""What starts Python in the page: standard library, wheels, lock file; compiled, named by their hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pagelm_builder.site import standard_library
from pagelm_builder.site.archive import read_archive, write_archive
from pagelm_builder.site.build_cache import BuildCache
from pagelm_builder.site.bytecode import compile_archives
from pagelm_builder.site.index import PythonFiles
from pagelm_builder.site.locations import find_legal_text
from pagelm_builder.site.lock_file import LockedFile, make_lock_file, read_interpreter
from pagelm_builder.site.npm_packages import LICENSE_TEXTS, PYODIDE
from pagelm_builder.site.wheels import SOURCE_TAG, Wheel, download_wheels, make_runtime_wheel, write_wheel

WHEELS_FOLDER = "python/wheels/"
STANDARD_LIBRARY = "the standard library"


def write_python_files(site: Path, *, pyodide: Path, cache: BuildCache, stored: bool) -> PythonFiles:
    """Write `python/` of a site, and the licences of what is in it.

    Args:
        pyodide: The npm package's folder.
        stored: Leave zips and wheels uncompressed, for a host that compresses what it sends.
    """
    interpreter = read_interpreter(pyodide)
    major, minor, _ = interpreter["python"].split(".")
    wheels = [make_runtime_wheel(), *download_wheels(cache, python_version=f"{major}.{minor}")]
    sources = {wheel.name: write_wheel(wheel, SOURCE_TAG, stored=True) for wheel in wheels}
    sources[STANDARD_LIBRARY] = standard_library.read_sources(pyodide)
    compiled = compile_archives(sources, pyodide=pyodide, cache=cache)

    locked = {
        wheel.name: _write_compiled_wheel(
            site, wheel, compiled[wheel.name], f"cp{major}{minor}-none-any", stored
        )
        for wheel in wheels
    }
    library = write_archive(read_archive(compiled[STANDARD_LIBRARY]), stored=stored)
    lock = make_lock_file(wheels, locked, interpreter, PYODIDE.version)
    _write_licenses(site, wheels)
    return PythonFiles(
        version=interpreter["python"],
        standard_library=_write_hashed(site, "python/standard-library.{}.zip", library),
        lock=_write_hashed(site, "python/lock.{}.json", lock),
        wheels=WHEELS_FOLDER,
        wheel_files=tuple(WHEELS_FOLDER + file.file_name for file in locked.values()),
        packages=("pagelm",),
    )


def _write_compiled_wheel(site: Path, source: Wheel, archive: bytes, tag: str, stored: bool) -> LockedFile:
    made_by_write_wheel = {f"{source.dist_info}/RECORD", f"{source.dist_info}/WHEEL"}
    members = {
        name: content for name, content in read_archive(archive).items() if name not in made_by_write_wheel
    }
    wheel = Wheel(source.name, source.version, members)
    content = write_wheel(wheel, tag, stored=stored)
    path = _write_hashed(site, WHEELS_FOLDER + "{}/" + wheel.file_name(tag), content)
    return LockedFile(path.removeprefix(WHEELS_FOLDER), hashlib.sha256(content).hexdigest())


def _write_hashed(site: Path, template: str, content: bytes) -> str:
    """Write a file with the first 16 hex digits of its sha256 in the place of `{}`; returns its path."""
    path = template.format(hashlib.sha256(content).hexdigest()[:16])
    (site / path).parent.mkdir(parents=True, exist_ok=True)
    (site / path).write_bytes(content)
    return path


def _write_licenses(site: Path, wheels: list[Wheel]) -> None:
    texts = {wheel.name: wheel.licenses() for wheel in wheels}
    texts["pagelm"]["NOTICE"] = find_legal_text("NOTICE").read_bytes()
    texts["python"] = {text.name: text.read_bytes() for text in sorted((LICENSE_TEXTS / "python").iterdir())}
    for name, files in texts.items():
        folder = site / "licenses" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file_name, text in files.items():
            (folder / file_name).write_bytes(text)
