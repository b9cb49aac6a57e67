"""Compile Python sources to bytecode with the interpreter that will run it: Pyodide, started under Node.

`pyodide py-compile` (pyodide-build) would do this with the host's interpreter, whose bytecode Pyodide refuses
unless the host happens to be the same Python 3.14; hence this way round. It knows archives, not wheels.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pagelm_builder.errors import SiteError
from pagelm_builder.site.build_cache import BuildCache, make_key
from pagelm_builder.site.npm_packages import npm_command

SCRIPT = Path(__file__).with_name("compile_archive.mjs")
SCRIPTS = (SCRIPT, SCRIPT.with_suffix(".py"), SCRIPT.with_name("archive.py"))
TIMEOUT_SECONDS = 600


def compile_archives(sources: Mapping[str, bytes], *, pyodide: Path, cache: BuildCache) -> dict[str, bytes]:
    """Replace every .py of zip archives by its .pyc.

    Args:
        sources: Name (for messages and for the result) → zip archive.
        pyodide: The npm package's folder.
        cache: Archives compiled before are taken from it; Node only starts for the others.

    Returns:
        Name → STORED zip archive, the same bytes in every build.

    Raises:
        SiteError: No Node, or a source that does not compile.
    """
    interpreter = hashlib.sha256((pyodide / "pyodide.asm.wasm").read_bytes()).hexdigest()
    scripts = [script.read_bytes() for script in SCRIPTS]
    keys = {name: make_key(interpreter, *scripts, source) for name, source in sources.items()}
    missing = {name: sources[name] for name, key in keys.items() if cache.get("bytecode", key) is None}
    if missing:
        for name, compiled in _compile_under_node(missing, pyodide).items():
            cache.put("bytecode", keys[name], compiled)
    return {name: cache.path("bytecode", key).read_bytes() for name, key in keys.items()}


def _compile_under_node(sources: Mapping[str, bytes], pyodide: Path) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="pagelm-bytecode-") as folder:
        arguments: list[str | Path] = [find_node(), SCRIPT, pyodide.resolve()]
        compiled = {}
        for index, (name, source) in enumerate(sources.items()):
            source_path = Path(folder) / f"{index}.source.zip"
            source_path.write_bytes(source)
            compiled[name] = Path(folder) / f"{index}.compiled.zip"
            arguments += [source_path, compiled[name]]
        run_node(arguments, doing=f"compiling {', '.join(sources)}")
        return {name: path.read_bytes() for name, path in compiled.items()}


def find_node() -> str:
    """Path of the node executable."""
    node = shutil.which("node")
    if node is None:
        raise SiteError("node was not found", expected="Node 20 or later on PATH", remedy="Install Node.js.")
    return node


def run_node(arguments: list[str | Path], *, doing: str) -> None:
    """Run Node to its end; its complaint becomes a SiteError."""
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise SiteError(
            f"{doing} did not end within {TIMEOUT_SECONDS} s",
            expected="a few seconds",
            remedy="Try again on a machine that is less busy.",
        ) from error
    if done.returncode != 0:
        complaint = done.stderr.strip()[-2000:]
        raise SiteError(
            f"{doing} failed under Node:\n{complaint}\n",
            expected="Node 20 or later and the npm package pyodide as npm installs it",
            remedy=f"Check `node --version` and run `{npm_command()}`.",
        )
