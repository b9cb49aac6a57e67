"""Whatever a model wants to say in a call, it calls one of the tools, with arguments of that one's schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from fakes import (
    CONTEXT_SIZE,
    END_TOOL_CALL,
    IM_END,
    TOOL_CALL,
    TOOL_VOCAB_SIZE,
    RecordingBackend,
    collect,
    digest,
    reply_ids,
    run,
    tool_model_on,
)
from pagelm.engine import Engine
from pagelm.errors import GrammarError, ToolError
from pagelm.events import Done, ReplyEvent, TextDelta
from pagelm.language_model import LanguageModel
from pagelm.response_format import Pattern
from pagelm.sampling_options import SamplingOptions
from pagelm.tool_calls import ToolCall
from pagelm.tools import Toolbox, make_tool

TEMPLATE = (Path(__file__).parents[1] / "text" / "qwen3.jinja").read_text()
ASK = [{"role": "user", "content": "?"}]
GREEDY = SamplingOptions(temperature=0.0)
HOT = SamplingOptions(seed=1, temperature=50.0, top_k=0, top_p=1.0)


def paint(color: Literal["red", "green"], width: int, dashed: bool, label: str | None = None) -> None:
    """Paint."""


def wait(seconds: float, then: list[str]) -> None:
    """Wait."""


def clock() -> None:
    """Tell the time."""


TOOLS = [make_tool(function).schema for function in (paint, wait, clock)]


def calling(then: Callable[[Sequence[int]], int]) -> RecordingBackend:
    """A model that begins with a call and then wants to say something else."""
    starts: list[int] = []

    def next_token(token_ids: Sequence[int]) -> int:
        starts.append(len(token_ids))
        return TOOL_CALL if len(token_ids) == starts[0] else then(token_ids)

    return RecordingBackend(next_token, vocab_size=TOOL_VOCAB_SIZE, max_positions=8 * CONTEXT_SIZE)


def ask(
    backend: RecordingBackend, tools: Sequence[Mapping[str, object]] = TOOLS, **options: Any
) -> list[ReplyEvent]:
    options = {"enable_thinking": False, "max_new_tokens": 400, **options}
    return run(collect(model_on_one_chunk(backend).reply(ASK, tools=tools, **options)))


def model_on_one_chunk(backend: RecordingBackend) -> LanguageModel:
    """A model that reads its prompt in one run, by which scripts know where the reply begins."""
    model = tool_model_on(backend, TEMPLATE)
    model.engine = Engine(backend, prefill_chunk_tokens=8 * CONTEXT_SIZE)
    return model


def text(events: Sequence[ReplyEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def saying(script_text: str) -> RecordingBackend:
    """A model that wants to say this from its first token on."""
    script = reply_ids(script_text)
    starts: list[int] = []

    def next_token(token_ids: Sequence[int]) -> int:
        starts.append(len(token_ids))
        return script[min(len(token_ids) - starts[0], len(script) - 1)]

    return RecordingBackend(next_token, vocab_size=TOOL_VOCAB_SIZE, max_positions=8 * CONTEXT_SIZE)


@pytest.mark.parametrize("seed", range(12))
def test_a_model_that_says_anything_calls_a_tool_as_it_is_described(seed: int) -> None:
    backend = calling(lambda token_ids: digest([seed, *token_ids]))
    events = ask(backend, [TOOLS[0]], sampling=GREEDY, max_new_tokens=3000)
    call = next(event for event in events if isinstance(event, ToolCall))
    assert call.name == "paint"
    assert Toolbox([paint]).refuse(call) is None


@pytest.mark.parametrize("wanted", [IM_END, END_TOOL_CALL, TOOL_CALL, ord("x")])
def test_nothing_leads_out_of_a_call_before_it_is_whole(wanted: int) -> None:
    def impatient(token_ids: Sequence[int]) -> int:
        return IM_END if token_ids[-1] == END_TOOL_CALL else wanted

    events = ask(calling(impatient), [TOOLS[2]], sampling=GREEDY)
    assert events[:-1] == [ToolCall("clock", {})]


def test_a_model_that_calls_rightly_is_left_alone() -> None:
    call = '{"name": "paint", "arguments": {"color": "green", "width": 3, "dashed": true, "label": null}}'
    events = ask(saying(f"First:\n<tool_call>\n{call}\n</tool_call>"), sampling=GREEDY)
    assert text(events) == "First:"
    assert events[-2] == ToolCall("paint", json.loads(call)["arguments"])


def test_several_calls_and_text_between_are_possible() -> None:
    said = '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>'
    events = ask(saying(f"{said} and {said}!"), sampling=GREEDY)
    assert [type(event) for event in events if not isinstance(event, TextDelta)] == [ToolCall, ToolCall, Done]
    assert text(events) == " and !"


def test_the_name_is_one_of_the_tools() -> None:
    said = '<tool_call>\n{"name": "chalk", "arguments": {}}\n</tool_call>'
    assert ask(saying(said), sampling=GREEDY)[0] == ToolCall("clock", {})


def test_what_has_to_be_said_is_run_at_once() -> None:
    backend = saying('<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>')
    ask(backend, [TOOLS[2]], sampling=GREEDY)
    runs = [call for call in backend.calls if call[0] in ("prefill", "decode")]
    assert runs[-2:] == [
        ("prefill", (TOOL_CALL, *b'\n{"name": "clock", "arguments": {}}\n')),
        ("decode", END_TOOL_CALL),
    ]


def test_a_tag_inside_reasoning_binds_nothing() -> None:
    said = "<think>\nuse <tool_call> {nothing}\n</think>\n\nNo call."
    events = ask(saying(said), sampling=GREEDY, enable_thinking=True)
    assert text(events) == "No call."


@pytest.mark.parametrize(
    "sampling", [GREEDY, HOT, SamplingOptions(seed=7, temperature=4.0, presence_penalty=0.5)]
)
def test_a_reply_without_a_call_is_the_one_that_no_constraint_gives(sampling: SamplingOptions) -> None:
    def text_of(token_ids: Sequence[int]) -> int:
        return 97 + digest(token_ids) % 20

    def constrained(model_tools: Any) -> list[Any]:
        backend = RecordingBackend(text_of, vocab_size=TOOL_VOCAB_SIZE, max_positions=8 * CONTEXT_SIZE)
        model = model_on_one_chunk(backend)
        if not model_tools:
            model._formats.constrain_calls = lambda *_: None  # type: ignore[assignment,method-assign,return-value]  # nothing holds the calls
        options = {"sampling": sampling, "max_new_tokens": 30, "enable_thinking": False}
        events = run(collect(model.reply(ASK, tools=TOOLS, **options)))  # type: ignore[arg-type]  # options of several types
        return [[event for event in events if isinstance(event, TextDelta)], backend.calls]

    assert constrained(True) == constrained(False)


def test_an_answer_in_a_form_may_give_way_to_a_call_that_is_constrained_too() -> None:
    events = ask(calling(lambda _: IM_END), [TOOLS[2]], sampling=GREEDY, response_format=Pattern("yes|no"))
    assert events[0] == ToolCall("clock", {})
    events = ask(saying("xyz"), [TOOLS[2]], sampling=GREEDY, response_format=Pattern("yes|no"))
    assert isinstance(events[0], TextDelta)
    assert text(events) in ("yes", "no")


def described(parameters: object, name: str = "odd") -> dict[str, object]:
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


@pytest.mark.parametrize(
    ("tool", "error", "problem"),
    [
        (
            described({"properties": {"a": {"type": "integer", "multipleOf": 3}}}),
            GrammarError,
            "tool odd cannot be called: the schema's #/properties/a/multipleOf is not supported",
        ),
        (
            described({"properties": {"a": {"type": "string", "pattern": "[^\\d\\D]"}}, "required": ["a"]}),
            GrammarError,
            "tool odd",
        ),
        ({"name": "odd"}, ToolError, "tool 1 is no function with a name"),
    ],
)
def test_a_tool_that_cannot_be_described_is_refused_before_anything_runs(
    tool: Mapping[str, object], error: type[Exception], problem: str
) -> None:
    backend = calling(digest)
    with pytest.raises(error, match=problem):
        ask(backend, [TOOLS[2], tool])
    assert backend.calls == []


def test_nullable_and_nested_schemas_are_what_python_said() -> None:
    def note(tags: list[str | None], when: dict[str, int | None], nullable: bool) -> None:
        """Note."""

    said = '{"name": "note", "arguments": {"tags": ["a", null], "when": {"x": null}, "nullable": true}}'
    events = ask(saying(f"<tool_call>\n{said}\n</tool_call>"), [make_tool(note).schema], sampling=GREEDY)
    assert events[0] == ToolCall("note", json.loads(said)["arguments"])
