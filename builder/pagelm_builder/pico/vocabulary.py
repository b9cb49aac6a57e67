"""Makes pico's tokenizer: Qwen3's own in everything but the merges.

Ids are laid out as in Qwen3: 256 bytes, merge i makes id 256 + i, then Qwen3's added tokens. The
normalizer, the split pattern, the added tokens and the chat template are copied from Qwen3's published
files (`qwen3_tokenizer.json`, Apache-2.0). Merges are learned from the frequencies of whole chunks of
training text, and each chunk grows from its first character: `Ġ t h e` becomes Ġt, Ġth, Ġthe. Since no
merge but those of the role names starts with a lower-case letter, the words pico spells stay letters. Knows
nothing about models.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random
from typing import TypedDict, cast

from tokenizers import Tokenizer

from pagelm_builder.pico.conversations import draw_conversation


class AddedToken(TypedDict):
    """An added token as `tokenizer.json` stores it."""

    id: int
    content: str
    single_word: bool
    lstrip: bool
    rstrip: bool
    normalized: bool
    special: bool


class PublishedTokenizer(TypedDict):
    """Qwen3's `tokenizer.json` without its vocabulary."""

    added_tokens: list[AddedToken]
    normalizer: object
    pre_tokenizer: object
    post_processor: object
    decoder: object


class Published(TypedDict):
    """The parts of Qwen3's published tokenizer files that pico keeps."""

    tokenizer: PublishedTokenizer
    tokenizer_config: dict[str, object]


BYTE_COUNT = 256
VOCAB_SIZE = 512
ROLE_NAMES = ("user", "assistant")


@cache
def published() -> Published:
    """Qwen3's published tokenizer files without their vocabulary."""
    text = (Path(__file__).parent / "qwen3_tokenizer.json").read_text(encoding="utf-8")
    return cast(Published, json.loads(text))


def byte_characters() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in the order of their ids."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(code) for code in printable] + [
        chr(BYTE_COUNT + i) for i in range(BYTE_COUNT - len(printable))
    ]


def make_tokenizer(seed: int) -> Tokenizer:
    """The tokenizer for `VOCAB_SIZE` ids, its merges learned from seeded training conversations."""
    random = Random(seed)
    conversations = [draw_conversation(random) for _ in range(20_000)]
    texts = [conversation.prompt + conversation.reply for conversation in conversations]
    merge_count = VOCAB_SIZE - BYTE_COUNT - len(published()["tokenizer"]["added_tokens"])
    return to_tokenizer(learn_merges(texts, merge_count))


def learn_merges(texts: Iterable[str], count: int) -> list[tuple[str, str]]:
    """`count` merges that spell out the most frequent chunks, each from its first character on."""
    split = to_tokenizer([])
    frequencies: Counter[str] = Counter()
    for text in texts:
        frequencies.update(chunk for chunk in _chunks(split, text) if not chunk[0].islower())
    ordered = sorted(frequencies, key=lambda chunk: (-frequencies[chunk], chunk))
    of_roles = list(_growing(ROLE_NAMES))  # last, so that they do not cut up `minus` or `Thousands`
    of_chunks = list(islice(_growing(ordered), count - len(of_roles)))
    if len(of_chunks) + len(of_roles) < count:
        raise ValueError(f"the texts hold too few merges for {count}: give more texts")
    return of_chunks + of_roles


def _growing(chunks: Iterable[str]) -> dict[tuple[str, str], None]:
    """Merges that grow each chunk from its first character, each once and in order."""
    return dict.fromkeys((chunk[:end], chunk[end]) for chunk in chunks for end in range(1, len(chunk)))


def to_tokenizer(merges: list[tuple[str, str]]) -> Tokenizer:
    """Qwen3's tokenizer with these merges in place of its own."""
    tokens = byte_characters() + ["".join(pair) for pair in merges]
    parts = published()["tokenizer"]
    added = [{**token, "id": len(tokens) + i} for i, token in enumerate(parts["added_tokens"])]
    model = {
        "type": "BPE",
        "dropout": None,
        "unk_token": None,
        "continuing_subword_prefix": "",
        "end_of_word_suffix": "",
        "fuse_unk": False,
        "byte_fallback": False,
        "ignore_merges": False,
        "vocab": {token: i for i, token in enumerate(tokens)},
        "merges": [list(pair) for pair in merges],
    }
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        **parts,
        "added_tokens": added,
        "model": model,
    }
    return Tokenizer.from_str(json.dumps(document))


def save_tokenizer(tokenizer: Tokenizer, directory: Path) -> None:
    """Writes `tokenizer.json` and `tokenizer_config.json` as Qwen3 publishes them, with pico's ids."""
    tokenizer.save(str(directory / "tokenizer.json"))
    config = dict(published()["tokenizer_config"])
    described = cast("dict[str, dict[str, object]]", config["added_tokens_decoder"])
    config["added_tokens_decoder"] = {
        str(tokenizer.token_to_id(cast(str, token["content"]))): token for token in described.values()
    }
    text = json.dumps(config, indent=2, ensure_ascii=False)
    (directory / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")


def _chunks(split: Tokenizer, text: str) -> list[str]:
    """The chunks merges may not cross, in byte characters and without added tokens."""
    assert split.pre_tokenizer is not None
    chunks: list[str] = []
    for piece in text.replace("|>", "<").replace("think>", "<").split("<"):
        if piece and not piece.startswith("|im_"):
            chunks += [chunk for chunk, _ in split.pre_tokenizer.pre_tokenize_str(piece)]
    return chunks
