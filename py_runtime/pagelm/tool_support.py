"""Whether a model can call tools: what its vocabulary has and what its chat template writes decide.

It can if `<tool_call>` and `</tool_call>` are tokens of their own and the template shows it the tools that it
is offered. Nothing is read off names, and no model is asked.
"""

from __future__ import annotations

from pagelm.chat_template import ChatTemplate
from pagelm.errors import TemplateError
from pagelm.tokenizer import Tokenizer
from pagelm.tool_calls import CLOSE_CALL, OPEN_CALL
from pagelm.tool_schema import Schema

_NAME = "offered_tool"
_TOOL: Schema = {
    "type": "function",
    "function": {"name": _NAME, "description": "", "parameters": {"type": "object", "properties": {}}},
}


def can_call_tools(tokenizer: Tokenizer, template: ChatTemplate) -> bool:
    """Whether the model of this vocabulary and template can call tools."""
    if not {OPEN_CALL, CLOSE_CALL} <= tokenizer.special_ids.keys():
        return False
    try:
        return _NAME in template.render([{"role": "user", "content": "question"}], tools=[_TOOL])
    except TemplateError:
        return False
