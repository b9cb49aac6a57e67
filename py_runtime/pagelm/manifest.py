"""manifest.json of a model bundle, format 1: read, checked, and as frozen values.

Unknown keys are ignored, missing ones are errors; every error names the key. Knows files by name, size and
hash only, never what is in them. Specified in docs/contracts.md, "Bundle, format 1".
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, cast

from pagelm.certificate import Certificate, hash_of_hashes, parse_certificate
from pagelm.config import ModelConfig
from pagelm.errors import FormatVersionError, ManifestError, PartAlteredError, PartMissingError
from pagelm.generation_defaults import Generation
from pagelm.json_fields import Fields
from pagelm.json_text import load_json

FORMAT = 1
MANIFEST_FILE = "manifest.json"
REMEDY = "Export the bundle again with this version of pagelm."

KeyValueDtype = Literal["float32", "float16"]

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


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A file of the bundle: its path inside, its size, its hash (64 hexadecimal digits)."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Weights:
    """The external data that all graphs share: `parts` concatenated are `bytes` long."""

    bytes: int
    parts: tuple[BundleFile, ...]


@dataclass(frozen=True, slots=True)
class ExpandedTensor:
    """One linear layer `[rows, columns]`: where its codes are in the weights and where its int8 goes.

    Attributes:
        bits: Of a code.
        block_size: Weights along a row that share a scale.
        input_factors_offset: Where the weights hold what inputs are multiplied by, float32 `[columns]`.
    """

    name: str
    rows: int
    columns: int
    bits: int
    block_size: int
    codes_offset: int
    scales_offset: int
    weight_offset: int
    weight_scales_offset: int
    input_factors_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Expanded:
    """External data that is computed when the graph is loaded, never shipped."""

    external_data: str
    bytes: int
    tensors: tuple[ExpandedTensor, ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """One decoder graph and what it needs of a device.

    Attributes:
        verify_tokens: Most tokens of one run that it gives candidates of; 0: of the last one only.
    """

    file: BundleFile
    external_data: str
    key_value_dtype: KeyValueDtype
    required_features: tuple[str, ...]
    largest_binding_bytes: int
    storage_buffers: int
    candidates: int
    expanded: Expanded | None
    verify_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Quantization:
    """How the linear weights were quantized.

    Attributes:
        method: How the codes were chosen; it changes nothing about reading them.
        bits: 4 in this format.
        head_bits: Of the matrix that gives the logits (the embedding too, where they are one): 4 or 8.
        block_size: Weights that share a scale: 16, 32, 64 or 128.
        symmetric: Whether there are no zero points: true in this format.
    """

    method: str
    bits: int
    head_bits: int
    block_size: int
    symmetric: bool


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked manifest.json.

    Attributes:
        special_tokens_map: Contents of the named tokens (`bos_token`, …) that the chat template may write.
        thinking: Whether the model can reason before it answers.
        description: One sentence about the model, where there is one.
        examples: Questions to begin with.
        certificate: What `pagelm verify` found, if it was run.
    """

    name: str
    model: ModelConfig
    eos_token_ids: tuple[int, ...]
    pad_token_id: int
    special_tokens_map: Mapping[str, str]
    thinking: bool
    generation: Generation
    tokenizer: BundleFile
    chat_template: BundleFile
    weights: Weights
    graphs: Mapping[str, Graph]
    quantization: Quantization
    parity: Mapping[str, object]
    description: str | None
    examples: tuple[str, ...]
    certificate: Certificate | None = None

    def graph(self, name: str) -> Graph:
        """The graph of this name.

        Raises:
            ManifestError: The bundle has none.
        """
        if name not in self.graphs:
            raise ManifestError(
                f"graphs.{name} is missing",
                expected=f"one of {', '.join(sorted(self.graphs))}",
                remedy=REMEDY,
            )
        return self.graphs[name]

    def files(self) -> Iterator[BundleFile]:
        """Every file that the manifest names."""
        yield self.tokenizer
        yield self.chat_template
        yield from self.weights.parts
        for graph in self.graphs.values():
            yield graph.file

    def files_sha256(self) -> str:
        """One hash for all of them."""
        return hash_of_hashes(entry.sha256 for entry in self.files())


def parse_manifest(text: str | bytes, *, source: str = MANIFEST_FILE) -> Manifest:
    """Read and check a manifest.

    Args:
        text: The JSON.
        source: What to call it in messages.

    Raises:
        ManifestError: Not JSON, or a key is missing or wrong; the message names it.
        FormatVersionError: Written for another format.
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


def verify_bundle_files(folder: str | Path) -> Manifest:
    """Read a bundle's manifest and compare every file it names: presence, size, sha256.

    Raises:
        PartMissingError: A file is not there.
        PartAlteredError: A file has another size or hash.
    """
    manifest = load_manifest(folder)
    for entry in manifest.files():
        read_verified(folder, entry)
    return manifest


def read_verified(folder: str | Path, entry: BundleFile) -> bytes:
    """The bytes of one file of a bundle, compared with its size and hash; errors as `verify_bundle_files`."""
    path = Path(folder) / entry.file
    remedy = "Copy the bundle again, or export it again."
    if not path.is_file():
        raise PartMissingError(f"{path} is missing", expected=f"{entry.bytes} bytes", remedy=remedy)
    data = path.read_bytes()
    if len(data) != entry.bytes:
        raise PartAlteredError(
            f"{path} has {len(data)} bytes", expected=f"{entry.bytes} bytes", remedy=remedy
        )
    if (digest := hashlib.sha256(data).hexdigest()) != entry.sha256:
        raise PartAlteredError(f"{path} has sha256 {digest}", expected=entry.sha256, remedy=remedy)
    return data


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
