"""What form an answer is asked for in, and the grammar that each form becomes for a model's vocabulary.

    reply(messages, response_format=JsonSchema({"properties": {"sum": {"type": "integer"}}}))
    reply(messages, response_format=Pattern("yes|no"))

What is supported and what an answer looks like: docs/contracts.md, "Response formats".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pagelm.chat_template import Tools
from pagelm.errors import GrammarError
from pagelm.json_text import load_json
from pagelm.structured.answer_constraint import AnswerConstraint
from pagelm.structured.expressions import Expression
from pagelm.structured.json_schema import compile_schema
from pagelm.structured.regular_expression import parse_pattern
from pagelm.structured.token_grammar import TokenGrammar
from pagelm.structured.tool_call_constraint import ToolCallConstraint
from pagelm.structured.tool_call_grammar import compile_tool_calls
from pagelm.structured.vocabulary_index import VocabularyIndex
from pagelm.thinking import CLOSE_TAG, OPEN_TAG, Section, open_section
from pagelm.token_constraint import TokenConstraint
from pagelm.tokenizer import Tokenizer
from pagelm.tool_calls import CLOSE_CALL, OPEN_CALL

_KEPT_GRAMMARS = 4
_NO_TOKEN = -1


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """The answer is JSON of this schema.

    Attributes:
        schema: As `json.loads` gives it.

    >>> JsonSchema({"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]})
    JsonSchema(schema={'type': 'object', ...
    """

    schema: Mapping[str, object] | bool


@dataclass(frozen=True, slots=True)
class Pattern:
    """The answer, all of it, fits this regular expression.

    Attributes:
        pattern: What Python's `re` and ECMAScript mean alike.

    >>> Pattern("yes|no")
    Pattern(pattern='yes|no')
    """

    pattern: str


ResponseFormat = JsonSchema | Pattern


@dataclass(frozen=True, slots=True)
class _ToolCalls:
    tools: Tools


class ResponseFormats:
    """The grammars of one tokenizer, the latest of them kept.

    Args:
        tokenizer: Of the model.
        eos_token_ids: They end a reply.
    """

    def __init__(self, tokenizer: Tokenizer, eos_token_ids: Collection[int]) -> None:
        self._tokenizer = tokenizer
        self._eos_token_ids = eos_token_ids
        self._vocabulary: VocabularyIndex | None = None
        self._grammars: dict[tuple[type, str], TokenGrammar] = {}

    def compile(self, asked: ResponseFormat) -> None:
        """Make the grammar of a form, so that it need not be made when it is asked for.

        Raises:
            GrammarError: The form is not supported, or nothing has it.
        """
        self._grammar(asked)

    def constrain(
        self,
        asked: ResponseFormat,
        prompt: Sequence[int] = (),
        *,
        may_think: bool = False,
        may_call: bool = False,
    ) -> AnswerConstraint:
        """What the reply to this prompt may say.

        Args:
            asked: The form of its answer.
            prompt: Ids before the reply, for what they open; none where tags are text.
            may_think: Whether it may reason before.
            may_call: Whether it may call tools in place of an answer.

        Raises:
            GrammarError: The form is not supported, or nothing has it.
        """
        special_ids = self._tokenizer.special_ids
        open_id, close_id = special_ids.get(OPEN_TAG, _NO_TOKEN), special_ids.get(CLOSE_TAG, _NO_TOKEN)
        reasons = _NO_TOKEN not in (open_id, close_id)
        return AnswerConstraint(
            self._grammar(asked),
            self._eos_token_ids,
            begins_in=open_section(prompt, think_open_id=open_id, think_close_id=close_id),
            think_open_id=open_id if reasons and may_think else None,
            think_close_id=close_id,
            call_id=special_ids.get(OPEN_CALL) if may_call else None,
        )

    def constrain_calls(
        self,
        tools: Tools,
        section: Callable[[], Section],
        outside: TokenConstraint | None = None,
    ) -> ToolCallConstraint:
        """What a reply may say where it calls one of these tools.

        Args:
            tools: Their schemas.
            section: Where the reply is.
            outside: What it may say elsewhere; None: anything.

        Raises:
            GrammarError: A schema is not supported, or nothing fits it.
        """
        special_ids = self._tokenizer.special_ids
        return ToolCallConstraint(
            self._grammar(_ToolCalls(tools)),
            open_id=special_ids[OPEN_CALL],
            close_id=special_ids[CLOSE_CALL],
            section=section,
            outside=outside,
        )

    def _grammar(self, asked: ResponseFormat | _ToolCalls) -> TokenGrammar:
        key = (type(asked), _text(asked))
        grammar = self._grammars.pop(key, None)
        if grammar is None:
            grammar = self._compile(*key)
            while len(self._grammars) >= _KEPT_GRAMMARS:
                del self._grammars[next(iter(self._grammars))]
        self._grammars[key] = grammar  # the latest comes last
        return grammar

    def _compile(self, kind: type, text: str) -> TokenGrammar:
        expression: Expression
        if kind is Pattern:
            name = "the pattern"
            expression = parse_pattern(text, name=name)
        elif kind is JsonSchema:
            name = "the schema"
            expression = compile_schema(_load(text))
        else:
            name = "the schema of the tools"
            expression = compile_tool_calls(cast("Tools", _load(text)))
        if self._vocabulary is None:
            self._vocabulary = VocabularyIndex(self._tokenizer)
        return TokenGrammar(expression, self._vocabulary, name)


def _load(text: str) -> object:
    try:
        return load_json(text)
    except ValueError as error:
        raise _no_json(error) from error


def _text(asked: ResponseFormat | _ToolCalls) -> str:
    """What tells one format from another; order counts in a schema."""
    if isinstance(asked, Pattern):
        return asked.pattern
    try:
        value = list(asked.tools) if isinstance(asked, _ToolCalls) else asked.schema
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _no_json(error) from error


def _no_json(error: Exception) -> GrammarError:
    return GrammarError(
        f"the schema is no JSON: {error}", expected="what json.loads gives", remedy="Change the schema."
    )
