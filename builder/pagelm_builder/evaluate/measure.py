"""One graph of a bundle against the checkpoint, in float32, over text that both are given.

The checkpoint runs first and leaves its final hidden states, a layer's weights in memory at a time; then the
graph runs, and logits of both are made and compared some tokens at a time. Nothing grows with the vocabulary
times the text. It knows the order of the steps; each is another file's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from pagelm.bundle_files import read_verified
from pagelm.chat_template import ChatTemplate
from pagelm.manifest import load_manifest
from pagelm.manifest_values import Manifest
from pagelm.tokenizer import Tokenizer
from pagelm_builder.documents import Document, TokenSequence, to_sequences
from pagelm_builder.errors import EvaluationError
from pagelm_builder.evaluate.comparison import Comparing, Comparison
from pagelm_builder.evaluate.teacher_forcing import TeacherForcedDecoder
from pagelm_builder.external_data import external_data
from pagelm_builder.reference.decoder import ReferenceDecoder
from pagelm_builder.reference.decoder_layer import Floats
from pagelm_builder.sources.open_source import Source, open_source

CpuGraph = Literal["native", "wasm"]
CPU_GRAPHS: tuple[CpuGraph, ...] = ("native", "wasm")
Progress = Callable[[str, int, int], None]


def measure_bundle(
    bundle: Path,
    reference: Path,
    documents: Sequence[Document],
    *,
    graph: CpuGraph = "native",
    progress: Progress | None = None,
) -> Comparison:
    """Compare a bundle with the checkpoint that it was exported from.

    Args:
        bundle: What `pagelm export` wrote.
        reference: The checkpoint: a folder, or a GGUF file.
        documents: The text.
        progress: Called with ("reference", layers done, layers), then ("evaluate", sequences done,
            sequences).

    Raises:
        pagelm.errors.BundleError: the bundle, or its graph, cannot be used.
        BuildError: a named subclass, for the checkpoint or the text; or an EvaluationError where the two are
            of different vocabularies.
    """
    report = progress or (lambda stage, done, total: None)
    manifest = load_manifest(bundle)
    manifest.graph(graph)
    tokenizer = Tokenizer.from_bytes(read_verified(bundle, manifest.tokenizer))
    template_source = read_verified(bundle, manifest.chat_template).decode()
    template = ChatTemplate(template_source, manifest.special_tokens_map)
    with open_source(reference) as source:
        _check_vocabulary(manifest, bundle, source, reference)
        longest = min(manifest.model.max_position_embeddings, source.config.max_position_embeddings)
        sequences = to_sequences(documents, tokenizer, template, longest)
        decoder = ReferenceDecoder(source.config, source.weights)
        hidden = decoder.final_hidden(
            [sequence.input_ids for sequence in sequences],
            lambda done, total: report("reference", done, total),
        )
        head = decoder.read_head()
    with external_data(bundle, manifest, [graph]) as external:
        found = TeacherForcedDecoder(bundle, manifest, graph, external)
        return _compare(found, sequences, hidden, head, report)


def _check_vocabulary(manifest: Manifest, bundle: Path, source: Source, reference: Path) -> None:
    """The same id must be the same token to both."""
    size, expected = source.config.vocab_size, manifest.model.vocab_size
    if size != expected:
        raise _mismatch(f"{reference} has a vocabulary of {size} tokens", f"{expected}, as {bundle} has")
    if source.tokenizer.binary != read_verified(bundle, manifest.tokenizer):
        raise _mismatch(f"{reference} has another tokenizer than {bundle}", "the same tokens under each id")


def _mismatch(problem: str, expected: str) -> EvaluationError:
    return EvaluationError(
        problem, expected=expected, remedy="Name the checkpoint that the bundle was exported from."
    )


def _compare(
    found: TeacherForcedDecoder,
    sequences: Sequence[TokenSequence],
    hidden: Floats,
    head: Floats,
    report: Progress,
) -> Comparison:
    comparing = Comparing()
    start = 0
    for done, sequence in enumerate(sequences, start=1):
        ids = np.array(sequence.input_ids)
        states = hidden[start : start + len(ids)]
        position = 0
        for logits in found.logits(sequence.input_ids):
            # a token is predicted at the position before it; what comes after the last one is unknown
            some = slice(max(position, sequence.scored_from - 1), min(position + len(logits), len(ids) - 1))
            if some.start < some.stop:
                rows = logits[some.start - position : some.stop - position]
                comparing.add(states[some] @ head.T, rows, ids[some.start + 1 : some.stop + 1])
            position += len(logits)
        start += len(ids)
        report("evaluate", done, len(sequences))
    return comparing.result()
