"""A bundle again with smaller parts, so that tests of what happens to parts need few bytes."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from pagelm_builder.bundle import MANIFEST, PartWriter, write_manifest


def recut_bundle(bundle: Path, out: Path, part_bytes: int) -> Path:
    """Copy a bundle with its weights cut into parts of `part_bytes`; returns `out`."""
    shutil.copytree(bundle, out, ignore=shutil.ignore_patterns("weights", "*.br", "*.gz"))
    manifest = json.loads((bundle / MANIFEST).read_text("utf-8"))
    writer = PartWriter(out, part_bytes)
    for part in manifest["weights"]["parts"]:
        writer.write((bundle / part["file"]).read_bytes())
    manifest["weights"]["parts"] = [part.entry() for part in writer.finish()]
    write_manifest(out, manifest)
    return out


def change_part(bundle: Path, out: Path, index: int) -> Path:
    """Copy a bundle as its next version: one byte of one weight part is another; returns `out`."""
    shutil.copytree(bundle, out)
    manifest = json.loads((bundle / MANIFEST).read_text("utf-8"))
    entries = manifest["weights"]["parts"]
    content = bytearray((out / entries[index]["file"]).read_bytes())
    content[0] ^= 1
    (out / entries[index]["file"]).unlink()
    sha256 = hashlib.sha256(content).hexdigest()
    file = f"weights/{index:03}.{sha256[:16]}.bin"
    (out / file).write_bytes(content)
    entries[index] = {"file": file, "bytes": len(content), "sha256": sha256}
    write_manifest(out, manifest)
    return out
