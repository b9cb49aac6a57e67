"""Sources of a zip archive → sourceless bytecode. Runs inside Pyodide, started by `compile_archive.mjs`.

It must be the interpreter that will run the code: bytecode of another Python is refused ("bad magic number").
It uses nothing but the standard library and knows nothing of wheels. Format: PEP 552, unchecked hash-based
.pyc, which carries no time stamp and so comes out the same in every build.
"""

from __future__ import annotations

import importlib.util
import marshal
from pathlib import Path

from archive import read_archive, write_archive  # type: ignore[import-not-found]  # beside this file in Pyodide

UNCHECKED_HASH = (0b01).to_bytes(4, "little")


def compile_source(source: bytes, name: str) -> bytes:
    """Compile one module; `name` is the path that its tracebacks show."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    source_hash = importlib.util.source_hash(source)
    return importlib.util.MAGIC_NUMBER + UNCHECKED_HASH + source_hash + marshal.dumps(code)


def compile_archive(source: Path, compiled: Path) -> None:
    """Copy a zip archive with each `x.py` replaced by `x.pyc`; the rest stays. The copy is STORED."""
    members = {}
    for name, content in sorted(read_archive(source.read_bytes()).items()):
        if name.endswith(".py"):
            members[name + "c"] = compile_source(content, name)
        else:
            members[name] = content
    compiled.write_bytes(write_archive(members, stored=True))
