"""The filters that a chat template may use, each within the bounds of its rendering.

It refuses to know messages. A list, not jinja's whole table: `batch` or `slice` make as much as a number
says, `urlize` or `striptags` take quadratic time, and no chat template needs them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Final

from jinja2.filters import FILTERS

from pagelm.template_budget import Items, TemplateBoundError, TemplateBudget, check_characters, check_elements

Filter = Callable[..., object]

_PLAIN: Final = (
    *("abs", "attr", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "items", "last"),
    *("length", "lower", "reverse", "safe", "string", "trim", "truncate", "upper", "urlencode"),
)
_LAZY: Final = ("map", "reject", "rejectattr", "select", "selectattr")
_OF_LISTS: Final = ("dictsort", "groupby", "list", "max", "min", "sort", "unique")
_OF_PIECES: Final = ("int", "title", "wordcount")
_MAX_INDENT: Final = 8


def bounded_filters(budget: TemplateBudget) -> dict[str, Filter]:
    """Jinja's filters by name, and a `tojson` as transformers has it."""

    def as_items(value: object) -> object:
        return Items(value, budget) if isinstance(value, Iterable) else value

    def as_list(value: object) -> object:
        if isinstance(value, Mapping) or not isinstance(value, Iterable):
            return value
        return budget.take_list(value)

    filters = {name: _bounded(budget, FILTERS[name]) for name in _PLAIN}
    filters |= {name: _bounded(budget, FILTERS[name], as_items) for name in _LAZY}
    filters |= {name: _bounded(budget, FILTERS[name], as_list) for name in _OF_LISTS}
    filters |= {name: _bounded(budget, FILTERS[name], _short) for name in _OF_PIECES}
    filters["join"] = _bounded(budget, _checked_join(FILTERS["join"]), as_list)
    filters["replace"] = _bounded(budget, _checked_replace(FILTERS["replace"]))
    filters["round"] = _bounded(budget, _checked_round(FILTERS["round"]))
    filters["sum"] = _bounded(budget, _checked_sum(FILTERS["sum"]), as_list)
    filters["tojson"] = _bounded(budget, to_json)
    return filters


def to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """As the `tojson` of transformers' chat templates."""
    widths = (indent if isinstance(indent, int) else len(indent or ""), *map(len, separators or ()))
    if max(widths) > _MAX_INDENT:
        raise TemplateBoundError(f"it indents or separates by more than {_MAX_INDENT} characters")
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def check_replacement(text: str, old: str, new: str) -> None:
    """Refuse a replacement whose result is too long, before it is made."""
    count = len(text) + 1 if not old else text.count(old) if len(new) > len(old) else 0
    check_characters(len(text) + count * (len(new) - len(old)))


def check_join(separator: str, items: list[object]) -> None:
    """Refuse a join whose result is too long; the items by themselves are not."""
    check_characters(len(separator) * len(items))


def _bounded(
    budget: TemplateBudget, function: Filter, convert: Callable[[object], object] | None = None
) -> Filter:
    """`function` with its first argument converted, and its result taken from the budget."""
    at = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def run(*arguments: object, **options: object) -> object:
        budget.take_steps(1)
        if convert is not None:
            arguments = (*arguments[:at], convert(arguments[at]), *arguments[at + 1 :])
        result = function(*arguments, **options)
        if isinstance(result, Iterator):
            return Items(result, budget, arguments[at])
        return budget.take_made(result)

    return run


def _short(value: object) -> object:
    """A text that may be cut to pieces, or read as a number."""
    if isinstance(value, str):
        check_elements(len(value))
    return value


def _checked_join(join: Filter) -> Filter:
    @wraps(join)
    def checked(context: object, items: list[object], d: str = "", attribute: object = None) -> object:
        check_join(str(d), items)
        return join(context, items, d, attribute)

    return checked


def _checked_replace(replace: Filter) -> Filter:
    @wraps(replace)
    def checked(context: object, s: object, old: str, new: str, count: int | None = None) -> object:
        check_replacement(str(s), str(old), str(new))
        return replace(context, s, old, new, count)

    return checked


def _checked_round(round_number: Filter) -> Filter:
    @wraps(round_number)
    def checked(value: float, precision: int = 0, method: str = "common") -> object:
        if not -99 <= precision <= 99:
            raise TemplateBoundError(f"it rounds to {precision} digits")
        return round_number(value, precision, method)

    return checked


def _checked_sum(sum_up: Filter) -> Filter:
    @wraps(sum_up)
    def checked(environment: object, iterable: object, attribute: object = None, start: float = 0) -> object:
        if not isinstance(start, int | float):
            raise TemplateBoundError("it sums up other things than numbers")
        return sum_up(environment, iterable, attribute, start)

    return checked
