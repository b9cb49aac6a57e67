"""Token ids in, token ids out: prefill what the cache lacks, then decode until something ends it.

The engine knows nothing of text: no tokenizer, no template, no thinking. It decides what of the cache a
prompt can use, in what pieces the rest is run, which token comes next and when to stop; the backend does the
arithmetic.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from typing import TypeVar

from pagelm.backend import Backend, Candidates
from pagelm.engine_steps import (
    Cancellation,
    EngineStep,
    Finished,
    FinishReason,
    Prefilled,
    PrefillProgress,
    Token,
)
from pagelm.errors import BusyError, SamplingError
from pagelm.kv_cache import KVCache
from pagelm.logprobs import StepLogprobs, check_top_logprobs, step_logprobs
from pagelm.look_ahead import LookAhead
from pagelm.prompt_lookup import PromptLookup
from pagelm.replay import Replay
from pagelm.sampling import Sampler
from pagelm.sampling_options import SamplingOptions, check_biased_tokens
from pagelm.stopwatch import Stopwatch
from pagelm.token_constraint import TokenConstraint

Result = TypeVar("Result")

PREFILL_CHUNK_TOKENS = 128
"""A stop during prefill waits for one chunk; on WASM a token costs least in runs of about this length."""


Interject = Callable[[], Sequence[int]]
"""Asked after each token: which ids have to follow it, whatever the model says; mostly none."""


def _nothing() -> Sequence[int]:
    return ()


class Engine:
    """Generates on one backend, one sequence at a time, and remembers what that backend's cache holds.

    The cache stays usable after a stop, an abort, an abandoned generator and an exception.

    Args:
        backend: Where to run; the engine becomes its only user.
        prefill_chunk_tokens: Longest piece of a prompt to run at once.

    >>> import asyncio
    >>> from pagelm.engine_steps import Token
    >>> from pagelm.scripted import ScriptedBackend
    >>> async def reply():
    ...     engine = Engine(ScriptedBackend.playing([[7, 8, 2]]))
    ...     steps = engine.generate([1, 3], sampling=SamplingOptions(temperature=0), eos_token_ids={2})
    ...     return [step.token_id async for step in steps if isinstance(step, Token)]
    >>> asyncio.run(reply())
    [7, 8]
    """

    def __init__(self, backend: Backend, *, prefill_chunk_tokens: int = PREFILL_CHUNK_TOKENS) -> None:
        self.backend = backend
        self.cache = KVCache(backend.capabilities.max_positions)
        self._prefill_chunk_tokens = prefill_chunk_tokens
        self._generation = 0
        self._running = False

    async def generate(
        self,
        input_ids: Sequence[int],
        *,
        sampling: SamplingOptions,
        eos_token_ids: Collection[int],
        max_new_tokens: int | None = None,
        cancellation: Cancellation | None = None,
        interject: Interject = _nothing,
        top_logprobs: int | None = None,
        constraint: TokenConstraint | None = None,
        prompt_lookup: bool = False,
        said: Sequence[int] = (),
    ) -> AsyncGenerator[EngineStep, None]:
        """Answer a prompt token by token.

        A generator that nobody reads any more does not block the next call: that one takes the backend over,
        and should the older be resumed after all, it ends with "abort".

        Args:
            input_ids: The whole prompt, from the first token of the conversation.
            sampling: How to choose each token.
            eos_token_ids: Tokens that end the answer.
            max_new_tokens: Most tokens to make; None: as many as the context holds.
            cancellation: Set it to end with "abort" before the next token.
            interject: Its ids are yielded and run like the model's own, all in one run.
            top_logprobs: How many of the likeliest to tell beside each token's log probability; None: none
                of it. Every token then takes all logits.
            constraint: Which tokens may come next; it hears of every token. None: any.
            prompt_lookup: Whether to run guesses at the next tokens along, where the backend can verify them
                and no token takes all logits. What is said is chosen in the same way, token by token.
            said: What this reply said before it was interrupted, in another engine perhaps. With the other
                arguments as they were, what follows is what would have followed.

        Yields:
            `PrefillProgress` between two pieces of a long prompt, `Prefilled`, a `Token` for each new token,
            `Finished`.

        Raises:
            SamplingError: `max_new_tokens` is below 1, `top_logprobs` outside its range, `logit_bias` for
                tokens that there are not, or `said` nothing that this reply can have said.
            ContextOverflowError: The prompt does not fit; nothing has been run.
            BusyError: Another generation is inside the backend right now.
            GrammarError: The constraint lets no token through.
            BackendError: From the backend.
        """
        self._check_idle()
        check_top_logprobs(top_logprobs)
        check_biased_tokens(sampling, self.backend.capabilities.vocab_size)
        plan = self.cache.plan(input_ids, valid=self.backend.length)
        sampler = Sampler(sampling, input_ids, constraint)
        replay = Replay(said, sampling, self.backend.capabilities.vocab_size)
        limit = token_limit(max_new_tokens, plan.budget)
        cancellation = cancellation or Cancellation()
        self._generation += 1
        generation = self._generation

        watch = Stopwatch()
        candidates = None
        self._forget_all_after(plan.keep)
        read = plan.keep
        for chunk in plan.chunks(self._prefill_chunk_tokens):
            if cancellation.cancelled or generation != self._generation:
                candidates = None
                break
            candidates = await self._read(chunk)
            read += len(chunk)
            if read < len(input_ids):
                watch.pause()
                yield PrefillProgress(read, len(input_ids))
                watch.resume()
        ahead = self._look_ahead(input_ids, sampler, eos_token_ids, prompt_lookup and top_logprobs is None)
        yield Prefilled(read, plan.keep, watch.lap_ms(), sampler.seed)
        watch.resume()

        finish_reason: FinishReason = "abort"
        unread: list[int] = []
        while candidates and not cancellation.cancelled and generation == self._generation:
            replayed = bool(replay)
            token_id = replay.choose(sampler) if replayed else await self._choose(candidates, sampler, ahead)
            if token_id in eos_token_ids:
                finish_reason = "stop"
                break
            run = [token_id]
            sampler.accept(token_id)
            ahead.accept(token_id)
            logprobs = None if replayed else await self._logprobs(token_id, top_logprobs)
            watch.pause()
            yield Token(token_id, logprobs, replayed)
            watch.resume()
            for forced_id in (interject() or sampler.forced())[: limit - 1]:
                if cancellation.cancelled or generation != self._generation:
                    break
                run.append(forced_id)
                sampler.accept(forced_id)
                ahead.accept(forced_id)
                watch.pause()
                yield Token(forced_id, replayed=replay.has_said(forced_id))
                watch.resume()
            limit -= len(run)
            if cancellation.cancelled or generation != self._generation:
                break
            if sampler.finished or not limit:
                finish_reason = "stop" if sampler.finished else "length"
                break
            unread += run
            if not replay:
                candidates = await self._go_on(unread, ahead, limit)
                unread = []
        if ahead and generation == self._generation:
            self._forget_all_after(len(self.cache) - len(ahead))
        yield Finished(finish_reason, watch.lap_ms(), ahead.steps)

    async def prefill(self, input_ids: Sequence[int], *, cancellation: Cancellation | None = None) -> None:
        """Read what a prompt will begin with, so that it needs not be read then.

        A cancellation, or a generation that begins meanwhile, ends it between two pieces; what has been read
        stays.

        Args:
            input_ids: From the first token of the conversation.
            cancellation: Set it to end before the next piece.

        Raises:
            ContextOverflowError: The tokens do not fit; nothing has been run.
            BusyError: A generation is inside the backend right now.
            BackendError: From the backend.
        """
        self._check_idle()
        if self.cache.holds(input_ids, valid=self.backend.length):
            return
        plan = self.cache.plan(input_ids, valid=self.backend.length)
        self._generation += 1
        generation = self._generation
        self._forget_all_after(plan.keep)
        for chunk in plan.chunks(self._prefill_chunk_tokens):
            if generation != self._generation or (cancellation and cancellation.cancelled):
                break
            await self._read(chunk)

    def _forget_all_after(self, length: int) -> None:
        self.backend.truncate(length)
        self.cache.truncate(length)

    async def _read(self, input_ids: Sequence[int]) -> Candidates:
        """Run a piece of a prompt."""
        return await self._extend(self.backend.prefill(input_ids, len(self.cache)), input_ids)

    def _look_ahead(
        self, prompt: Sequence[int], sampler: Sampler, eos_token_ids: Collection[int], wanted: bool
    ) -> LookAhead:
        capabilities = self.backend.capabilities
        all_logits = sampler.needs_all_logits(capabilities.candidates, capabilities.vocab_size)
        if not wanted or all_logits or not capabilities.verify_tokens:
            return LookAhead(None)
        return LookAhead(
            PromptLookup(prompt), verify_tokens=capabilities.verify_tokens, eos_token_ids=eos_token_ids
        )

    async def _go_on(self, said: Sequence[int], ahead: LookAhead, limit: int) -> Candidates:
        """What follows the tokens that were said last; those that were not drafted have to run."""
        held = len(ahead)
        kept, candidates = ahead.follow(said)
        if candidates:
            return candidates
        if held > kept:
            self._forget_all_after(len(self.cache) - held + kept)
        rest = said[kept:]
        ahead.steps += 1
        if not (drafted := ahead.draft(len(rest), limit)):
            return await self._append(rest)
        run = [*rest, *drafted]
        rows = (await self._extend(self.backend.verify(run, len(self.cache)), run))[len(rest) - 1 :]
        ahead.hold(drafted, rows)
        return rows[0]

    async def _append(self, said: Sequence[int]) -> Candidates:
        """Run what was said last: a token of the model's own, and what came with it without a choice."""
        if len(said) == 1:
            return await self._extend(self.backend.decode(said[0]), said)
        length = self._prefill_chunk_tokens
        for start in range(0, len(said), length):
            candidates = await self._read(said[start : start + length])
        return candidates

    async def _extend(self, step: Awaitable[Result], token_ids: Sequence[int]) -> Result:
        self._running = True
        try:
            result = await step
        finally:
            self._running = False
        self.cache.extend(token_ids)
        return result

    async def _choose(self, candidates: Candidates, sampler: Sampler, ahead: LookAhead) -> int:
        """The next token, by way of the whole vocabulary where the candidates are too few."""
        token_id = sampler.choose(candidates, self.backend.capabilities.vocab_size)
        if token_id is not None:
            return token_id
        if ahead:
            await self._run_last_again(ahead)
        return sampler.choose_from_all(await self._logits())

    async def _run_last_again(self, ahead: LookAhead) -> None:
        """Give up what is drafted, as there are all logits of a run's last token only."""
        end = len(self.cache) - len(ahead)
        last = self.cache.token_ids[end - 1]
        self._forget_all_after(end - 1)
        ahead.forget()
        ahead.steps += 1
        await self._append([last])

    async def _logprobs(self, token_id: int, top: int | None) -> StepLogprobs | None:
        return None if top is None else step_logprobs(await self._logits(), token_id, top)

    async def _logits(self) -> Sequence[float]:
        self._running = True
        try:
            return await self.backend.logits()
        finally:
            self._running = False

    def _check_idle(self) -> None:
        if self._running:
            raise BusyError(
                "another generation is running on this model",
                expected="one at a time",
                remedy="Wait for it, or cancel it first.",
            )


def token_limit(max_new_tokens: int | None, budget: int) -> int:
    """How many tokens a reply may have.

    Args:
        max_new_tokens: What was asked for; None: as many as there is room for.
        budget: How many the context has room for.

    Raises:
        SamplingError: `max_new_tokens` is below 1.
    """
    if max_new_tokens is None:
        return budget
    if max_new_tokens < 1:
        raise SamplingError(
            f"max_new_tokens is {max_new_tokens}", expected="at least 1", remedy="Leave it out for no limit."
        )
    return min(max_new_tokens, budget)
