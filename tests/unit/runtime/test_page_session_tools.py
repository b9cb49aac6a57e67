"""pagelm.page_session: tools, called by the model and run for the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fakes import (
    CONTEXT_SIZE,
    TOOL_VOCAB_SIZE,
    model_on,
    reply_ids,
    run,
    scripted,
    tool_model_on,
)
from pagelm.page_session import PageSession
from pagelm.scripted import ScriptedBackend
from posted_page import Page, request

TOOL = {"type": "function", "function": {"name": "add", "description": "", "parameters": {"type": "object"}}}
QWEN3 = (Path(__file__).parents[1] / "text" / "qwen3.jinja").read_text()


def tool_session(page: Page, *replies: str) -> PageSession:
    script = [reply_ids(reply) for reply in replies]
    backend = ScriptedBackend.playing(script, vocab_size=TOOL_VOCAB_SIZE, max_positions=4 * CONTEXT_SIZE)
    return PageSession(tool_model_on(backend, QWEN3), page.post)


def ask_with_tools(*replies: str, **fields: Any) -> Page:
    page = Page()
    session = tool_session(page, *replies)
    run(session.generate(1, request(**{"tools": [TOOL], **fields})))
    return page


def test_a_call_of_a_tool_is_posted_and_the_page_runs_it() -> None:
    page = ask_with_tools('<tool_call>\n{"name": "add", "arguments": {"a": 2}}\n</tool_call>')
    kind, id, call = page.messages[-2]
    assert call.pop("said")
    assert (kind, id, call) == ("toolCall", 1, {"name": "add", "arguments": {"a": 2}})
    assert page.last()[1]["finishReason"] == "stop"


def test_a_call_that_a_limit_cuts_is_posted_with_what_is_wrong() -> None:
    call = '<tool_call>\n{"name": "add", "arguments": {}}\n</tool_call>'
    payload = ask_with_tools(call, sampling={"maxNewTokens": 5}).messages[-2][2]
    assert payload["text"] == '\n{"n'
    assert payload["problem"] == "The tool call ends without </tool_call>."
    assert len(payload["said"]) == 5


def test_results_of_tools_are_messages() -> None:
    call = {"type": "function", "function": {"name": "add", "arguments": {"a": 2}}}
    messages = [
        {"role": "user", "content": "?"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "4"},
    ]
    assert ask_with_tools("4.", messages=messages).text("text") == "4."


@pytest.mark.parametrize(
    ("tools", "problem"),
    [
        ([{}], "tools[0].type is missing"),
        ([{"type": "function", "function": {"name": "add"}}], "tools[0].function.parameters is missing"),
        ("add", "tools is a string"),
    ],
)
def test_a_tool_that_is_none_is_refused(tools: object, problem: str) -> None:
    error = ask_with_tools(tools=tools).last()[1]["error"]
    assert (error["name"], problem in error["message"]) == ("ProtocolError", True)


def test_a_page_hears_which_tools_run_here() -> None:
    session = tool_session(Page())
    assert [tool["function"]["name"] for tool in json.loads(session.tools())] == ["calculator"]


def test_a_page_hears_that_a_model_cannot_call_tools() -> None:
    assert json.loads(PageSession(model_on(scripted("4.")), Page().post).tools()) is None


def run_tool(call: object) -> tuple[str, dict[str, Any]]:
    page = Page()
    session = tool_session(page)
    tools = [*json.loads(session.tools()), TOOL]
    run(session.run_tool(1, json.dumps({"call": call, "tools": tools})))
    return page.last()


def test_a_call_is_run_checked_or_handed_back() -> None:
    assert run_tool({"name": "calculator", "arguments": {"expression": "27 * 38"}}) == (
        "toolResult",
        {"content": "1026"},
    )
    assert run_tool({"name": "add", "arguments": {}}) == ("toolResult", {"content": None})
    assert "not JSON" in run_tool({"text": "{", "problem": "It is not JSON."})[1]["content"]


def test_a_call_that_is_none_is_refused() -> None:
    kind, payload = run_tool({"name": "add"})
    assert (kind, payload["error"]["name"]) == ("error", "ProtocolError")
    assert "call.arguments is missing" in payload["error"]["message"]
