"""From the content of a Hugging Face `tokenizer.json` to a `pagelm.vocabulary_format.Vocabulary`.

It refuses to know folders and templates, and every tokenizer that the runtime would not reproduce id for id:
another model than BPE, another normalizer or pre-tokenizer, options that change ids. What each key means
follows the source of Hugging Face `tokenizers` 0.23.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NoReturn, TypeVar

from pagelm.pretokenizer import LLAMA3_PATTERN, QWEN2_PATTERN, PatternName
from pagelm.vocabulary_format import AddedToken, Vocabulary
from pagelm_builder.merge_vocabulary import MergeModel, Names, make_vocabulary, refuse

_NAMES: Final = Names("tokenizer.json", "model.vocab", "model.merges", "added_tokens")
_PATTERNS: Final[Mapping[str, PatternName]] = {QWEN2_PATTERN: "qwen2", LLAMA3_PATTERN: "llama3"}
_Value = TypeVar("_Value")
_Json = Mapping[str, object]


def to_vocabulary(document: _Json) -> Vocabulary:
    """Convert the parsed `tokenizer.json`.

    Raises:
        TokenizerFormatError: It is not a byte-level BPE that the runtime reproduces; names the key.
    """
    for key in ("truncation", "padding"):
        _expect(document, key, (None,))
    normalizer = _read_normalizer(document)
    pattern = _read_pattern(document)
    if not _matches(document.get("decoder"), {"type": "ByteLevel"}):
        _refuse("decoder", document.get("decoder"), "ByteLevel")
    _check_post_processor(document.get("post_processor"))
    model = _get(document, "model", dict)
    _check_model(model)
    return make_vocabulary(
        MergeModel(_read_vocab(model), _read_merges(model), model.get("ignore_merges") is True),
        _NAMES,
        normalizer=normalizer,
        pattern=pattern,
        added_tokens=_read_added_tokens(document),
    )


def _read_normalizer(document: _Json) -> Literal["NFC"] | None:
    normalizer = document.get("normalizer")
    if normalizer is None:
        return None
    if normalizer != {"type": "NFC"}:
        _refuse("normalizer", normalizer, "NFC or none")
    return "NFC"


def _read_pattern(document: _Json) -> PatternName:
    pre_tokenizer = _get(document, "pre_tokenizer", dict)
    steps = pre_tokenizer.get("pretokenizers")
    if pre_tokenizer.get("type") != "Sequence" or not isinstance(steps, list) or len(steps) != 2:
        _refuse("pre_tokenizer", pre_tokenizer, "a Sequence of Split or Digits, and ByteLevel")
    first, byte_level = steps
    if _matches(first, {"type": "Digits", "individual_digits": True}):
        # ByteLevel's own regex is GPT-2's pattern
        _check_byte_level(byte_level, use_regex=True)
        return "smollm"
    _check_byte_level(byte_level, use_regex=False)
    if not _matches(first, {"type": "Split", "behavior": "Isolated", "invert": False}):
        _refuse("pre_tokenizer.pretokenizers[0]", first, "an isolated Split, or Digits one by one")
    for pattern, name in _PATTERNS.items():
        if first.get("pattern") == {"Regex": pattern}:
            return name
    return _refuse(
        "pre_tokenizer.pretokenizers[0].pattern",
        first.get("pattern"),
        " or ".join(f"the pattern of {name}, {pattern}" for pattern, name in _PATTERNS.items()),
    )


def _check_byte_level(step: object, *, use_regex: bool) -> None:
    expected = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": use_regex}
    if not _matches(step, expected):
        _refuse(
            "pre_tokenizer.pretokenizers[1]",
            step,
            f"ByteLevel without a prefix space and {'with' if use_regex else 'without'} a regex",
        )


def _check_post_processor(post_processor: object) -> None:
    """A ByteLevel moves offsets only; a TemplateProcessing behind it (Llama 3) adds the token that begins a
    text, which chats do not get from it: their template writes it. No other step may touch the ids."""
    if post_processor is None or _matches(post_processor, {"type": "ByteLevel"}):
        return
    steps = post_processor.get("processors") if isinstance(post_processor, dict) else None
    kinds = [step.get("type") for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []
    if kinds != ["ByteLevel", "TemplateProcessing"]:
        _refuse("post_processor", post_processor, "ByteLevel, it and TemplateProcessing, or none")


def _check_model(model: _Json) -> None:
    _expect(model, "type", ("BPE",), "model.")
    _expect(model, "dropout", (None, 0), "model.")
    _expect(model, "byte_fallback", (None, False), "model.")
    for key in ("unk_token", "continuing_subword_prefix", "end_of_word_suffix"):
        _expect(model, key, (None, ""), "model.")


def _read_added_tokens(document: _Json) -> tuple[AddedToken, ...]:
    added: dict[str, AddedToken] = {}
    for entry in _get(document, "added_tokens", list):
        content = _get(entry, "content", str, "added_tokens[].")
        for flag in ("single_word", "lstrip", "rstrip", "normalized"):
            _expect(entry, flag, (None, False), f"added_tokens[{content!r}].")
        token_id = _get(entry, "id", int, f"added_tokens[{content!r}].")
        if not content or content in added:
            _refuse(f"added_tokens[{content!r}]", content, "contents that are not empty and not repeated")
        added[content] = AddedToken(token_id, content, bool(entry.get("special")))
    return tuple(added.values())


def _read_vocab(model: _Json) -> dict[str, int]:
    vocab = _get(model, "vocab", dict, "model.")
    for entry, token_id in vocab.items():
        if not isinstance(token_id, int) or token_id < 0:
            _refuse(f"model.vocab[{entry!r}]", token_id, "an id of its own")
    return vocab


def _read_merges(model: _Json) -> list[tuple[str, str]]:
    """Pairs in rank order; older files write a pair as one string with a space."""
    merges: list[tuple[str, str]] = []
    for merge in _get(model, "merges", list, "model."):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not all(isinstance(part, str) and part for part in pair)
        ):
            _refuse(f"model.merges[{len(merges)}]", merge, "a pair of tokens")
        merges.append((pair[0], pair[1]))
    return merges


def _matches(value: object, expected: object) -> bool:
    """Whether `value` has at least the keys of `expected`, with the same values."""
    if isinstance(expected, dict) and isinstance(value, dict):
        return all(value.get(key) == wanted for key, wanted in expected.items())
    return value == expected


def _expect(section: _Json, key: str, choices: tuple[object, ...], prefix: str = "") -> None:
    if section.get(key) not in choices:
        _refuse(
            prefix + key, section.get(key), " or ".join("absent" if c is None else repr(c) for c in choices)
        )


def _get(section: _Json, key: str, kind: type[_Value], prefix: str = "") -> _Value:
    value = section.get(key) if isinstance(section, dict) else None
    if not isinstance(value, kind):
        _refuse(prefix + key, type(value).__name__, f"a {kind.__name__}")
    return value


def _refuse(key: str, found: object, expected: str) -> NoReturn:
    refuse(_NAMES, key, found, expected)
