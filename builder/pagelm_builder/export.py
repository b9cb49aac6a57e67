"""`pagelm export`: from a checkpoint to a bundle.

Everything is read and checked before anything is written: the source, then the graphs (which need no
weights), then the weights as a stream; what is written is measured before it takes its name.
It knows the order of the steps and the manifest's keys; each step is another file's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from pagelm.sampling_options import SamplingOptions
from pagelm_builder.bundle import (
    FORMAT,
    PartWriter,
    WrittenFile,
    check_target,
    write_hashed,
    write_manifest,
)
from pagelm_builder.checkpoint import TensorSource
from pagelm_builder.config import JsonValue, ModelConfig
from pagelm_builder.documents import calibration_file
from pagelm_builder.graphs import (
    VERIFY_TOKENS,
    BuiltGraph,
    build_native,
    build_wasm,
    build_webgpu_f16,
    build_webgpu_f32,
)
from pagelm_builder.own_measurement import measure_export
from pagelm_builder.presentation import Presentation
from pagelm_builder.quantize.block_format import WeightFormat
from pagelm_builder.quantize.method import QuantizationMethod, check_method, make_quantizer
from pagelm_builder.quantize.quantizer import ROUND_TO_NEAREST, MatrixQuantizer
from pagelm_builder.replacement import replacing
from pagelm_builder.sampling_advice import generation_entry
from pagelm_builder.sources.open_source import open_source
from pagelm_builder.thinking_support import does_think
from pagelm_builder.tokenizer import ConvertedTokenizer
from pagelm_builder.weights import (
    DEFAULT_FORMAT,
    EXPANDED_FILE,
    WEIGHTS_FILE,
    ExpandedLayout,
    ExpandedTensor,
    WeightLayout,
    plan_expansion,
    plan_weights,
    write_weights,
)

Progress: TypeAlias = Callable[[str, int, int], None]

NOT_PRESENTED = Presentation()


def export_bundle(
    source: Path,
    out: Path,
    *,
    name: str | None = None,
    weight_format: WeightFormat = DEFAULT_FORMAT,
    origin: Mapping[str, JsonValue] | None = None,
    method: QuantizationMethod = "rtn",
    calibration: Path | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build the bundle of one checkpoint.

    Args:
        source: A checkpoint's folder or a GGUF file, as `open_source` takes it.
        out: Where the bundle goes; an earlier bundle there is replaced when the new one is complete.
        name: The model's name in the manifest; that of the folder or file by default.
        weight_format: How the matrices are stored.
        origin: Where the checkpoint came from, for the manifest's `source`.
        method: How codes and scales are chosen.
        calibration: Text for a method that reads one; by default the source's own, else the package's.
        progress: Called with ("calibrate", steps done, steps) where the method does, ("weights", bytes
            written, bytes in all), then ("verify", …) and ("first tokens", graphs run, graphs to run).

    Returns:
        `out`.

    Raises:
        BuildError: a named subclass; nothing is left behind and an earlier bundle is untouched.
    """
    check_target(out)
    check_method(method, calibration)
    with open_source(source) as opened:
        text = calibration or calibration_file(source)
        quantizer = make_quantizer(
            method, text, opened.config, opened.weights, opened.tokenizer, weight_format, progress
        )
        write_bundle(
            opened.config,
            opened.weights,
            opened.tokenizer,
            out,
            name=name or opened.name,
            presentation=opened.presentation,
            sampling=opened.sampling,
            weight_format=weight_format,
            origin=origin,
            quantizer=quantizer,
            progress=progress,
        )
    return out


