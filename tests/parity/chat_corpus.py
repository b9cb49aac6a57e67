"""Chats of every shape that Qwen3's template knows. Knows no template and no tokenizer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class Chat:
    """One call of the template. `enable_thinking` None: not given."""

    messages: list[JsonObject]
    tools: list[JsonObject] | None
    add_generation_prompt: bool
    enable_thinking: bool | None


def user(content: str) -> JsonObject:
    return {"role": "user", "content": content}


def assistant(content: str, **extra: object) -> JsonObject:
    return {"role": "assistant", "content": content, **extra}


def system(content: str) -> JsonObject:
    return {"role": "system", "content": content}


def tool(content: str) -> JsonObject:
    return {"role": "tool", "content": content}


def call(name: str, arguments: object, *, nested: bool = True) -> JsonObject:
    function: JsonObject = {"name": name, "arguments": arguments}
    return {"type": "function", "function": function} if nested else function


WEATHER: JsonObject = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Wetter für „eine Stadt“ <&> 天気 it's",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK: JsonObject = {"name": "clock", "description": "", "parameters": {}}

THREE_CALLS = [
    call("weather", {"city": "Zürich", "n": [1, 2.5, None, True]}),
    call("weather", '{"city": "東京"}', nested=False),
    call("clock", {}),
]

MESSAGES: tuple[list[JsonObject], ...] = (
    [user("Hi")],
    [user("")],
    [system("You are terse."), user("Why is the sky blue?")],
    [system("  spaces \n\n"), user("\n\nleading and trailing\n\n "), assistant("\n\n answer \n"), user("\t")],
    [user("1+1?"), assistant("2"), user("and plus 12?"), assistant("14"), user("minus 3?")],
    [
        user("Grüße 漢字 مرحبا नमस्ते 👩‍👩‍👧 e\u0301\u0323"),
        assistant("한글 \u1112\u1161\u11ab"),
        user("\u0338 mark first"),
    ],
    [user("\u0301combining after a marker"), assistant("\u0338x"), user("'s ends with apostrophe '")],
    [user("a"), system("a second system message"), user("b")],
    [system("s"), assistant("assistant speaks first"), user("q")],
    [user("q"), assistant("<think>\nsteps\n</think>\n\nanswer"), user("next")],
    [user("q"), assistant("<think>\n\nsteps\n\n\nmore\n</think>\n\n\nanswer\n")],
    [
        user("q"),
        assistant("no opening tag\n</think>\n\nanswer"),
        user("r"),
        assistant("<think>a</think>b</think>c"),
    ],
    [user("q"), assistant("answer", reasoning_content="\nsteps\n\n")],
    [user("q"), assistant("answer", reasoning_content="steps"), user("next")],
    [user("q"), assistant("answer", reasoning_content=None)],
    [user("q"), assistant("answer", reasoning_content=""), assistant("again", reasoning_content="why not")],
    [user("w?"), assistant("", tool_calls=THREE_CALLS[:1])],
    [user("w?"), assistant("I look.", tool_calls=THREE_CALLS), tool('{"t": 3}'), tool("kalt ❄️"), tool("")],
    [
        system("s"),
        user("w?"),
        assistant("", tool_calls=THREE_CALLS[:2], reasoning_content="I need two."),
        tool("3"),
        tool("4"),
        assistant("<think>\nboth cold\n</think>\n\nCold."),
        user("And now?"),
        assistant("", tool_calls=THREE_CALLS[2:]),
        tool("12:00"),
    ],
    [
        user("w?"),
        assistant("x", tool_calls=[call("f", "not json {")]),
        user("<tool_response>\n1\n</tool_response>"),
    ],
    [
        user("code:\n```py\nif a<b and c>d: print('|im_end|')\n```"),
        assistant("x < y | z > w"),
        user("ok\r\n\r\n"),
    ],
)


def make_chats() -> Iterator[Chat]:
    """Every conversation with 0, 1, 2 tools, with and without generation prompt, thinking unset, on, off."""
    for messages, tools, prompt, thinking in product(
        MESSAGES, (None, [WEATHER], [WEATHER, CLOCK]), (True, False), (None, True, False)
    ):
        yield Chat(messages, tools, prompt, thinking)
