"""A page, bundles and node_modules small enough to build a site from within a second."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pagelm_builder.site import build_site
from pagelm_builder.site.version import UNBUILT

REPOSITORY = Path(__file__).parents[3]
NODE_MODULES = REPOSITORY / "node_modules"

MODEL = {
    "architecture": "Qwen3ForCausalLM",
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "max_position_embeddings": 128,
    "rope_theta": 1000000.0,
    "rms_norm_eps": 1e-06,
    "tie_word_embeddings": True,
}
SAMPLING = {"temperature": 0.6, "top_k": 20, "top_p": 0.95, "min_p": 0.0, "repetition_penalty": 1.0}


def write_hashed(bundle: Path, template: str, content: bytes) -> dict[str, object]:
    """Write one file of a bundle; returns its entry in the manifest."""
    digest = hashlib.sha256(content).hexdigest()
    file = template.format(digest[:16])
    (bundle / file).parent.mkdir(parents=True, exist_ok=True)
    (bundle / file).write_bytes(content)
    return {"file": file, "bytes": len(content), "sha256": digest}


def write_bundle(bundle: Path, name: str) -> Path:
    """Write a bundle that is whole, though no model."""
    weights = bytes(range(256)) * 64
    part = write_hashed(bundle, "weights/000.{}.bin", weights)
    manifest = {
        "format": 1,
        "name": name,
        "model": MODEL,
        "tokens": {"eos_token_ids": [1], "pad_token_id": 0, "special_tokens_map": {}},
        "thinking": True,
        "generation": {"thinking": SAMPLING, "non_thinking": SAMPLING},
        "tokenizer": write_hashed(bundle, "tokenizer/tokenizer.{}.bin", b"PLMT" + b"token " * 500),
        "chat_template": write_hashed(bundle, "tokenizer/chat_template.{}.jinja", b"{{ messages }}"),
        "weights": {"bytes": len(weights), "parts": [part]},
        "graphs": {
            "native": {
                **write_hashed(bundle, "graphs/native.{}.onnx", b"graph " * 500),
                "external_data": "weights.bin",
                "key_value_dtype": "float32",
                "required_features": [],
                "largest_binding_bytes": 0,
                "storage_buffers": 0,
                "candidates": 64,
            }
        },
        "quantization": {"method": "rtn", "bits": 4, "head_bits": 4, "block_size": 32, "symmetric": True},
        "parity": {},
    }
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return bundle


def write_web(folder: Path) -> Path:
    """Write a page of four files, and beside them what must not be published."""
    (folder / "widgets").mkdir(parents=True)
    (folder / "vendor").mkdir()
    (folder / "index.html").write_text(
        '<!doctype html><script type="module" src="./main.js"></script>', "utf-8"
    )
    (folder / "main.js").write_text('import { marked } from "./vendor/marked.js";\n' * 40, "utf-8")
    (folder / "service-worker.js").write_text(UNBUILT + "\n", "utf-8")
    (folder / "widgets" / "chat.css").write_text("main { margin: 0 }\n" * 60, "utf-8")
    (folder / "vendor" / "marked.d.ts").write_text('export * from "marked";\n', "utf-8")
    (folder / "tsconfig.json").write_text("{}", "utf-8")
    (folder / ".hidden").write_text("", "utf-8")
    return folder


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[[str], Path]:
    """Write a bundle of a given name; a second one of the same name goes elsewhere."""
    numbers = itertools.count()
    return lambda name: write_bundle(tmp_path / "bundles" / str(next(numbers)), name)


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return write_web(tmp_path / "web")


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site of the small page with two models, not to be written to."""
    folder = tmp_path_factory.mktemp("built-site")
    bundles = [write_bundle(folder / "b", "tiny"), write_bundle(folder / "a", "other.model")]
    web = write_web(folder / "web")
    return build_site(folder / "dist", bundles, node_modules=NODE_MODULES, web=web)
