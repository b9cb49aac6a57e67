"""Renders training conversations exactly as Qwen3's chat template does, and says which tokens are learned.

The template's text is rebuilt by hand because training needs very many renderings; a test holds it equal to
`apply_chat_template`. Only the last assistant turn is learned; where its reasoning is cut short, as the
runtime does when a thinking budget is spent, only what comes after it. Knows nothing about how problems are
drawn or models run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tokenizers import Tokenizer

from pagelm.thinking_budget import CLOSING_SENTENCE
from pagelm_builder.pico import phrasings
from pagelm_builder.pico.calculations import draw_with_calculator
from pagelm_builder.pico.problems import Message, Turn, draw_training_turn, to_messages

TURN_COUNTS = (1, 2, 3, 4, 5, 6, 7, 8)
TURN_COUNT_WEIGHTS = (72, 18, 4, 2, 1, 1, 1, 1)
SYSTEM_SHARE = 0.15
THINKING_SHARE = 0.65
CALCULATOR_SHARE = 0.03
"""Small because such a prompt is five times as long as another, and quickly understood."""
CUT_SHARE = 0.08
SENTENCE_SHARE = 0.75
"""Where a budget is too small for the sentence, the runtime closes the reasoning without it."""


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
    thinking = random.random() < THINKING_SHARE
    if random.random() < CALCULATOR_SHARE:
        messages, last = draw_with_calculator(random, thinking)
        return _to_conversation(messages, last, thinking)
    turns: list[Turn] = []
    for _ in range(random.choices(TURN_COUNTS, TURN_COUNT_WEIGHTS)[0]):
        turns.append(draw_training_turn(random, turns[-1] if turns else None))
    system = random.choice(phrasings.SYSTEM_PROMPTS) if random.random() < SYSTEM_SHARE else None
    return _to_conversation(to_messages(turns, system), turns[-1], thinking)


def _to_conversation(messages: tuple[Message, ...], last: Turn, thinking: bool) -> Conversation:
    prompt, reply = render_prompt(messages, thinking), render_reply(last, thinking)
    return Conversation(messages, thinking, last, prompt, reply)


def draw_samples(random: Random, tokenizer: Tokenizer, count: int) -> list[Sample]:
    """`count` tokenized training conversations."""
    conversations = [draw_conversation(random) for _ in range(count)]
    prompts = tokenizer.encode_batch([conversation.prompt for conversation in conversations])
    replies = tokenizer.encode_batch([conversation.reply for conversation in conversations])
    cut_short = ReasoningCutter(random, tokenizer)
    samples: list[Sample] = []
    for conversation, prompt, reply in zip(conversations, prompts, replies, strict=True):
        sample = Sample(prompt.ids + reply.ids, len(prompt.ids))
        is_cut = conversation.enable_thinking and random.random() < CUT_SHARE
        samples.append(cut_short(sample, conversation.last.answer) if is_cut else sample)
    return samples


class ReasoningCutter:
    """Cuts the reasoning of a reply anywhere and closes it as the runtime does."""

    def __init__(self, random: Random, tokenizer: Tokenizer) -> None:
        self._random = random
        self._tokenizer = tokenizer
        self._closing_tag: list[int] = self._encode("</think>\n\n")

    def __call__(self, sample: Sample, answer: str) -> Sample:
        """`<think>`, some of the reasoning, what closes it; then the answer, which alone is learned."""
        end = sample.input_ids.index(self._closing_tag[0], sample.learned_from)
        kept = sample.input_ids[: self._random.randint(sample.learned_from + 1, end)]
        sentence = CLOSING_SENTENCE if self._random.random() < SENTENCE_SHARE else ""
        given = [*kept, *self._encode(sentence), *self._closing_tag]
        return Sample(given + self._encode(f"{answer}<|im_end|>"), len(given))

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids
