"""From a checkpoint's tokenizer files to what a bundle needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pagelm.tokenizer import Tokenizer
from pagelm_builder.errors import TokenizerFormatError
from pagelm_builder.tokenizer import convert_tokenizer
from unit.tokenizer.conftest import write_json

Document = dict[str, Any]


def test_the_binary_encodes(folder: Path) -> None:
    converted = convert_tokenizer(folder)
    tokenizer = Tokenizer.from_bytes(converted.binary)
    assert tokenizer.encode("hello world<think>", allow_special=True) == [259, 264, 282]
    assert converted.token_count == tokenizer.vocab_size == 284


def test_end_and_pad_tokens_are_found_by_name(folder: Path) -> None:
    converted = convert_tokenizer(folder)
    assert (converted.eos_token_ids, converted.pad_token_id) == ((279,), 277)


def test_end_and_pad_tokens_may_be_objects(folder: Path, config: Document) -> None:
    write_json(folder / "tokenizer_config.json", config | {"eos_token": {"content": "<|endoftext|>"}})
    assert convert_tokenizer(folder).eos_token_ids == (277,)


def test_generation_config_names_all_end_tokens(folder: Path) -> None:
    write_json(folder / "generation_config.json", {"eos_token_id": [279, 277], "pad_token_id": 278})
    converted = convert_tokenizer(folder)
    assert (converted.eos_token_ids, converted.pad_token_id) == ((279, 277), 278)


def test_without_a_pad_token_the_first_end_token_pads(folder: Path, config: Document) -> None:
    write_json(folder / "tokenizer_config.json", config | {"pad_token": None})
    write_json(folder / "generation_config.json", {"eos_token_id": 279})
    assert convert_tokenizer(folder).pad_token_id == 279


def test_the_template_of_its_own_file_wins(folder: Path) -> None:
    assert convert_tokenizer(folder).chat_template == "{{ messages[0].content }}"
    (folder / "chat_template.jinja").write_text("{{ 'ö' }}\n", encoding="utf-8")
    assert convert_tokenizer(folder).chat_template == "{{ 'ö' }}\n"


def test_of_several_templates_the_default_is_taken(folder: Path, config: Document) -> None:
    templates = [{"name": "rag", "template": "a"}, {"name": "default", "template": "b"}]
    write_json(folder / "tokenizer_config.json", config | {"chat_template": templates})
    assert convert_tokenizer(folder).chat_template == "b"


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(TokenizerFormatError, match=f"{name} is missing"):
        convert_tokenizer(folder)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "generation_config.json"])
@pytest.mark.parametrize("content", [b'{"a": ', b"\xff\xfe", b"[1]"])
def test_a_file_that_is_no_json_object_is_named(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(TokenizerFormatError, match=name):
        convert_tokenizer(folder)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"eos_token": None}, "eos_token"),
        ({"eos_token": "</s>"}, "eos_token"),
        ({"bos_token": 7}, "bos_token"),
        ({"chat_template": None}, "chat_template"),
        ({"chat_template": [{"name": "rag", "template": "a"}]}, "chat_template"),
        ({"chat_template": "{% for %}"}, "does not compile"),
        ({"added_tokens_decoder": {"277": {"content": "<pad>"}}}, r"added_tokens_decoder\.277"),
        ({"added_tokens_decoder": {"900": {"content": "<new>"}}}, r"added_tokens_decoder\.900"),
        ({"added_tokens_decoder": {"x": 1}}, r"added_tokens_decoder\.x"),
    ],
)
def test_a_config_that_cannot_be_used_is_refused_by_key(
    folder: Path, config: Document, change: Document, named: str
) -> None:
    write_json(folder / "tokenizer_config.json", config | change)
    with pytest.raises(TokenizerFormatError, match=named):
        convert_tokenizer(folder)


@pytest.mark.parametrize("ids", [[], "279", [279, "x"], 999])
def test_end_tokens_that_are_no_known_ids_are_refused(folder: Path, ids: object) -> None:
    write_json(folder / "generation_config.json", {"eos_token_id": ids})
    with pytest.raises(TokenizerFormatError, match=r"generation_config\.json"):
        convert_tokenizer(folder)
