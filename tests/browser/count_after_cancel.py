"""Workers that count what they still post after a stop; they are the site's own in all else."""

from __future__ import annotations

from playwright.sync_api import Page, Route

# Behind the worker's own code: what it posts after it has heard of a stop, told with `done`. The page cannot
# count that: a token may take less time than a message, so that some are under way when it stops.
COUNT_AFTER_CANCEL = """
let heard = false;
let eventsAfterCancel = 0;
addEventListener("message", ({ data }) => {
  if (data.kind === "generate") eventsAfterCancel = 0;
  if (data.kind === "generate" || data.kind === "cancel") heard = data.kind === "cancel";
});
const send = globalThis.postMessage.bind(globalThis);
globalThis.postMessage = (message, ...rest) => {
  if (heard && (message.kind === "reasoning" || message.kind === "text")) eventsAfterCancel += 1;
  send(message.kind === "done" ? { ...message, eventsAfterCancel } : message, ...rest);
};
"""


def count_after_cancel(page: Page) -> None:
    """Let the workers of this page, once loaded, count what they post after a stop."""

    def append(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=response.text() + COUNT_AFTER_CANCEL)

    page.context.route("**/worker.js", append)
