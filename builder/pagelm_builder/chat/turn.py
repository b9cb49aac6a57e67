"""One question and its answer, written as it comes; Ctrl+C ends the answer, not the program.

question ─► Chat.send ─► ReasoningDelta ─► remarks (dimmed)
                     └─► TextDelta      ─► answers
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from types import FrameType

from pagelm import Cancellation, Chat, Done, LanguageModel, ReasoningDelta, TextDelta, TurnsDropped
from pagelm_builder.chat.settings import ChatSettings
from pagelm_builder.chat.terminal import Terminal


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said to one question, and how that ended."""

    reasoning: str
    text: str
    done: Done


async def answer_question(
    model: LanguageModel, chat: Chat, question: str, settings: ChatSettings, terminal: Terminal | None
) -> Answer:
    """Ask a chat and show the answer.

    Args:
        terminal: Where to show it; None shows nothing.

    Raises:
        PagelmError: As `LanguageModel.reply`.
    """
    cancellation = Cancellation()
    asked = [*chat.messages, {"role": "user", "content": question}]
    thinks = model.will_think(asked, enable_thinking=chat.enable_thinking)
    pieces: dict[type, list[str]] = {ReasoningDelta: [], TextDelta: []}
    events = chat.send(
        question,
        sampling=settings.sampling_for(model, thinks),
        max_new_tokens=settings.max_new_tokens,
        thinking_budget=settings.thinking_budget,
        stop=settings.stop,
        response_format=settings.response_format,
        prompt_lookup=settings.prompt_lookup,
        cancellation=cancellation,
    )
    with interrupt_cancels(cancellation):
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Done):
                    done = event
                elif isinstance(event, TurnsDropped) and terminal:
                    terminal.remark("The context is full: the model no longer sees the oldest turns.\n")
                elif isinstance(event, ReasoningDelta | TextDelta):
                    if terminal:
                        _show(event, terminal, after=pieces)
                    pieces[type(event)].append(event.text)
    reasoning, text = ("".join(said) for said in pieces.values())
    if terminal and (text or reasoning):
        (terminal.answer if text else terminal.remark)("\n")
    return Answer(reasoning, text, done)


def _show(event: ReasoningDelta | TextDelta, terminal: Terminal, *, after: dict[type, list[str]]) -> None:
    if isinstance(event, ReasoningDelta):
        terminal.remark(event.text)
        return
    if after[ReasoningDelta] and not after[TextDelta]:
        terminal.remark("\n\n")
    terminal.answer(event.text)


@contextmanager
def interrupt_cancels(cancellation: Cancellation) -> Iterator[None]:
    """Let the first Ctrl+C cancel what runs in the block; a second one interrupts as ever."""

    def cancel(number: int, frame: FrameType | None) -> None:
        cancellation.cancel()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    with on_interrupt(cancel):
        yield


@contextmanager
def on_interrupt(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """What Ctrl+C does in the block."""
    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
