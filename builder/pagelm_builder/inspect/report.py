"""The contents of a bundle as text for a terminal of a given width, and as JSON. It reads nothing.

Sizes are in units of 1000. What a bundle says of itself (names, sentences) is printed as it stands: who
shows it on a terminal takes the control characters out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from textwrap import wrap

from pagelm_builder.inspect.bar_chart import Bar, draw_bars
from pagelm_builder.inspect.certificate_lines import certificate_lines
from pagelm_builder.inspect.contents import Contents
from pagelm_builder.inspect.lines import LABEL, labelled, size

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
Section = Callable[[Contents], Iterator[str]]
BLOCKS, ASCII = ("█", "▓", "░"), ("#", "+", ".")
MODES = {"thinking": "with thinking", "non_thinking": "without"}


def to_lines(contents: Contents, *, width: int, marks: Sequence[str] = BLOCKS) -> list[str]:
    """Everything, in lines of about `width` characters."""
    manifest = contents.manifest
    sections: tuple[Section, ...] = (_model, _files, _graphs, _generation, _parity, _certificate)
    lines = [f"{manifest.name} ({manifest.model.architecture})", *wrap(manifest.description or "", width)]
    for section in sections:
        lines.append("")
        for line in section(contents):
            lines += wrap(line, width, subsequent_indent=" " * LABEL, break_long_words=False)
    return [*lines, "", *_chart(contents, width, marks)]


def to_json(contents: Contents) -> dict[str, object]:
    """Everything, by the manifest's own names where it has them."""
    manifest, vocabulary = contents.manifest, contents.vocabulary
    return {
        "name": manifest.name,
        "description": manifest.description,
        "examples": list(manifest.examples),
        "parameters": contents.parameters,
        "model": asdict(manifest.model),
        "quantization": asdict(manifest.quantization),
        "weights": {"bytes": manifest.weights.bytes, "parts": len(manifest.weights.parts)},
        "tensor_groups": [
            {
                "name": group.name,
                "bytes": group.bytes,
                "codes_bytes": group.codes,
                "scales_bytes": group.scales,
                "plain_bytes": group.plain,
            }
            for group in contents.groups
        ],
        "graphs": {
            name: {
                "bytes": entry.file.bytes,
                "nodes": contents.nodes[name],
                "key_value_dtype": entry.key_value_dtype,
                "required_features": list(entry.required_features),
                "largest_binding_bytes": entry.largest_binding_bytes,
                "storage_buffers": entry.storage_buffers,
                "candidates": entry.candidates,
                "expanded_bytes": entry.expanded.bytes if entry.expanded else 0,
            }
            for name, entry in manifest.graphs.items()
        },
        "tokenizer": {
            "bytes": manifest.tokenizer.bytes,
            "tokens": len(vocabulary.ids) + len(vocabulary.added_tokens),
            "added_tokens": len(vocabulary.added_tokens),
            "pattern": vocabulary.pattern,
            "normalizer": vocabulary.normalizer,
            "eos_token_ids": list(manifest.eos_token_ids),
        },
        "thinking": manifest.thinking,
        "generation": asdict(manifest.generation),
        "parity": dict(manifest.parity),
        "certificate": asdict(manifest.certificate) if manifest.certificate else None,
    }


def _model(contents: Contents) -> Iterator[str]:
    model = contents.manifest.model
    yield labelled("parameters", f"{contents.parameters:,}")
    yield labelled(
        "layers",
        f"{model.num_hidden_layers}, hidden size {model.hidden_size}, mlp {model.intermediate_size}",
    )
    yield labelled(
        "attention",
        f"{model.num_attention_heads} heads, {model.num_key_value_heads} for keys and values, of "
        f"{model.head_dim}",
    )
    head = "embedding and head are one matrix" if model.tie_word_embeddings else "the head is apart"
    yield labelled("vocabulary", f"{model.vocab_size:,} tokens; {head}")
    yield labelled(
        "context", f"{model.max_position_embeddings:,} tokens, rotary base {model.rope_theta:,.0f}"
    )


def _files(contents: Contents) -> Iterator[str]:
    manifest, vocabulary = contents.manifest, contents.vocabulary
    form, parts = manifest.quantization, len(manifest.weights.parts)
    yield labelled(
        "quantization",
        f"{form.method}: {form.bits} bits in blocks of {form.block_size}, head {form.head_bits} bits",
    )
    yield labelled("weights", f"{size(manifest.weights.bytes)} in {parts} part{'' if parts == 1 else 's'}")
    yield labelled(
        "tokenizer",
        f"{size(manifest.tokenizer.bytes)}: {len(vocabulary.ids):,} byte-level tokens and "
        f"{len(vocabulary.added_tokens)} added ones, split like {vocabulary.pattern}",
    )


def _graphs(contents: Contents) -> Iterator[str]:
    columns = "{:<12}{:>10}{:>7}{:>9}{:>9}{:>10}"
    yield columns.format("graph", "size", "nodes", "cache", "buffers", "binding")
    for name, entry in contents.manifest.graphs.items():
        notes = [f"needs {feature}" for feature in entry.required_features]
        if entry.expanded:
            notes.append(f"{size(entry.expanded.bytes)} at load")
        row = columns.format(
            name,
            size(entry.file.bytes),
            contents.nodes[name],
            entry.key_value_dtype,
            entry.storage_buffers,
            size(entry.largest_binding_bytes),
        )
        yield "  ".join((row, ", ".join(notes))).rstrip()


def _generation(contents: Contents) -> Iterator[str]:
    defaults = contents.manifest.generation
    modes = MODES if contents.manifest.thinking else {"non_thinking": "does not think"}
    for mode, label in modes.items():
        options = asdict(defaults.for_mode(mode == "thinking"))
        yield labelled(label, ", ".join(f"{name} {options[name]}" for name in SAMPLING))


def _parity(contents: Contents) -> Iterator[str]:
    """Whatever figures the export left: they may grow without this file."""
    parity = contents.manifest.parity
    figures = {key: value for key, value in parity.items() if not isinstance(value, dict)}
    yield labelled("parity", ", ".join(f"{value} {key}" for key, value in figures.items()) or "not measured")
    for key, value in parity.items():
        if isinstance(value, dict):
            measured = ", ".join(f"{name} {figure}" for name, figure in value.items())
            yield labelled("  " + key.replace("_", " "), measured)


def _certificate(contents: Contents) -> Iterator[str]:
    return certificate_lines(contents.manifest.certificate)


def _chart(contents: Contents, width: int, marks: Sequence[str]) -> Iterator[str]:
    total = max(1, contents.manifest.weights.bytes)
    kinds = zip(marks, ("codes", "scales", "as they are"), strict=True)
    yield f"bytes by tensor group: {', '.join(f'{mark} {kind}' for mark, kind in kinds)}"
    bars = [
        Bar(
            group.name,
            (group.codes, group.scales, group.plain),
            f"{size(group.bytes)} {group.bytes / total * 100:5.1f} %",
        )
        for group in contents.groups
    ]
    yield from draw_bars(bars, width=width, marks=marks)
