"""The jinja environment of chat templates: Hugging Face's conventions, sandboxed, with authorship kept.

It refuses to know messages and tokens. Conventions are those of transformers' `apply_chat_template`: trimmed
blocks, loop controls, a `tojson` that leaves <>&' alone, `raise_exception` and `strftime_now`. On top of
jinja's own sandbox, a template reaches only methods and filters that are listed, and its work is bounded
(`pagelm.template_budget`): one that loops, multiplies or nests without end stops with an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NoReturn, TypeVar

from jinja2 import TemplateRuntimeError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from pagelm.template_budget import (
    Items,
    TemplateBoundError,
    TemplateBudget,
    check_characters,
    check_elements,
)
from pagelm.template_filters import bounded_filters, check_join, check_replacement
from pagelm.template_text import TemplateText, join_text, template_literal

STEPS_PER_CALL: Final = 10
MAX_CALL_DEPTH: Final = 64
"""Far below Python's own limit, which in Pyodide lies beyond the stack and ends the interpreter."""
MAX_SOURCE_CHARACTERS: Final = 256_000
MAX_TAG_TOKENS: Final = 500
"""Of one {{ }} or {% %}: Pyodide does not survive so much as freeing the syntax tree of a long chain."""
MAX_SOURCE_DEPTH: Final = 200
"""Of the syntax tree: what is left to blocks in each other."""
_MAX_INTEGER_BITS: Final = 1024
_MAX_DATE_FORMAT: Final = 100
_STRING_METHODS: Final = frozenset(
    {
        *("capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha"),
        *("isascii", "isdecimal", "isdigit", "isidentifier", "islower", "isnumeric", "isprintable"),
        *("isspace", "istitle", "isupper", "join", "lower", "lstrip", "partition", "removeprefix"),
        *("removesuffix", "replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split"),
        *("splitlines", "startswith", "strip", "swapcase", "title", "upper"),
    }
)
_DICT_METHODS: Final = frozenset({"copy", "get", "items", "keys", "values"})
_LIST_METHODS: Final = frozenset({"copy", "count", "index"})
_Value = TypeVar("_Value")


