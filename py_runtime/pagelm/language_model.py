"""Messages in, events out: a text model with a chat template before it and a thinking splitter behind.

`reply` is stateless over the messages; that the next turn is cheap is the engine's doing, which compares
tokens. It refuses to know pages, workers and devices. `LanguageModel.load` is for CPython, `open` for any
backend.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from pagelm.backend import Backend
from pagelm.bundle_loading import load_bundle
from pagelm.chat import Chat
from pagelm.chat_template import ChatTemplate, Message, Tools, encode_chat
from pagelm.context_overflow import OverflowPolicy, drop_oldest_turns
from pagelm.engine import token_limit
from pagelm.engine_steps import Cancellation
from pagelm.events import ReplyEvent, TurnsDropped
from pagelm.manifest_values import Manifest
from pagelm.preface import encode_preface
from pagelm.reply_events import reply_events
from pagelm.reply_stream import ReplyStream
from pagelm.response_format import ResponseFormat
from pagelm.sampling_options import SamplingOptions
from pagelm.stop_strings import StopStrings
from pagelm.text_model import TextModel
from pagelm.thinking_budget import no_thinking, plan_thinking
from pagelm.thinking_switch import is_thinking_switched_off
from pagelm.token_constraint import TokenConstraint
from pagelm.tokenizer import Tokenizer
from pagelm.waiting import iterating_twin, wait_for, waiting_twin

if TYPE_CHECKING:
    from pagelm._backend_native import NativeGraph
    from pagelm.bundle_download import DownloadProgress


class LanguageModel(TextModel):
    """A bundle on a backend. One reply at a time.

    Args:
        manifest: Of the bundle.
        tokenizer: Of the bundle.
        template: Of the bundle.
        backend: Runs one of the bundle's graphs; the model closes it.

    Raises:
        BackendError: The backend's vocabulary is not the manifest's.
        TokenizerError: The tokenizer has ids that the model lacks, or not the tags that it thinks between.
    """

    def __init__(
        self, manifest: Manifest, tokenizer: Tokenizer, template: ChatTemplate, backend: Backend
    ) -> None:
        super().__init__(manifest, tokenizer, backend)
        self.template = template

    @classmethod
    async def load(
        cls,
        source: str | Path,
        *,
        graph: NativeGraph = "native",
        threads: int = 0,
        memory_budget: int | None = None,
        on_download: DownloadProgress | None = None,
    ) -> LanguageModel:
        """Load a bundle, with onnxruntime on this machine's CPU.

        Args:
            source: A folder that `pagelm export` wrote; its http(s) address on any static host, which is
                downloaded, checked and kept (PAGELM_CACHE, else ~/.cache/pagelm); or a name alone, which is
                looked for in PAGELM_BUNDLES and build/bundles.
            graph: "wasm" computes what the page computes on WASM.
            threads: For the arithmetic; 0 lets onnxruntime choose.
            memory_budget: Bytes for keys and values, which bound `context_size`; None: no limit but the
                model's positions.
            on_download: Told the bytes that are there, of how many, while an address is downloaded; from
                other threads, one at a time.

        Raises:
            BundleError: A file of the bundle is missing, altered or wrong.
            DeviceMemoryError: The budget is too small for any conversation.
            BackendUnavailableError: onnxruntime or numpy is not installed.
        """
        bundle = await load_bundle(
            source, graph=graph, threads=threads, memory_budget=memory_budget, on_download=on_download
        )
        return cls.open(bundle.manifest, bundle.tokenizer_bytes, bundle.chat_template, bundle.backend)

    @classmethod
    def load_sync(
        cls,
        source: str | Path,
        *,
        graph: NativeGraph = "native",
        threads: int = 0,
        memory_budget: int | None = None,
        on_download: DownloadProgress | None = None,
    ) -> LanguageModel:
        """As `load`, from code that is not asynchronous.

        Raises:
            CannotWaitError: Nothing may wait here.
        """
        return wait_for(
            cls.load(
                source, graph=graph, threads=threads, memory_budget=memory_budget, on_download=on_download
            )
        )

    @classmethod
    def open(
        cls, manifest: Manifest, tokenizer_bytes: bytes, chat_template: str, backend: Backend
    ) -> LanguageModel:
        """A model of a bundle's pieces, wherever they came from.

        Raises:
            TokenizerError: `tokenizer_bytes` cannot be read, or has ids that the model lacks.
            TemplateError: `chat_template` does not compile.
            BackendError: The backend's vocabulary is not the manifest's.
        """
        template = ChatTemplate(chat_template, manifest.special_tokens_map)
        return cls(manifest, Tokenizer.from_bytes(tokenizer_bytes), template, backend)

    def chat(
        self,
        system: str | None = None,
        *,
        enable_thinking: bool | None = None,
        overflow: OverflowPolicy = "error",
    ) -> Chat:
        """A conversation that keeps its own history; arguments as of `Chat`."""
        return Chat(self, system, enable_thinking=enable_thinking, overflow=overflow)

    def import_chat(self, text: str) -> Chat:
        """A conversation that `Chat.export` wrote.

        Raises:
            SavedChatError: It cannot be read, or another model answered in it.
        """
        return Chat.import_(self, text)

    @property
    def thinks(self) -> bool:
        """Whether the model can reason before it answers, as the bundle says."""
        return self.manifest.thinking

    def will_think(self, messages: Sequence[Message], *, enable_thinking: bool | None = None) -> bool:
        """Whether a reply may reason: where it is enabled, the last `/think` or `/no_think` that user or
        system wrote decides.

        Args:
            messages: The chat.
            enable_thinking: None: if the model can.

        Raises:
            ThinkingError: It is enabled for a model that does not think.
        """
        if not self.thinks:
            if enable_thinking:
                raise no_thinking(f"thinking is enabled for {self.name}")
            return False
        return enable_thinking is not False and not is_thinking_switched_off(messages)

    def default_sampling(
        self, messages: Sequence[Message] = (), *, enable_thinking: bool | None = None
    ) -> SamplingOptions:
        """The bundle's own options for the mode that a reply to these messages has, to change with
        `dataclasses.replace`.

        Raises:
            ThinkingError: Thinking is enabled for a model that does not think.
        """
        return self.manifest.generation.for_mode(self.will_think(messages, enable_thinking=enable_thinking))

    def count_tokens(
        self, messages: Sequence[Message], *, enable_thinking: bool | None = None, tools: Tools | None = None
    ) -> int:
        """How many tokens of the context these messages take, the opening of the reply included.

        Raises:
            TemplateError: The template refuses the messages.
            ThinkingError: Thinking is enabled for a model that does not think.
        """
        return len(self._encode(messages, enable_thinking, tools))

    async def reply(
        self,
        messages: Sequence[Message],
        *,
        enable_thinking: bool | None = None,
        sampling: SamplingOptions | None = None,
        max_new_tokens: int | None = None,
        thinking_budget: int | None = None,
        stop: Sequence[str] = (),
        top_logprobs: int | None = None,
        tools: Tools | None = None,
        response_format: ResponseFormat | None = None,
        overflow: OverflowPolicy = "error",
        prompt_lookup: bool = False,
        cancellation: Cancellation | None = None,
        said: list[int] | None = None,
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Answer the last message.

        Args:
            messages: The chat, oldest first: `{"role", "content"}` and, of an assistant,
                `"reasoning_content"`.
            enable_thinking: Whether the model may reason first; unless False, `/think` and `/no_think` in the
                messages switch, the last one counts. None: if it can.
            sampling: How to choose tokens; None: the bundle's own options for the mode.
            max_new_tokens: Most tokens of reasoning and answer together, some of which are kept for the
                answer; None: what the context holds.
            thinking_budget: Most tokens of reasoning: then it is closed and the answer begins. None: what
                the answer's reserve leaves.
            stop: Strings that end the answer, and are no part of it.
            top_logprobs: Tell each token's log probability and so many of the likeliest, 0 to 20; None: none.
            tools: Functions that the template describes to the model; its calls are events, and each has the
                schema of its tool unless a limit cuts it.
            response_format: What form the answer has; reasoning and calls are free. None: any.
            overflow: What to do with a chat that leaves too little of the context to its answer: refuse it if
                it leaves nothing, or drop its oldest turns.
            prompt_lookup: Whether guesses from what was said before may run along, where the backend can
                verify them: fewer steps where text repeats. Tokens are chosen as without them; a graph that
                rounds activations may then break a near tie the other way.
            cancellation: Set it to end the reply before its next token.
            said: Gets the id of each token when its events have been taken. Should the backend fail, the same
                list with the same messages, options and seed, on this model or another load of it, goes on
                behind what was told. None: not wanted.

        Yields:
            `TurnsDropped` if that had to be, `PrefillProgress` while a long prompt is read, `ReasoningDelta`
            and `TextDelta` as they come, `Logprobs` before those of a token, a `ToolCall` or `BrokenToolCall`
            for each, then `Done`.

        Raises:
            TemplateError: The template refuses the messages.
            ContextOverflowError: They do not fit; nothing has been run.
            SamplingError: An option is outside its range.
            ThinkingError: Thinking is enabled, or `thinking_budget` given, for a model that does not think.
            ToolError: `tools` are no schemas of functions, or given to a model that cannot call any.
            GrammarError: `response_format`, or the schema of a tool, is not supported, or nothing fits it.
            BusyError: Another reply is inside the backend right now.
            BackendError: From the backend.
        """
        dropped = 0
        if overflow == "truncate-oldest-turns":
            kept = self._drop_oldest_turns(messages, enable_thinking, tools)
            dropped = len(messages) - len(kept)
            messages = kept
        thinks = self.will_think(messages, enable_thinking=enable_thinking)
        prompt = self._encode(messages, enable_thinking, tools)
        reply_tokens = token_limit(max_new_tokens, max(0, self.context_size - len(prompt)))
        budget = plan_thinking(
            self.tokenizer,
            model_thinks=self.thinks,
            reply_tokens=reply_tokens,
            thinking_budget=thinking_budget,
        )
        if budget and thinks:
            budget.check_room(reply_tokens, max_new_tokens)
        stream = ReplyStream(
            self.tokenizer,
            prompt,
            self.context_size,
            budget=budget,
            stop=StopStrings(stop),
            calls_tools=bool(tools),
            has_tags=self.thinks,
        )
        constraint: TokenConstraint | None = None
        if response_format:
            constraint = self._formats.constrain(
                response_format, prompt, may_think=thinks, may_call=bool(tools)
            )
        if tools:
            constraint = self._formats.constrain_calls(tools, lambda: stream.section, constraint)
        events = reply_events(
            self.engine,
            stream,
            prompt,
            eos_token_ids=self.manifest.eos_token_ids,
            sampling=sampling or self.manifest.generation.for_mode(thinks),
            max_new_tokens=max_new_tokens,
            top_logprobs=top_logprobs,
            constraint=constraint,
            prompt_lookup=prompt_lookup,
            cancellation=cancellation,
            said=said,
        )
        async with aclosing(events):
            async for event in events:
                if dropped:  # told when nothing can be refused any more
                    yield TurnsDropped(dropped)
                    dropped = 0
                yield event

    reply_sync = iterating_twin(reply)

    async def prefill(
        self,
        messages: Sequence[Message],
        *,
        enable_thinking: bool | None = None,
        tools: Tools | None = None,
        cancellation: Cancellation | None = None,
    ) -> None:
        """Read the beginning of a chat before its next question is known.

        Args:
            messages: A system prompt, or a chat up to its last answer; may be none where there are tools.
            enable_thinking: As it will be asked with.
            tools: As it will be asked with.
            cancellation: Set it to end before the next piece; what has been read stays.

        Raises:
            TemplateError: The template refuses the messages.
            ContextOverflowError: They do not fit; nothing has been run.
            BusyError: A reply is inside the backend right now.
            BackendError: From the backend.
        """
        if not messages and not tools:
            return
        prompt = encode_preface(messages, lambda asked: self._encode(asked, enable_thinking, tools))
        await self.engine.prefill(prompt, cancellation=cancellation)

    prefill_sync = waiting_twin(prefill)

    def _drop_oldest_turns(
        self, messages: Sequence[Message], enable_thinking: bool | None, tools: Tools | None
    ) -> list[Message]:
        return drop_oldest_turns(
            messages,
            count_tokens=lambda kept: len(self._encode(kept, enable_thinking, tools)),
            context_size=self.context_size,
        )

    def _encode(
        self, messages: Sequence[Message], enable_thinking: bool | None, tools: Tools | None
    ) -> list[int]:
        thinks = self.will_think(messages, enable_thinking=enable_thinking)
        return encode_chat(
            self.tokenizer, self.template, messages, tools=tools or None, enable_thinking=thinks
        )