def write_bundle(
    config: ModelConfig,
    weights: TensorSource,
    tokenizer: ConvertedTokenizer,
    out: Path,
    *,
    name: str,
    presentation: Presentation = NOT_PRESENTED,
    sampling: SamplingOptions | None = None,
    weight_format: WeightFormat = DEFAULT_FORMAT,
    quantizer: MatrixQuantizer = ROUND_TO_NEAREST,
    origin: Mapping[str, JsonValue] | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the bundle of parts that are already checked."""
    layout = plan_weights(config, weight_format=weight_format, smoothed=quantizer.input_factors())
    expanded = plan_expansion(config, layout)
    thinking = does_think(tokenizer.binary, tokenizer.chat_template, tokenizer.special_tokens_map)
    graphs = [
        build_webgpu_f32(config, layout),
        build_webgpu_f16(config, layout),
        build_wasm(config, layout, expanded),
        build_native(config, layout),
    ]
    check_target(out)
    with replacing(out.resolve()) as folder:
        parts = _write_parts(config, layout, weights, quantizer, folder, progress)
        vocabulary = write_hashed(folder, "tokenizer/tokenizer", "bin", tokenizer.binary)
        template = write_hashed(folder, "tokenizer/chat_template", "jinja", tokenizer.chat_template.encode())
        manifest: dict[str, JsonValue] = {
            "format": FORMAT,
            "name": name,
            **presentation.entries(),
            **({} if origin is None else {"source": dict(origin)}),
            "model": _model_entry(config),
            "tokens": {
                "eos_token_ids": list(tokenizer.eos_token_ids),
                "pad_token_id": tokenizer.pad_token_id,
                "special_tokens_map": dict(tokenizer.special_tokens_map),
            },
            "thinking": thinking,
            "generation": generation_entry(sampling, config.architecture, thinking=thinking),
            "tokenizer": vocabulary.entry(),
            "chat_template": template.entry(),
            "weights": {"bytes": layout.bytes, "parts": [part.entry() for part in parts]},
            "graphs": {graph.variant.name: _graph_entry(folder, graph, expanded) for graph in graphs},
            "quantization": {**quantizer.entries(), **weight_format.entries()},
            "parity": {},
        }
        write_manifest(folder, manifest)
        write_manifest(folder, {**manifest, **measure_export(folder, progress)})


def _write_parts(
    config: ModelConfig,
    layout: WeightLayout,
    weights: TensorSource,
    quantizer: MatrixQuantizer,
    folder: Path,
    progress: Progress | None,
) -> tuple[WrittenFile, ...]:
    writer = PartWriter(folder)

    def report(written: int, total: int) -> None:
        if progress is not None:
            progress("weights", written, total)

    try:
        write_weights(config, layout, weights, writer.write, report, quantizer)
    except BaseException:
        writer.abandon()
        raise
    return writer.finish()


def _model_entry(config: ModelConfig) -> dict[str, JsonValue]:
    return {
        "architecture": config.architecture,
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim,
        "max_position_embeddings": config.max_position_embeddings,
        "rope_theta": config.rope_theta,
        "rms_norm_eps": config.rms_norm_eps,
        "tie_word_embeddings": config.tie_word_embeddings,
    }


def _graph_entry(folder: Path, graph: BuiltGraph, expanded: ExpandedLayout) -> dict[str, JsonValue]:
    variant = graph.variant
    entry: dict[str, JsonValue] = {
        **write_hashed(folder, f"graphs/{variant.name}", "onnx", graph.model).entry(),
        "external_data": WEIGHTS_FILE,
        "key_value_dtype": variant.compute,
        "required_features": list(variant.required_features),
        "largest_binding_bytes": graph.largest_binding_bytes,
        "storage_buffers": graph.storage_buffers,
        "candidates": graph.candidates,
    }
    if variant.logits == "verified":
        entry["verify_tokens"] = VERIFY_TOKENS
    if variant.linear == "w8a8":
        entry["expanded"] = _expanded_entry(expanded)
    return entry


def _expanded_entry(expanded: ExpandedLayout) -> dict[str, JsonValue]:
    tensors: list[JsonValue] = [
        {
            "name": tensor.name,
            "rows": tensor.rows,
            "columns": tensor.columns,
            "bits": tensor.form.bits,
            "block_size": tensor.form.block_size,
            "codes_offset": tensor.codes_offset,
            "scales_offset": tensor.scales_offset,
            "weight_offset": tensor.weight_offset,
            "weight_scales_offset": tensor.weight_scales_offset,
            **_factors_entry(tensor),
        }
        for tensor in expanded.tensors
    ]
    return {"external_data": EXPANDED_FILE, "bytes": expanded.bytes, "tensors": tensors}


def _factors_entry(tensor: ExpandedTensor) -> dict[str, JsonValue]:
    offset = tensor.input_factors_offset
    return {} if offset is None else {"input_factors_offset": offset}
