"""Where npm put the peers, and how a page gets at them."""

from __future__ import annotations

import json
from pathlib import Path

PACKAGES = {"wllama": "@wllama/wllama", "transformers.js": "@huggingface/transformers"}


def package_version(packages: Path, name: str) -> str:
    version: str = json.loads((packages / PACKAGES[name] / "package.json").read_text())["version"]
    return version


def link_transformers_js(folder: Path, packages: Path) -> None:
    """transformers.js with everything in it as `transformers/`, and its onnxruntime-web as `ort/`."""
    (folder / "transformers").symlink_to((packages / PACKAGES["transformers.js"] / "dist").resolve())
    (folder / "ort").symlink_to((packages / "onnxruntime-web" / "dist").resolve())
