"""What the worker calls: a language model that speaks the page's messages.

JSON strings in, JSON strings out through `post`. It imports nothing of JavaScript's; the one line that needs
it (the web backend) is imported when a page opens a session. Specified in docs/contracts.md, "Python in the
worker".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Protocol

from pagelm.backend import Backend
from pagelm.engine_steps import Cancellation
from pagelm.errors import BusyError
from pagelm.language_model import LanguageModel
from pagelm.manifest import parse_manifest
from pagelm.page_messages import describe_error, message_of
from pagelm.page_requests import (
    GenerateRequest,
    parse_count,
    parse_format,
    parse_generate,
    parse_preface,
    parse_tool_request,
)
from pagelm.page_tools import answer_call, built_in_schemas
from pagelm.tool_support import can_call_tools

Post = Callable[[str, int, str], object]
"""Sends one message to the page: kind, id of the request, payload as JSON."""


class ByteSource(Protocol):
    """A JavaScript typed array as Pyodide presents it."""

    def to_bytes(self) -> bytes: ...


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
        self._ahead: Cancellation | None = None
        self._closing = False

    def generate(self, id: int, request_json: str) -> Coroutine[None, None, None]:
        """Take one `generate` message, and make the coroutine that answers it: `reasoning` and `text`, then
        `done` or `error`. Neither raises.

        The request runs from this call on, not from the coroutine's first step: Pyodide takes that step a
        turn of the event loop later, when a `cancel` may have come already.

        Args:
            id: Of the message.
            request_json: `{messages, enableThinking, sampling, overflow}`.
        """
        if self._running:
            return self._refuse(id, _busy(self._running[0]))
        try:
            request = parse_generate(request_json, self._model)
        except Exception as error:  # the page must hear of every failure, foreseen or not
            return self._refuse(id, error)
        cancellation = Cancellation()
        self._running = (id, cancellation)
        self.leave_preface()
        return self._answer(id, request, cancellation)

    def cancel(self, id: int) -> None:
        """End the generation of this id before its next token; nothing happens when it has ended already."""
        if self._running and self._running[0] == id:
            self._running[1].cancel()

    def count(self, id: int, request_json: str) -> None:
        """Take one `count` message and answer it with `counted` or `error`; others may run meanwhile.

        Args:
            id: Of the message.
            request_json: `{messages, enableThinking}`.
        """
        try:
            request = parse_count(request_json)
            tokens = self._model.count_tokens(
                request.messages, enable_thinking=request.enable_thinking, tools=request.tools or None
            )
        except Exception as error:  # as above
            self._post_error(id, error)
        else:
            counted = {"tokens": tokens, "contextSize": self._model.context_size}
            self._post("counted", id, json.dumps(counted))

    def tools(self) -> str:
        """The tools that run here, as a JSON array of schemas; "null" where the model cannot call any."""
        model = self._model
        schemas = built_in_schemas() if can_call_tools(model.tokenizer, model.template) else None
        return json.dumps(schemas)

    async def run_tool(self, id: int, request_json: str) -> None:
        """Take one `runTool` message and answer it with `toolResult` or `error`.

        Args:
            id: Of the message.
            request_json: `{call, tools}`.
        """
        try:
            request = parse_tool_request(request_json)
            content = await answer_call(request.call, request.tools)
        except Exception as error:  # as above
            self._post_error(id, error)
        else:
            self._post("toolResult", id, json.dumps({"content": content}))

    def check_format(self, id: int, request_json: str) -> None:
        """Take one `checkFormat` message and answer it with `formatChecked` or, if no answer can have this
        form, `error`.

        Args:
            id: Of the message.
            request_json: `{responseFormat}`.
        """
        try:
            if response_format := parse_format(request_json):
                self._model.compile_response_format(response_format)
        except Exception as error:  # as above
            self._post_error(id, error)
        else:
            self._post("formatChecked", id, "{}")

    async def read_preface(self, id: int, request_json: str) -> None:
        """Take one `preface` message: read what the next prompt will begin with, and answer `prefaceRead` or
        `error`. Reads nothing while a generation runs; whoever starts one awaits the end of this first.

        Args:
            id: Of the message.
            request_json: `{messages, enableThinking, tools}`.
        """
        self._ahead = ahead = Cancellation()
        try:
            request = parse_preface(request_json)
            if not self._running:
                await self._model.prefill(
                    request.messages,
                    enable_thinking=request.enable_thinking,
                    tools=request.tools or None,
                    cancellation=ahead,
                )
        except Exception as error:  # as above
            self._post_error(id, error)
        else:
            self._post("prefaceRead", id, "{}")
        finally:
            self._ahead = None
            if self._closing and not self._running:
                await self._model.close()

    def leave_preface(self) -> None:
        """End what is read ahead at its next piece; what has been read stays."""
        if self._ahead:
            self._ahead.cancel()

    async def close(self) -> None:
        """Give the backend's memory back: now, or when what this ends has let go of it."""
        self._closing = True
        self.leave_preface()
        if self._running:
            self._running[1].cancel()
        elif not self._ahead:
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
            top_logprobs=request.top_logprobs,
            stop=request.stop,
            tools=request.tools,
            response_format=request.response_format,
            overflow=request.overflow,
            prompt_lookup=request.prompt_lookup,
            cancellation=cancellation,
            said=request.said,
        )
        told = len(request.said)
        async with aclosing(events):
            async for event in events:
                kind, payload = message_of(event)
                if new_ids := request.said[told:]:
                    payload["said"] = new_ids
                    told = len(request.said)
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


def _busy(running: int) -> BusyError:
    return BusyError(
        f"request {running} is still being answered",
        expected="one request at a time",
        remedy="Wait for its `done`, or cancel it first.",
    )
