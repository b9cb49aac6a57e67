"""Reads an expression byte by byte: a pushdown automaton whose deterministic states are made as they are
reached.

    expression ─ network ─► nodes ─ Automaton ─► State ─ byte ─► State …

A `State` is a set of threads, each a node and the stack of what has to follow once its rule or its
repetition ends. Stacks and states are interned, so a state that comes again is the same object and its
transitions are known. Repetitions are counted on the stack: a string of at most 10,000 characters costs no
more nodes than one of ten.
"""

from __future__ import annotations

from typing import TypeAlias

from pagelm.errors import GrammarError
from pagelm.structured.expressions import ByteSet, Expression
from pagelm.structured.network import END, BytesNode, CallNode, Network, Node, RepeatNode, SplitNode

MAX_THREADS = 1024
"""Most readings of one text at once; more is an expression that can be read in too many ways."""
MAX_KNOWN_STATES = 4096
"""Known states are forgotten beyond this many, some 10 MB; a reply that is under way finds new ones."""


class Frame:
    """What goes on when a rule, or a round of a repetition, ends.

    Attributes:
        node: Where.
        count: Rounds before this one; -1 for a rule.
        parent: What goes on after that.
    """

    __slots__ = ("count", "node", "parent")

    def __init__(self, node: Node, count: int, parent: Frame | None) -> None:
        self.node = node
        self.count = count
        self.parent = parent


Thread: TypeAlias = tuple[BytesNode, Frame | None]


class State:
    """What has been read so far, as far as it matters for what may follow.

    Attributes:
        accepts: Whether the text may end here.
        next: Known transitions by byte; None: the byte cannot follow. Others have to be asked for.
        members: The bytes that may follow.
    """

    __slots__ = ("_edges", "_readings", "accepts", "members", "next")

    def __init__(self, threads: frozenset[Thread], accepts: bool) -> None:
        self._edges = [(members, target, stack) for node, stack in threads for members, target in node.edges]
        self._readings: dict[tuple[int, ...], State] = {}
        self.accepts = accepts
        self.next: dict[int, State | None] = {}
        self.members: ByteSet = 0
        for members, _, _ in self._edges:
            self.members |= members


class Automaton:
    """Of one expression.

    Args:
        expression: What to read.
        name: What it is, for messages.

    Raises:
        GrammarError: No text at all fits.
    """

    def __init__(self, expression: Expression, name: str) -> None:
        self._name = name
        self._network = Network()
        self._start = self._network.add(expression)
        self._frames: dict[tuple[Node, int, Frame | None], Frame] = {}
        self._states: dict[tuple[frozenset[Thread], bool], State] = {}
        if self._start is None:
            raise GrammarError(
                f"{name} allows no text at all",
                expected="something that a finite answer can fit",
                remedy="Look for sets without members, and for parts that always contain themselves.",
            )

    def start(self, prefix: bytes = b"") -> State:
        """The state before the text; with `prefix`, the text begins after these bytes."""
        node: Node | None = self._start
        assert node is not None
        for byte in reversed(prefix):
            node = BytesNode(((1 << byte, node),))
        return self._close([(node, None)])

    def advance(self, state: State, byte: int) -> State | None:
        """The state after one more byte; None when it cannot follow."""
        if byte in state.next:
            return state.next[byte]
        reading = tuple(index for index, (members, _, _) in enumerate(state._edges) if members >> byte & 1)
        target: State | None = None
        if reading:
            target = state._readings.get(reading)
            if target is None:
                edges = state._edges
                target = self._close([(edges[index][1], edges[index][2]) for index in reading])
                state._readings[reading] = target
        state.next[byte] = target
        return target

    def read(self, state: State | None, data: bytes) -> State | None:
        """The state after these bytes; None when they cannot follow."""
        for byte in data:
            if state is None:
                return None
            known = state.next
            state = known[byte] if byte in known else self.advance(state, byte)
        return state

    def branches(self, state: State) -> list[tuple[ByteSet, State]]:
        """All that may follow: disjoint sets of bytes and the states after them."""
        classes = [state.members] if state.members else []
        for members, _, _ in state._edges:
            classes = [part for known in classes for part in (known & members, known & ~members) if part]
        found: dict[State, ByteSet] = {}
        for part in classes:
            target = self.advance(state, (part & -part).bit_length() - 1)
            assert target is not None
            found[target] = found.get(target, 0) | part
        return [(members, target) for target, members in found.items()]

    def _close(self, threads: list[tuple[Node, Frame | None]]) -> State:
        """The state of these threads, followed to where they want a byte."""
        reading: set[Thread] = set()
        seen: set[tuple[Node, Frame | None]] = set()
        accepts = False
        while threads:
            thread = threads.pop()
            if thread in seen:
                continue
            seen.add(thread)
            node, stack = thread
            if isinstance(node, BytesNode):
                reading.add((node, stack))
            elif isinstance(node, SplitNode):
                threads += [(target, stack) for target in node.targets]
            elif isinstance(node, CallNode):
                returns = node.returns_to
                frame = stack if returns is END else self._frame(returns, -1, stack)
                threads.append((node.target(), frame))
            elif isinstance(node, RepeatNode):
                self._repeat(threads, node, 0, stack)
            elif stack is None:
                accepts = True
            elif stack.count < 0:
                threads.append((stack.node, stack.parent))
            else:
                assert isinstance(stack.node, RepeatNode)
                self._repeat(threads, stack.node, stack.count + 1, stack.parent)
            if len(reading) > MAX_THREADS:
                raise self._too_ambiguous()
        return self._intern(frozenset(reading), accepts)

    def _repeat(
        self, threads: list[tuple[Node, Frame | None]], node: RepeatNode, rounds: int, stack: Frame | None
    ) -> None:
        """Where a repetition goes on after so many rounds."""
        if node.maximum is None:
            rounds = min(rounds, node.minimum)
        if rounds >= node.minimum:
            threads.append((node.following, stack))
        if node.maximum is None or rounds < node.maximum:
            threads.append((node.body, self._frame(node, rounds, stack)))

    def _frame(self, node: Node, count: int, parent: Frame | None) -> Frame:
        key = (node, count, parent)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = Frame(node, count, parent)
        return frame

    def _intern(self, threads: frozenset[Thread], accepts: bool) -> State:
        key = (threads, accepts)
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= MAX_KNOWN_STATES:
                self._forget()
            state = self._states[key] = State(threads, accepts)
        return state

    def _forget(self) -> None:
        """Let go of all states, also of those that only a state in use still leads to."""
        for state in self._states.values():
            state.next.clear()
            state._readings.clear()
        self._states.clear()
        self._frames.clear()

    def _too_ambiguous(self) -> GrammarError:
        return GrammarError(
            f"{self._name} can be read in more than {MAX_THREADS} ways at once",
            expected="repetitions that do not hold each other",
            remedy="Write it with fewer nested repetitions.",
        )
