"""What a page holds does not grow with the answers that it gave."""

from __future__ import annotations

from playwright.sync_api import Page

from browser.worker_heap import WorkerHeap
from pagelm_builder.verify.model_client import ModelClient

QUESTION = ({"role": "user", "content": "How many r's are in strawberry?"},)


def start_and_stop(model: ModelClient, cycles: range) -> None:
    for cycle in cycles:
        model.reply(QUESTION, enable_thinking=cycle % 2 == 0, cancel_after_events=2 + cycle % 7)


def test_two_hundred_started_and_stopped_answers_leave_memory_flat(page: Page, site_url: str) -> None:
    model = ModelClient.load(page, site_url, "wasm", instrument=False)  # which keeps every step
    heap = WorkerHeap(page)
    start_and_stop(model, range(10))
    early = heap.used_bytes()
    start_and_stop(model, range(10, 200))
    late = heap.used_bytes()
    assert early > 20_000_000, "Python's memory is part of it"
    assert late <= early * 1.05, f"{early} bytes after 10 answers, {late} after 200"
