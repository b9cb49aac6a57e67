"""What fits two expressions at once, as a finite automaton without dead ends."""

from __future__ import annotations

from pagelm.errors import GrammarError
from pagelm.structured.automaton import Automaton, State
from pagelm.structured.expressions import ByteSet, Expression, Table

MAX_INTERSECTION_STATES = 4000


def intersect(left: Expression, right: Expression, *, name: str) -> Table | None:
    """Both at once; None when no text fits.

    Args:
        name: Where they stand, for messages.

    Raises:
        GrammarError: It takes too many states.
    """
    both = Automaton(left, name), Automaton(right, name)
    numbers = {(both[0].start(), both[1].start()): 0}
    edges: list[list[tuple[ByteSet, int]]] = []
    pairs = list(numbers)
    for pair in pairs:
        own: list[tuple[ByteSet, int]] = []
        for members, target in _common_branches(both, pair):
            if target not in numbers:
                numbers[target] = len(pairs)
                pairs.append(target)
            own.append((members, numbers[target]))
        edges.append(own)
        if len(pairs) > MAX_INTERSECTION_STATES:
            raise GrammarError(
                f"{name} would take more than {MAX_INTERSECTION_STATES} states",
                expected="narrow bounds, or a simple pattern",
                remedy="Leave one of the two out, or say both in one pattern.",
            )
    return _without_dead_ends(edges, [left.accepts and right.accepts for left, right in pairs])


def _common_branches(
    both: tuple[Automaton, Automaton], pair: tuple[State, State]
) -> list[tuple[ByteSet, tuple[State, State]]]:
    right = both[1].branches(pair[1])
    return [
        (members & others, (target, other))
        for members, target in both[0].branches(pair[0])
        for others, other in right
        if members & others
    ]


def _without_dead_ends(edges: list[list[tuple[ByteSet, int]]], accepting: list[bool]) -> Table | None:
    """The states from which a text can still end, numbered anew."""
    sources: list[list[int]] = [[] for _ in edges]
    for source, own in enumerate(edges):
        for _, target in own:
            sources[target].append(source)
    waiting = [state for state, accepts in enumerate(accepting) if accepts]
    alive = set(waiting)
    while waiting:
        for source in sources[waiting.pop()]:
            if source not in alive:
                alive.add(source)
                waiting.append(source)
    if 0 not in alive:
        return None
    numbers = {state: number for number, state in enumerate(sorted(alive))}
    kept = tuple(
        tuple((members, numbers[target]) for members, target in edges[state] if target in alive)
        for state in numbers
    )
    return Table(kept, tuple(accepting[state] for state in numbers))
