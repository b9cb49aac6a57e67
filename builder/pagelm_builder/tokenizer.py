"""Reads the tokenizer files of a checkpoint folder: what the bundle's `tokenizer/` and `tokens` are made of.

It refuses to know bundles and weights, and leaves the vocabulary itself to `byte_level_bpe`. Which file wins
follows transformers: `chat_template.jinja` over `tokenizer_config.json`, `generation_config.json` over the
named eos token, an older checkpoint's `special_tokens_map.json` over all names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pagelm.chat_template import ChatTemplate
from pagelm.errors import TemplateError
from pagelm.manifest import SPECIAL_TOKEN_NAMES
from pagelm.vocabulary_format import Vocabulary, pack_vocabulary
from pagelm_builder.byte_level_bpe import to_vocabulary
from pagelm_builder.errors import TokenizerFormatError


@dataclass(frozen=True, slots=True)
class ConvertedTokenizer:
    """What a bundle needs to know of a tokenizer.

    Attributes:
        binary: tokenizer.bin (`pagelm.vocabulary_format`).
        chat_template: jinja source.
        eos_token_ids: Ids that end a reply, the first one first.
        pad_token_id: The first eos id when the checkpoint names none.
        special_tokens_map: Contents of the named tokens (`bos_token`, …) that the checkpoint has.
        token_count: One more than the greatest id; config.json's vocab_size must not be smaller.
    """

    binary: bytes
    chat_template: str
    eos_token_ids: tuple[int, ...]
    pad_token_id: int
    special_tokens_map: Mapping[str, str]
    token_count: int


def convert_tokenizer(folder: Path) -> ConvertedTokenizer:
    """Convert the tokenizer of a Hugging Face checkpoint folder.

    Raises:
        TokenizerFormatError: A file is missing or not JSON, the tokenizer is of another kind, or there is no
            usable chat template or end token; names file and key.
    """
    document = _read_json(folder / "tokenizer.json")
    config = _read_json(folder / "tokenizer_config.json")
    generation = read_generation_config(folder)
    vocabulary = to_vocabulary(document)
    _check_added_tokens(vocabulary, config)
    known = {*vocabulary.ids, *(token.id for token in vocabulary.added_tokens)}
    special_tokens_map = _read_special_tokens_map(folder, config)
    eos_token_ids = _read_ids("eos", generation, special_tokens_map, vocabulary) or _refuse(
        "tokenizer_config.json: `eos_token` is absent", "an end token here or in generation_config.json"
    )
    pad_token_ids = _read_ids("pad", generation, special_tokens_map, vocabulary)
    for token_id in (*eos_token_ids, *pad_token_ids):
        if token_id not in known:
            _refuse(f"generation_config.json: id {token_id} is not in the vocabulary", "ids of known tokens")
    return ConvertedTokenizer(
        binary=pack_vocabulary(vocabulary),
        chat_template=_read_chat_template(folder, config),
        eos_token_ids=eos_token_ids,
        pad_token_id=(pad_token_ids or eos_token_ids)[0],
        special_tokens_map=special_tokens_map,
        token_count=1 + max(known),
    )


def read_generation_config(folder: Path) -> dict[str, object]:
    """What is in generation_config.json; nothing where there is none.

    Raises:
        TokenizerFormatError: it is no JSON object.
    """
    path = folder / "generation_config.json"
    return _read_json(path) if path.exists() else {}


def _read_json(path: Path) -> dict[str, object]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        _refuse(f"{path} is missing", "the tokenizer files of a Hugging Face checkpoint")
    except ValueError as error:  # also UnicodeDecodeError
        _refuse(f"{path} is not JSON: {error}", "JSON in UTF-8")
    if not isinstance(document, dict):
        _refuse(f"{path} holds a {type(document).__name__}", "a JSON object")
    return document


def _check_added_tokens(vocabulary: Vocabulary, config: Mapping[str, object]) -> None:
    """transformers would add what only tokenizer_config.json lists, and so change ids."""
    listed = config.get("added_tokens_decoder", {})
    known = {str(token.id): token.content for token in vocabulary.added_tokens}
    for key, entry in listed.items() if isinstance(listed, dict) else ():
        if not isinstance(entry, dict) or known.get(key) != entry.get("content"):
            _refuse(
                f"tokenizer_config.json: `added_tokens_decoder.{key}` is {entry!r}",
                "the added tokens of tokenizer.json",
            )


def _read_special_tokens_map(folder: Path, config: Mapping[str, object]) -> dict[str, str]:
    """Contents by name; checkpoints without `added_tokens_decoder` may keep them in a file of their own."""
    path = folder / "special_tokens_map.json"
    has_own_file = "added_tokens_decoder" not in config and path.exists()
    entries = {**config, **(_read_json(path) if has_own_file else {})}
    tokens: dict[str, str] = {}
    for name in SPECIAL_TOKEN_NAMES:
        entry = entries.get(name)
        content = entry.get("content") if isinstance(entry, dict) else entry
        if isinstance(content, str):
            tokens[name] = content
        elif entry is not None:
            _refuse(f"{path if has_own_file else 'tokenizer_config.json'}: `{name}` is {entry!r}", "a token")
    return tokens


def _read_ids(
    role: str, generation: Mapping[str, object], named: Mapping[str, str], vocabulary: Vocabulary
) -> tuple[int, ...]:
    """Ids of the eos or pad role: of generation_config.json, else of the named token."""
    found = generation.get(f"{role}_token_id")
    if found is not None:
        ids = found if isinstance(found, list) else [found]
        if not ids or not all(isinstance(token_id, int) for token_id in ids):
            _refuse(f"generation_config.json: `{role}_token_id` is {found!r}", "an id or a list of ids")
        return tuple(ids)
    content = named.get(f"{role}_token")
    return tuple(token.id for token in vocabulary.added_tokens if token.content == content)


def _read_chat_template(folder: Path, config: Mapping[str, object]) -> str:
    path = folder / "chat_template.jinja"
    source = path.read_text(encoding="utf-8") if path.exists() else config.get("chat_template")
    if isinstance(source, list):  # several, by name
        named = {entry.get("name"): entry.get("template") for entry in source if isinstance(entry, dict)}
        source = named.get("default")
    if not isinstance(source, str):
        _refuse(
            "tokenizer_config.json: `chat_template` is absent", "a template here or in chat_template.jinja"
        )
    check_chat_template(source)
    return source


def check_chat_template(source: str) -> None:
    """Refuse what is not a jinja template.

    Raises:
        TokenizerFormatError: with jinja's complaint.
    """
    try:
        ChatTemplate(source)
    except TemplateError as error:
        raise TokenizerFormatError(error.problem, expected=error.expected, remedy=error.remedy) from error


def _refuse(problem: str, expected: str) -> NoReturn:
    raise TokenizerFormatError(
        problem,
        expected=expected,
        remedy="Give a folder as `save_pretrained` writes it, of a Qwen3 chat model.",
    )
