"""A model that does not think: tags are text, its defaults one mode's, and asking it to think is an error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from fakes import CHAT_TEMPLATE, manifest, model_on, run, scripted, tokenizer_bytes
from pagelm import Done, LanguageModel, ReasoningDelta, TextDelta
from pagelm.errors import ThinkingError, TokenizerError
from pagelm.page_session import PageSession
from pagelm.sampling_options import SamplingOptions
from pagelm.tokenizer import Tokenizer
from unit.text.small_vocabulary import make_vocabulary, without_tags

ASK = [{"role": "user", "content": "2 + 2?"}]


async def said(model: LanguageModel, messages: list[dict[str, str]], **options: Any) -> tuple[str, str, Done]:
    reasoning = text = ""
    async for event in model.reply(messages, **options):
        match event:
            case ReasoningDelta(piece):
                reasoning += piece
            case TextDelta(piece):
                text += piece
            case Done():
                done = event
    return reasoning, text, done


def test_what_looks_like_a_tag_is_text_and_nothing_of_it_is_trimmed() -> None:
    model = model_on(scripted("<think>\nhm\n</think>\n\n4."), thinking=False)
    reasoning, text, done = run(said(model, ASK))
    assert (reasoning, text) == ("", "<think>\nhm\n</think>\n\n4.")
    assert done.usage.reasoning_tokens == 0


def test_reasoning_that_never_ends_is_not_closed() -> None:
    model = model_on(scripted("<think>" + "a" * 600), thinking=False)
    _, text, done = run(said(model, ASK, max_new_tokens=50))
    assert text == "<think>" + "a" * 49
    assert (done.finish_reason, done.usage.reasoning_cut) == ("length", False)


@pytest.mark.parametrize("switch", ["", " /think", " /no_think"])
def test_a_switch_in_a_message_is_text(switch: str) -> None:
    model = model_on(scripted("4."), thinking=False)
    asked = [{"role": "user", "content": "2 + 2?" + switch}]
    assert not model.will_think(asked)


def test_it_samples_as_the_other_mode_does() -> None:
    model = model_on(scripted("4."), thinking=False)
    generate, seen = model.engine.generate, []

    def record(*args: Any, **options: Any) -> Any:
        seen.append(options["sampling"])
        return generate(*args, **options)

    model.engine.generate = record  # type: ignore[method-assign]
    run(said(model, ASK))
    assert seen == [SamplingOptions(temperature=0.7, top_k=20, top_p=0.8, min_p=0.0)]


ASKING: dict[str, Callable[[LanguageModel], object]] = {
    "a reply": lambda model: run(said(model, ASK, enable_thinking=True)),
    "a budget": lambda model: run(said(model, ASK, thinking_budget=5)),
    "a count": lambda model: model.count_tokens(ASK, enable_thinking=True),
    "a prefill": lambda model: run(model.prefill(ASK, enable_thinking=True)),
    "a conversation": lambda model: model.chat(enable_thinking=True),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
def test_asking_it_to_think_is_refused(ask: Callable[[LanguageModel], object]) -> None:
    with pytest.raises(ThinkingError, match="the model does not think"):
        ask(model_on(scripted("4."), thinking=False))


def test_a_conversation_of_it_is_kept_and_goes_on() -> None:
    model = model_on(scripted("4.", "5."), thinking=False)
    chat = model.import_chat(model.chat().export())
    assert chat.enable_thinking is False
    assert model_on(scripted()).chat().enable_thinking is True


def test_the_page_may_leave_out_whether_to_think_and_an_order_to_is_refused() -> None:
    posted: list[tuple[str, dict[str, Any]]] = []
    session = PageSession(
        model_on(scripted("<think>4."), thinking=False),
        lambda kind, id, payload: posted.append((kind, json.loads(payload))),
    )
    request = {"messages": ASK, "sampling": {}}
    run(session.generate(1, json.dumps(request)))
    assert "".join(payload["text"] for kind, payload in posted if kind == "text") == "<think>4."
    run(session.generate(2, json.dumps({**request, "enableThinking": True})))
    kind, payload = posted[-1]
    assert (kind, payload["error"]["name"]) == ("error", "ThinkingError")


def test_a_manifest_that_promises_thinking_needs_the_tags() -> None:
    with pytest.raises(TokenizerError, match="lacks the tags"):
        LanguageModel(
            manifest(), Tokenizer(without_tags(make_vocabulary())), model_on(scripted()).template, scripted()
        )
    LanguageModel.open(manifest(thinking=False), tokenizer_bytes(), CHAT_TEMPLATE, scripted())
