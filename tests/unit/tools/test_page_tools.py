"""pagelm.page_tools and pagelm.tool_support: whose a call is, and which models can make any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fakes import CHAT_TEMPLATE, END_TOOL_CALL, TOOL_CALL, run, tokenizer_bytes
from pagelm.chat_template import ChatTemplate
from pagelm.page_tools import answer_call, built_in_schemas
from pagelm.tokenizer import Tokenizer
from pagelm.tool_calls import BrokenToolCall, ToolCall
from pagelm.tool_schema import Schema
from pagelm.tool_support import can_call_tools
from pagelm.vocabulary_format import AddedToken

QWEN3 = (Path(__file__).parents[1] / "text" / "qwen3.jinja").read_text(encoding="utf-8")
CALL_TAGS = (AddedToken(TOOL_CALL, "<tool_call>", False), AddedToken(END_TOOL_CALL, "</tool_call>", False))
WEATHER: Schema = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "",
        "parameters": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
    },
}


def answer(call: ToolCall | BrokenToolCall) -> str | None:
    return run(answer_call(call, [*built_in_schemas(), WEATHER]))


def test_the_calculator_runs_here() -> None:
    assert answer(ToolCall("calculator", {"expression": "27 * 38"})) == "1026"


def test_a_call_of_the_persons_tool_is_handed_back() -> None:
    assert answer(ToolCall("weather", {"place": "Oslo"})) is None


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (ToolCall("weather", {}), "weather needs place."),
        (ToolCall("weather", {"place": 3}), 'place of weather is 3; expected "string".'),
        (ToolCall("stocks", {}), "There is no tool named stocks. There are: calculator, weather."),
        (ToolCall("calculator", {"expression": "1 / 0"}), "ValueError: A number cannot be divided by 0."),
        (BrokenToolCall("{", "The tool call is not valid JSON."), "The tool call is not valid JSON."),
    ],
)
def test_what_is_wrong_with_a_call_is_told_to_the_model(
    call: ToolCall | BrokenToolCall, problem: str
) -> None:
    content = answer(call)
    assert content is not None
    assert json.loads(content) == {"error": problem}


def test_a_tool_that_is_switched_off_cannot_be_called() -> None:
    content = run(answer_call(ToolCall("calculator", {"expression": "1"}), [WEATHER]))
    assert content is not None
    assert "There is no tool named calculator" in content


@pytest.mark.parametrize(
    ("template", "tags", "expected"),
    [
        (QWEN3, CALL_TAGS, True),
        (QWEN3, (), False),
        (CHAT_TEMPLATE, CALL_TAGS, False),
        ("{{ raise_exception('no') }}", CALL_TAGS, False),
    ],
)
def test_a_model_can_call_what_its_template_shows_and_its_tokens_say(
    template: str, tags: tuple[AddedToken, ...], expected: bool
) -> None:
    tokenizer = Tokenizer.from_bytes(tokenizer_bytes(*tags))
    assert can_call_tools(tokenizer, ChatTemplate(template)) is expected
