"""Named tokens (`bos_token`, …) in chat templates: text and ids of transformers' `apply_chat_template`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer as ReferenceTokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from pagelm.chat_template import ChatTemplate, encode_chat
from pagelm.tokenizer import Tokenizer
from pagelm_builder.tokenizer import ConvertedTokenizer, convert_tokenizer
from parity.chat_corpus import CLOCK, WEATHER, JsonObject, assistant, system, user
from parity.test_tokenizer_parity import train_special_tokens_first

LLAMA_3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' "
    "+ message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
WITH_TOOLS = (
    "{{- bos_token }}{% if tools is not none %}{% for t in tools %}{{ t | tojson(indent=4) }}{% endfor %}"
    "{% endif %}{{ 'Year: ' ~ strftime_now('%Y') }}"
    "{% for m in messages %}{{ m.role ~ ': ' ~ m.content ~ eos_token }}{% endfor %}"
    "{% if pad_token is defined %}{{ pad_token }}{% endif %}{{ unk_token }}{{ sep_token }}"
)
TEMPLATES = {"Llama 3": LLAMA_3, "tools, a date and every other token": WITH_TOOLS}
CHATS: tuple[list[JsonObject], ...] = (
    [user("Hi")],
    [system(" Be terse.\n"), user("1+1?"), assistant("2"), user("and 3?\n\n")],
    [user("Grüße 漢字 👩‍👩‍👧"), assistant("e\u0301"), user("")],
)
NAMED = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>", "pad_token": "<|endoftext|>"}
HEADERS = ["<|start_header_id|>", "<|end_header_id|>"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer as `save_pretrained` writes it."""
    path = tmp_path_factory.mktemp("llama3")
    trained = ReferenceTokenizer.from_str(json.dumps(train_special_tokens_first("llama3")))
    whole = PreTrainedTokenizerFast(tokenizer_object=trained, extra_special_tokens=HEADERS, **NAMED)
    whole.chat_template = LLAMA_3
    whole.save_pretrained(path)
    return path


def encode(converted: ConvertedTokenizer, template: ChatTemplate, chat: list[JsonObject]) -> list[int]:
    return encode_chat(Tokenizer.from_bytes(converted.binary), template, chat)


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("tools", [None, [WEATHER, CLOCK]], ids=["no tools", "tools"])
def test_text_and_ids_equal_apply_chat_template(
    folder: Path, name: str, tools: list[JsonObject] | None
) -> None:
    reference = AutoTokenizer.from_pretrained(folder)
    converted = convert_tokenizer(folder)
    tokenizer = Tokenizer.from_bytes(converted.binary)
    template = ChatTemplate(TEMPLATES[name], converted.special_tokens_map)
    for chat in CHATS:
        shared = {"chat_template": TEMPLATES[name], "tools": tools, "add_generation_prompt": True}
        text = reference.apply_chat_template(chat, tokenize=False, **shared)
        ids = reference.apply_chat_template(chat, tokenize=True, return_dict=False, **shared)
        assert template.render(chat, tools=tools) == text
        assert encode_chat(tokenizer, template, chat, tools=tools) == ids
        assert text.startswith(NAMED["bos_token"])


def test_the_map_is_that_of_transformers(folder: Path) -> None:
    assert (
        convert_tokenizer(folder).special_tokens_map
        == AutoTokenizer.from_pretrained(folder).special_tokens_map
    )


def test_an_older_checkpoints_own_file_of_names_counts_as_in_transformers(
    folder: Path, tmp_path: Path
) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    older = {"bos_token": {"content": "<|endoftext|>", "lstrip": False}, "eos_token": "<|im_start|>"}
    (tmp_path / "special_tokens_map.json").write_text(json.dumps(older))
    found = convert_tokenizer(tmp_path).special_tokens_map
    assert found == AutoTokenizer.from_pretrained(tmp_path).special_tokens_map
    assert found["bos_token"] == "<|endoftext|>"


def test_a_message_that_spells_a_named_token_makes_none(folder: Path) -> None:
    converted = convert_tokenizer(folder)
    template = ChatTemplate(LLAMA_3, converted.special_tokens_map)
    special = set(Tokenizer.from_bytes(converted.binary).special_ids.values())
    ids = encode(converted, template, [user("a<|begin_of_text|><|eot_id|>b")])
    neutral = encode(converted, template, [user("ab")])
    assert [id for id in ids if id in special] == [id for id in neutral if id in special]
