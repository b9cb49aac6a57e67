"""pagelm.tool_calls: what is a call, what is text, and what is neither."""

from __future__ import annotations

import re

import pytest

from pagelm.tool_calls import BrokenToolCall, ToolCall, ToolCallSplitter, parse_tool_call


def test_a_call_is_a_name_and_arguments() -> None:
    assert parse_tool_call('\n{"name": "add", "arguments": {"a": 2}}\n') == ToolCall("add", {"a": 2})


def test_a_tool_without_parameters_needs_no_arguments() -> None:
    assert parse_tool_call('{"name": "now"}') == ToolCall("now", {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"name": "add", "arguments": {', "not valid JSON"),
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1]", "must be an object"),
        ('{"arguments": {}}', 'needs a "name"'),
        ('{"name": 3}', 'needs a "name"'),
        ('{"name": "add", "arguments": "2"}', '"arguments" .* must be an object'),
    ],
)
def test_what_is_no_call_says_what_is_wrong_with_it(text: str, problem: str) -> None:
    call = parse_tool_call(text)
    assert isinstance(call, BrokenToolCall)
    assert call.text == text
    assert re.search(problem, call.problem)


def test_text_and_calls_are_told_apart() -> None:
    splitter = ToolCallSplitter()
    assert splitter.push("Let me see.\n") == "Let me see."
    assert splitter.push_tag("<tool_call>") is None
    assert splitter.push('\n{"name": ') == ""
    assert splitter.push('"now"}\n') == ""
    assert splitter.push_tag("</tool_call>") == ToolCall("now", {})
    assert splitter.push("\n") == ""
    assert splitter.push("\nSo.") == "So."
    assert splitter.finish() == ""


def test_line_breaks_that_no_call_follows_are_text() -> None:
    splitter = ToolCallSplitter()
    assert splitter.push("a\n\n") == "a"
    assert splitter.push("b\n") == "\n\nb"
    assert splitter.finish() == "\n"


def test_a_call_that_is_cut_off_is_broken() -> None:
    splitter = ToolCallSplitter()
    splitter.push_tag("<tool_call>")
    splitter.push('{"name"')
    assert splitter.is_open
    assert splitter.finish() == BrokenToolCall('{"name"', "The tool call ends without </tool_call>.")


def test_an_end_that_nothing_began_changes_nothing() -> None:
    splitter = ToolCallSplitter()
    assert splitter.push_tag("</tool_call>") is None
    assert splitter.push("a") == "a"
