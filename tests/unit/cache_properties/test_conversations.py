"""For any conversations on one model, with stops, readers who leave, failures, clones, switches and edits:
every answer is what a fresh model would have said, and the cache names what the backend holds."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes import CONTEXT_SIZE, END_THINK, IM_END, THINK, VOCAB_SIZE, digest, model_on, run
from pagelm.backend import Candidates
from pagelm.chat import Chat
from pagelm.engine_steps import Cancellation
from pagelm.events import Event, ReasoningDelta, TextDelta
from pagelm.language_model import LanguageModel
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import ScriptedBackend

# A busy machine is no failure.
patient = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
GREEDY = SamplingOptions(temperature=0.0)
SAID = (*range(ord("a"), ord("e")), ord("\n"), THINK, END_THINK, IM_END)


def babbles(token_ids: Sequence[int]) -> int:
    """Depends on every token before; ends now and then."""
    return SAID[digest(token_ids) % len(SAID)]


class Unreliable(ScriptedBackend):
    """Fails when it is told to, before or after it took the tokens in."""

    failure: str | None = None

    async def decode(self, token_id: int) -> Candidates:
        return await self._unless_it_fails(super().decode(token_id))

    async def prefill(self, input_ids: Sequence[int], position: int) -> Candidates:
        return await self._unless_it_fails(super().prefill(input_ids, position))

    async def _unless_it_fails(self, step: Any) -> Candidates:
        failure, self.failure = self.failure, None
        if failure == "before":
            step.close()
        if failure == "after":
            await step
        if failure:
            raise RuntimeError("device lost")
        return await step  # type: ignore[no-any-return]


def babbling() -> tuple[LanguageModel, Unreliable]:
    backend = Unreliable(babbles, vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE)
    return model_on(backend), backend


def said(events: Sequence[Event]) -> tuple[str, str]:
    return (
        "".join(event.text for event in events if isinstance(event, ReasoningDelta)),
        "".join(event.text for event in events if isinstance(event, TextDelta)),
    )


async def listen(chat: Chat, text: str, *, budget: int | None, ends: str, after: int) -> list[Event]:
    """Ask, and end after some pieces as `ends` says: not at all, by a cancellation, or by leaving."""
    cancellation = Cancellation()
    heard: list[Event] = []
    events = chat.send(
        text, sampling=GREEDY, max_new_tokens=24, thinking_budget=budget, cancellation=cancellation
    )
    async with aclosing(events):
        async for event in events:
            if not isinstance(event, ReasoningDelta | TextDelta):
                continue  # how much has to be read is what differs
            heard.append(event)
            if len(heard) > after:
                if ends == "leave":
                    break
                if ends == "cancel":
                    cancellation.cancel()
    return heard


turns = st.fixed_dictionaries(
    {
        "chat": st.integers(0, 2),
        "text": st.text("ab /no_think", max_size=6),
        "enable_thinking": st.booleans(),
        "budget": st.none() | st.integers(0, 6),
        "ends": st.sampled_from(["whole", "cancel", "leave"]),
        "after": st.integers(0, 6),
        "first": st.sampled_from(["nothing", "clone", "fails before", "fails after", "edit", "read ahead"]),
    }
)


@patient
@given(st.lists(turns, min_size=1, max_size=6))
def test_the_cache_never_disagrees_with_a_fresh_prefill(script: list[dict[str, Any]]) -> None:
    model, backend = babbling()
    chats = [model.chat("ab", overflow="truncate-oldest-turns"), model.chat(), model.chat("ab")]
    for turn in script:
        chat = chats[turn["chat"]]
        chat.enable_thinking = turn["enable_thinking"]
        before(turn["first"], chats, turn["chat"], backend)
        chat = chats[turn["chat"]]
        how = {"budget": turn["budget"], "ends": turn["ends"], "after": turn["after"]}
        fresh = babbling()[0].import_chat(chat.export())
        expected = run(listen(fresh, turn["text"], **how))
        try:
            heard = run(listen(chat, turn["text"], **how))
        except RuntimeError:
            heard = run(listen(chat, turn["text"], **how))
        assert said(heard) == said(expected)
        assert backend.length >= len(model.engine.cache)


def before(what: str, chats: list[Chat], index: int, backend: Unreliable) -> None:
    chat = chats[index]
    if what == "clone":
        chats[index] = chat.clone()
    elif what == "edit" and len(chat.messages) > 2:
        chat._turns[-2]["content"] += "b"
    elif what == "read ahead":
        run(chat.prefill_system())
    elif what.startswith("fails"):
        backend.failure = what.removeprefix("fails ")
