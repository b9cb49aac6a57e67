"""`--quantize`: from the name of a method to a quantizer that is ready for one model.

It brings together what calibration needs (text, the model's tokenizer and template, its weights) and knows
nothing of how codes are chosen.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from pagelm.chat_template import ChatTemplate
from pagelm.tokenizer import Tokenizer
from pagelm_builder.checkpoint import TensorSource
from pagelm_builder.config import JsonValue, ModelConfig
from pagelm_builder.documents import read_documents, to_sequences
from pagelm_builder.errors import DocumentError
from pagelm_builder.quantize.block_format import WeightFormat
from pagelm_builder.quantize.calibration import CalibratedQuantizer, calibrate
from pagelm_builder.quantize.quantizer import ROUND_TO_NEAREST, MatrixQuantizer
from pagelm_builder.tokenizer import ConvertedTokenizer

QuantizationMethod = Literal["rtn", "gptq"]
METHODS: tuple[QuantizationMethod, ...] = get_args(QuantizationMethod)

Progress = Callable[[str, int, int], None]


def check_method(method: QuantizationMethod, calibration: Path | None) -> None:
    """Refuse a text for a method that reads none.

    Raises:
        DocumentError: that is so.
    """
    if method == "rtn" and calibration is not None:
        raise DocumentError(
            f"there is a text to calibrate with, {calibration}, and the method rtn reads none",
            expected="a method that is calibrated",
            remedy="Add --quantize gptq, or leave the text out.",
        )


def make_quantizer(
    method: QuantizationMethod,
    calibration: Path,
    config: ModelConfig,
    weights: TensorSource,
    tokenizer: ConvertedTokenizer,
    weight_format: WeightFormat,
    progress: Progress | None,
) -> MatrixQuantizer:
    """A quantizer for this model; a calibrated one has done its work when this returns.

    Args:
        calibration: The text, for a method that reads one.
        progress: Called with ("calibrate", steps done, steps in all).

    Raises:
        DocumentError: the text cannot be used.
    """
    if method == "rtn":
        return ROUND_TO_NEAREST
    sequences = to_sequences(
        read_documents(calibration),
        Tokenizer.from_bytes(tokenizer.binary),
        ChatTemplate(tokenizer.chat_template, tokenizer.special_tokens_map),
        config.max_position_embeddings,
    )
    token_ids = [sequence.input_ids for sequence in sequences]
    calibrated = calibrate(
        config,
        weights,
        token_ids,
        weight_format,
        lambda done, total: progress("calibrate", done, total) if progress is not None else None,
    )
    description: dict[str, JsonValue] = {
        "file": calibration.name,
        "sha256": hashlib.sha256(calibration.read_bytes()).hexdigest(),
        "tokens": sum(map(len, token_ids)),
    }
    return CalibratedQuantizer(calibrated, description)
