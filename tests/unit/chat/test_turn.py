"""pagelm_builder.chat.turn: what is written while an answer comes, and how Ctrl+C ends it."""

from __future__ import annotations

import asyncio
import signal

import pytest

from fakes import CONTEXT_SIZE, VOCAB_SIZE, RecordingBackend, model_on, reply_ids, scripted
from pagelm import Candidates, SamplingOptions, ScriptedBackend
from pagelm.errors import SamplingError
from pagelm_builder.chat.settings import ChatSettings
from pagelm_builder.chat.turn import Answer, answer_question
from unit.chat.streams import piped

THOUGHTFUL = "<think>\n2 and 2\n</think>\n\n4."


class InterruptedBackend(RecordingBackend):
    """Counts upwards without end; the person presses Ctrl+C in its fifth step."""

    presses = 1

    async def decode(self, token_id: int) -> Candidates:
        if len(self.calls) == 5:
            for _ in range(self.presses):
                signal.raise_signal(signal.SIGINT)
        return await super().decode(token_id)


class TwiceInterruptedBackend(InterruptedBackend):
    presses = 2


DEFAULTS = ChatSettings()


def ask(backend: ScriptedBackend, settings: ChatSettings = DEFAULTS) -> tuple[Answer, str, str]:
    model = model_on(backend)
    terminal, answers, remarks = piped()
    chat = model.chat(enable_thinking=settings.enable_thinking)
    answer = asyncio.run(answer_question(model, chat, "2 + 2?", settings, terminal))
    return answer, answers.getvalue(), remarks.getvalue()


def endless(kind: type[InterruptedBackend]) -> InterruptedBackend:
    return kind(lambda ids: ord("a") + len(ids) % 26, vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE)


def test_the_answer_alone_goes_to_the_answers_and_ends_its_line() -> None:
    answer, answers, remarks = ask(scripted(THOUGHTFUL))
    assert (answer.reasoning, answer.text, answer.done.finish_reason) == ("2 and 2", "4.", "stop")
    assert answers == "4.\n"
    assert remarks == "2 and 2\n\n"


def test_without_reasoning_nothing_is_remarked() -> None:
    _, answers, remarks = ask(scripted("4."), ChatSettings(enable_thinking=False))
    assert (answers, remarks) == ("4.\n", "")


def test_reasoning_that_no_answer_follows_ends_its_line() -> None:
    answer, answers, remarks = ask(scripted("<think>\n2 a"))
    assert answer.done.finish_reason == "stop"
    assert (answers, remarks) == ("", "2 a\n")


def test_the_bundles_sampling_is_used_but_for_what_was_asked() -> None:
    model = model_on(scripted())
    settings = ChatSettings(sampling={"temperature": 0.0, "seed": 7})
    assert settings.sampling_for(model, True) == SamplingOptions(0.0, 20, 0.95, 0.0, 7)
    assert settings.sampling_for(model, False) == SamplingOptions(0.0, 20, 0.8, 0.0, 7)


def test_an_option_out_of_range_is_a_named_error() -> None:
    with pytest.raises(SamplingError, match="temperature"):
        ask(scripted("4."), ChatSettings(sampling={"temperature": -1.0}))


def test_an_interrupt_ends_the_answer_and_keeps_what_there_was_of_it() -> None:
    answer, answers, _ = ask(endless(InterruptedBackend))
    assert answer.done.finish_reason == "abort"
    assert answers == answer.text + "\n"
    assert 0 < len(answer.text) < 10


def test_a_second_interrupt_is_one_as_ever() -> None:
    with pytest.raises(KeyboardInterrupt):
        ask(endless(TwiceInterruptedBackend))


def test_afterwards_an_interrupt_means_what_it_meant_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    ask(endless(InterruptedBackend))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_long_script_is_answered_whole() -> None:
    text = "word " * 40
    assert len(reply_ids(text)) < CONTEXT_SIZE
    _, answers, _ = ask(scripted(text))
    assert answers == text + "\n"


def test_budget_and_stop_strings_reach_the_model() -> None:
    settings = ChatSettings(thinking_budget=100, stop=("5",))
    answer, answers, _ = ask(scripted("<think>\n2\n</think>\n\n4 or 5"), settings)
    assert (answers, answer.text) == ("4 or \n", "4 or ")
