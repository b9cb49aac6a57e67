"""Turns with the calculator: as the chat template shows them, right, and split like all others."""

from __future__ import annotations

import json
from random import Random
from typing import cast

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from pagelm.calculator import calculator
from pagelm.tool_schema import describe_function
from pagelm_builder.pico.calculations import (
    CALL_THOUGHT,
    draw_calculation,
    draw_with_calculator,
    heldout_calculations,
    to_messages,
)
from pagelm_builder.pico.checkpoint_files import CHECKPOINT_DIRECTORY
from pagelm_builder.pico.conversations import render_prompt, render_reply
from pagelm_builder.pico.problems import grade
from pagelm_builder.pico.split import is_held_out

StructuredMessage = dict[str, object]


@pytest.fixture(scope="module")
def hugging_face_tokenizer() -> PreTrainedTokenizerBase:
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(CHECKPOINT_DIRECTORY)
    return loaded


def _to_structured(messages: tuple[dict[str, str], ...]) -> list[StructuredMessage]:
    """The messages as an application has them: calls apart from text, results from tools."""
    structured: list[StructuredMessage] = []
    for message in messages:
        content = message["content"]
        if message["role"] == "system":
            opening = content.partition("# Tools")[0].strip()
            structured += [{"role": "system", "content": opening}] if opening else []
        elif content.startswith("<tool_response>"):
            structured.append({"role": "tool", "content": content.split("\n")[1]})
        elif "<tool_call>" in content:
            call = json.loads(content.partition("<tool_call>")[2].partition("</tool_call>")[0])
            thought = CALL_THOUGHT if "<think>" in content else ""
            structured.append(
                {
                    "role": "assistant",
                    "content": "",
                    "reasoning_content": thought,
                    "tool_calls": [{"type": "function", "function": call}],
                }
            )
        else:
            structured.append(cast("StructuredMessage", message))
    return structured


@pytest.mark.parametrize("enable_thinking", [True, False])
def test_prompts_equal_the_chat_template(
    hugging_face_tokenizer: PreTrainedTokenizerBase, enable_thinking: bool
) -> None:
    random = Random(1)
    for _ in range(100):
        messages, last = draw_with_calculator(random, enable_thinking)
        structured = _to_structured(messages)
        tools = [describe_function(calculator)]
        rendered = hugging_face_tokenizer.apply_chat_template(
            structured,
            tools=tools,
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=enable_thinking,
        )
        prompt = render_prompt(messages, enable_thinking)
        assert prompt == rendered
        said = {"role": "assistant", "content": last.answer, "reasoning_content": last.thinking}
        whole = hugging_face_tokenizer.apply_chat_template([*structured, said], tools=tools, tokenize=False)
        if enable_thinking:
            assert prompt + render_reply(last, enable_thinking) + "\n" == whole


def test_a_question_is_followed_by_the_call_or_after_its_result_by_the_answer() -> None:
    random = Random(2)
    calls = answers = 0
    for _ in range(200):
        messages, last = draw_with_calculator(random, True)
        if last.task != "calculate":
            continue
        if messages[-1]["content"].startswith("<tool_response>"):
            answers += 1
            assert last.answer.endswith(f"= {last.expected}")
        else:
            calls += 1
            call = json.loads(last.answer.removeprefix("<tool_call>").removesuffix("</tool_call>"))
            assert calculator(**call["arguments"]) == last.expected
    assert calls > 30
    assert answers > 30


def test_no_training_conversation_holds_a_held_out_calculation() -> None:
    random = Random(3)
    for _ in range(300):
        _, last = draw_with_calculator(random, False)
        assert not is_held_out(last.key)


def test_the_evaluation_set_is_held_out_and_has_no_problem_twice() -> None:
    problems = heldout_calculations(50)
    assert len({problem.messages[0]["content"].lower() for problem in problems}) == 50
    assert heldout_calculations(50) == problems
    for problem in problems:
        assert grade(problem, f"1 + 1 = {problem.expected}")
        assert not grade(problem, f"1 + 1 = {problem.expected}0")


def test_an_earlier_turn_shows_call_and_result() -> None:
    calculation = draw_calculation(Random(4), None)
    roles = [message["role"] for message in to_messages(calculation)]
    assert roles == ["user", "assistant", "user", "assistant"]
