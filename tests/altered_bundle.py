"""A copy of a bundle with one of its graphs edited, and a manifest that names the edited file."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx

Edit = Callable[[onnx.GraphProto], None]


def alter_bundle(bundle: Path, copy: Path, name: str, edit: Edit) -> Path:
    """Copy a bundle and edit its graph `name` there; returns the copy."""
    shutil.copytree(bundle, copy)
    manifest = json.loads((copy / "manifest.json").read_text("utf-8"))
    entry = manifest["graphs"][name]
    model = onnx.load_model_from_string((copy / entry["file"]).read_bytes())
    edit(model.graph)
    replace_file(copy, entry, f"graphs/{name}.{{}}.onnx", model.SerializeToString(deterministic=True))
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return copy


def replace_file(bundle: Path, entry: dict[str, object], template: str, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    entry.update(file=template.format(digest[:16]), bytes=len(data), sha256=digest)
    (bundle / str(entry["file"])).write_bytes(data)


def set_attribute(node: onnx.NodeProto, name: str, value: float | int) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, onnx.helper.make_attribute(name, value)])


def keep_activations(graph: onnx.GraphProto) -> None:
    """Let the `native` graph compute in float32, as WebGPU does, instead of rounding activations."""
    products = [node for node in graph.node if node.op_type == "MatMulNBits"]
    assert products
    for node in products:
        set_attribute(node, "accuracy_level", 0)
