"""pagelm.thinking_switch: what is a switch, and what only speaks of one."""

from __future__ import annotations

import pytest

from pagelm.thinking_switch import is_thinking_switched_off


def off(*contents: str, role: str = "user") -> bool:
    return is_thinking_switched_off([{"role": role, "content": content} for content in contents])


@pytest.mark.parametrize(
    "content",
    [
        "What is 2 + 2? /no_think",
        "/no_think What is 2 + 2?",
        "/no_think",
        "Answer\n/no_think.\n",
        "a /think b /no_think",
        "你好。/no_think",
        "你好 /no_think。",
        "你好/no_think",
        "/no_think你好",
        "二加二等于几？/no_think",
        "こんにちは、/no_think",
        "（/no_think）",
        "2+2?/no_think",
        "Add these./no_think",
        "(/no_think)",
        "你好/think。再见/no_think",
    ],
)
def test_no_think_switches_thinking_off(content: str) -> None:
    assert off(content)


@pytest.mark.parametrize(
    "content", ["What is 2 + 2?", "/think", "a /no_think b /think", "你好。/no_think。/think", ""]
)
def test_think_or_nothing_leaves_it_on(content: str) -> None:
    assert not off(content)


def test_the_last_message_with_a_switch_counts() -> None:
    assert off("/think", "/no_think", "and now?")
    assert not off("/no_think", "/think", "and now?")


def test_the_system_may_switch_and_the_assistant_may_not() -> None:
    assert off("/no_think", role="system")
    assert not off("/no_think", role="assistant")
    assert not off("/no_think", role="tool")


@pytest.mark.parametrize(
    "content",
    [
        "What does `/no_think` do?",
        "What does ``a ` /no_think b`` do?",
        "```\n x /no_think\n```\nWhat is that?",
        "```\n x /no_think",
        'What does "say /no_think now" mean?',
        "What does “say /no_think now” mean?",
        "「/no_think」是什么？",
        "“你好。/no_think”是什么？",
        "『/no_think』とは？",
        "`你好。/no_think`是什么？",
        r"What does \/no_think do?",
        r"什么是\/no_think？",
        "Run ./no_think",
        "Run ../no_think",
        "See C:/no_think",
        "See https://example.org/no_think",
        "See docs/no_think",
        "/no_thinking",
        "/no_think/",
    ],
)
def test_a_mention_is_no_switch(content: str) -> None:
    assert not off(content)


def test_a_switch_beside_a_mention_counts() -> None:
    assert off("What does `/think` do? /no_think")


def test_contents_that_are_no_text_are_left_alone() -> None:
    assert not is_thinking_switched_off([{"role": "user", "content": None}, {"role": "user"}])


def test_a_long_text_of_openings_ends_soon() -> None:
    """Backtracking over every pair of marks would take minutes."""
    assert off('`"' * 20_000 + " \n/no_think")
