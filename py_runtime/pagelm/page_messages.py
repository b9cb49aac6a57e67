"""Events and errors as the worker's messages to the page. Specified in docs/contracts.md, "Page ↔ worker"."""

from __future__ import annotations

import traceback

from pagelm.engine_steps import PrefillProgress
from pagelm.events import (
    Done,
    Logprobs,
    ReasoningDelta,
    ReplyEvent,
    TextDelta,
    TokenLogprob,
    TurnsDropped,
)
from pagelm.tool_calls import BrokenToolCall, ToolCall


def message_of(event: ReplyEvent) -> tuple[str, dict[str, object]]:
    """Kind and payload of the message that tells an event."""
    match event:
        case TurnsDropped(messages):
            return "turnsDropped", {"messages": messages}
        case PrefillProgress(read_tokens, prompt_tokens):
            return "prefill", {"readTokens": read_tokens, "promptTokens": prompt_tokens}
        case Logprobs(chosen, top):
            return "logprobs", {"chosen": _token(chosen), "top": [_token(token) for token in top]}
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
                    "keyValueBytes": usage.key_value_bytes,
                    "seed": usage.seed,
                    "reasoningCut": usage.reasoning_cut,
                    "steps": usage.steps,
                    "replayedTokens": usage.replayed_tokens,
                },
            }


def describe_error(error: BaseException) -> dict[str, str]:
    """`{name, message, detail}` of the protocol: the class, what the person reads, the traceback."""
    return {
        "name": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "detail": "".join(traceback.format_exception(error)),
    }


def _token(token: TokenLogprob) -> dict[str, object]:
    """Bytes that are a part of a character only have no text of their own."""
    text = token.token.decode(errors="replace")
    return {"id": token.token_id, "text": text, "bytes": list(token.token), "logprob": token.logprob}
