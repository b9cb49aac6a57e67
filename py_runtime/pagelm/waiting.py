"""Waiting for what is asynchronous from code that is not: where all methods named `…_sync` come from.

On CPython an event loop of its own runs in the caller's thread; in Pyodide, JavaScript's promise integration
(JSPI) suspends the caller. Where neither can be, nothing is begun and the refusal has a name. Knows no
models.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import closing
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from pagelm.errors import CannotWaitError

T = TypeVar("T")
Self = TypeVar("Self")
Arguments = ParamSpec("Arguments")


class Waiter(Protocol):
    """Runs coroutines, one after the other."""

    def check(self) -> None:
        """Raises CannotWaitError where nothing may wait."""
        ...

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """What a coroutine returns."""
        ...

    def close(self) -> None:
        """Let go of what the coroutines left behind."""
        ...


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns.

    Raises:
        CannotWaitError: Nothing may wait here; the coroutine has not begun.
    """
    with closing(_make_waiter()) as waiter:
        try:
            waiter.check()
        except CannotWaitError:
            coroutine.close()
            raise
        return waiter.run(coroutine)


def iterate(events: AsyncGenerator[T, None]) -> Generator[T, None, None]:
    """What an asynchronous generator yields. To close the iterator is to close the generator.

    Raises:
        CannotWaitError: Nothing may wait here: at once, or at the step that is asked for where it is so.
    """
    waiter = _make_waiter()
    waiter.check()
    return _steps(events, waiter)


def _steps(events: AsyncGenerator[T, None], waiter: Waiter) -> Generator[T, None, None]:
    with closing(waiter):
        try:
            while event := waiter.run(_next(events)):
                yield event[0]
                waiter.check()
        finally:
            waiter.check()
            waiter.run(_close(events))


async def _next(events: AsyncGenerator[T, None]) -> tuple[T] | None:
    async for event in events:
        return (event,)
    return None


async def _close(events: AsyncGenerator[T, None]) -> None:
    await events.aclose()


def waiting_twin(
    method: Callable[Concatenate[Self, Arguments], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Self, Arguments], T]:
    """The method that waits for what `method` awaits."""

    @wraps(method)
    def twin(self: Self, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> T:
        return wait_for(method(self, *args, **kwargs))

    return _name_twin(twin, method, "returns when that is done")


def iterating_twin(
    method: Callable[Concatenate[Self, Arguments], AsyncGenerator[T, None]],
) -> Callable[Concatenate[Self, Arguments], Generator[T, None, None]]:
    """The method that waits for each event of `method`."""

    @wraps(method)
    def twin(self: Self, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Generator[T, None, None]:
        return iterate(method(self, *args, **kwargs))

    return _name_twin(twin, method, "yields its events; close it to end them early")


Twin = TypeVar("Twin", bound=Callable[..., object])


def _name_twin(twin: Twin, method: Callable[..., object], meaning: str) -> Twin:
    twin.__name__ = f"{method.__name__}_sync"
    twin.__qualname__ = f"{method.__qualname__}_sync"
    twin.__doc__ = f"""As `{method.__name__}`, from code that is not asynchronous: {meaning}.

    Raises:
        CannotWaitError: Nothing may wait here.
    """
    return twin


class LoopWaiter:
    """An event loop of its own in this thread. Ctrl+C cancels what it waits for."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def check(self) -> None:
        if _loop_runs():
            raise CannotWaitError(
                "an event loop runs in this thread, and waiting would stop it",
                expected="a call from code that is not asynchronous",
                remedy="Await the method without _sync, or call this one in a thread (asyncio.to_thread).",
            )

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def close(self) -> None:
        if _loop_runs():  # what it was to end is abandoned
            self._runner.get_loop().close()
        else:
            self._runner.close()


def _loop_runs() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _make_waiter() -> Waiter:
    if sys.platform == "emscripten":
        from pagelm._waiting_web import PromiseWaiter

        return PromiseWaiter()
    return LoopWaiter()
