"""Which models think, by their vocabulary and chat template, in the manner of published checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from pagelm.vocabulary_format import pack_vocabulary
from pagelm_builder.thinking_support import does_think
from unit.text.small_vocabulary import make_vocabulary, without_tags

VOCABULARY = make_vocabulary()
TAGGED = pack_vocabulary(VOCABULARY)
UNTAGGED = pack_vocabulary(without_tags(VOCABULARY))
QWEN3 = (Path(__file__).parents[1] / "text" / "qwen3.jinja").read_text(encoding="utf-8")
TURNS = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>' }}{% endfor %}"
OPENING = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
SHORTENED = (
    "{% for m in messages %}{% set content = m.content %}"
    "{% if m.role == 'assistant' and '</think>' in content %}"
    "{% set content = content.split('</think>')[-1] %}{% endif %}"
    "{{ '<|im_start|>' + content + '<|im_end|>' }}{% endfor %}"
)
THINK = {
    "a switch, and reasoning in the last reply": QWEN3,
    "every reply opens with a tag": TURNS + OPENING + "{% if add_generation_prompt %}<think>\n{% endif %}",
    "the model writes its tags, earlier ones go": SHORTENED + OPENING,
    "reasoning of a reply": TURNS.replace(
        "m.content",
        "(('<think>' + m.reasoning_content + '</think>') if m.reasoning_content else '') + m.content",
    ),
    "only an empty block where thinking is off": TURNS
    + "{% if enable_thinking is false %}{{ '<think>\n\n</think>' }}{% endif %}",
}
DO_NOT = {
    "turns and nothing else": TURNS + OPENING,
    "tags are named and never written": "{# <think> #}" + TURNS + "{% set t = '<think>' %}",
    "every chat is refused": "{{ raise_exception('no') }}<think>",
    "no reply is written at all": "{{ messages[0].content }}",
}


@pytest.mark.parametrize("template", THINK.values(), ids=THINK)
def test_it_thinks_with_tags_that_the_template_knows(template: str) -> None:
    assert does_think(TAGGED, template, {})


@pytest.mark.parametrize("template", THINK.values(), ids=THINK)
def test_without_tokens_for_the_tags_it_does_not_think(template: str) -> None:
    assert not does_think(UNTAGGED, template, {})


@pytest.mark.parametrize("template", DO_NOT.values(), ids=DO_NOT)
def test_tokens_alone_make_no_thinking(template: str) -> None:
    assert not does_think(TAGGED, template, {})


def test_a_named_token_may_be_the_tag() -> None:
    template = TURNS + "{% if add_generation_prompt %}{{ sep_token }}{% endif %}"
    assert does_think(TAGGED, template, {"sep_token": "<think>"})
