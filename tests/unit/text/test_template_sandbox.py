"""A template is somebody's program: it ends, and it reaches nothing but what it was given."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pagelm.chat_template import ChatTemplate
from pagelm.errors import TemplateError

# 2^25 calls without a loop
DOUBLING_MACROS = (
    "".join(
        f"{{% macro {name}() %}}{{{{ {called}() }}}}{{{{ {called}() }}}}{{% endmacro %}}"
        for called, name in pairwise("abcdefghijklmnopqrstuvwxyz")
    )
    + "{{ z() }}"
)


def doubling(expression: str) -> str:
    """A template whose string grows to 2^99 characters."""
    loop = f"{{% for _ in range(99) %}}{{% set n.s = {expression} %}}{{% endfor %}}"
    return "{% set n = namespace(s='a') %}" + loop


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps"),
        ("{% for a in range(99999) %}{% for b in range(999) if b < 0 %}{% endfor %}{% endfor %}", "steps"),
        ("{% macro a() %}{% endmacro %}" + DOUBLING_MACROS, "steps"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "levels deep"),
        ("{{ range(1000000) | list }}", "Range too big"),
        ("{{ 'a' * 1000000000 }}", "beyond bounds"),
        ("{{ 1000000000 * 'a' }}", "beyond bounds"),
        ("{{ [0] * 1000000000 }}", "beyond bounds"),
        ("{{ 9 ** 9 ** 9 }}", "beyond bounds"),
        (doubling("n.s + n.s"), "beyond bounds"),
        (doubling("n.s ~ n.s"), "joins"),
        ("{% for _ in range(9999) %}{{ 'a' * 10000 }}{% endfor %}", "writes"),
        ("{{ '%999999999d' % 1 }}", "formats"),
        ("{{ '{:>999999999}'.format(1) }}", "unsafe"),
        ("{{ 'a'.ljust(999999999) }}", "unsafe"),
        ("{{ messages[0].content.center(999999999) }}", "unsafe"),
    ],
)  # fmt: skip
def test_work_without_end_is_stopped(source: str, named: str) -> None:
    with pytest.raises(TemplateError, match=named):
        ChatTemplate(source).render([{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ 'x'['__class__'].__mro__ }}",
        "{{ ('' | attr('__class__')).__mro__ }}",
        "{{ raise_exception.__globals__['json'] }}",
        "{{ strftime_now.__globals__ }}{{ strftime_now.__globals__.x }}",
        "{{ messages.append(1) }}",
        "{{ messages[0].update({}) }}",
        "{{ messages[0].content.spans.x.y }}",
        "{{ self.__init__.__globals__ }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ lipsum() }}",
        "{{ 'a' | center(99) }}",
    ],
)
def test_what_was_not_given_is_out_of_reach(source: str) -> None:
    with pytest.raises(TemplateError):
        ChatTemplate(source).render([{"role": "user", "content": "x"}])


def test_each_rendering_has_its_own_budget() -> None:
    template = ChatTemplate("{% for a in range(300) %}{% for b in range(999) %}{% endfor %}{% endfor %}ok")
    assert [template.render([]) for _ in range(2)] == ["ok", "ok"]


def test_a_failed_rendering_leaves_the_template_usable() -> None:
    template = ChatTemplate("{{ 'a' + messages[0].content }}")
    with pytest.raises(TemplateError):
        template.render([])
    assert template.render([{"content": "b"}]) == "ab"


def test_messages_are_not_changed() -> None:
    message = {"role": "user", "content": "x"}
    ChatTemplate("{% set m = messages[0] %}{{ m.content }}").render([message])
    assert message == {"role": "user", "content": "x"}
