"""Renders a chat with the checkpoint's template and encodes it so that it alone writes control tokens.

It refuses to know models and streams. The rule: an added token (`<|im_start|>`, `<|im_end|>`, `<think>`,
`<tool_call>`, …) becomes its id exactly where the template's source, or one of the checkpoint's named tokens
(`bos_token`, …), wrote all of its characters. Whatever comes from messages or tools, a reply of the model in
the history included, is plain text even if it reads like a marker. For chats whose contents hold no such
look-alike the ids are those of transformers' `apply_chat_template(tokenize=True)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from jinja2 import TemplateSyntaxError
from jinja2.exceptions import SecurityError

from pagelm.errors import TemplateError
from pagelm.template_budget import MAX_CHARACTERS, TemplateBoundError
from pagelm.template_environment import TemplateEnvironment
from pagelm.template_text import TemplateText, join_text, template_literal

if TYPE_CHECKING:
    from pagelm.tokenizer import Tokenizer

Message = Mapping[str, object]
"""role, content, and what the template knows beyond: reasoning_content, tool_calls, …"""


Tools = Sequence[Mapping[str, object]]
"""JSON schemas of functions."""


class ChatTemplate:
    """A compiled chat template.

    Args:
        source: Jinja, as transformers uses it.
        special_tokens_map: Contents of the checkpoint's named tokens by name (`bos_token`, `eos_token`, …),
            which the template may write by these names as if they were its own text.

    Raises:
        TemplateError: `source` is not a jinja template.
    """

    def __init__(self, source: str, special_tokens_map: Mapping[str, str] | None = None) -> None:
        tokens = (special_tokens_map or {}).items()
        self._special_tokens = {name: template_literal(content) for name, content in tokens}
        self._environment = TemplateEnvironment()
        try:
            self._template = self._environment.from_string(source)
        except Exception as error:  # somebody's program: Python's own compiler may refuse it too
            line = f"line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
            raise TemplateError(
                f"The chat template does not compile: {line}{error}",
                expected="a jinja template as transformers uses it",
                remedy="Export the bundle again from a checkpoint whose template works with transformers.",
            ) from error

    def render(
        self,
        messages: Sequence[Message],
        *,
        tools: Sequence[Mapping[str, object]] | None = None,
        add_generation_prompt: bool = True,
        enable_thinking: bool = True,
    ) -> str:
        """The text of the chat, byte for byte that of `apply_chat_template(tokenize=False)`.

        Args:
            messages: The chat, oldest first.
            tools: JSON schemas of functions, as the template lists them.
            add_generation_prompt: Whether to end with the opening of the assistant's turn.
            enable_thinking: False asks the template for an answer without reasoning.

        Raises:
            TemplateError: The template refuses these messages, fails on them, or works without end.
        """
        return "".join(self.render_text(messages, tools, add_generation_prompt, enable_thinking))

    def render_text(
        self,
        messages: Sequence[Message],
        tools: Sequence[Mapping[str, object]] | None,
        add_generation_prompt: bool,
        enable_thinking: bool,
    ) -> TemplateText:
        """As `render`, with the spans that the template itself wrote."""
        self._environment.budget.reset()
        context = self._template.new_context(
            {
                **self._special_tokens,
                "messages": messages,
                "tools": tools,
                "documents": None,
                "add_generation_prompt": add_generation_prompt,
                "enable_thinking": enable_thinking,
            }
        )
        pieces: list[str] = []
        characters = 0
        try:
            for piece in self._template.root_render_func(context):
                pieces.append(piece)
                characters += len(piece)
                if characters > MAX_CHARACTERS:
                    raise TemplateBoundError(f"it writes more than {MAX_CHARACTERS} characters")
        except (TemplateBoundError, SecurityError) as error:
            raise TemplateError(
                f"The chat template goes beyond its bounds: {error}",
                expected="a template that ends soon and keeps to what it is given",
                remedy="Begin a new chat if this one is very long; otherwise do not use this model, "
                "whose template may mean harm.",
            ) from error
        except Exception as error:  # the template is somebody's program: it may fail in any way
            raise _refusal(f"{type(error).__name__}: {error}") from error
        return join_text(pieces)


def encode_chat(
    tokenizer: Tokenizer,
    template: ChatTemplate,
    messages: Sequence[Message],
    *,
    tools: Sequence[Mapping[str, object]] | None = None,
    enable_thinking: bool = True,
    add_generation_prompt: bool = True,
) -> list[int]:
    """Token ids of the rendered chat; no text in `messages` or `tools` can become an added token.

    Raises:
        TemplateError: As `ChatTemplate.render`.
    """
    text = template.render_text(messages, tools, add_generation_prompt, enable_thinking)
    plain = "".join(text)
    ids: list[int] = []
    done = 0
    for start, end in text.spans:
        for match in tokenizer.find_added_tokens(plain, start, end):
            ids += tokenizer.encode(plain[done : match.start])
            ids.append(match.id)
            done = match.end
    return ids + tokenizer.encode(plain[done:])


def _refusal(problem: str) -> TemplateError:
    return TemplateError(
        f"The chat template refuses these messages: {problem}",
        expected="messages with `role` and `content` in an order that the template allows",
        remedy="Check roles, order and contents of the messages.",
    )
