"""What manifest.json of a bundle says, as frozen values (docs/contracts.md, "Bundle, format 1")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pagelm.certificate import Certificate, hash_of_hashes
from pagelm.config import ModelConfig
from pagelm.errors import ManifestError
from pagelm.generation_defaults import Generation

REMEDY = "Export the bundle again with this version of pagelm."

KeyValueDtype = Literal["float32", "float16"]


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
