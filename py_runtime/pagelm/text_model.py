"""Text in, text out: the engine with a tokenizer before it and a detokenizer behind.

Goes on with a text as it is. It refuses to know messages, templates and reasoning; `language_model` adds
them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from pagelm.answers import Answer, collect_answer, seeded_options
from pagelm.backend import Backend
from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation
from pagelm.events import ReplyEvent
from pagelm.manifest_values import Manifest
from pagelm.reply_events import reply_events
from pagelm.reply_stream import ReplyStream
from pagelm.response_format import ResponseFormat, ResponseFormats
from pagelm.sampling_options import SamplingOptions
from pagelm.stop_strings import StopStrings
from pagelm.tokenizer import Tokenizer
from pagelm.vocabulary_check import check_vocabularies
from pagelm.waiting import iterating_twin, waiting_twin


class TextModel:
    """A bundle on a backend, without its chat template. One reply at a time.

    Args:
        manifest: Of the bundle.
        tokenizer: Of the bundle.
        backend: Runs one of the bundle's graphs; the model closes it.

    Raises:
        BackendError: The backend's vocabulary is not the manifest's.
        TokenizerError: The tokenizer has ids that the model lacks, or not the tags that it thinks between.
    """

    def __init__(self, manifest: Manifest, tokenizer: Tokenizer, backend: Backend) -> None:
        check_vocabularies(manifest, tokenizer, backend)
        self.manifest = manifest
        self.tokenizer = tokenizer
        self.engine = Engine(backend)
        self._formats = ResponseFormats(tokenizer, manifest.eos_token_ids)

    @property
    def context_size(self) -> int:
        """How many tokens prompt and reply may have together."""
        return self.engine.cache.capacity

    @property
    def name(self) -> str:
        """Of the model, as the bundle says."""
        return self.manifest.name

    async def generate(
        self,
        prompt: str,
        *,
        sampling: SamplingOptions | None = None,
        max_new_tokens: int | None = None,
        stop: Sequence[str] = (),
        top_logprobs: int | None = None,
        response_format: ResponseFormat | None = None,
        allow_special: bool = False,
        prompt_lookup: bool = False,
        cancellation: Cancellation | None = None,
    ) -> AsyncGenerator[ReplyEvent, None]:
        """Go on with a text as it is: no template, no reasoning apart, tags are text.

        Args:
            prompt: What to go on with, at least one token.
            sampling: How to choose tokens; None: the bundle's own options without thinking.
            max_new_tokens: Most tokens to make; None: what the context holds.
            stop: Strings that end the text, and are no part of it.
            top_logprobs: Tell each token's log probability and so many of the likeliest, 0 to 20; None: none.
            response_format: What form the new text has, all of it. None: any.
            allow_special: Whether `<|im_start|>` and the like in the prompt become the tokens of that name.
                Never for text that somebody else wrote.
            prompt_lookup: Whether guesses from what was said before may run along, where the backend can
                verify them: fewer steps where text repeats. Tokens are chosen as without them; a graph that
                rounds activations may then break a near tie the other way.
            cancellation: Set it to end before the next token.

        Yields:
            `PrefillProgress`, `Logprobs`, `TextDelta`, then `Done`.

        Raises:
            ContextOverflowError: The prompt is empty or does not fit; nothing has been run.
            SamplingError: An option is outside its range.
            GrammarError: `response_format` is not supported, or nothing has it.
            BusyError: Another reply is inside the backend right now.
            BackendError: From the backend.
        """
        input_ids = self.tokenizer.encode(prompt, allow_special=allow_special)
        stream = ReplyStream(
            self.tokenizer, input_ids, self.context_size, stop=StopStrings(stop), has_tags=False
        )
        constraint = self._formats.constrain(response_format) if response_format else None
        events = reply_events(
            self.engine,
            stream,
            input_ids,
            eos_token_ids=self.manifest.eos_token_ids,
            sampling=sampling or self.manifest.generation.non_thinking,
            max_new_tokens=max_new_tokens,
            top_logprobs=top_logprobs,
            constraint=constraint,
            prompt_lookup=prompt_lookup,
            cancellation=cancellation,
        )
        async with aclosing(events):
            async for event in events:
                yield event

    generate_sync = iterating_twin(generate)

    async def completions(
        self,
        prompt: str,
        n: int,
        *,
        sampling: SamplingOptions | None = None,
        max_new_tokens: int | None = None,
        stop: Sequence[str] = (),
        response_format: ResponseFormat | None = None,
        allow_special: bool = False,
        prompt_lookup: bool = False,
        cancellation: Cancellation | None = None,
    ) -> AsyncGenerator[Answer, None]:
        """Go on with a text in n ways.

        Args:
            prompt: What to go on with.
            n: How many; from the seeds `sampling.seed`, the next one, and so on. Greedy ones are the same.
            cancellation: Set it to end the text that is being written; no other follows.

        The other arguments and the errors are those of `generate`.

        Yields:
            Each when it is complete. All but the first find the prompt in the cache.

        Raises:
            SamplingError: `n` is below 1, or a seed too great.
        """
        for seeded in seeded_options(sampling or self.manifest.generation.non_thinking, n):
            answer = await collect_answer(
                self.generate(
                    prompt,
                    sampling=seeded,
                    max_new_tokens=max_new_tokens,
                    stop=stop,
                    response_format=response_format,
                    allow_special=allow_special,
                    prompt_lookup=prompt_lookup,
                    cancellation=cancellation,
                )
            )
            yield answer
            if answer.finish_reason == "abort":
                return

    completions_sync = iterating_twin(completions)

    def compile_response_format(self, response_format: ResponseFormat) -> None:
        """Get ready for replies of this form. The first form of a model takes a sort of its vocabulary.

        Raises:
            GrammarError: `response_format` is not supported, or nothing has it.
        """
        self._formats.compile(response_format)

    async def close(self) -> None:
        """Give the backend's memory back."""
        await self.engine.backend.close()

    close_sync = waiting_twin(close)