class _Generator(CodeGenerator):
    """Compiles string literals to `TemplateText`, and whatever makes or takes much to what counts it."""

    def _output_const_repr(self, group: Iterable[object]) -> str:
        return f"environment.literal({''.join(map(str, group))!r})"

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        if isinstance(node.value, str):
            self.write(f"environment.literal({node.value!r})")
        else:
            super().visit_Const(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.concat([")
        for operand in node.nodes:
            self.write("str(")
            self.visit(operand, frame)
            self.write("), ")
        self.write("])")

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        counted = nodes.EnvironmentAttribute("counted", lineno=node.lineno)
        node.iter = nodes.Call(counted, [node.iter], [], None, None, lineno=node.lineno)
        super().visit_For(node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:
        self.write("environment.budget.take_made(")
        super().visit_List(node, frame)
        self.write(")")

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:
        if node.ctx != "load":
            super().visit_Tuple(node, frame)
            return
        self.write("environment.budget.take_made(")
        super().visit_Tuple(node, frame)
        self.write(")")

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        self.write("environment.budget.take_made(")
        super().visit_Dict(node, frame)
        self.write(")")

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        if not isinstance(node.arg, nodes.Slice):
            super().visit_Getitem(node, frame)
            return
        self.write("environment.budget.take_slice(")
        super().visit_Getitem(node, frame)
        self.write(")")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        self.write("environment.compared")
        super().visit_Compare(node, frame)


class TemplateNamespace(Namespace):
    """Jinja's, but opaque where it is printed: it may hold itself."""

    def __repr__(self) -> str:
        return "<Namespace>"


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Sandboxed environment that renders `TemplateText`. One per template; not for several threads."""

    code_generator_class = _Generator
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        # Unoptimized: constant folding would hide literals inside lists from the code generator.
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, optimized=False, extensions=["jinja2.ext.loopcontrols"]
        )
        self.budget = TemplateBudget()
        self._call_depth = 0
        self.literal = template_literal
        self.concat = self._join  # type: ignore[method-assign]  # jinja's own is a function of the class
        self.filters = bounded_filters(self.budget)
        del self.globals["lipsum"]
        self.globals["namespace"] = TemplateNamespace
        self.globals["raise_exception"] = _raise_exception
        self.globals["strftime_now"] = _strftime_now

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > MAX_SOURCE_CHARACTERS:
            raise TemplateBoundError(f"it has more than {MAX_SOURCE_CHARACTERS} characters")
        self._check_tags(source)
        tree = super()._parse(source, name, filename)
        level: list[nodes.Node] = [tree]
        for _ in range(MAX_SOURCE_DEPTH):
            level = [child for node in level for child in node.iter_child_nodes()]
        if level:
            raise TemplateBoundError(f"it nests more than {MAX_SOURCE_DEPTH} levels deep")
        return tree

    def _check_tags(self, source: str) -> None:
        tokens = 0
        for _, kind, _ in self.lex(source):
            tokens = 0 if kind == "data" or kind.endswith("_begin") else tokens + (kind != "whitespace")
            if tokens > MAX_TAG_TOKENS:
                raise TemplateBoundError(f"it has a tag of more than {MAX_TAG_TOKENS} tokens")

    def counted(self, items: Iterable[_Value]) -> Items[_Value]:
        """`items`, each taken from the budget of this rendering."""
        return Items(items, self.budget)

    def compared(self, result: _Value) -> _Value:
        """What a comparison gave, which may have had much to compare."""
        self.budget.take_steps(1)
        return result

    def call(__self, __context: Context, __obj: object, *args: object, **kwargs: object) -> object:  # noqa: N805  a template may pass any keyword
        """Jinja's sandboxed call, taken from the budget: macros can call each other without a loop."""
        __self.budget.take_steps(STEPS_PER_CALL)
        if __self._call_depth == MAX_CALL_DEPTH:
            raise TemplateBoundError(f"it calls more than {MAX_CALL_DEPTH} levels deep")
        __self._call_depth += 1
        try:
            args = __self._check_method(__obj, args, kwargs)
            return __self.budget.take_made(super().call(__context, __obj, *args, **kwargs))
        finally:
            __self._call_depth -= 1

    def _check_method(
        self, method: object, args: tuple[object, ...], kwargs: dict[str, object]
    ) -> tuple[object, ...]:
        """The arguments of a call, refused where a method of strings would make much of little."""
        text, name = getattr(method, "__self__", None), getattr(method, "__name__", "")
        if not isinstance(text, str):
            return args
        if name == "join" and args and isinstance(args[0], Iterable):
            items = self.budget.take_list(args[0])
            check_join(text, items)
            return (items,)
        if name == "replace" and all(isinstance(part, str) for part in args[:2]):
            check_replacement(text, *map(str, [*args, *kwargs.values()][:2]))
        if name in ("split", "rsplit", "splitlines"):
            separator = args[0] if args else kwargs.get("sep")
            check_elements(
                text.count(separator) if isinstance(separator, str) and separator else len(text) // 8
            )
        return args

    def wrap_str_format(self, value: object) -> None:
        """Leave `str.format` to `is_safe_attribute`, which refuses it: a width could fill memory."""

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        if isinstance(obj, str):
            return attr in _STRING_METHODS
        if isinstance(obj, dict):
            return attr in _DICT_METHODS
        if isinstance(obj, list | tuple):
            return attr in _LIST_METHODS or attr in getattr(obj, "_fields", ())
        if type(obj).__module__ == "builtins":
            return False  # `(1).to_bytes` makes as many as are asked for
        return super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        if operator == "%" and isinstance(left, str):
            raise TemplateBoundError("it formats with %")
        if operator == "**":
            raise TemplateBoundError("it computes with ** beyond bounds")
        _check_result(operator, left, right)
        return self.budget.take_made(super().call_binop(context, operator, left, right))

    def _join(self, parts: Iterable[str]) -> TemplateText:
        parts = list(parts)
        check_characters(sum(map(len, parts)))
        return self.budget.take_made(join_text(parts))


def _check_result(operator: str, left: object, right: object) -> None:
    """Refuse + and * whose result is too long, before it is made."""
    if isinstance(left, int) and isinstance(right, int):
        if left.bit_length() + right.bit_length() > _MAX_INTEGER_BITS:
            raise TemplateBoundError(f"it computes with {operator} beyond bounds")
        return
    sequence, count = (right, left) if isinstance(left, int) else (left, right)
    if operator == "*" and isinstance(count, int):
        _check_length(sequence, _length(sequence) * count)
    elif operator == "+":
        _check_length(left, _length(left) + _length(right))


def _check_length(sequence: object, length: int) -> None:
    if isinstance(sequence, str):
        check_characters(length)
    else:
        check_elements(length)


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple) else 0


def _raise_exception(message: str) -> NoReturn:
    raise TemplateRuntimeError(message)


def _strftime_now(format: str) -> str:
    if len(format) > _MAX_DATE_FORMAT:
        raise TemplateBoundError(f"it asks for a date in more than {_MAX_DATE_FORMAT} characters")
    return datetime.now().strftime(format)
