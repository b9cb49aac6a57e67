"""The pre-tokenizers of `tokenizers` that the runtime reproduces, as the checkpoints configure them."""

from __future__ import annotations

from tokenizers import Regex
from tokenizers.pre_tokenizers import ByteLevel, Digits, PreTokenizer, Sequence, Split

from pagelm.pretokenizer import LLAMA3_PATTERN, QWEN2_PATTERN, PatternName

CUTTERS: dict[PatternName, PreTokenizer] = {
    "qwen2": Split(Regex(QWEN2_PATTERN), "isolated"),
    "llama3": Split(Regex(LLAMA3_PATTERN), "isolated"),
    "smollm": Sequence(
        [
            Digits(individual_digits=True),
            ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=True),
        ]
    ),
}
"""What cuts; behind `qwen2` and `llama3` stands a ByteLevel without a regex, which only rewrites bytes."""


def cut_by_reference(pattern: PatternName, text: str) -> list[str]:
    """The pieces of `text`, as they stand in it."""
    return [text[start:end] for _, (start, end) in CUTTERS[pattern].pre_tokenize_str(text)]


def pre_tokenizer_json(pattern: PatternName) -> dict[str, object]:
    """`pre_tokenizer` of a tokenizer.json."""
    published = {"qwen2": QWEN2_PATTERN, "llama3": LLAMA3_PATTERN}
    cutting: dict[str, object] = {"type": "Digits", "individual_digits": True}
    if pattern != "smollm":
        regex = {"Regex": published[pattern]}
        cutting = {"type": "Split", "pattern": regex, "behavior": "Isolated", "invert": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    return {
        "type": "Sequence",
        "pretokenizers": [cutting, {**byte_level, "use_regex": pattern == "smollm"}],
    }
