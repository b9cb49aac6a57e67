"""An expression as nodes that point to what follows; rules are called, repetitions counted.

Made from the end to the start, so that equal endings are the same nodes. Options that no finite text fits are
left out, so that whoever follows the network never gets stuck.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from pagelm.structured.expressions import ByteSet, Chain, Choice, Expression, OneByte, Repeat, Rule, Table


class BytesNode:
    """Wants one byte: edges of members and what follows them."""

    __slots__ = ("edges",)

    def __init__(self, edges: tuple[tuple[ByteSet, Node], ...] = ()) -> None:
        self.edges = edges


class SplitNode:
    """Goes on at any of these, without a byte."""

    __slots__ = ("targets",)

    def __init__(self) -> None:
        self.targets: tuple[Node, ...] = ()


class CallNode:
    """Goes on in a rule, and after it at `returns_to`."""

    __slots__ = ("_network", "_rule", "returns_to")

    def __init__(self, network: Network, rule: Rule, returns_to: Node) -> None:
        self._network = network
        self._rule = rule
        self.returns_to = returns_to

    def target(self) -> Node:
        return self._network.of_rule(self._rule)


class RepeatNode:
    """Goes through `body` from `minimum` to `maximum` times and then on at `following`."""

    __slots__ = ("body", "following", "maximum", "minimum")

    def __init__(self, body: Node, minimum: int, maximum: int | None, following: Node) -> None:
        self.body = body
        self.minimum = minimum
        self.maximum = maximum
        self.following = following


class EndNode:
    """The end of a rule, of a round of a repetition, or of the text."""

    __slots__ = ()


Node: TypeAlias = BytesNode | SplitNode | CallNode | RepeatNode | EndNode
END: Final = EndNode()


class Network:
    """The nodes of one expression; those of a rule are made when it is called for the first time."""

    def __init__(self) -> None:
        self._productive: set[Expression] = set()
        self._rules: dict[Rule, Node] = {}
        self._made: dict[tuple[Expression, Node], Node] = {}

    def add(self, expression: Expression) -> Node | None:
        """The node where the expression begins; None when no finite text fits."""
        self._find_productive_rules(expression)
        return self._make(expression, END) if self._is_productive(expression) else None

    def of_rule(self, rule: Rule) -> Node:
        """The node where a rule begins."""
        node = self._rules.get(rule)
        if node is None:
            node = self._rules[rule] = self._make(_body(rule), END)
        return node

    def _make(self, expression: Expression, following: Node) -> Node:
        """The nodes of an expression from which a finite text comes, before `following`."""
        key = (expression, following)
        node = self._made.get(key)
        if node is None:
            node = self._made[key] = self._make_new(expression, following)
        return node

    def _make_new(self, expression: Expression, following: Node) -> Node:
        match expression:
            case OneByte(members):
                return BytesNode(((members, following),))
            case Chain(parts):
                for part in reversed(parts):
                    following = self._make(part, following)
                return following
            case Choice(options):
                split = SplitNode()
                split.targets = tuple(
                    self._make(option, following) for option in options if self._is_productive(option)
                )
                return split
            case Repeat(body, minimum, maximum):
                return self._make_repeat(body, minimum, maximum, following)
            case Rule():
                return CallNode(self, expression, following)
            case Table(edges, accepting):
                return _make_table(edges, accepting, following)

    def _make_repeat(self, body: Expression, minimum: int, maximum: int | None, following: Node) -> Node:
        if maximum == 0 or not self._is_productive(body):
            return following
        if (minimum, maximum) == (1, 1):
            return self._make(body, following)
        if minimum > 1 or maximum not in (1, None):
            return RepeatNode(self._make(body, END), minimum, maximum, following)
        split = SplitNode()
        start = self._make(body, split if maximum is None else following)
        split.targets = (start, following)
        return split if minimum == 0 else start

    def _is_productive(self, expression: Expression) -> bool:
        """Whether a finite text fits, as far as the rules are known."""
        if expression in self._productive:
            return True
        productive = self._has_text(expression)
        if productive:
            self._productive.add(expression)
        return productive

    def _has_text(self, expression: Expression) -> bool:
        match expression:
            case OneByte(members):
                return members != 0
            case Chain(parts):
                return all(map(self._is_productive, parts))
            case Choice(options):
                return any(map(self._is_productive, options))
            case Repeat(body, minimum):
                return minimum == 0 or self._is_productive(body)
            case Rule():
                return False  # not known yet
            case Table(edges):
                return bool(edges)

    def _find_productive_rules(self, expression: Expression) -> None:
        unproductive = _rules_in(expression)
        grows = True
        while grows:
            left = []
            for rule in reversed(unproductive):  # what a rule needs is mostly found after it
                if self._is_productive(_body(rule)):
                    self._productive.add(rule)
                else:
                    left.append(rule)
            grows = len(left) < len(unproductive)
            unproductive = left[::-1]


def _rules_in(expression: Expression) -> list[Rule]:
    """Every rule that the expression can come to."""
    rules: dict[Rule, None] = {}
    seen: set[Expression] = set()
    waiting = [expression]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        match current:
            case Chain(parts) | Choice(parts):
                waiting += parts
            case Repeat(body):
                waiting.append(body)
            case Rule():
                rules[current] = None
                waiting.append(_body(current))
            case _:
                pass
    return list(rules)


def _body(rule: Rule) -> Expression:
    assert rule.body is not None, f"{rule.name} was never filled in"
    return rule.body


def _make_table(
    edges: tuple[tuple[tuple[ByteSet, int], ...], ...], accepting: tuple[bool, ...], following: Node
) -> Node:
    """Two nodes for each state: one that may end, one that wants a byte."""
    states = [SplitNode() for _ in edges]
    for split, own, accepts in zip(states, edges, accepting, strict=True):
        wants = BytesNode(tuple((members, states[target]) for members, target in own))
        split.targets = (wants, following) if accepts else (wants,)
    return states[0]
