"""The jinja environment of chat templates: Hugging Face's conventions, sandboxed, with authorship kept.

It refuses to know messages and tokens. Conventions are those of transformers' `apply_chat_template`: trimmed
blocks, loop controls, a `tojson` that leaves <>&' alone, `raise_exception` and `strftime_now`. On top of
jinja's own sandbox, work is bounded: a template that loops or multiplies without end stops with an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NoReturn, TypeVar

from jinja2 import TemplateRuntimeError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pagelm.template_text import TemplateText, join_text, template_literal

MAX_STEPS: Final = 500_000
STEPS_PER_CALL: Final = 10
MAX_CHARACTERS: Final = 16_000_000
MAX_CALL_DEPTH: Final = 64
"""Far below Python's own limit, which in Pyodide lies beyond the stack and ends the interpreter."""
_PADDING_METHODS: Final = frozenset(
    {"center", "expandtabs", "format", "format_map", "ljust", "rjust", "zfill"}
)
_PADDING_FILTERS: Final = ("center", "format", "indent", "wordwrap")
_Item = TypeVar("_Item")


class _Generator(CodeGenerator):
    """Compiles string literals to `TemplateText` and counts what loops take."""

    def _output_const_repr(self, group: Iterable[object]) -> str:
        return f"environment.literal({''.join(map(str, group))!r})"

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:  # noqa: N802  jinja's visitor protocol
        if isinstance(node.value, str):
            self.write(f"environment.literal({node.value!r})")
        else:
            super().visit_Const(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("environment.concat([")
        for operand in node.nodes:
            self.write("str(")
            self.visit(operand, frame)
            self.write("), ")
        self.write("])")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802
        counted = nodes.EnvironmentAttribute("counted", lineno=node.lineno)
        node.iter = nodes.Call(counted, [node.iter], [], None, None, lineno=node.lineno)
        super().visit_For(node, frame)


def _join_within_bounds(parts: Iterable[str]) -> TemplateText:
    parts = list(parts)
    if sum(map(len, parts)) > MAX_CHARACTERS:
        raise TemplateRuntimeError(f"it joins more than {MAX_CHARACTERS} characters")
    return join_text(parts)


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Sandboxed environment that renders `TemplateText`. One per template; not for several threads."""

    code_generator_class = _Generator
    concat = staticmethod(_join_within_bounds)
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        # Unoptimized: constant folding would hide literals inside lists from the code generator.
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, optimized=False, extensions=["jinja2.ext.loopcontrols"]
        )
        self.steps_left = MAX_STEPS
        self._call_depth = 0
        self.literal = template_literal
        for name in _PADDING_FILTERS:
            del self.filters[name]
        del self.globals["lipsum"]
        self.filters["tojson"] = _to_json
        self.globals["raise_exception"] = _raise_exception
        self.globals["strftime_now"] = _strftime_now

    def counted(self, items: Iterable[_Item]) -> Iterator[_Item]:
        """`items`, each taken from the budget of this rendering."""
        for item in items:
            self._take_steps(1)
            yield item

    def call(__self, __context: Context, __obj: object, *args: object, **kwargs: object) -> object:  # noqa: N805  a template may pass any keyword
        """Jinja's sandboxed call, taken from the budget: macros can call each other without a loop."""
        __self._take_steps(STEPS_PER_CALL)
        if __self._call_depth == MAX_CALL_DEPTH:
            raise TemplateRuntimeError(f"it calls more than {MAX_CALL_DEPTH} levels deep")
        __self._call_depth += 1
        try:
            return super().call(__context, __obj, *args, **kwargs)
        finally:
            __self._call_depth -= 1

    def wrap_str_format(self, value: object) -> None:
        """Leave `str.format` to `is_safe_attribute`, which refuses it: a width could fill memory."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        if isinstance(obj, str) and attr in _PADDING_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if operator == "%" and isinstance(left, str):
            raise TemplateRuntimeError("it formats with %")
        if operator == "**" or _result_length(operator, left, right) > MAX_CHARACTERS:
            raise TemplateRuntimeError(f"it computes with {operator} beyond bounds")
        return super().call_binop(context, operator, left, right)

    def _take_steps(self, count: int) -> None:
        self.steps_left -= count
        if self.steps_left < 0:
            raise TemplateRuntimeError(f"it takes more than {MAX_STEPS} steps")


def _result_length(operator: str, left: object, right: object) -> int:
    """Characters, elements or bits of the result of + or *; 0 for types that cannot grow."""
    if isinstance(left, int) and isinstance(right, int):
        return left.bit_length() + right.bit_length()
    if operator == "+":
        return _length(left) + _length(right)
    sequence, count = (right, left) if isinstance(left, int) else (left, right)
    return _length(sequence) * count if operator == "*" and isinstance(count, int) else 0


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _to_json(
    value: object,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise_exception(message: str) -> NoReturn:
    raise TemplateRuntimeError(message)


def _strftime_now(format: str) -> str:
    return datetime.now().strftime(format)
