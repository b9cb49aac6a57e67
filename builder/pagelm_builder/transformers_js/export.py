"""`pagelm export --layout transformers-js`: from a checkpoint to a folder for @huggingface/transformers.

    config.json · generation_config.json · tokenizer.json · tokenizer_config.json
    onnx/model_q4.onnx · onnx/model_q4.onnx_data …

It knows the order of the steps; the weights are quantized as a bundle's are, and each step is another file's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pagelm_builder.config import JsonValue
from pagelm_builder.documents import calibration_file
from pagelm_builder.quantize.block_format import WeightFormat
from pagelm_builder.quantize.method import QuantizationMethod, check_method, make_quantizer
from pagelm_builder.quantize.quantizer import MatrixQuantizer
from pagelm_builder.replacement import check_replaceable, replacing
from pagelm_builder.sources.open_source import Source, open_source
from pagelm_builder.transformers_js.agreement import check_agreement, serialize
from pagelm_builder.transformers_js.data_files import LARGEST_FILE_BYTES, divide, writing
from pagelm_builder.transformers_js.documents import GRAPH, is_exported, write_documents
from pagelm_builder.variant import TRANSFORMERS_JS
from pagelm_builder.weights import DEFAULT_FORMAT, plan_weights, write_weights

Progress = Callable[[str, int, int], None]


def check_folder(out: Path) -> None:
    """Refuse a target that pagelm did not write in this layout.

    Raises:
        OutputExistsError: that is so.
    """
    check_replaceable(out, is_exported, "an export in this layout")


def export_transformers_js(
    source: Path,
    out: Path,
    *,
    name: str | None = None,
    weight_format: WeightFormat = DEFAULT_FORMAT,
    origin: Mapping[str, JsonValue] | None = None,
    method: QuantizationMethod = "rtn",
    calibration: Path | None = None,
    largest_file_bytes: int = LARGEST_FILE_BYTES,
    progress: Progress | None = None,
) -> Path:
    """Build the folder of one checkpoint; the arguments are those of `export_bundle`.

    Args:
        largest_file_bytes: Where the weights are cut into several files.

    Returns:
        `out`.

    Raises:
        BuildError: a named subclass; nothing is left behind and an earlier folder is untouched.
    """
    check_folder(out)
    check_method(method, calibration)
    report = progress or (lambda stage, done, total: None)
    with open_source(source) as opened:
        text = calibration or calibration_file(source)
        quantizer = make_quantizer(
            method, text, opened.config, opened.weights, opened.tokenizer, weight_format, progress
        )
        about: dict[str, JsonValue] = {
            "name": name or opened.name,
            **({} if origin is None else {"source": dict(origin)}),
            "quantization": {**quantizer.entries(), **weight_format.entries()},
        }
        with replacing(out.resolve()) as folder:
            _write(opened, folder, weight_format, quantizer, about, largest_file_bytes, report)
    return out


def _write(
    source: Source,
    folder: Path,
    weight_format: WeightFormat,
    quantizer: MatrixQuantizer,
    about: Mapping[str, JsonValue],
    largest_file_bytes: int,
    report: Progress,
) -> None:
    config = source.config
    layout = plan_weights(config, weight_format=weight_format)
    files, regions = divide(layout, f"{GRAPH}_data", largest_file_bytes)
    graph = serialize(config, TRANSFORMERS_JS, regions)
    onnx = folder / "onnx"
    onnx.mkdir()
    (onnx / GRAPH).write_bytes(graph)
    with writing(onnx, files) as writer:
        write_weights(
            config,
            layout,
            source.weights,
            writer.write,
            lambda done, total: report("weights", done, total),
            quantizer,
        )
    write_documents(folder, source, len(files), about)
    check_agreement(config, graph, regions, onnx, lambda done, total: report("verify", done, total))
