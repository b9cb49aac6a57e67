"""A conversation as JSON, to keep and to go on with later.

    {"format": "pagelm-chat", "version": 1, "model": "pico", "enable_thinking": true,
     "overflow": "error", "dropped_messages": 0, "messages": [{"role", "content", "reasoning_content"?}, …]}

Holds what was said and no tokens, which another tokenizer would number differently. A chat goes on only with
a model of the name it was saved with.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pagelm.chat_messages import ChatMessage, read_message
from pagelm.context_overflow import OVERFLOW_POLICIES, OverflowPolicy
from pagelm.errors import SavedChatError
from pagelm.json_fields import Fields
from pagelm.json_text import load_json

FORMAT = "pagelm-chat"
VERSION = 1

_ORDER = re.compile(r"(system\b ?)?(user assistant( tool)*( assistant( tool)*)*( |$))*")


@dataclass(frozen=True, slots=True)
class SavedChat:
    """A conversation between two turns.

    Attributes:
        model: Name of the model that answered.
        enable_thinking: Whether it may reason first.
        overflow: What to do when the context is full.
        dropped_messages: How many of the oldest, the system prompt not counted, it is no longer shown.
        messages: All of them, oldest first.
    """

    model: str
    enable_thinking: bool
    overflow: OverflowPolicy
    dropped_messages: int
    messages: tuple[ChatMessage, ...]


def save_chat(chat: SavedChat) -> str:
    """JSON of a conversation."""
    value = {
        "format": FORMAT,
        "version": VERSION,
        "model": chat.model,
        "enable_thinking": chat.enable_thinking,
        "overflow": chat.overflow,
        "dropped_messages": chat.dropped_messages,
        "messages": chat.messages,
    }
    return json.dumps(value, ensure_ascii=False, indent=1)


def read_chat(text: str, *, model: str) -> SavedChat:
    """Read what `save_chat` wrote.

    Args:
        text: JSON.
        model: Name of the model that it is to go on with.

    Raises:
        SavedChatError: It is no saved chat, of another version, or of another model.
    """
    try:
        value = load_json(text)
    except ValueError as error:
        raise _refuse(f"it is not JSON: {error}", "what a chat was exported as") from error
    fields = Fields(value, "", _refuse)
    fields.text("format", one_of=(FORMAT,))
    if (version := fields.integer("version")) != VERSION:
        raise fields.refused("version", f"is {version}", str(VERSION))
    if (other := fields.text("model")) != model:
        raise fields.refused("model", f"is {other!r}", f"{model!r}, the model that is loaded")
    messages = tuple(read_message(message) for message in fields.array_of_fields("messages"))
    _check_order(fields, messages)
    dropped = fields.integer("dropped_messages")
    spoken = [message["role"] for message in messages if message["role"] != "system"]
    if dropped > len(spoken) or spoken[dropped : dropped + 1] not in ([], ["user"]):
        raise fields.refused(
            "dropped_messages",
            f"is {dropped}",
            f"whole turns of the {len(spoken)} messages without the system's",
        )
    asked = fields.text("overflow", one_of=OVERFLOW_POLICIES)
    overflow = next(policy for policy in OVERFLOW_POLICIES if policy == asked)
    return SavedChat(other, fields.flag("enable_thinking"), overflow, dropped, messages)


def _check_order(fields: Fields, messages: tuple[ChatMessage, ...]) -> None:
    roles = " ".join(message["role"] for message in messages)
    if not _ORDER.fullmatch(roles):
        raise fields.refused(
            "messages",
            f"have the roles {roles:.80}",
            "system or nothing, then user and assistant in turn, tools after the assistant that called them",
        )


def _refuse(problem: str, expected: str) -> SavedChatError:
    return SavedChatError(
        f"the saved chat cannot be used: {problem}",
        expected=expected,
        remedy="Choose a file that this model's chat was exported to.",
    )
