"""From the content of a Hugging Face `tokenizer.json` to a `pagelm.vocabulary_format.Vocabulary`.

It refuses to know folders and templates, and every tokenizer that the runtime would not reproduce id for id:
another model than BPE, another normalizer or split pattern, options that change ids. What each key means
follows the source of Hugging Face `tokenizers` 0.23.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NoReturn, TypeVar

from pagelm.byte_pair_encoding import BytePairEncoding
from pagelm.pretokenizer import QWEN2_PATTERN
from pagelm.vocabulary_format import AddedToken, Vocabulary
from pagelm_builder.errors import TokenizerFormatError

_NEVER_IN_UTF8: Final = frozenset([0xC0, 0xC1, *range(0xF5, 0x100)])
_BYTE_LEVEL: Final = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
_Value = TypeVar("_Value")
_Json = Mapping[str, object]


def _make_byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in for each byte: itself if Latin-1 prints it, else the next from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (value for value in range(0x100) if value not in printable)
    return {chr(value): value for value in printable} | {
        chr(0x100 + i): value for i, value in enumerate(others)
    }


BYTE_ALPHABET: Final = _make_byte_alphabet()


def to_vocabulary(document: _Json) -> Vocabulary:
    """Convert the parsed `tokenizer.json`.

    Raises:
        TokenizerFormatError: It is not a byte-level BPE with Qwen2's split pattern; names the key.
    """
    for key in ("truncation", "padding"):
        _expect(document, key, (None,))
    normalizer = _read_normalizer(document)
    _check_pre_tokenizer(document)
    # A ByteLevel post-processor moves offsets only; no other step may touch the ids or the decoded text.
    if not _matches(document.get("decoder"), {"type": "ByteLevel"}):
        _refuse("decoder", document.get("decoder"), "ByteLevel")
    if not _matches(document.get("post_processor") or {"type": "ByteLevel"}, {"type": "ByteLevel"}):
        _refuse("post_processor", document.get("post_processor"), "ByteLevel or none")
    model = _get(document, "model", dict)
    _check_model(model)
    added_tokens = _read_added_tokens(document)
    return _read_model(model, normalizer, added_tokens)


def _read_normalizer(document: _Json) -> Literal["NFC"] | None:
    normalizer = document.get("normalizer")
    if normalizer is None:
        return None
    if normalizer != {"type": "NFC"}:
        _refuse("normalizer", normalizer, "NFC or none")
    return "NFC"


def _check_pre_tokenizer(document: _Json) -> None:
    pre_tokenizer = _get(document, "pre_tokenizer", dict)
    steps = pre_tokenizer.get("pretokenizers")
    if pre_tokenizer.get("type") != "Sequence" or not isinstance(steps, list) or len(steps) != 2:
        _refuse("pre_tokenizer", pre_tokenizer, "a Sequence of Split and ByteLevel")
    split, byte_level = steps
    if not _matches(split, {"type": "Split", "behavior": "Isolated", "invert": False}):
        _refuse("pre_tokenizer.pretokenizers[0]", split, "an isolated Split")
    if split.get("pattern") != {"Regex": QWEN2_PATTERN}:
        _refuse(
            "pre_tokenizer.pretokenizers[0].pattern",
            split.get("pattern"),
            f"Qwen2's pattern, {QWEN2_PATTERN}",
        )
    if not _matches(byte_level, _BYTE_LEVEL):
        _refuse(
            "pre_tokenizer.pretokenizers[1]",
            byte_level,
            "ByteLevel without a prefix space and without a regex",
        )


def _check_model(model: _Json) -> None:
    _expect(model, "type", ("BPE",), "model.")
    _expect(model, "dropout", (None, 0), "model.")
    _expect(model, "byte_fallback", (None, False), "model.")
    for key in ("continuing_subword_prefix", "end_of_word_suffix"):
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


def _read_model(
    model: _Json, normalizer: Literal["NFC"] | None, added_tokens: tuple[AddedToken, ...]
) -> Vocabulary:
    vocab = _read_vocab(model)
    merges = _read_merges(model)
    base = sorted((character for character in BYTE_ALPHABET if character in vocab), key=vocab.__getitem__)
    products = [left + right for left, right in merges]
    _check_bytes(base)
    _check_products(vocab, merges)
    _check_ids(vocab, {*base, *products}, added_tokens)
    tokens = [_to_bytes(product) for product in products]
    cuts = [len(left) for left, _ in merges]
    for token, cut in zip(tokens, cuts, strict=True):
        if b"\xff" in token or cut > 0xFF:
            _refuse("model.merges", token, "tokens of UTF-8 text whose left part has at most 255 bytes")
    return Vocabulary(
        normalizer=normalizer,
        pattern="qwen2",
        base=bytes(BYTE_ALPHABET[character] for character in base),
        tokens=tokens,
        cuts=bytes(cuts),
        ids=[vocab[entry] for entry in (*base, *products)],
        whole_tokens=model.get("ignore_merges") is True or _are_tokens_whole(base, tokens, cuts),
        added_tokens=added_tokens,
    )


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
    if len(set(merges)) < len(merges):
        _refuse("model.merges", "a pair that stands there twice", "each pair once")
    return merges


def _check_bytes(base: Sequence[str]) -> None:
    missing = set(BYTE_ALPHABET.values()) - {BYTE_ALPHABET[character] for character in base} - _NEVER_IN_UTF8
    if missing:
        _refuse("model.vocab", f"without byte {min(missing):#04x}", "a token for each byte that UTF-8 uses")


def _check_products(vocab: Mapping[str, int], merges: Sequence[tuple[str, str]]) -> None:
    for left, right in merges:
        for part in (left, right, left + right):
            if part not in vocab:
                _refuse(
                    f"model.merges[{left!r}, {right!r}]",
                    f"{part!r} missing in model.vocab",
                    "only known tokens",
                )
            if not all(character in BYTE_ALPHABET for character in part):
                _refuse(f"model.merges[{left!r}, {right!r}]", part, "tokens in GPT-2's byte alphabet")


def _check_ids(vocab: Mapping[str, int], entries: set[str], added_tokens: tuple[AddedToken, ...]) -> None:
    owners = {token.id: token.content for token in added_tokens}
    if len(owners) < len(added_tokens):
        _refuse("added_tokens", "an id that two tokens share", "one id for each")
    ids = {token.content: token.id for token in added_tokens}
    for entry, token_id in vocab.items():
        if owners.setdefault(token_id, entry) != entry or ids.get(entry, token_id) != token_id:
            _refuse(f"model.vocab[{entry!r}]", token_id, "an id of its own")
        if entry not in entries and entry not in ids:
            _refuse(
                f"model.vocab[{entry!r}]",
                "a token that no merge makes",
                "only bytes, merges and added tokens",
            )


def _are_tokens_whole(base: Sequence[str], tokens: Sequence[bytes], cuts: Sequence[int]) -> bool:
    entries = [bytes((BYTE_ALPHABET[character],)) for character in base] + list(tokens)
    byte_pairs = BytePairEncoding(entries, bytes(len(base)) + bytes(cuts))
    return all(len(byte_pairs.merge(token)) == 1 for token in tokens)


def _to_bytes(token: str) -> bytes:
    return bytes(BYTE_ALPHABET[character] for character in token)


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
    shown = str(found)
    raise TokenizerFormatError(
        f"tokenizer.json: `{key}` is {shown if len(shown) <= 200 else shown[:200] + '…'}",
        expected=expected,
        remedy="pagelm runs byte-level BPE tokenizers of the Qwen2 and Qwen3 kind; export one of those.",
    )
