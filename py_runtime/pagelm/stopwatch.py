"""How long the engine itself has worked: the time while it waits for its reader does not count."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter


class Stopwatch:
    """Runs from the start; `pause` before handing something out, `resume` behind it.

    Args:
        clock: Seconds.

    >>> ticks = iter([0.0, 2.0, 10.0, 11.0])
    >>> watch = Stopwatch(lambda: next(ticks))
    >>> watch.pause()
    >>> watch.resume()
    >>> watch.lap_ms()
    3000.0
    """

    __slots__ = ("_clock", "_since", "_spent")

    def __init__(self, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._spent = 0.0
        self._since = clock()

    def pause(self) -> None:
        self._spent += self._clock() - self._since

    def resume(self) -> None:
        self._since = self._clock()

    def lap_ms(self) -> float:
        """Milliseconds since the start or the last lap; the next one begins."""
        now = self._clock()
        spent = self._spent + now - self._since
        self._spent, self._since = 0.0, now
        return spent * 1000
