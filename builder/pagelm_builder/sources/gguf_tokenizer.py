"""Tokenizer and chat template from a GGUF file's metadata.

The vocabulary is taken apart and checked by `merge_vocabulary`, as tokenizer.json's is; the pre-tokenizer and
the normalizer are those of the checkpoints that llama.cpp names alike. It refuses to know weights.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, NoReturn

from pagelm.pretokenizer import PatternName
from pagelm.vocabulary_format import AddedToken, Vocabulary, pack_vocabulary
from pagelm_builder.errors import ConfigError, TokenizerFormatError
from pagelm_builder.merge_vocabulary import MergeModel, Names, make_vocabulary
from pagelm_builder.sources.gguf_header import GgufHeader
from pagelm_builder.sources.gguf_metadata import GgufMetadata
from pagelm_builder.tokenizer import ConvertedTokenizer, check_chat_template

_TOKENS, _TYPES = "tokenizer.ggml.tokens", "tokenizer.ggml.token_type"
_MERGES, _PRE, _MODEL = "tokenizer.ggml.merges", "tokenizer.ggml.pre", "tokenizer.ggml.model"
_EOS, _EOT, _PAD = (f"tokenizer.ggml.{role}_token_id" for role in ("eos", "eot", "padding"))
_TEMPLATE = "tokenizer.chat_template"
# llama.cpp's spelling of the separator's key is its own
_NAMED: Final = {
    "bos_token": "tokenizer.ggml.bos_token_id",
    "eos_token": _EOS,
    "unk_token": "tokenizer.ggml.unknown_token_id",
    "sep_token": "tokenizer.ggml.seperator_token_id",
    "pad_token": _PAD,
    "cls_token": "tokenizer.ggml.cls_token_id",
    "mask_token": "tokenizer.ggml.mask_token_id",
}
_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
# llama.cpp ends at these too, whatever the file calls its eos
_ENDS: Final = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "<|eom_id|>")


class _Pretokenization(NamedTuple):
    pattern: PatternName
    normalizer: Literal["NFC"] | None
    whole_tokens: bool
    """The checkpoint's tokenizer.json says `ignore_merges`."""


_PRETOKENIZATIONS: Final = {
    "qwen2": _Pretokenization("qwen2", "NFC", False),
    "llama-bpe": _Pretokenization("llama3", None, True),
    "llama3": _Pretokenization("llama3", None, True),
    "llama-v3": _Pretokenization("llama3", None, True),
    "smollm": _Pretokenization("smollm", None, False),
}


def convert_gguf_tokenizer(header: GgufHeader) -> ConvertedTokenizer:
    """Convert the tokenizer of the file.

    Raises:
        TokenizerFormatError: A key is missing or of another kind, the tokenizer is one that the runtime does
            not reproduce, or there is no usable chat template or end token; names the key.
    """
    metadata = GgufMetadata(header)
    try:
        return _convert(metadata)
    except ConfigError as error:  # a key of the tokenizer's
        raise TokenizerFormatError(error.problem, expected=error.expected, remedy=error.remedy) from error


def _convert(metadata: GgufMetadata) -> ConvertedTokenizer:
    if metadata.text(_MODEL) != "gpt2":
        _refuse(metadata, _MODEL, metadata.text(_MODEL), "'gpt2': byte-level BPE")
    vocabulary = _read_vocabulary(metadata)
    known = {*vocabulary.ids, *(token.id for token in vocabulary.added_tokens)}
    ids = {key: metadata.integer(key, minimum=0) for key in (_EOS, _EOT, _PAD) if key in metadata}
    for key, token_id in ids.items():
        if token_id not in known:
            _refuse(metadata, key, token_id, "the id of a known token")
    ends = [token.id for content in _ENDS for token in vocabulary.added_tokens if token.content == content]
    eos_token_ids = tuple(dict.fromkeys([*(ids[key] for key in (_EOS, _EOT) if key in ids), *ends]))
    if not eos_token_ids:
        _refuse(metadata, _EOS, "absent", "an end token")
    template = metadata.text(_TEMPLATE)
    check_chat_template(template)
    return ConvertedTokenizer(
        binary=pack_vocabulary(vocabulary),
        chat_template=template,
        eos_token_ids=eos_token_ids,
        pad_token_id=ids.get(_PAD, eos_token_ids[0]),
        special_tokens_map=_read_special_tokens_map(metadata, vocabulary),
        token_count=1 + max(known),
    )


def _read_special_tokens_map(metadata: GgufMetadata, vocabulary: Vocabulary) -> dict[str, str]:
    """Contents by name; ids of ordinary tokens are left out, as no template can mean them."""
    contents = {token.id: token.content for token in vocabulary.added_tokens}
    ids = {name: metadata.integer(key, minimum=0) for name, key in _NAMED.items() if key in metadata}
    return {name: contents[token_id] for name, token_id in ids.items() if token_id in contents}


def _read_vocabulary(metadata: GgufMetadata) -> Vocabulary:
    pre = metadata.text(_PRE)
    if pre not in _PRETOKENIZATIONS:
        _refuse(metadata, _PRE, repr(pre), " or ".join(map(repr, _PRETOKENIZATIONS)))
    pretokenization = _PRETOKENIZATIONS[pre]
    vocab, added_tokens = _read_tokens(metadata)
    return make_vocabulary(
        MergeModel(vocab, _read_merges(metadata), pretokenization.whole_tokens),
        Names(str(metadata.header.path), _TOKENS, _MERGES, _TOKENS),
        normalizer=pretokenization.normalizer,
        pattern=pretokenization.pattern,
        added_tokens=added_tokens,
    )


def _read_tokens(metadata: GgufMetadata) -> tuple[dict[str, int], tuple[AddedToken, ...]]:
    """Ids of ordinary tokens, and the added ones; rows that only pad the vocabulary are neither."""
    tokens, types = metadata.texts(_TOKENS), metadata.integers(_TYPES)
    if len(tokens) != len(types):
        _refuse(metadata, _TYPES, f"{len(types)} long", f"{len(tokens)}, one for each token")
    vocab: dict[str, int] = {}
    added: dict[str, AddedToken] = {}
    for token_id, (token, kind) in enumerate(zip(tokens, types, strict=True)):
        if kind == _UNUSED:
            continue
        if not token or token in vocab or token in added:
            _refuse(metadata, f"{_TOKENS}[{token_id}]", repr(token), "tokens that are not empty or repeated")
        if kind == _NORMAL:
            vocab[token] = token_id
        elif kind in (_CONTROL, _USER_DEFINED):
            added[token] = AddedToken(token_id, token, kind == _CONTROL)
        else:
            _refuse(metadata, f"{_TYPES}[{token_id}]", kind, "normal, control, user-defined or unused")
    return vocab, tuple(added.values())


def _read_merges(metadata: GgufMetadata) -> list[tuple[str, str]]:
    merges: list[tuple[str, str]] = []
    for merge in metadata.texts(_MERGES):
        left, _, right = merge.partition(" ")
        if not left or not right or " " in right:
            _refuse(metadata, f"{_MERGES}[{len(merges)}]", repr(merge), "two tokens with a space between")
        merges.append((left, right))
    return merges


def _refuse(metadata: GgufMetadata, key: str, value: object, expected: str) -> NoReturn:
    raise metadata.refused(key, value, expected)
