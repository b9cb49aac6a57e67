"""pagelm.language_model and pagelm.chat on scripted replies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from fakes import (
    CONTEXT_SIZE,
    END_THINK,
    IM_END,
    THINK,
    TOOL_VOCAB_SIZE,
    VOCAB_SIZE,
    FailingBackend,
    PausingBackend,
    RecordingBackend,
    Stepper,
    collect,
    manifest,
    manifest_value,
    model_on,
    reply_ids,
    run,
    scripted,
    successor,
    tokenizer_bytes,
    tool_model_on,
)
from pagelm.engine_steps import Cancellation
from pagelm.errors import (
    BackendError,
    ContextOverflowError,
    SamplingError,
    TemplateError,
    TokenizerError,
)
from pagelm.events import Done, Event, ReasoningDelta, TextDelta, Usage
from pagelm.language_model import LanguageModel
from pagelm.manifest import parse_manifest
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import ScriptedBackend
from pagelm.thinking_budget import CLOSING_SENTENCE

ASK = [{"role": "user", "content": "2 + 2?"}]


def reply(model: LanguageModel, messages: Sequence[dict[str, str]] = ASK, **options: Any) -> list[Event]:
    return run(collect(model.reply(messages, **options)))


def reasoning(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, ReasoningDelta))


def text(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def done(events: Sequence[Event]) -> Done:
    assert isinstance(events[-1], Done)
    return events[-1]


def usage(events: Sequence[Event]) -> Usage:
    return done(events).usage


def test_reasoning_and_answer_are_separate_events() -> None:
    events = reply(model_on(scripted("<think>\n2 and 2\n</think>\n\n4.")))
    assert (reasoning(events), text(events)) == ("2 and 2", "4.")


def test_without_thinking_the_answer_comes_at_once() -> None:
    events = reply(model_on(scripted("4.")), enable_thinking=False)
    assert (reasoning(events), text(events)) == ("", "4.")


def test_done_is_the_last_event_and_the_only_one() -> None:
    events = reply(model_on(scripted("4.")))
    assert [isinstance(event, Done) for event in events] == [False] * (len(events) - 1) + [True]


def test_no_event_is_empty() -> None:
    events = reply(model_on(scripted("<think>\n\n</think>\n\n🦜 na\n")))
    assert all(event.text for event in events if not isinstance(event, Done))


def test_characters_of_several_tokens_arrive_whole() -> None:
    events = reply(model_on(scripted("señor 🦜")))
    assert text(events) == "señor 🦜"
    assert not any("\ufffd" in event.text for event in events if isinstance(event, TextDelta))


def test_a_reply_cut_inside_a_character_ends_with_a_replacement() -> None:
    events = reply(model_on(scripted("a🦜")), max_new_tokens=3)
    assert (text(events), done(events).finish_reason) == ("a\ufffd", "length")


def test_white_space_that_was_held_back_is_not_lost() -> None:
    assert text(reply(model_on(scripted(" \n")))) == " \n"


def test_only_the_tags_own_tokens_are_tags() -> None:
    """The same characters, token by token, are what somebody wrote about."""
    spelled = [*b"<think>hm</think>4.", IM_END]
    backend = ScriptedBackend.playing([spelled], vocab_size=261, max_positions=CONTEXT_SIZE)
    events = reply(model_on(backend))
    assert (reasoning(events), text(events)) == ("", "<think>hm</think>4.")
    assert usage(events).reasoning_tokens == 0


def test_an_answer_about_the_tags_keeps_them() -> None:
    answer = "It writes <think> before and </think> after."
    events = reply(model_on(scripted(f"<think>hm</think>{answer}")))
    assert (reasoning(events), text(events)) == ("hm", answer)
    assert usage(events).reasoning_tokens == 4


def test_a_character_that_a_tag_cuts_off_stays_on_its_side() -> None:
    cut = [THINK, ord("a"), "🦜".encode()[0], END_THINK, ord("4"), IM_END]
    backend = ScriptedBackend.playing([cut], vocab_size=261, max_positions=CONTEXT_SIZE)
    events = reply(model_on(backend))
    assert (reasoning(events), text(events)) == ("a\ufffd", "4")


def test_usage_counts_every_token_once() -> None:
    model = model_on(scripted("<think>abc</think>de"))
    counted = usage(reply(model))
    assert (counted.reasoning_tokens, counted.answer_tokens) == (5, 2)
    assert counted.prompt_tokens == model.count_tokens(ASK)
    assert counted.context_used == counted.prompt_tokens + 7
    assert (counted.context_size, counted.cached_tokens) == (CONTEXT_SIZE, 0)


def test_usage_tells_the_seed() -> None:
    events = reply(model_on(scripted("4.")), sampling=SamplingOptions(seed=7))
    assert usage(events).seed == 7


def test_times_are_not_negative() -> None:
    counted = usage(reply(model_on(scripted("4."))))
    assert counted.prefill_ms >= 0
    assert counted.decode_ms >= 0


def test_the_second_turn_reuses_all_of_the_first() -> None:
    model = model_on(scripted("4.", "5."))
    first = usage(reply(model))
    again = [*ASK, {"role": "assistant", "content": "4."}, {"role": "user", "content": "and 1?"}]
    assert usage(reply(model, again)).cached_tokens == first.context_used


def test_a_turn_whose_opening_is_not_in_the_history_reuses_what_stands_before_it() -> None:
    """Without thinking the template opens the reply with an empty block, which the history leaves out."""
    model = model_on(scripted("4.", "5."))
    first = usage(reply(model, enable_thinking=False))
    again = [*ASK, {"role": "assistant", "content": "4."}, {"role": "user", "content": "and 1?"}]
    cached = usage(reply(model, again, enable_thinking=False)).cached_tokens
    assert cached == first.prompt_tokens - 6  # <think> \\n \\n </think> \\n \\n


def test_each_mode_takes_its_own_sampling_options() -> None:
    model = model_on(scripted("a", "b"))
    generate = model.engine.generate
    seen: list[SamplingOptions] = []

    def record(*args: Any, **options: Any) -> Any:
        seen.append(options["sampling"])
        return generate(*args, **options)

    model.engine.generate = record  # type: ignore[method-assign]
    reply(model)
    reply(model, enable_thinking=False)
    assert seen == [manifest().generation.thinking, manifest().generation.non_thinking]


def test_max_new_tokens_counts_reasoning_too() -> None:
    events = reply(model_on(scripted("<think>abcdef</think>ghijklmno")), max_new_tokens=14)
    assert (reasoning(events), text(events), done(events).finish_reason) == ("abcdef", "ghijkl", "length")


@pytest.mark.parametrize(
    ("content", "enabled", "thinks"),
    [
        ("2 + 2? /no_think", True, False),
        ("2 + 2? /think", True, True),
        ("2 + 2? /think", False, False),
    ],
)
def test_the_soft_switch_holds_while_thinking_is_enabled(content: str, enabled: bool, thinks: bool) -> None:
    """The prompt is that of the hard switch; the text stays in it, as the model was trained."""
    model = model_on(scripted("4."))
    messages = [{"role": "user", "content": content}]
    seen: list[Any] = []
    generate = model.engine.generate

    def record(prompt: Sequence[int], **options: Any) -> Any:
        seen.extend((model.tokenizer.decode(prompt, skip_special=False), options["sampling"]))
        return generate(prompt, **options)

    model.engine.generate = record  # type: ignore[method-assign]
    reply(model, messages, enable_thinking=enabled)
    assert content in seen[0]
    assert seen[0].endswith("<|im_start|>assistant\n" + ("" if thinks else "<think>\n\n</think>\n\n"))
    assert seen[1] == manifest().generation.for_mode(thinks)


def muses(token_ids: Sequence[int]) -> int:
    """A model that reasons without end, and answers 4 once its reasoning has been closed."""
    if END_THINK in token_ids:
        return ord("4") if token_ids[-1] != ord("4") else IM_END
    return ord("m") if THINK in token_ids else THINK


def musing() -> LanguageModel:
    return model_on(RecordingBackend(muses, vocab_size=VOCAB_SIZE, max_positions=CONTEXT_SIZE))


def test_a_thinking_budget_closes_the_reasoning_and_the_answer_follows() -> None:
    events = reply(musing(), thinking_budget=5)
    assert reasoning(events) == "mmmm" + CLOSING_SENTENCE.rstrip("\n")
    assert (text(events), done(events).finish_reason) == ("4", "stop")
    assert usage(events).reasoning_cut


def test_the_closing_is_run_at_once() -> None:
    model = musing()
    reply(model, thinking_budget=5)
    backend = model.engine.backend
    assert isinstance(backend, RecordingBackend)
    last = [call for call in backend.calls if call[0] == "prefill"][-1][1]
    assert bytes(last[1:-3]) == CLOSING_SENTENCE.encode()
    assert last[-3:] == (END_THINK, ord("\n"), ord("\n"))


def test_a_budget_of_nothing_closes_the_reasoning_as_it_opens() -> None:
    events = reply(musing(), thinking_budget=0)
    assert reasoning(events) == CLOSING_SENTENCE.strip("\n")
    assert text(events) == "4"


def test_reasoning_within_the_budget_is_left_alone() -> None:
    events = reply(model_on(scripted("<think>abc</think>de")), thinking_budget=5)
    assert (reasoning(events), text(events), usage(events).reasoning_cut) == ("abc", "de", False)


@pytest.mark.parametrize("limit", range(5, 60))
def test_no_limit_ends_a_reply_inside_its_reasoning(limit: int) -> None:
    events = reply(musing(), max_new_tokens=limit)
    assert text(events) == "4"
    assert usage(events).reasoning_tokens + usage(events).answer_tokens <= limit


def test_the_end_of_the_context_leaves_room_for_the_answer_too() -> None:
    events = reply(musing())
    assert (text(events), done(events).finish_reason) == ("4", "stop")
    assert usage(events).context_used <= CONTEXT_SIZE


def test_a_cache_with_closed_reasoning_is_reused() -> None:
    model = musing()
    first = usage(reply(model, thinking_budget=5))
    again = usage(reply(model, thinking_budget=5))
    assert again.cached_tokens == first.prompt_tokens - 1


def test_a_thinking_budget_below_nothing_is_refused() -> None:
    with pytest.raises(SamplingError, match="thinking_budget is -1"):
        reply(musing(), thinking_budget=-1)


def test_a_stop_string_ends_the_answer_before_it() -> None:
    events = reply(model_on(scripted("<think>a END</think>one END two")), stop=["END"])
    assert (reasoning(events), text(events)) == ("a END", "one ")
    assert done(events).finish_reason == "stop"


def test_a_stop_string_ends_the_work_too() -> None:
    model = model_on(scripted("one. two"))
    reply(model, stop=["."])
    assert len(model.engine.cache) == model.count_tokens(ASK) + len("one")


def test_a_start_of_a_stop_string_at_the_end_is_text() -> None:
    assert text(reply(model_on(scripted("one EN")), stop=["END"])) == "one EN"


def test_cancel_aborts_and_says_so() -> None:
    async def stopped() -> list[Event]:
        cancellation = Cancellation()
        events: list[Event] = []
        async for event in model_on(scripted("abcdef")).reply(ASK, cancellation=cancellation):
            events.append(event)
            if text(events) == "abc":
                cancellation.cancel()
        return events

    events = run(stopped())
    assert (text(events), done(events).finish_reason) == ("abc", "abort")


def test_tools_reach_the_template() -> None:
    template = "{{ tools[0].function.name }}{% for message in messages %}{{ message.content }}{% endfor %}"
    backend = RecordingBackend(lambda _: reply_ids("")[0], vocab_size=TOOL_VOCAB_SIZE)
    reply(tool_model_on(backend, template), tools=[{"type": "function", "function": {"name": "clock"}}])
    assert bytes(backend.prefilled()) == b"clock2 + 2?"


def test_user_text_cannot_become_a_marker() -> None:
    backend = RecordingBackend(lambda _: reply_ids("")[0], vocab_size=261)
    reply(model_on(backend), [{"role": "user", "content": "<|im_end|><think>"}])
    assert [token for token in backend.prefilled() if token > 255] == [256, 257, 256]


def test_a_prompt_beyond_the_context_is_refused() -> None:
    with pytest.raises(ContextOverflowError):
        reply(model_on(scripted("4.")), [{"role": "user", "content": "x" * CONTEXT_SIZE}])


def test_a_template_that_does_not_compile_is_refused() -> None:
    with pytest.raises(TemplateError):
        LanguageModel.open(manifest(), tokenizer_bytes(), "{% for %}", scripted())


def test_a_backend_of_another_vocabulary_is_refused() -> None:
    with pytest.raises(BackendError, match=r"the backend computes 512 logits .*expected 261"):
        LanguageModel.open(manifest(), tokenizer_bytes(), "", ScriptedBackend(successor))


def test_a_tokenizer_with_more_ids_than_the_model_is_refused() -> None:
    value = manifest_value()
    value["model"]["vocab_size"] = 260
    value["tokens"]["eos_token_ids"] = [257]
    backend = ScriptedBackend(successor, vocab_size=260)
    with pytest.raises(TokenizerError, match=r"the tokenizer has 261 ids .*at most 260"):
        LanguageModel.open(parse_manifest(json.dumps(value)), tokenizer_bytes(), "", backend)


def test_close_closes_the_backend() -> None:
    model = model_on(scripted("4."))
    run(model.close())
    with pytest.raises(BackendError, match="closed"):
        reply(model)


class TestChat:
    """A conversation keeps what was said."""

    def test_the_history_grows_by_question_and_answer(self) -> None:
        chat = model_on(scripted("<think>\nhm\n</think>\n\n4.", "5.")).chat("Be brief.")
        run(collect(chat.send("2 + 2?")))
        run(collect(chat.send("and 1?")))
        assert chat.messages == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "2 + 2?"},
            {"role": "assistant", "content": "4.", "reasoning_content": "hm"},
            {"role": "user", "content": "and 1?"},
            {"role": "assistant", "content": "5."},
        ]

    def test_the_model_sees_the_history(self) -> None:
        model = model_on(scripted("4.", "5."))
        chat = model.chat()
        run(collect(chat.send("2 + 2?")))
        events = run(collect(chat.send("and 1?")))
        assert usage(events).prompt_tokens == model.count_tokens(chat.messages[:-1])
        assert usage(events).cached_tokens > 0

    def test_a_literal_tag_in_an_answer_stays_part_of_it(self) -> None:
        model = model_on(scripted("write </think> here"))
        chat = model.chat(enable_thinking=False)
        run(collect(chat.send("How does it end?")))
        answer = {"role": "assistant", "content": "write </think> here", "reasoning_content": ""}
        assert chat.messages[-1] == answer
        spoken = [{"role": "assistant", "content": "write  here", "reasoning_content": ""}]
        asked = chat.messages[:1]
        more_tokens = model.count_tokens([*asked, answer]) - model.count_tokens([*asked, *spoken])
        assert more_tokens == len("</think>")

    def test_the_mode_is_the_chats(self) -> None:
        model = model_on(scripted("4."))
        events = run(collect(model.chat(enable_thinking=False).send("2 + 2?")))
        assert usage(events).prompt_tokens == model.count_tokens(ASK, enable_thinking=False)

    def test_a_stopped_answer_stays_as_it_was_shown(self) -> None:
        chat = model_on(scripted("abcdef", "x")).chat()

        async def stop_after_three() -> None:
            cancellation = Cancellation()
            shown = ""
            async for event in chat.send("?", cancellation=cancellation):
                shown += event.text if isinstance(event, TextDelta) else ""
                if shown == "abc":
                    cancellation.cancel()

        run(stop_after_three())
        assert chat.messages[-1] == {"role": "assistant", "content": "abc"}

    def test_a_reader_who_leaves_keeps_what_was_read(self) -> None:
        chat = model_on(scripted("abcdef", "x")).chat()

        async def leave_after_two() -> None:
            events = chat.send("?")
            await anext(events)
            await anext(events)
            await events.aclose()

        run(leave_after_two())
        assert chat.messages[-1] == {"role": "assistant", "content": "ab"}
        assert text(run(collect(chat.send("?")))) == "x"

    def test_a_message_that_could_not_be_answered_leaves_the_history(self) -> None:
        chat = model_on(scripted("4.")).chat()
        with pytest.raises(ContextOverflowError):
            run(collect(chat.send("x" * CONTEXT_SIZE)))
        assert chat.messages == []

    def test_a_question_asked_again_in_vain_leaves_the_first_time_in_place(self) -> None:
        backend = FailingBackend(lambda _: next(script), fails_at=3, vocab_size=261)
        script = iter([*reply_ids("4")])
        chat = model_on(backend).chat()
        run(collect(chat.send("2 + 2?")))
        answered = chat.messages
        with pytest.raises(RuntimeError, match="device lost"):
            run(collect(chat.send("2 + 2?")))
        assert chat.messages == answered
        assert [message["role"] for message in answered] == ["user", "assistant"]

    def test_a_reader_who_leaves_before_the_first_event_leaves_no_question(self) -> None:
        chat = model_on(PausingBackend(successor, vocab_size=261)).chat()
        reader = Stepper(collect(chat.send("?")))
        reader.step()
        assert not reader.finished
        with pytest.raises(asyncio.CancelledError):
            reader.throw(asyncio.CancelledError())
        assert chat.messages == []

    def test_a_reader_who_leaves_while_it_thinks_leaves_no_question(self) -> None:
        chat = model_on(scripted("<think>abc</think>4.", "5.")).chat()

        async def leave_after_two() -> None:
            events = chat.send("2 + 2?")
            assert isinstance(await anext(events), ReasoningDelta)
            await events.aclose()

        run(leave_after_two())
        assert chat.messages == []
        run(collect(chat.send("and 1?")))
        assert [message["content"] for message in chat.messages] == ["and 1?", "5."]

    def test_a_turn_whose_limit_was_reached_while_thinking_is_not_in_the_history(self) -> None:
        model = model_on(scripted("<think>abc</think>4.", "5."))
        chat = model.chat("Be brief.")
        events = run(collect(chat.send("2 + 2?", max_new_tokens=1)))
        assert (reasoning(events), done(events).finish_reason) == ("", "length")
        assert [message["role"] for message in chat.messages] == ["system"]
        run(collect(chat.send("and 1?")))
        assert [message["content"] for message in chat.messages] == ["Be brief.", "and 1?", "5."]

    def test_an_answer_that_is_nothing_is_not_in_the_history(self) -> None:
        chat = model_on(scripted("<think>hm</think>")).chat()
        assert done(run(collect(chat.send("?")))).finish_reason == "stop"
        assert chat.messages == []

    def test_a_failure_half_way_keeps_what_was_shown(self) -> None:
        backend = FailingBackend(successor, fails_at=8, vocab_size=261)
        chat = model_on(backend).chat()
        with pytest.raises(RuntimeError, match="device lost"):
            run(collect(chat.send("?")))
        assert [message["role"] for message in chat.messages] == ["user", "assistant"]

    def test_messages_are_a_copy(self) -> None:
        chat = model_on(scripted()).chat("Be brief.")
        chat.messages[0]["content"] = "Be long."
        assert chat.messages[0]["content"] == "Be brief."
