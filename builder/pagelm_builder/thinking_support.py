"""Whether a model thinks before it answers: what its vocabulary has and what its chat template writes decide.

It thinks if `<think>` and `</think>` are added tokens, and the template shows that it knows them: it writes
one in the opening of a reply, in either mode, or around the reasoning of a reply, or it takes them, with what
is between them, out of an earlier reply. Nothing is read off names, and no model is asked. Specified in
docs/contracts.md, "Thinking".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pagelm.chat_template import ChatTemplate, Message, encode_chat
from pagelm.errors import TemplateError
from pagelm.thinking import CLOSE_TAG, OPEN_TAG
from pagelm.tokenizer import Tokenizer

_QUESTION: Message = {"role": "user", "content": "question"}
_REPLY: Message = {"role": "assistant", "content": "answer", "reasoning_content": "reasoning"}
_TAGGED_REPLY: Message = {
    "role": "assistant",
    "content": f"{OPEN_TAG}\nreasoning\n{CLOSE_TAG}\n\nanswer",
}


def does_think(tokenizer_binary: bytes, chat_template: str, special_tokens_map: Mapping[str, str]) -> bool:
    """Whether the model of this vocabulary and template thinks."""
    tokenizer = Tokenizer.from_bytes(tokenizer_binary)
    if not {OPEN_TAG, CLOSE_TAG} <= tokenizer.special_ids.keys():
        return False
    template = ChatTemplate(chat_template, special_tokens_map)
    return any(_writes_tags(tokenizer, template)) or _removes_reasoning(template)


def _writes_tags(tokenizer: Tokenizer, template: ChatTemplate) -> Iterator[bool]:
    tags = {tokenizer.special_ids[OPEN_TAG], tokenizer.special_ids[CLOSE_TAG]}
    chats: tuple[tuple[Sequence[Message], bool], ...] = (
        ([_QUESTION], True),
        ([_QUESTION], False),
        ([_QUESTION, _REPLY], True),
    )
    for messages, enable_thinking in chats:
        try:
            ids = encode_chat(
                tokenizer,
                template,
                messages,
                enable_thinking=enable_thinking,
                add_generation_prompt=_REPLY not in messages,
            )
        except TemplateError:  # it has its own idea of a chat, and shows nothing by this one
            continue
        yield not tags.isdisjoint(ids)


def _removes_reasoning(template: ChatTemplate) -> bool:
    try:
        text = template.render([_QUESTION, _TAGGED_REPLY, _QUESTION])
    except TemplateError:
        return False
    return "answer" in text and "reasoning" not in text
