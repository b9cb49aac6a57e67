"""A bundle with one of its graphs edited, and a manifest that names the edited file."""

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
    alter_graph(copy, name, edit)
    return copy


def alter_graph(bundle: Path, name: str, edit: Edit) -> None:
    """Edit one graph of a bundle where it is."""
    entry = json.loads((bundle / "manifest.json").read_text("utf-8"))["graphs"][name]
    model = onnx.load_model_from_string((bundle / entry["file"]).read_bytes())
    edit(model.graph)
    replace_graph(bundle, name, model.SerializeToString(deterministic=True))


def replace_graph(bundle: Path, name: str, data: bytes) -> None:
    """Put other bytes in place of one graph of a bundle."""
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    digest = hashlib.sha256(data).hexdigest()
    file = f"graphs/{name}.{digest[:16]}.onnx"
    (bundle / file).write_bytes(data)
    manifest["graphs"][name] |= {"file": file, "bytes": len(data), "sha256": digest}
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def replace_text_file(bundle: Path, key: str, data: bytes) -> None:
    """Put other bytes in place of `tokenizer` or `chat_template` of a bundle."""
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    digest = hashlib.sha256(data).hexdigest()
    file = f"{key}.{digest[:16]}.bin"
    (bundle / file).write_bytes(data)
    manifest[key] = {"file": file, "bytes": len(data), "sha256": digest}
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")


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
