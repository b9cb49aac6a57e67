"""Events and errors as the worker's messages to the page. Specified in docs/contracts.md, "Page ↔ worker"."""

from __future__ import annotations

import traceback

from pagelm.events import Done, PrefillProgress, ReasoningDelta, ReplyEvent, TextDelta, TurnsDropped
from pagelm.tool_calls import BrokenToolCall, ToolCall


def message_of(event: ReplyEvent) -> tuple[str, dict[str, object]]:
    """Kind and payload of the message that tells an event."""
    match event:
        case TurnsDropped(messages):
            return "turnsDropped", {"messages": messages}
        case PrefillProgress(read_tokens, prompt_tokens):
            return "prefill", {"readTokens": read_tokens, "promptTokens": prompt_tokens}
        case ToolCall(name, arguments):
            return "toolCall", {"name": name, "arguments": arguments}
        case BrokenToolCall(text, problem):
            return "toolCall", {"text": text, "problem": problem}
        case TextDelta(text):
            return "text", {"text": text}
        case ReasoningDelta(text):
            return "reasoning", {"text": text}
        case Done(finish_reason, usage):
            return "done", {
                "finishReason": finish_reason,
                "usage": {
                    "promptTokens": usage.prompt_tokens,
                    "cachedTokens": usage.cached_tokens,
                    "reasoningTokens": usage.reasoning_tokens,
                    "answerTokens": usage.answer_tokens,
                    "prefillMs": usage.prefill_ms,
                    "decodeMs": usage.decode_ms,
                    "contextUsed": usage.context_used,
                    "contextSize": usage.context_size,
                    "seed": usage.seed,
                    "reasoningCut": usage.reasoning_cut,
                },
            }


def describe_error(error: BaseException) -> dict[str, str]:
    """`{name, message, detail}` of the protocol: the class, what the person reads, the traceback."""
    return {
        "name": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "detail": "".join(traceback.format_exception(error)),
    }
