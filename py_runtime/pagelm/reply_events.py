"""One reply: the engine's steps, as the events that a stream makes of them.

Knows no messages; what the prompt was made of and what form the answer has is decided before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import aclosing

from pagelm.engine import Engine
from pagelm.engine_steps import Cancellation, Finished, Prefilled, PrefillProgress, Token
from pagelm.events import ReplyEvent
from pagelm.reply_stream import ReplyStream
from pagelm.sampling_options import SamplingOptions
from pagelm.token_constraint import TokenConstraint


async def reply_events(
    engine: Engine,
    stream: ReplyStream,
    prompt: Sequence[int],
    *,
    eos_token_ids: Collection[int],
    sampling: SamplingOptions,
    max_new_tokens: int | None,
    top_logprobs: int | None,
    constraint: TokenConstraint | None = None,
    prompt_lookup: bool = False,
    cancellation: Cancellation | None,
    said: list[int] | None = None,
) -> AsyncGenerator[ReplyEvent, None]:
    """Generate; arguments and errors as of `Engine.generate`. A stop string of the stream ends it.

    Args:
        said: Its tokens are told no more; each new one is appended when all of its events have been taken.
    """
    said = [] if said is None else said
    stop_here = Cancellation(cancellation)
    steps = engine.generate(
        prompt,
        sampling=sampling,
        eos_token_ids=eos_token_ids,
        max_new_tokens=max_new_tokens,
        cancellation=stop_here,
        interject=stream.interject,
        top_logprobs=top_logprobs,
        constraint=constraint,
        prompt_lookup=prompt_lookup,
        said=tuple(said),
    )
    async with aclosing(steps):
        async for step in steps:
            match step:
                case Token(token_id, logprobs, replayed):
                    if replayed:
                        stream.replay(token_id)
                    else:
                        if logprobs:
                            yield stream.describe(token_id, logprobs)
                        for event in stream.push(token_id):
                            yield event
                        said.append(token_id)
                    if stream.stopped:
                        stop_here.cancel()
                case PrefillProgress():
                    yield step
                case Prefilled():
                    stream.prefilled = step
                case Finished():
                    for event in stream.finish():
                        yield event
                    yield stream.done(step, engine.backend.key_value_bytes)
