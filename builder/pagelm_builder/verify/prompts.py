"""What a bundle is asked when it is verified: its own examples, else general questions, in each mode it has.

A mode in which the template opens a reply with the same tokens as in the other is no mode of its own. It
knows texts and ids, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pagelm.bundle_files import read_verified
from pagelm.chat_template import ChatTemplate, Message, encode_chat
from pagelm.manifest_values import Manifest
from pagelm.thinking_switch import is_thinking_switched_off
from pagelm.tokenizer import Tokenizer
from pagelm_builder.config import JsonValue

GENERAL = (
    "What is the capital of France?",
    "Write one sentence about the sea.",
    "Nenne drei Farben.",
    "Write a Python function that adds two numbers.",
)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question, and the ids that the model's template and tokenizer make of it."""

    text: str
    enable_thinking: bool
    input_ids: tuple[int, ...]

    @property
    def messages(self) -> list[Message]:
        return [{"role": "user", "content": self.text}]

    def entry(self) -> JsonValue:
        """As a manifest has it."""
        return {
            "text": self.text,
            "enable_thinking": self.enable_thinking,
            "input_ids": list(self.input_ids),
        }


def make_prompts(bundle: Path, manifest: Manifest) -> tuple[Prompt, ...]:
    """All prompts, each text in both modes where they differ.

    Raises:
        pagelm.errors.BundleError: the tokenizer or the template is missing or altered.
        pagelm.errors.TokenizerError, pagelm.errors.TemplateError: it cannot be used.
    """
    make_prompt = _open_tokenizer(bundle, manifest)
    prompts: list[Prompt] = []
    for text in manifest.examples or GENERAL:
        for enable_thinking in (True, False) if manifest.thinking else (False,):
            found = make_prompt(text, enable_thinking)
            if all(found.input_ids != prompt.input_ids for prompt in prompts):
                prompts.append(found)
    return tuple(prompts)


def make_long_prompt(bundle: Path, manifest: Manifest, tokens: int) -> Prompt:
    """As many of the texts in one question as it takes for so many tokens, or all of them.

    Raises:
        pagelm.errors.BundleError, pagelm.errors.TokenizerError, pagelm.errors.TemplateError: as above.
    """
    make_prompt = _open_tokenizer(bundle, manifest)
    texts = (*manifest.examples, *GENERAL)
    for count in range(1, len(texts) + 1):
        prompt = make_prompt("\n".join(texts[:count]), manifest.thinking)
        if len(prompt.input_ids) >= tokens:
            break
    return prompt


def _open_tokenizer(bundle: Path, manifest: Manifest) -> Callable[[str, bool], Prompt]:
    tokenizer = Tokenizer.from_bytes(read_verified(bundle, manifest.tokenizer))
    source = read_verified(bundle, manifest.chat_template).decode()
    template = ChatTemplate(source, manifest.special_tokens_map)

    def make_prompt(text: str, enable_thinking: bool) -> Prompt:
        messages: list[Message] = [{"role": "user", "content": text}]
        thinks = enable_thinking and not is_thinking_switched_off(messages)
        ids = encode_chat(tokenizer, template, messages, enable_thinking=thinks)
        return Prompt(text, enable_thinking, tuple(ids))

    return make_prompt
