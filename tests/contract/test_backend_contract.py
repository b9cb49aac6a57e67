"""The Backend contract on the scripted backend and on both CPU graphs of the native one."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.backend_contract import CHECKS, Check, run_checks
from fakes import VOCAB_SIZE, digest
from pagelm._backend_native import NativeBackend
from pagelm.backend import Backend, Candidates
from pagelm.scripted import ScriptedBackend
from random_bundle import export_random_bundle


@pytest.fixture(scope="session")
def random_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_random_bundle(tmp_path_factory.mktemp("random"))


@pytest.fixture(params=["scripted", "scripted without verify", "native", "wasm"])
def backend(request: pytest.FixtureRequest) -> Backend:
    if request.param.startswith("scripted"):
        verify_tokens = 16 if request.param == "scripted" else 0
        return ScriptedBackend(digest, vocab_size=VOCAB_SIZE, verify_tokens=verify_tokens)
    return NativeBackend.load(request.getfixturevalue("random_bundle"), graph=request.param, threads=1)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
async def test_backend_keeps_the_contract(backend: Backend, check: Check) -> None:
    await check(backend)
    await backend.close()


async def test_run_checks_reports_which_promise_is_broken() -> None:
    class Unsorted(ScriptedBackend):
        async def decode(self, token_id: int) -> Candidates:
            candidates = await super().decode(token_id)
            return Candidates(candidates.values, candidates.ids[::-1])

    async def make_backend() -> Backend:
        return Unsorted(digest, vocab_size=VOCAB_SIZE)

    results = await run_checks(make_backend)
    assert results.keys() == CHECKS.keys()
    broken = [name for name, failure in results.items() if failure]
    assert "candidates_are_k_descending_and_distinct" in broken
    assert "length_counts_tokens" not in broken
