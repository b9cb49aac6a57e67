"""The page beside a `PageSession`: what it asks, and what it was posted."""

from __future__ import annotations

import json
from typing import Any

from fakes import model_on, run
from pagelm.page_session import PageSession
from pagelm.scripted import ScriptedBackend


class Page:
    """The other side: keeps what was posted."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, int, dict[str, Any]]] = []

    def post(self, kind: str, id: int, payload_json: str) -> None:
        self.messages.append((kind, id, json.loads(payload_json)))

    def text(self, kind: str, id: int = 1) -> str:
        return "".join(payload["text"] for k, i, payload in self.messages if (k, i) == (kind, id))

    def last(self, id: int = 1) -> tuple[str, dict[str, Any]]:
        kind, _, payload = [message for message in self.messages if message[1] == id][-1]
        return kind, payload


def request(content: str = "2 + 2?", **changes: Any) -> str:
    value: dict[str, Any] = {
        "messages": [{"role": "user", "content": content}],
        "enableThinking": True,
        "sampling": {},
        **changes,
    }
    return json.dumps(value)


def ask(backend: ScriptedBackend, request_json: str) -> Page:
    page = Page()
    run(PageSession(model_on(backend), page.post).generate(1, request_json))
    return page
