"""A stop string that began before a call of a tool did not come to its end."""

from __future__ import annotations

from fakes import TOOL_VOCAB_SIZE, collect, reply_ids, run, tool_model_on
from pagelm.events import TextDelta
from pagelm.scripted import ScriptedBackend
from pagelm.tool_calls import ToolCall

from .test_tool_loop import CALL, TEMPLATE

TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}


def test_what_was_held_back_is_told_before_the_call() -> None:
    script = [reply_ids(f"<think>\nadd\n</think>\n\nsay EN{CALL}D")]
    backend = ScriptedBackend.playing(script, vocab_size=TOOL_VOCAB_SIZE, max_positions=4096)
    asked = [{"role": "user", "content": "27 + 38?"}]
    events = run(collect(tool_model_on(backend, TEMPLATE).reply(asked, tools=[TOOL], stop=["END"])))
    told = [event for event in events if isinstance(event, TextDelta | ToolCall)]
    assert [type(event) for event in told[-3:]] == [TextDelta, ToolCall, TextDelta]
    assert "".join(event.text for event in told[:-2] if isinstance(event, TextDelta)) == "say EN"
    assert told[-1] == TextDelta("D")
