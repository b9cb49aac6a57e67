"""Renders training conversations exactly as Qwen3's chat template does, and says which tokens are learned.

The template's text is rebuilt by hand because training needs very many renderings; a test holds it equal to
`apply_chat_template`. Only the last assistant turn is learned. Knows nothing about how problems are drawn
or models run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tokenizers import Tokenizer

from pagelm_builder.pico import phrasings
from pagelm_builder.pico.problems import Message, Turn, draw_training_turn, to_messages

TURN_COUNTS = (1, 2, 3, 4, 5, 6, 7, 8)
TURN_COUNT_WEIGHTS = (72, 18, 4, 2, 1, 1, 1, 1)
SYSTEM_SHARE = 0.15
THINKING_SHARE = 0.65


@dataclass(frozen=True, slots=True)
class Conversation:
    """A rendered conversation: `prompt` is what generation starts from, `reply` is what is learned."""

    messages: tuple[Message, ...]
    enable_thinking: bool
    last: Turn
    prompt: str
    reply: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Token ids of one conversation; those from `learned_from` on are learned."""

    input_ids: list[int]
    learned_from: int


def render_prompt(messages: Sequence[Message], enable_thinking: bool) -> str:
    """What `apply_chat_template(…, add_generation_prompt=True)` gives for conversations without tools."""
    turns = "".join(
        f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n" for message in messages
    )
    return turns + "<|im_start|>assistant\n" + ("" if enable_thinking else "<think>\n\n</think>\n\n")


def render_reply(turn: Turn, enable_thinking: bool) -> str:
    """What the model is to write after the prompt, up to and including the end of its turn."""
    thinking = f"<think>\n{turn.thinking}\n</think>\n\n" if enable_thinking else ""
    return f"{thinking}{turn.answer}<|im_end|>"


def draw_conversation(random: Random) -> Conversation:
    """A training conversation of one to eight turns, none of them held out."""
    turns: list[Turn] = []
    for _ in range(random.choices(TURN_COUNTS, TURN_COUNT_WEIGHTS)[0]):
        turns.append(draw_training_turn(random, turns[-1] if turns else None))
    system = random.choice(phrasings.SYSTEM_PROMPTS) if random.random() < SYSTEM_SHARE else None
    messages = to_messages(turns, system)
    thinking = random.random() < THINKING_SHARE
    reply = render_reply(turns[-1], thinking)
    return Conversation(messages, thinking, turns[-1], render_prompt(messages, thinking), reply)


def draw_samples(random: Random, tokenizer: Tokenizer, count: int) -> list[Sample]:
    """`count` tokenized training conversations."""
    conversations = [draw_conversation(random) for _ in range(count)]
    prompts = tokenizer.encode_batch([conversation.prompt for conversation in conversations])
    replies = tokenizer.encode_batch([conversation.reply for conversation in conversations])
    return [
        Sample(prompt.ids + reply.ids, len(prompt.ids))
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
