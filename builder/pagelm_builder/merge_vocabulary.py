"""From tokens and merges in GPT-2's byte alphabet to a `pagelm.vocabulary_format.Vocabulary`.

What tokenizer.json and GGUF files have in common. It refuses to know files (who calls says what to call the
pieces in messages) and every vocabulary that the runtime would not reproduce id for id. Merging follows the
source of Hugging Face `tokenizers` 0.23: a byte without a token is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from pagelm.byte_pair_encoding import BytePairEncoding
from pagelm.pretokenizer import PatternName
from pagelm.vocabulary_format import AddedToken, Vocabulary
from pagelm_builder.errors import TokenizerFormatError

_LONGEST_SHOWN: Final = 200
# Control characters that no chat holds, and bytes that begin no assigned character: a vocabulary whose
# training met none of them lacks them, as SmolLM2's does.
_DISPENSABLE: Final = frozenset(
    [*(set(range(0x20)) - {0x09, 0x0A, 0x0D}), 0x7F, 0xC0, 0xC1, 0xF1, 0xF2, *range(0xF4, 0x100)]
)


def _make_byte_alphabet() -> dict[str, int]:
    """GPT-2's printable stand-in for each byte: itself if Latin-1 prints it, else the next from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (value for value in range(0x100) if value not in printable)
    return {chr(value): value for value in printable} | {
        chr(0x100 + i): value for i, value in enumerate(others)
    }


BYTE_ALPHABET: Final = _make_byte_alphabet()


@dataclass(frozen=True, slots=True)
class Names:
    """What messages call the file and its pieces."""

    file: str
    vocab: str
    merges: str
    added_tokens: str


@dataclass(frozen=True, slots=True)
class MergeModel:
    """The vocabulary as a file has it.

    Attributes:
        vocab: Id of each token; added tokens may be among them.
        merges: Pairs in rank order.
        whole_tokens: Whether a piece of text that is a token becomes it, whatever its merges make; None: only
            where they make it anyway.
    """

    vocab: Mapping[str, int]
    merges: Sequence[tuple[str, str]]
    whole_tokens: bool


def make_vocabulary(
    model: MergeModel,
    names: Names,
    *,
    normalizer: Literal["NFC"] | None,
    pattern: PatternName,
    added_tokens: tuple[AddedToken, ...],
) -> Vocabulary:
    """Check the vocabulary and put it in order.

    Raises:
        TokenizerFormatError: A byte, a part of a merge or a merge for a token is missing, or an id is not one
            token's own.
    """
    vocab = model.vocab
    base = sorted((character for character in BYTE_ALPHABET if character in vocab), key=vocab.__getitem__)
    products = [left + right for left, right in model.merges]
    _check_bytes(base, names)
    _check_products(model, names)
    _check_ids(vocab, {*base, *products}, added_tokens, names)
    tokens = [_to_bytes(product) for product in products]
    cuts = [len(left) for left, _ in model.merges]
    for token, cut in zip(tokens, cuts, strict=True):
        if b"\xff" in token or cut > 0xFF:
            refuse(names, names.merges, token, "tokens of UTF-8 text whose left part has at most 255 bytes")
    return Vocabulary(
        normalizer=normalizer,
        pattern=pattern,
        base=bytes(BYTE_ALPHABET[character] for character in base),
        tokens=tokens,
        cuts=bytes(cuts),
        ids=[vocab[entry] for entry in (*base, *products)],
        whole_tokens=model.whole_tokens or _are_tokens_whole(base, tokens, cuts),
        added_tokens=added_tokens,
    )


def refuse(names: Names, key: str, found: object, expected: str) -> NoReturn:
    """Raise TokenizerFormatError about one key of the file."""
    shown = str(found)
    if len(shown) > _LONGEST_SHOWN:
        shown = shown[:_LONGEST_SHOWN] + "…"
    raise TokenizerFormatError(
        f"{names.file}: `{key}` is {shown}",
        expected=expected,
        remedy="pagelm runs byte-level BPE as Qwen, Llama 3 and SmolLM2 have it; export one of those.",
    )


def _check_bytes(base: Sequence[str], names: Names) -> None:
    missing = set(BYTE_ALPHABET.values()) - {BYTE_ALPHABET[character] for character in base} - _DISPENSABLE
    if missing:
        refuse(
            names, names.vocab, f"without byte {min(missing):#04x}", "a token for each byte that text uses"
        )


def _check_products(model: MergeModel, names: Names) -> None:
    if len(set(model.merges)) < len(model.merges):
        refuse(names, names.merges, "a pair that stands there twice", "each pair once")
    for left, right in model.merges:
        for part in (left, right, left + right):
            key = f"{names.merges}[{left!r}, {right!r}]"
            if part not in model.vocab:
                refuse(names, key, f"{part!r} missing in {names.vocab}", "only known tokens")
            if not all(character in BYTE_ALPHABET for character in part):
                refuse(names, key, part, "tokens in GPT-2's byte alphabet")


def _check_ids(
    vocab: Mapping[str, int], entries: set[str], added_tokens: tuple[AddedToken, ...], names: Names
) -> None:
    owners = {token.id: token.content for token in added_tokens}
    if len(owners) < len(added_tokens):
        refuse(names, names.added_tokens, "an id that two tokens share", "one id for each")
    ids = {token.content: token.id for token in added_tokens}
    for entry, token_id in vocab.items():
        key = f"{names.vocab}[{entry!r}]"
        if owners.setdefault(token_id, entry) != entry or ids.get(entry, token_id) != token_id:
            refuse(names, key, token_id, "an id of its own")
        if entry not in entries and entry not in ids:
            refuse(names, key, "a token that no merge makes", "only bytes, merges and added tokens")


def _are_tokens_whole(base: Sequence[str], tokens: Sequence[bytes], cuts: Sequence[int]) -> bool:
    entries = [bytes((BYTE_ALPHABET[character],)) for character in base] + list(tokens)
    byte_pairs = BytePairEncoding(entries, bytes(len(base)) + bytes(cuts))
    return all(len(byte_pairs.merge(token)) == 1 for token in tokens)


def _to_bytes(token: str) -> bytes:
    return bytes(BYTE_ALPHABET[character] for character in token)
