"""The page's messages to the worker, checked: what a request asks of a language model.

Absent options are the bundle's own. Specified in docs/contracts.md, "Page ↔ worker".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

from pagelm.chat_messages import ChatMessage, read_message
from pagelm.context_overflow import OVERFLOW_POLICIES, OverflowPolicy
from pagelm.errors import ProtocolError
from pagelm.json_fields import Fields
from pagelm.json_text import load_json
from pagelm.language_model import LanguageModel
from pagelm.response_format import JsonSchema, Pattern, ResponseFormat
from pagelm.sampling_options import SamplingOptions
from pagelm.tool_calls import BrokenToolCall, ToolCall

_NUMBERS = {
    "temperature": "temperature",
    "topP": "top_p",
    "minP": "min_p",
    "repetitionPenalty": "repetition_penalty",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
}
_INTEGERS = {"topK": "top_k", "seed": "seed"}
_SAMPLING_KEYS = (*_NUMBERS, *_INTEGERS, "logitBias", "maxNewTokens", "thinkingBudget", "topLogprobs", "stop")


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """A checked `generate` message."""

    messages: list[ChatMessage]
    enable_thinking: bool | None
    sampling: SamplingOptions
    max_new_tokens: int | None
    thinking_budget: int | None
    top_logprobs: int | None
    stop: tuple[str, ...]
    tools: tuple[Mapping[str, object], ...]
    response_format: ResponseFormat | None
    overflow: OverflowPolicy
    prompt_lookup: bool
    said: list[int]


@dataclass(frozen=True, slots=True)
class CountRequest:
    """A checked `count` message."""

    messages: list[ChatMessage]
    enable_thinking: bool | None
    tools: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A checked `runTool` message."""

    call: ToolCall | BrokenToolCall
    tools: tuple[Mapping[str, object], ...]


def parse_generate(request_json: str, model: LanguageModel) -> GenerateRequest:
    """Check a `generate` message and fill what it leaves out with the bundle's own options.

    Raises:
        ProtocolError: A field is missing or wrong; the message names it.
        SamplingError: A sampling option is outside its range.
        ThinkingError: Thinking is enabled for a model that does not think.
    """
    request = _fields(request_json)
    messages = _messages(request)
    enable_thinking = _enable_thinking(request)
    thinks = model.will_think(messages, enable_thinking=enable_thinking)
    sampling = request.fields("sampling")
    return GenerateRequest(
        messages,
        enable_thinking,
        _sampling(sampling, model.manifest.generation.for_mode(thinks)),
        sampling.integer("maxNewTokens", minimum=1) if "maxNewTokens" in sampling else None,
        sampling.integer("thinkingBudget") if "thinkingBudget" in sampling else None,
        sampling.integer("topLogprobs") if "topLogprobs" in sampling else None,
        sampling.texts("stop") if "stop" in sampling else (),
        _tools(request),
        _response_format(request),
        _overflow(request),
        request.flag("promptLookup") if "promptLookup" in request else False,
        list(request.integers("said")) if "said" in request else [],
    )


def parse_count(request_json: str) -> CountRequest:
    """Check a `count` message.

    Raises:
        ProtocolError: A field is missing or wrong; the message names it.
    """
    request = _fields(request_json)
    return CountRequest(_messages(request), _enable_thinking(request), _tools(request))


def parse_preface(request_json: str) -> CountRequest:
    """Check a `preface` message: as `count`, and tools alone are enough.

    Raises:
        ProtocolError: A field is missing or wrong; the message names it.
    """
    request = _fields(request_json)
    return CountRequest(_messages(request, least=0), _enable_thinking(request), _tools(request))


def parse_tool_request(request_json: str) -> ToolRequest:
    """Check a `runTool` message.

    Raises:
        ProtocolError: A field is missing or wrong; the message names it.
    """
    request = _fields(request_json)
    return ToolRequest(_call(request.fields("call")), _tools(request))


def parse_format(request_json: str) -> ResponseFormat | None:
    """Check a `checkFormat` message.

    Raises:
        ProtocolError: A field is missing or wrong; the message names it.
    """
    return _response_format(_fields(request_json))


def _fields(request_json: str) -> Fields:
    try:
        value = load_json(request_json)
    except ValueError as error:
        raise _refuse(f"the request is not JSON: {error}", "an object") from error
    return Fields(value, "", _refuse)


def _tools(request: Fields) -> tuple[Mapping[str, object], ...]:
    """Schemas as the template shows them; what is in their parameters is the model's to read."""
    if "tools" not in request:
        return ()
    for tool in request.array_of_fields("tools"):
        tool.text("type", one_of=("function",))
        function = tool.fields("function")
        function.text("name")
        function.fields("parameters")
    return tuple(cast("list[dict[str, object]]", request.value("tools")))


def _call(call: Fields) -> ToolCall | BrokenToolCall:
    if "problem" in call:
        return BrokenToolCall(call.text("text"), call.text("problem"))
    arguments = call.fields("arguments")
    return ToolCall(call.text("name"), {name: arguments.value(name) for name in arguments})


def _response_format(request: Fields) -> ResponseFormat | None:
    """Whether a schema is one that is supported, the model says."""
    if "responseFormat" not in request:
        return None
    asked = request.fields("responseFormat")
    if asked.text("type", one_of=("json_schema", "regex")) == "regex":
        return Pattern(asked.text("pattern"))
    schema = asked.value("schema")
    if not isinstance(schema, bool):
        asked.fields("schema")
    return JsonSchema(cast("Mapping[str, object] | bool", schema))


def _overflow(request: Fields) -> OverflowPolicy:
    if "overflow" not in request:
        return "error"
    asked = request.text("overflow", one_of=OVERFLOW_POLICIES)
    return next(policy for policy in OVERFLOW_POLICIES if policy == asked)


def _enable_thinking(request: Fields) -> bool | None:
    return request.flag("enableThinking") if "enableThinking" in request else None


def _messages(request: Fields, *, least: int = 1) -> list[ChatMessage]:
    messages = [read_message(message) for message in request.array_of_fields("messages")]
    if len(messages) < least:
        raise request.refused("messages", "is empty", "at least one message")
    return messages


def _sampling(sampling: Fields, defaults: SamplingOptions) -> SamplingOptions:
    for key in sampling:
        if key not in _SAMPLING_KEYS:
            raise sampling.refused(key, "is not a sampling option", ", ".join(_SAMPLING_KEYS))
    asked: dict[str, object] = {}
    asked |= {option: sampling.number(key) for key, option in _NUMBERS.items() if key in sampling}
    asked |= {option: sampling.integer(key) for key, option in _INTEGERS.items() if key in sampling}
    if "logitBias" in sampling:
        asked["logit_bias"] = _logit_bias(sampling.fields("logitBias"))
    return replace(defaults, **asked)  # type: ignore[arg-type]  # each was read with its type


def _logit_bias(bias: Fields) -> dict[int, float]:
    """JSON has no other keys than strings."""
    for token_id in bias:
        if not (token_id.isascii() and token_id.isdigit() and len(token_id) < 10):
            raise bias.refused(token_id, "is no token id", "digits")
    return {int(token_id): bias.number(token_id) for token_id in bias}


def _refuse(problem: str, expected: str) -> ProtocolError:
    return ProtocolError(
        problem, expected=expected, remedy="Send what web/protocol.js describes, or reload the page."
    )
