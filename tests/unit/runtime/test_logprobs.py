"""Log probabilities, by hand and through the model; tests/parity holds them against torch."""

from __future__ import annotations

from math import exp, log

import pytest

from fakes import VOCAB_SIZE, RecordingBackend, collect, model_on, run, scripted, successor
from pagelm.engine import Engine
from pagelm.engine_steps import Token
from pagelm.errors import SamplingError
from pagelm.events import Done, Logprobs, TextDelta
from pagelm.logprobs import step_logprobs
from pagelm.sampling_options import SamplingOptions

ASK = [{"role": "user", "content": "?"}]


def test_probabilities_are_those_of_the_whole_vocabulary() -> None:
    step = step_logprobs([log(1.0), log(2.0), log(5.0)], 0, 2)
    assert exp(step.logprob) == pytest.approx(1 / 8)
    assert [token_id for token_id, _ in step.top] == [2, 1]
    assert [exp(logprob) for _, logprob in step.top] == pytest.approx([5 / 8, 2 / 8])


def test_great_logits_do_not_overflow() -> None:
    assert step_logprobs([1e30, 0.0], 0, 0).logprob == 0.0


def test_each_token_comes_with_its_own() -> None:
    events = run(collect(model_on(scripted("ab")).reply(ASK, top_logprobs=2)))
    told = [event for event in events if isinstance(event, Logprobs)]
    assert [event.chosen.token for event in told] == [b"a", b"b"]
    assert all(event.top[0] == event.chosen for event in told)
    assert [type(event) for event in events if not isinstance(event, Done)] == [Logprobs, TextDelta] * 2


def test_sampling_options_do_not_change_them() -> None:
    options = SamplingOptions(temperature=0.0, logit_bias={7: 100.0})
    engine = Engine(RecordingBackend(successor, vocab_size=VOCAB_SIZE))
    steps = run(
        collect(engine.generate([1], sampling=options, eos_token_ids=[], max_new_tokens=1, top_logprobs=1))
    )
    token = next(step for step in steps if isinstance(step, Token))
    assert token.logprobs is not None
    assert token.token_id == 7
    assert token.logprobs.top[0][0] == 2
    assert token.logprobs.logprob < token.logprobs.top[0][1]


def test_nobody_pays_who_does_not_ask() -> None:
    backend = RecordingBackend(successor, vocab_size=VOCAB_SIZE)
    options = SamplingOptions(temperature=0.0)
    run(collect(Engine(backend).generate([1], sampling=options, eos_token_ids=[], max_new_tokens=3)))
    assert ("logits",) not in backend.calls


@pytest.mark.parametrize("top", [-1, 21])
def test_a_number_out_of_range_is_refused(top: int) -> None:
    with pytest.raises(SamplingError, match=f"top_logprobs is {top}"):
        run(collect(model_on(scripted("ab")).reply(ASK, top_logprobs=top)))


def test_a_text_goes_on_without_template_and_tags() -> None:
    model = model_on(scripted("<think>b"))
    events = run(collect(model.generate("a")))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "<think>b"
    assert events[-1].usage.prompt_tokens == 1  # type: ignore[union-attr]


def test_markers_in_a_text_are_tokens_only_on_request() -> None:
    model = model_on(scripted("x", "x"))
    plain = run(collect(model.generate("<|im_end|>")))
    special = run(collect(model.generate("<|im_end|>", allow_special=True)))
    counts = [events[-1].usage.prompt_tokens for events in (plain, special)]  # type: ignore[union-attr]
    assert counts == [10, 1]


def test_a_stop_string_ends_a_text() -> None:
    events = run(collect(model_on(scripted("one. two")).generate("a", stop=["."])))
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "one"
