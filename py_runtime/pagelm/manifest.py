"""manifest.json of a model bundle, format 1: read and checked.

Unknown keys are ignored, missing ones are errors; every error names the key. Knows files by name, size and
hash only, never what is in them. Specified in docs/contracts.md, "Bundle, format 1".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from pagelm.certificate import parse_certificate
from pagelm.config import ModelConfig
from pagelm.errors import FormatVersionError, ManifestError
from pagelm.generation_defaults import Generation
from pagelm.json_fields import Fields
from pagelm.json_text import load_json
from pagelm.manifest_values import (
    REMEDY,
    BundleFile,
    Expanded,
    ExpandedTensor,
    Graph,
    KeyValueDtype,
    Manifest,
    Quantization,
    Weights,
)

FORMAT = 1
MANIFEST_FILE = "manifest.json"

SPECIAL_TOKEN_NAMES = (
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
)
"""What transformers gives a chat template beside the messages (`special_tokens_map`)."""

MAX_VERIFY_TOKENS = 64
"""Most that `verify_tokens` may say: each token takes a row of logits in memory."""

_BITS = 4
_CODE_BITS = (4, 8)
_BLOCK_SIZES = (16, 32, 64, 128)
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def parse_manifest(text: str | bytes, *, source: str = MANIFEST_FILE) -> Manifest:
    """Read and check a manifest.

    Args:
        text: The JSON.
        source: What to call it in messages.

    Raises:
        ManifestError: Not JSON, or a key is missing or wrong; the message names it.
        FormatVersionError: Written for another format.

    >>> parse_manifest('{"format": 2}')
    Traceback (most recent call last):
    pagelm.errors.FormatVersionError: manifest.json is of bundle format 2 (expected format 1)...
    """
    try:
        value = load_json(text)
    except ValueError as error:  # of JSON and of UTF-8
        raise ManifestError(f"{source}: {error}", expected="JSON", remedy=REMEDY) from error
    top = Fields(
        value,
        "",
        lambda problem, expected: ManifestError(f"{source}: {problem}", expected=expected, remedy=REMEDY),
    )
    if (format_version := top.integer("format")) != FORMAT:
        raise FormatVersionError(
            f"{source} is of bundle format {format_version}",
            expected=f"format {FORMAT}",
            remedy="Use the version of pagelm that wrote the bundle, or export it again with this one.",
        )
    return _manifest(top)


def load_manifest(folder: str | Path) -> Manifest:
    """Read `manifest.json` of a bundle folder.

    Raises:
        ManifestError: Not there, or as `parse_manifest`.
    """
    path = Path(folder) / MANIFEST_FILE
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ManifestError(
            f"{path} cannot be read: {error.strerror}",
            expected="a folder that `pagelm export` wrote",
            remedy="Check the path, or export the model first.",
        ) from error
    return parse_manifest(text, source=str(path))


def _manifest(top: Fields) -> Manifest:
    model = ModelConfig.from_fields(top.fields("model"))
    tokens = top.fields("tokens")
    weights = _weights(top.fields("weights"))
    graphs = top.fields("graphs")
    if not list(graphs):
        raise top.refused("graphs", "is empty", "at least one graph")
    parity = top.fields("parity")
    manifest = Manifest(
        name=top.text("name"),
        model=model,
        eos_token_ids=_eos_token_ids(tokens, model.vocab_size),
        pad_token_id=tokens.integer("pad_token_id"),
        special_tokens_map=_special_tokens_map(tokens.fields("special_tokens_map")),
        thinking=top.flag("thinking"),
        generation=Generation.from_fields(top.fields("generation")),
        tokenizer=_file(top.fields("tokenizer")),
        chat_template=_file(top.fields("chat_template")),
        weights=weights,
        graphs={name: _graph(graphs.fields(name), weights) for name in graphs},
        quantization=_quantization(top.fields("quantization")),
        parity={key: parity.value(key) for key in parity},
        description=top.text("description") if "description" in top else None,
        examples=top.texts("examples") if "examples" in top else (),
    )
    if "certificate" not in top:
        return manifest
    certificate = parse_certificate(
        top.fields("certificate"),
        files_sha256=manifest.files_sha256(),
        graphs=manifest.graphs.keys(),
        vocab_size=model.vocab_size,
    )
    return replace(manifest, certificate=certificate)


def _eos_token_ids(tokens: Fields, vocab_size: int) -> tuple[int, ...]:
    ids = tokens.integers("eos_token_ids")
    if not ids or max(ids) >= vocab_size:
        raise tokens.refused("eos_token_ids", f"is {list(ids)}", f"one or more ids below {vocab_size}")
    return ids


def _special_tokens_map(named: Fields) -> Mapping[str, str]:
    return {name: named.text(name) for name in SPECIAL_TOKEN_NAMES if name in named}


def _quantization(quantization: Fields) -> Quantization:
    """The layouts of weights that format 1 has; read as another, they would give words without sense."""
    if not (symmetric := quantization.flag("symmetric")):
        raise quantization.refused("symmetric", "is false", f"true in bundle format {FORMAT}")
    return Quantization(
        method=quantization.text("method"),
        bits=_one_of(quantization, "bits", (_BITS,)),
        head_bits=_one_of(quantization, "head_bits", _CODE_BITS),
        block_size=_one_of(quantization, "block_size", _BLOCK_SIZES),
        symmetric=symmetric,
    )


def _one_of(fields: Fields, key: str, values: tuple[int, ...]) -> int:
    value = fields.integer(key)
    if value not in values:
        expected = f"{' or '.join(map(str, values))} in bundle format {FORMAT}"
        raise fields.refused(key, f"is {value}", expected)
    return value


def _file(entry: Fields) -> BundleFile:
    """A file entry. Its name carries the first 16 digits of its hash, because caches trust names for ever."""
    file, size, sha256 = entry.text("file"), entry.integer("bytes"), entry.text("sha256")
    if not _FILE.fullmatch(file):
        raise entry.refused(
            "file", f"is {file!r}", "a relative path inside the bundle, with / and without .."
        )
    if not _SHA256.fullmatch(sha256):
        raise entry.refused("sha256", f"is {sha256!r}", "64 lowercase hexadecimal digits")
    if f".{sha256[:16]}." not in file:
        raise entry.refused(
            "file", f"is {file!r}", f"a name with the first digits of its hash, {sha256[:16]}"
        )
    return BundleFile(file, size, sha256)


def _file_name(fields: Fields, key: str) -> str:
    """A name without a folder: some write a file of it."""
    name = fields.text(key)
    if "/" in name or not _FILE.fullmatch(name):
        raise fields.refused(key, f"is {name!r}", "a file name without a folder")
    return name


def _weights(weights: Fields) -> Weights:
    parts = tuple(_file(part) for part in weights.array_of_fields("parts"))
    size = weights.integer("bytes", minimum=1)
    if (total := sum(part.bytes for part in parts)) != size:
        raise weights.refused(
            "parts", f"add up to {total} bytes", f"{size}, the value of {weights.at('bytes')}"
        )
    return Weights(size, parts)


def _graph(graph: Fields, weights: Weights) -> Graph:
    dtype = graph.text("key_value_dtype", one_of=("float32", "float16"))
    return Graph(
        file=_file(graph),
        external_data=_file_name(graph, "external_data"),
        key_value_dtype=cast(KeyValueDtype, dtype),
        required_features=graph.texts("required_features"),
        largest_binding_bytes=graph.integer("largest_binding_bytes"),
        storage_buffers=graph.integer("storage_buffers"),
        candidates=graph.integer("candidates", minimum=1),
        expanded=_expanded(graph.fields("expanded"), weights) if "expanded" in graph else None,
        verify_tokens=_verify_tokens(graph) if "verify_tokens" in graph else 0,
    )


def _verify_tokens(graph: Fields) -> int:
    value = graph.integer("verify_tokens")
    if not 2 <= value <= MAX_VERIFY_TOKENS:
        raise graph.refused("verify_tokens", f"is {value}", f"2 to {MAX_VERIFY_TOKENS}")
    return value


def _expanded(expanded: Fields, weights: Weights) -> Expanded:
    size = expanded.integer("bytes", minimum=1)
    tensors = tuple(
        _expanded_tensor(tensor, weights.bytes, size) for tensor in expanded.array_of_fields("tensors")
    )
    return Expanded(_file_name(expanded, "external_data"), size, tensors)


def _expanded_tensor(tensor: Fields, weights_bytes: int, expanded_bytes: int) -> ExpandedTensor:
    rows, columns = tensor.integer("rows", minimum=1), tensor.integer("columns", minimum=1)
    bits, block_size = _one_of(tensor, "bits", _CODE_BITS), _one_of(tensor, "block_size", _BLOCK_SIZES)
    if columns % block_size:
        raise tensor.refused("columns", f"is {columns}", f"a multiple of the block size, {block_size}")
    regions = {
        "codes_offset": (rows * columns * bits // 8, weights_bytes),
        "scales_offset": (rows * columns // block_size * 2, weights_bytes),
        "weight_offset": (rows * columns, expanded_bytes),
        "weight_scales_offset": (rows * 4, expanded_bytes),
    }
    if "input_factors_offset" in tensor:
        regions["input_factors_offset"] = (columns * 4, weights_bytes)
    offsets = {key: tensor.integer(key) for key in regions}
    for key, (length, size) in regions.items():
        if offsets[key] + length > size:
            raise tensor.refused(
                key, f"is {offsets[key]}", f"room for {length} bytes before the end at {size}"
            )
    return ExpandedTensor(tensor.text("name"), rows, columns, bits, block_size, **offsets)
