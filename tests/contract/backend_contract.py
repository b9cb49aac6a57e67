"""What every backend promises, as checks that any of them can be put through.

    CHECKS      name → async function of a fresh backend; raises AssertionError where the promise is broken
    run_checks  all of them on backends that `make_backend` gives, and what came of each

Standard library and pagelm only: `test_backend_contract.py` runs it on the scripted and the native backend, a
browser test imports this same file in the page's Pyodide and runs it on the web backend. docs/contracts.md,
"Python: Backend".
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable, Sequence

from pagelm.backend import Backend, Candidates
from pagelm.errors import BackendError

Check = Callable[[Backend], Awaitable[None]]

PROMPT = (3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8)
"""Token ids that every vocabulary has."""

DRAFT = (7, 7, 2, 9)

TOLERANCE = 2e-3
"""How far logits of the same tokens may differ in other pieces: float32 adds in another order."""

CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


async def run_checks(make_backend: Callable[[], Awaitable[Backend]]) -> dict[str, str]:
    """Run every check on a backend of its own.

    Returns:
        Name of each check → "" when it passed, else the traceback.
    """
    results = {}
    for name, function in CHECKS.items():
        backend = await make_backend()
        try:
            await function(backend)
            results[name] = ""
        except Exception:  # reported, whatever it is
            results[name] = traceback.format_exc()
        await backend.close()
    return results


@check
async def capabilities_say_what_it_is(backend: Backend) -> None:
    capabilities = backend.capabilities
    assert capabilities.name in ("webgpu", "wasm", "native", "scripted")
    assert capabilities.graph
    assert 1 <= capabilities.candidates <= capabilities.vocab_size
    assert capabilities.candidates == min(64, capabilities.vocab_size)
    assert capabilities.max_positions > len(PROMPT)
    assert capabilities.verify_tokens == 0 or capabilities.verify_tokens >= len(DRAFT)


@check
async def a_fresh_backend_holds_nothing(backend: Backend) -> None:
    assert backend.length == 0


@check
async def keys_and_values_take_memory_that_grows_with_the_tokens(backend: Backend) -> None:
    before = backend.key_value_bytes
    many = min(600, backend.capabilities.max_positions)
    await backend.prefill([1] * many, 0)
    if backend.capabilities.name == "scripted":
        assert backend.key_value_bytes == 0
    else:
        assert backend.key_value_bytes >= max(before, many)


@check
async def candidates_are_k_descending_and_distinct(backend: Backend) -> None:
    for step in (lambda: backend.prefill(PROMPT, 0), lambda: backend.decode(7)):
        candidates = await step()
        capabilities = backend.capabilities
        assert len(candidates.values) == len(candidates.ids) == capabilities.candidates
        values, ids = list(candidates.values), list(candidates.ids)
        assert all(isinstance(value, float) for value in values), values
        assert all(isinstance(token_id, int) for token_id in ids), ids
        assert len(set(ids)) == len(ids)
        assert min(ids) >= 0
        assert max(ids) < capabilities.vocab_size
        ranks = [(-value, token_id) for value, token_id in zip(values, ids, strict=True)]
        assert ranks == sorted(ranks), "not descending, or equal logits not by lower id"


@check
async def length_counts_tokens(backend: Backend) -> None:
    await backend.prefill(PROMPT, 0)
    assert backend.length == len(PROMPT)
    await backend.decode(7)
    assert backend.length == len(PROMPT) + 1
    await backend.prefill([1, 2], backend.length)
    assert backend.length == len(PROMPT) + 3


@check
async def the_same_tokens_give_the_same_candidates(backend: Backend) -> None:
    first = await backend.prefill(PROMPT, 0)
    backend.truncate(0)
    again = await backend.prefill(PROMPT, 0)
    assert list(first.ids) == list(again.ids)
    assert list(first.values) == list(again.values)


@check
async def prefill_in_pieces_equals_prefill_at_once(backend: Backend) -> None:
    at_once = await _all_logits(backend, [PROMPT])
    assert_close(at_once, await _all_logits(backend, [PROMPT[:5], PROMPT[5:]]))
    assert_close(at_once, await _all_logits(backend, [PROMPT[:1], PROMPT[1:11], PROMPT[11:]]))


@check
async def decode_equals_prefill(backend: Backend) -> None:
    at_once = await _all_logits(backend, [PROMPT])
    backend.truncate(0)
    await backend.prefill(PROMPT[:4], 0)
    for token_id in PROMPT[4:]:
        await backend.decode(token_id)
    assert_close(at_once, await backend.logits())


@check
async def every_token_before_counts(backend: Backend) -> None:
    one = await _all_logits(backend, [PROMPT])
    other = await _all_logits(backend, [(9, *PROMPT[1:])])
    assert max(abs(a - b) for a, b in zip(one, other, strict=True)) > 10 * TOLERANCE


@check
async def verify_gives_the_candidates_after_each_token(backend: Backend) -> None:
    await backend.prefill(PROMPT, 0)
    if not backend.capabilities.verify_tokens:
        await _refuses(backend, lambda: backend.verify(DRAFT, len(PROMPT)))
        return
    expected = [await backend.decode(token_id) for token_id in DRAFT]
    logits = await backend.logits()
    backend.truncate(len(PROMPT))
    found = await backend.verify(DRAFT, len(PROMPT))
    assert backend.length == len(PROMPT) + len(DRAFT)
    assert len(found) == len(DRAFT)
    for after, other in zip(found, expected, strict=True):
        _assert_same_choice(after, other)
    assert_close(logits, await backend.logits())


@check
async def verified_tokens_may_be_forgotten(backend: Backend) -> None:
    if not backend.capabilities.verify_tokens:
        return
    expected = await _all_logits(backend, [(*PROMPT, *DRAFT[:2], 5)])
    backend.truncate(0)
    await backend.prefill(PROMPT, 0)
    await backend.verify(DRAFT, len(PROMPT))
    backend.truncate(len(PROMPT) + 2)
    await _refuses(backend, backend.logits)
    after = await backend.decode(5)
    assert_close(expected, await backend.logits())
    assert len(after.ids) == backend.capabilities.candidates


@check
async def verify_refuses_what_it_cannot_run(backend: Backend) -> None:
    await backend.prefill(PROMPT, 0)
    await _refuses(backend, lambda: backend.verify(DRAFT, 0))
    await _refuses(backend, lambda: backend.verify([], len(PROMPT)))
    too_many = [1] * (backend.capabilities.verify_tokens + 1)
    await _refuses(backend, lambda: backend.verify(too_many, len(PROMPT)))
    await backend.decode(7)


@check
async def truncate_forgets_what_comes_after(backend: Backend) -> None:
    expected = await _all_logits(backend, [PROMPT[:6], (7, 7)])
    backend.truncate(0)
    await backend.prefill(PROMPT, 0)
    await backend.decode(9)
    backend.truncate(6)
    assert backend.length == 6
    await backend.prefill((7, 7), 6)
    assert_close(expected, await backend.logits())


@check
async def truncate_to_the_length_changes_nothing(backend: Backend) -> None:
    expected = await _all_logits(backend, [(*PROMPT, 7)])
    backend.truncate(0)
    await backend.prefill(PROMPT, 0)
    backend.truncate(len(PROMPT))
    await backend.decode(7)
    assert_close(expected, await backend.logits())


@check
async def truncate_refuses_what_is_not_there(backend: Backend) -> None:
    await backend.prefill(PROMPT, 0)
    for length in (-1, len(PROMPT) + 1):
        await _refuses(backend, lambda length=length: _truncate(backend, length))


@check
async def prefill_refuses_another_position(backend: Backend) -> None:
    await backend.prefill(PROMPT, 0)
    for position in (0, len(PROMPT) - 1, len(PROMPT) + 1):
        await _refuses(backend, lambda position=position: backend.prefill([1], position))


@check
async def prefill_refuses_no_tokens(backend: Backend) -> None:
    await _refuses(backend, lambda: backend.prefill([], 0))


@check
async def prefill_refuses_what_does_not_fit(backend: Backend) -> None:
    too_many = [1] * (backend.capabilities.max_positions + 1)
    await _refuses(backend, lambda: backend.prefill(too_many, 0))


@check
async def a_refusal_changes_nothing(backend: Backend) -> None:
    expected = await _all_logits(backend, [PROMPT, (7,)])
    backend.truncate(0)
    await backend.prefill(PROMPT, 0)
    await _refuses(backend, lambda: backend.prefill([1], 0))
    await _refuses(backend, lambda: _truncate(backend, 99))
    await backend.decode(7)
    assert_close(expected, await backend.logits())


@check
async def logits_are_the_whole_vocabulary(backend: Backend) -> None:
    for step in (lambda: backend.prefill(PROMPT, 0), lambda: backend.decode(7)):
        candidates = await step()
        logits = list(await backend.logits())
        assert len(logits) == backend.capabilities.vocab_size
        assert [logits[token_id] for token_id in candidates.ids] == list(candidates.values)
        assert list(candidates.values) == sorted(logits, reverse=True)[: len(candidates.values)]


@check
async def logits_need_a_step(backend: Backend) -> None:
    await _refuses(backend, backend.logits)
    await backend.prefill(PROMPT, 0)
    backend.truncate(len(PROMPT))
    await backend.logits()
    backend.truncate(3)
    await _refuses(backend, backend.logits)


@check
async def a_closed_backend_refuses_to_work(backend: Backend) -> None:
    await backend.prefill(PROMPT, 0)
    await backend.close()
    calls: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: backend.prefill([1], backend.length),
        lambda: backend.decode(1),
        lambda: backend.verify([1], backend.length),
        backend.logits,
    )
    for call in calls:
        try:
            await call()
        except BackendError:
            continue
        raise AssertionError("a closed backend went on working")


@check
async def close_may_be_called_again(backend: Backend) -> None:
    await backend.close()
    await backend.close()


def assert_close(expected: Sequence[float], actual: Sequence[float]) -> None:
    worst = max(abs(a - b) for a, b in zip(expected, actual, strict=True))
    assert worst <= TOLERANCE, f"logits differ by up to {worst}"


def _assert_same_choice(one: Candidates, other: Candidates) -> None:
    """As close as float32 is, and the same token first."""
    assert_close(one.values, other.values)
    assert one.ids[0] == other.ids[0]
    assert len(set(one.ids)) == len(other.ids)


async def _all_logits(backend: Backend, pieces: Sequence[Sequence[int]]) -> Sequence[float]:
    """All logits after these tokens, run in these pieces on an emptied backend."""
    backend.truncate(0)
    for piece in pieces:
        await backend.prefill(piece, backend.length)
    return await backend.logits()


async def _truncate(backend: Backend, length: int) -> None:
    backend.truncate(length)


async def _refuses(backend: Backend, call: Callable[[], Awaitable[object]]) -> None:
    """The call raises BackendError and leaves the length as it was."""
    before = backend.length
    try:
        await call()
    except BackendError:
        assert backend.length == before
        return
    raise AssertionError("not refused")
