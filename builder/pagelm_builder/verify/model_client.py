"""Drives `web/client.js` from Python: what an application does that embeds pagelm, without the chat page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from playwright.sync_api import Page

LOAD = """async ({ backend, instrument }) => {
  const at = (path) => new URL(path, document.baseURI).href;
  const { PagelmClient } = await import(at("client.js"));
  const site = await (await fetch(at("site.json"))).json();
  const model = site.models.find(({ name }) => name === site.default_model);
  globalThis.client = PagelmClient.start();
  return await globalThis.client.load({ bundleUrl: at(model.path), backend, instrument });
}"""

# The likeliest token at each step, whatever a bundle's defaults take off its logit.
GREEDY = MappingProxyType({"temperature": 0, "repetitionPenalty": 1})

GENERATE = """async ({ cancelAfterEvents, ...request }) => {
  const generation = globalThis.client.generate(request);
  const reply = { reasoning: "", text: "", events: 0 };
  for await (const event of generation) {
    if (event.kind === "done") {
      const { finishReason, usage, eventsAfterCancel = null } = event;
      return { ...reply, finishReason, usage, eventsAfterCancel };
    }
    reply[event.kind] += event.text;
    reply.events += 1;
    if (reply.events === cancelAfterEvents) generation.cancel();
  }
  throw new Error("the generation ended without done");
}"""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as the client received it.

    Attributes:
        events_after_cancel: Pieces that the worker posted after it had heard of the stop; None where it does
            not count them.
    """

    reasoning: str
    text: str
    finish_reason: str
    usage: dict[str, Any]
    events: int
    events_after_cancel: int | None


@dataclass(frozen=True, slots=True)
class ModelClient:
    """A page in which the model is loaded."""

    page: Page
    backend: str
    ready: dict[str, Any]

    @classmethod
    def load(cls, page: Page, site_url: str, backend: str, *, instrument: bool = True) -> ModelClient:
        """Open a bare page of the site's origin and load the default model there.

        Args:
            instrument: Whether steps and the GPU's work are counted and kept.
        """
        page.goto(site_url + "site.json")
        ready = page.evaluate(LOAD, {"backend": backend, "instrument": instrument})
        return cls(page, backend, ready)

    def reply(
        self,
        messages: Sequence[Mapping[str, object]],
        *,
        enable_thinking: bool,
        sampling: Mapping[str, float] | None = None,
        response_format: Mapping[str, object] | None = None,
        prompt_lookup: bool = False,
        cancel_after_events: int = -1,
    ) -> Reply:
        """One answer; greedy unless told otherwise. `cancel_after_events` stops it after that many pieces."""
        request: dict[str, object] = {
            "messages": [dict(message) for message in messages],
            "enableThinking": enable_thinking,
            "sampling": dict(GREEDY if sampling is None else sampling),
            "promptLookup": prompt_lookup,
            "cancelAfterEvents": cancel_after_events,
        }
        if response_format is not None:
            request["responseFormat"] = dict(response_format)
        raw = self.page.evaluate(GENERATE, request)
        return Reply(
            raw["reasoning"],
            raw["text"],
            raw["finishReason"],
            raw["usage"],
            raw["events"],
            raw["eventsAfterCancel"],
        )

    def statistics(self) -> dict[str, Any]:
        """Totals since ready: runs, bytes read back, dispatches by kernel name."""
        statistics: dict[str, Any] = self.page.evaluate("() => globalThis.client.statistics()")
        return statistics
