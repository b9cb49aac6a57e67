"""`pagelm export`: arguments to a layout's exporter, and what the result weighs.

It finds out where a source is (embedded, a local path, else a repository of the hub) and knows no checkpoint
from another.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pagelm_builder.commands.subparsers import Subparsers
from pagelm_builder.config import JsonValue
from pagelm_builder.embedded_model import EMBEDDED_MODEL, embedded_checkpoint
from pagelm_builder.progress_line import ProgressLine
from pagelm_builder.quantize.block_format import BLOCK_SIZES, HEAD_BITS, WeightFormat

LAYOUTS = ("bundle", "transformers-js")
# a WebGPU device need not allow larger ones
GUARANTEED_BINDING_BYTES = 128 * 1024 * 1024


def add_parser(commands: Subparsers) -> None:
    export = commands.add_parser("export", help="turn a checkpoint into a bundle of int4 graphs")
    export.add_argument(
        "source",
        metavar="SRC",
        help="folder of a checkpoint, a GGUF file, owner/name of a repository on the Hugging Face hub, or "
        f"'{EMBEDDED_MODEL}', which comes with pagelm",
    )
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    export.add_argument(
        "--layout",
        choices=LAYOUTS,
        default="bundle",
        help="bundle is what pagelm's page, chat and eval take; transformers-js is a folder for "
        "@huggingface/transformers with the same weights, for dtype q4, on its devices wasm and webgpu, "
        "one sequence at a time (default: bundle)",
    )
    export.add_argument("--name", help="name of the model in the page (default: the source's name)")
    export.add_argument("--revision", metavar="REV", help="branch, tag or commit on the hub (default: main)")
    export.add_argument(
        "--block-size",
        type=int,
        choices=BLOCK_SIZES,
        default=32,
        help="weights that share a scale: smaller is closer to the checkpoint and larger to download "
        "(Qwen3-0.6B: 16 is 373 MB, 32 336, 64 317, 128 308); WebGPU's fused kernels take 32 alone, others "
        "cost 15 dispatches a layer instead of 9 (default: 32)",
    )
    export.add_argument(
        "--head-bits",
        type=int,
        choices=HEAD_BITS,
        default=4,
        help="bits of the matrix that gives the logits, often the embedding too: 8 is closer to the "
        "checkpoint, but for Qwen3-0.6B adds 78 MB and needs a WebGPU device that binds 156 MB (default: 4)",
    )
    export.add_argument(
        "--quantize",
        choices=("rtn", "gptq"),
        default="rtn",
        help="rtn rounds each weight to the nearest code, in seconds; gptq is calibrated with text, takes "
        "minutes and comes closer to the checkpoint at the same size (default: rtn)",
    )
    export.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="text for gptq, or .jsonl of texts and chats (default: the checkpoint's calibration.jsonl, else "
        "one that comes with pagelm)",
    )
    export.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class _Located:
    """A source that is on this disk."""

    path: Path
    name: str | None
    origin: dict[str, JsonValue] | None = None


def run(arguments: Namespace) -> None:
    check_target, export, describe = _layout(arguments.layout)
    check_target(arguments.out)
    progress = ProgressLine()
    located = _locate(arguments.source, arguments.revision, progress)
    written = export(
        located.path,
        arguments.out,
        name=arguments.name or located.name,
        weight_format=WeightFormat(arguments.head_bits, arguments.block_size),
        origin=located.origin,
        method=arguments.quantize,
        calibration=arguments.calibration,
        progress=progress,
    )
    print(f"wrote {written}\n{describe(written)}")


def _layout(name: str) -> tuple[Callable[[Path], None], Callable[..., Path], Callable[[Path], str]]:
    """Its check of a target, its exporter, and what is said of the result."""
    if name == "transformers-js":
        from pagelm_builder.transformers_js.export import check_folder, export_transformers_js

        return check_folder, export_transformers_js, describe_transformers_js
    from pagelm_builder.bundle import check_target
    from pagelm_builder.export import export_bundle

    return check_target, export_bundle, describe


def _locate(source: str, revision: str | None, progress: ProgressLine) -> _Located:
    """A path that is here comes first, so that the hub is asked for nothing that need not be fetched."""
    from pagelm_builder.errors import HubError

    # huggingface_hub takes a while to import, and only a name with a slash can be its business
    if source != EMBEDDED_MODEL and "/" in source and not Path(source).exists():
        from pagelm_builder.hub import download_checkpoint, is_repository

        if is_repository(source):
            snapshot = download_checkpoint(source, revision=revision, progress=progress)
            origin: dict[str, JsonValue] = {"repo": snapshot.repo, "revision": snapshot.revision}
            return _Located(snapshot.folder, source.partition("/")[2], origin)
    if revision is not None:
        raise HubError(
            f"--revision {revision} is given, and {source} is not from the hub",
            expected="owner/name of a repository, with no folder of that name here",
            remedy="Leave --revision out, or name the repository.",
        )
    if source == EMBEDDED_MODEL:
        return _Located(embedded_checkpoint(), EMBEDDED_MODEL)
    return _Located(Path(source), None)


def describe_transformers_js(folder: Path) -> str:
    """What a visitor downloads, and how it is loaded."""
    size = sum(path.stat().st_size for path in (folder / "onnx").iterdir())
    return (
        f"graph and weights: {size / 1e6:.1f} MB\n"
        f'in transformers.js: pipeline("text-generation", "{folder.name}", {{ dtype: "q4" }}), with '
        f"env.localModelPath the folder above and env.allowLocalModels true"
    )


def describe(bundle: Path) -> str:
    """What a visitor downloads, what a device must bind, and how far the two CPU graphs are apart."""
    from pagelm.manifest import load_manifest

    manifest = load_manifest(bundle)
    weights, form = manifest.weights, manifest.quantization
    binding = max(graph.largest_binding_bytes for graph in manifest.graphs.values() if not graph.expanded)
    above = " (more than WebGPU guarantees)" if binding > GUARANTEED_BINDING_BYTES else ""
    parity = manifest.parity["wasm_to_native"]
    figures = ", ".join(f"{key} {value}" for key, value in parity.items()) if isinstance(parity, dict) else ""
    return (
        f"weights: {weights.bytes / 1e6:.1f} MB in {len(weights.parts)} parts; "
        f"{form.bits} bits in blocks of {form.block_size}, head {form.head_bits} bits; "
        f"largest WebGPU binding {binding / 1e6:.1f} MB{above}\n"
        f"wasm against native: {figures}"
    )
