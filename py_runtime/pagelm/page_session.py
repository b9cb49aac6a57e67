"""What the worker calls: a language model that speaks the page's messages.

JSON strings in, JSON strings out through `post`. It imports nothing of JavaScript's; the one line that needs
it (the web backend) is imported when a page opens a session. Specified in docs/contracts.md, "Python in the
worker".
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

from pagelm.backend import Backend
from pagelm.engine import Cancellation
from pagelm.errors import BusyError, ProtocolError
from pagelm.events import Done, Event, ReasoningDelta, TextDelta
from pagelm.json_fields import Fields
from pagelm.language_model import LanguageModel
from pagelm.manifest import parse_manifest
from pagelm.sampling_options import SamplingOptions

Post = Callable[[str, int, str], object]
"""Sends one message to the page: kind, id of the request, payload as JSON."""

_NUMBERS = {
    "temperature": "temperature",
    "topP": "top_p",
    "minP": "min_p",
    "repetitionPenalty": "repetition_penalty",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
}
_INTEGERS = {"topK": "top_k", "seed": "seed"}
_SAMPLING_KEYS = (*_NUMBERS, *_INTEGERS, "logitBias", "maxNewTokens", "thinkingBudget", "stop")


class ByteSource(Protocol):
    """A JavaScript typed array as Pyodide presents it."""

    def to_bytes(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """A checked `generate` message."""

    messages: list[dict[str, str]]
    enable_thinking: bool
    sampling: SamplingOptions
    max_new_tokens: int | None
    thinking_budget: int | None
    stop: tuple[str, ...]


class PageSession:
    """One model for one page.

    Args:
        model: Answers.
        post: Where answers go.
    """

    def __init__(self, model: LanguageModel, post: Post) -> None:
        self._model = model
        self._post = post
        self._running: tuple[int, Cancellation] | None = None
        self._closing = False

    def generate(self, id: int, request_json: str) -> Coroutine[None, None, None]:
        """Take one `generate` message, and make the coroutine that answers it: `reasoning` and `text`, then
        `done` or `error`. Neither raises.

        The request runs from this call on, not from the coroutine's first step: Pyodide takes that step a
        turn of the event loop later, when a `cancel` may have come already.

        Args:
            id: Of the message.
            request_json: `{messages, enableThinking, sampling}`.
        """
        if self._running:
            return self._refuse(id, _busy(self._running[0]))
        try:
            request = parse_request(request_json, self._model)
        except Exception as error:  # the page must hear of every failure, foreseen or not
            return self._refuse(id, error)
        cancellation = Cancellation()
        self._running = (id, cancellation)
        return self._answer(id, request, cancellation)

    def cancel(self, id: int) -> None:
        """End the generation of this id before its next token; nothing happens when it has ended already."""
        if self._running and self._running[0] == id:
            self._running[1].cancel()

    async def close(self) -> None:
        """Give the backend's memory back: now, or when the generation that this ends has let go of it."""
        self._closing = True
        if self._running:
            self._running[1].cancel()
        else:
            await self._model.close()

    async def _answer(self, id: int, request: GenerateRequest, cancellation: Cancellation) -> None:
        try:
            await self._reply(id, request, cancellation)
        except Exception as error:  # as above
            self._post_error(id, error)
        finally:
            self._running = None
            if self._closing:
                await self._model.close()

    async def _refuse(self, id: int, error: Exception) -> None:
        self._post_error(id, error)

    async def _reply(self, id: int, request: GenerateRequest, cancellation: Cancellation) -> None:
        events = self._model.reply(
            request.messages,
            enable_thinking=request.enable_thinking,
            sampling=request.sampling,
            max_new_tokens=request.max_new_tokens,
            thinking_budget=request.thinking_budget,
            stop=request.stop,
            cancellation=cancellation,
        )
        async with aclosing(events):
            async for event in events:
                kind, payload = _message_of(event)
                self._post(kind, id, json.dumps(payload))

    def _post_error(self, id: int, error: Exception) -> None:
        self._post("error", id, json.dumps({"error": describe_error(error)}))


def open_session(
    manifest_json: str, tokenizer_bytes: bytes | ByteSource, chat_template: str, decoder: object, post: Post
) -> PageSession:
    """A session on the web backend.

    Args:
        manifest_json: Text of manifest.json.
        tokenizer_bytes: Of the file that the manifest names; a `Uint8Array` is copied once.
        chat_template: Text of the file that the manifest names.
        decoder: The worker's decoder (docs/contracts.md, "JavaScript: decoder").
        post: Where answers go.

    Raises:
        BundleError, TokenizerError, TemplateError: A piece of the bundle cannot be used.
    """
    from pagelm._backend_web import WebBackend

    return open_session_on(WebBackend(decoder), manifest_json, tokenizer_bytes, chat_template, post)


def open_session_on(
    backend: Backend,
    manifest_json: str,
    tokenizer_bytes: bytes | ByteSource,
    chat_template: str,
    post: Post,
) -> PageSession:
    """As `open_session`, on any backend."""
    if not isinstance(tokenizer_bytes, bytes):
        tokenizer_bytes = tokenizer_bytes.to_bytes()
    manifest = parse_manifest(manifest_json)
    return PageSession(LanguageModel.open(manifest, tokenizer_bytes, chat_template, backend), post)


def parse_request(request_json: str, model: LanguageModel) -> GenerateRequest:
    """Check a `generate` message and fill what it leaves out with the bundle's own options.

    Raises:
        ProtocolError: A field is missing or wrong; the message names it.
        SamplingError: A sampling option is outside its range.
    """
    try:
        value: object = json.loads(request_json)
    except ValueError as error:
        raise _refuse(f"the request is not JSON: {error}", "an object") from error
    request = Fields(value, "", _refuse)
    messages = [_message(message) for message in request.array_of_fields("messages")]
    if not messages:
        raise request.refused("messages", "is empty", "at least one message")
    enable_thinking = request.flag("enableThinking")
    thinks = model.will_think(messages, enable_thinking=enable_thinking)
    sampling = request.fields("sampling")
    return GenerateRequest(
        messages,
        enable_thinking,
        _sampling(sampling, model.manifest.generation.for_mode(thinks)),
        sampling.integer("maxNewTokens", minimum=1) if "maxNewTokens" in sampling else None,
        sampling.integer("thinkingBudget") if "thinkingBudget" in sampling else None,
        sampling.texts("stop") if "stop" in sampling else (),
    )


def describe_error(error: BaseException) -> dict[str, str]:
    """`{name, message, detail}` of the protocol: the class, what the person reads, the traceback."""
    return {
        "name": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "detail": "".join(traceback.format_exception(error)),
    }


def _message(message: Fields) -> dict[str, str]:
    checked = {
        "role": message.text("role", one_of=("system", "user", "assistant")),
        "content": message.text("content"),
    }
    if "reasoning_content" in message:
        checked["reasoning_content"] = message.text("reasoning_content")
    return checked


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


def _message_of(event: Event) -> tuple[str, dict[str, object]]:
    match event:
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


def _refuse(problem: str, expected: str) -> ProtocolError:
    return ProtocolError(
        problem, expected=expected, remedy="Send what web/protocol.js describes, or reload the page."
    )


def _busy(running: int) -> BusyError:
    return BusyError(
        f"request {running} is still being answered",
        expected="one request at a time",
        remedy="Wait for its `done`, or cancel it first.",
    )
