"""Runs the page's store alone, without a model: what a load brought, or the error it ended with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from browser.faulty_host import FaultyHost

# Short waits, so that rows of the fault table take no longer than they must.
RETRY = {"attempts": 4, "delayMs": 20, "stallMs": 20_000}

START = """({ bundle, retry }) => {
  const at = (path) => new URL(path, document.baseURI).href;
  globalThis.transfers = [];
  globalThis.stop = new AbortController();
  globalThis.loading = (async () => {
    const { openBundle } = await import(at("bundle-store.js"));
    const { sha256Of } = await import(at("sha256.js"));
    try {
      const opened = await openBundle(at(bundle));
      const files = await opened.fetchAll(opened.graph("wasm"), {
        retry,
        signal: globalThis.stop.signal,
        onProgress: (transfer) => globalThis.transfers.push(transfer),
      });
      const last = globalThis.transfers.at(-1);
      return { sha256: await sha256Of(files.weights), store: files.store, last };
    } catch (error) {
      return { error: `${error.name}: ${error.message}` };
    }
  })();
}"""
FINISH = "() => globalThis.loading"
CALL = """async ({ name, bundle }) => {
  const at = (path) => new URL(path, document.baseURI).href;
  const store = await import(at("model-store.js"));
  try {
    return await (bundle === null ? store[name]() : store[name](at(bundle)));
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}"""
CLEAR = """async () => {
  const root = await navigator.storage.getDirectory();
  await root.removeEntry("pagelm-store-1", { recursive: true }).catch(() => {});
}"""


def set_quota(page: Page, host: FaultyHost, quota_bytes: int | None) -> None:
    session = page.context.new_cdp_session(page)
    limit = {} if quota_bytes is None else {"quotaSize": quota_bytes}
    session.send("Storage.overrideQuotaForOrigin", {"origin": host.url.rstrip("/"), **limit})


def call_model_store(page: Page, name: str, bundle: str | None = None) -> Any:
    """What a function of model-store.js gives, or its error."""
    return page.evaluate(CALL, {"name": name, "bundle": bundle})


@dataclass(frozen=True, slots=True)
class StorePage:
    """A bare page of the site's origin, on which bundles are obtained."""

    page: Page

    def open(self, host_url: str) -> StorePage:
        self.page.goto(host_url + "site.json")
        return self

    def start(self, bundle: str = "bundle/", **retry: int) -> None:
        self.page.evaluate(START, {"bundle": bundle, "retry": {**RETRY, **retry}})

    def finish(self) -> dict[str, Any]:
        result: dict[str, Any] = self.page.evaluate(FINISH)
        return result

    def load(self, bundle: str = "bundle/", **retry: int) -> dict[str, Any]:
        self.start(bundle, **retry)
        return self.finish()

    def call(self, name: str, bundle: str | None = None) -> Any:
        return call_model_store(self.page, name, bundle)

    def clear(self) -> None:
        self.page.evaluate(CLEAR)


@dataclass(frozen=True, slots=True)
class SmallParts:
    """A bundle of small parts, by file name, and the sha256 of its weights as a whole."""

    folder: Path

    @property
    def manifest(self) -> dict[str, Any]:
        manifest: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text("utf-8"))
        return manifest

    @property
    def parts(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = self.manifest["weights"]["parts"]
        return parts

    @property
    def sha256(self) -> str:
        whole = b"".join((self.folder / part["file"]).read_bytes() for part in self.parts)
        return hashlib.sha256(whole).hexdigest()
