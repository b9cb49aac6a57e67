"""A reply that was interrupted after any of its tokens and resumed elsewhere is the reply that was not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import (
    CHAT_TEMPLATE,
    CONTEXT_SIZE,
    END_THINK,
    END_TOOL_CALL,
    IM_END,
    THINK,
    TOOL_CALL,
    TOOL_VOCAB_SIZE,
    digest,
    run,
    tool_model_on,
)
from pagelm.backend import Candidates
from pagelm.engine_steps import PrefillProgress
from pagelm.events import Done, ReplyEvent
from pagelm.language_model import LanguageModel
from pagelm.response_format import JsonSchema, Pattern
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import ScriptedBackend

# A busy machine is no failure.
patient = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
LIKELY = (*b"abcd\n \xc3\xa9", THINK, END_THINK, TOOL_CALL, END_TOOL_CALL, IM_END)
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}


class Undecided(ScriptedBackend):
    """Some tokens are likely after every text, in another order each time; the draw decides."""

    def _append(self, input_ids: Sequence[int]) -> Candidates:
        super()._append(input_ids)
        random = Random(digest(self._token_ids))
        logits = {token_id: -9.0 - random.random() for token_id in range(TOOL_VOCAB_SIZE)}
        logits |= {token_id: 3 * random.random() for token_id in LIKELY}
        ids = sorted(logits, key=lambda token_id: (-logits[token_id], token_id))
        return Candidates([logits[token_id] for token_id in ids], ids)


def undecided() -> LanguageModel:
    backend = Undecided(
        lambda token_ids: 0,
        vocab_size=TOOL_VOCAB_SIZE,
        max_positions=CONTEXT_SIZE,
        candidates=TOOL_VOCAB_SIZE,
        verify_tokens=4,
    )
    return tool_model_on(backend, CHAT_TEMPLATE)


async def listen(options: dict[str, Any], said: list[int]) -> list[tuple[int, ReplyEvent]]:
    """Each event with how many tokens had been said before it."""
    events = undecided().reply([{"role": "user", "content": "ab"}], said=said, **options)
    return [(len(said), event) async for event in events if not isinstance(event, PrefillProgress)]


def without_costs(event: ReplyEvent) -> ReplyEvent:
    if not isinstance(event, Done):
        return event
    usage = replace(event.usage, prefill_ms=0.0, decode_ms=0.0, steps=0, replayed_tokens=0)
    return Done(event.finish_reason, usage)


requests = st.fixed_dictionaries(
    {
        "enable_thinking": st.booleans(),
        "sampling": st.builds(
            SamplingOptions,
            temperature=st.sampled_from([0.0, 0.7, 1.5]),
            top_k=st.sampled_from([0, 3]),
            repetition_penalty=st.sampled_from([1.0, 1.3]),
            frequency_penalty=st.sampled_from([0.0, 0.5]),
            seed=st.integers(0, 2**32 - 1),
        ),
        "max_new_tokens": st.integers(5, 24),
        "thinking_budget": st.none() | st.integers(0, 6),
        "stop": st.sampled_from([(), ("ab",), ("a", "é\nb"), ("dd",)]),
        "tools": st.sampled_from([(), (TOOL,)]),
        "response_format": st.sampled_from(
            [None, Pattern("(ab|cd )*"), Pattern("a{2}[bcd]+"), JsonSchema({"enum": ["abab", "abcd", "b"]})]
        ),
    }
)


@patient
@given(requests)
def test_it_goes_on_as_if_nothing_had_happened(options: dict[str, Any]) -> None:
    said: list[int] = []
    whole = run(listen(options, said))
    for cut in range(len(said) + 1):
        heard = said[:cut]
        resumed = run(listen(options, heard))
        expected = [without_costs(event) for before, event in whole if before >= cut]
        assert [without_costs(event) for _, event in resumed] == expected
        assert heard == said
        done = resumed[-1][1]
        assert isinstance(done, Done)
        assert done.usage.replayed_tokens == cut
