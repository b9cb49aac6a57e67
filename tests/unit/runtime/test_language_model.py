"""pagelm.language_model on scripted replies."""

from __future__ import annotations

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
    RecordingBackend,
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
    TemplateError,
    TokenizerError,
)
from pagelm.events import Done, Event, TextDelta
from pagelm.language_model import LanguageModel
from pagelm.manifest import parse_manifest
from pagelm.sampling_options import SamplingOptions
from pagelm.scripted import ScriptedBackend
from replies import ASK, done, reasoning, reply, text, usage


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
    events = reply(model_on(scripted("a🦜")), max_new_tokens=3, enable_thinking=False)
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
