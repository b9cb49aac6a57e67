"""A template is somebody's program: it ends, and it reaches nothing but what it was given."""

from __future__ import annotations

from itertools import count, pairwise

import pytest

from pagelm import template_budget
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


def growing(expression: str) -> str:
    """A template whose value grows step by step, or is made anew with each."""
    loop = f"{{% for _ in range(99999) %}}{{% set n.s = {expression} %}}{{% endfor %}}{{{{ n.s }}}}"
    return "{% set n = namespace(s='a', b='a' * 7000000) %}" + loop


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "steps"),
        ("{% for a in range(99999) %}{% for b in range(999) if b < 0 %}{% endfor %}{% endfor %}", "steps"),
        ("{% macro a() %}{% endmacro %}" + DOUBLING_MACROS, "steps"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "levels deep"),
        ("{{ range(1000000) | list }}", "Range too big"),
        ("{{ 'a' * 1000000000 }}", "copies"),
        ("{{ 1000000000 * 'a' }}", "copies"),
        ("{{ [0] * 1000000000 }}", "elements"),
        ("{{ 9 ** 9 ** 9 }}", "beyond bounds"),
        (doubling("n.s + n.s"), "joins"),
        (doubling("[n.s, n.s]"), "joins"),
        (doubling("n.s | list + n.s | list"), "elements"),
        (doubling("namespace(s=n.s)") + "{{ n.s }}{{ 'a' * 9000000 }}", "copies"),
        (doubling("n.s ~ n.s"), "joins"),
        ("{% for _ in range(9999) %}{{ 'a' * 10000 }}{% endfor %}", "writes"),
        ("{{ '%999999999d' % 1 }}", "formats"),
        ("{{ '{:>999999999}'.format(1) }}", "unsafe"),
        ("{{ 'a'.ljust(999999999) }}", "unsafe"),
        ("{{ 'a'.encode().center(999999999) }}", "unsafe"),
        ("{{ (1).to_bytes(999999999, 'big') }}", "unsafe"),
        ("{{ 'a'.translate({97: 'a' * 9999}) }}", "unsafe"),
        ("{{ dict.fromkeys(range(9)) }}", "unsafe"),
        ("{{ ('a' * 9999) | replace('a', 'a' * 9999) }}", "copies"),
        ("{{ ('a' * 9999).replace('a', 'a' * 9999) }}", "copies"),
        ("{{ 'aaaa'.replace('', 'a' * 7999999) }}", "copies"),
        ("{{ range(9999) | join('a' * 9999) }}", "copies"),
        ("{{ ('a' * 9999).join(range(9999) | map('string')) }}", "copies"),
        ("{{ [['a' * 9999] * 9999] }}", "copies"),
        ("{{ range(99999) | map(attribute='x', default='a' * 99999) | join }}", "copies"),
        ("{{ [1] | tojson(indent=999999999) }}", "indents"),
        ("{{ [1] | tojson(separators=('a' * 9999, ':')) }}", "separates"),
        ("{{ 1.5 | round(999999999, 'ceil') }}", "rounds"),
        ("{{ [[1]] | sum(start=[]) }}", "sums"),
        ("{{ ('a ' * 3999999).split(' ') }}", "elements"),
        ("{{ ('a ' * 3999999).split() }}", "elements"),
        ("{{ ('a ' * 3999999) | list }}", "elements"),
        ("{{ strftime_now('%Y' * 9999) }}", "date"),
        (growing("[n.s]"), "lists more than"),
        (growing("n.s | map('string')"), "iterators more than"),
        (growing("n.b + 'a'"), "makes"),
        (growing("n.b[1:]"), "makes"),
        (growing("n.b | upper"), "makes"),
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


def test_what_no_count_foresees_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each comparison of long texts is one step: half a million of them would take minutes."""
    hours = count(0, 3600)
    monkeypatch.setattr(template_budget.time, "monotonic", lambda: next(hours))
    with pytest.raises(TemplateError, match="seconds"):
        ChatTemplate("{% if messages[0].content == 'x' %}{% endif %}").render([{"content": "x"}])


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{{ messages" + ".a" * 5000 + " }}", "tokens"),
        ("{{ 1" + " + 1" * 5000 + " }}", "tokens"),
        ("{{ messages" + " | first" * 5000 + " }}", "tokens"),
        ("{{ " + "(" * 5000 + "1", "tokens"),
        ("{{ " + "not " * 5000 + "1 }}", "tokens"),
        ("{{ messages" + ".a" * 240 + " }}", "levels deep"),
        ("{% if 1 %}" * 5000 + "{% endif %}" * 5000, "recursion"),
        ("{% for a in b %}" * 30 + "{% endfor %}" * 30, "nested"),
        ("a" * 300_000, "characters"),
    ],
)
def test_a_source_that_nests_without_end_is_refused(source: str, named: str) -> None:
    with pytest.raises(TemplateError, match=f"does not compile.*{named}"):
        ChatTemplate(source)


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("{% set n = namespace() %}{% set n.a = n %}{{ n }}", "<Namespace>"),
        ("{{ [3, 1] | sort | join(',') }} {{ [1, 2] | sum }} {{ 2.5 | round }}", "1,3 3 2.0"),
        ("{{ messages | map(attribute='role') | unique | list }}", "['user']"),
        ("{{ messages | selectattr('role', 'equalto', 'user') | list | length }}", "1"),
        ("{{ 'a,b'.split(',')[1:] | tojson(indent=2) }}", '[\n  "b"\n]'),
        ("{% for group in messages | groupby('role') %}{{ group.grouper }}{% endfor %}", "user"),
        ("{{ 'a b'.title().replace(' ', '-') }} {{ '+'.join(['a', 'b']) }}", "A-B a+b"),
        ("{{ messages[0].get('role') }} {{ dict(a=1) }} {{ (1, 2)[::-1] }}", "user {'a': 1} (2, 1)"),
    ],
)
def test_what_templates_need_is_there(source: str, shown: str) -> None:
    assert ChatTemplate(source).render([{"role": "user", "content": "x"}]) == shown


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
