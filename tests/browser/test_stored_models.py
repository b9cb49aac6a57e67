"""What the browser keeps of models: shown, checked, deleted, made room for; rows of docs/reliability.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from browser.chat_page import ChatPage
from browser.faulty_host import Fault, FaultyHost, serve_with_faults
from browser.store_page import SmallParts, StorePage, set_quota
from recut_bundle import change_part, recut_bundle

PART_BYTES = 64 * 1024
# One bit of a part that is kept.
FLIP = """async (sha256) => {
  const root = await navigator.storage.getDirectory();
  const store = await root.getDirectoryHandle("pagelm-store-1");
  const handle = await (await store.getDirectoryHandle("parts")).getFileHandle(sha256);
  const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
  bytes[7] ^= 1;
  const file = await handle.createWritable();
  await file.write(bytes);
  await file.close();
}"""
KEPT = """async () => {
  const root = await navigator.storage.getDirectory();
  const store = await root.getDirectoryHandle("pagelm-store-1");
  const parts = await store.getDirectoryHandle("parts");
  return await Array.fromAsync(parts.keys());
}"""
NARROW = "Object.defineProperty(StorageManager.prototype, 'estimate', { value: async () => (%s) });\n"


@pytest.fixture(scope="module")
def bundle(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> SmallParts:
    out = tmp_path_factory.mktemp("small-parts") / "bundle"
    return SmallParts(recut_bundle(dist / "models" / "pico", out, PART_BYTES))


@pytest.fixture(scope="module")
def next_version(bundle: SmallParts, tmp_path_factory: pytest.TempPathFactory) -> SmallParts:
    """The same bundle with one other weight part."""
    out = tmp_path_factory.mktemp("next") / "bundle"
    return SmallParts(change_part(bundle.folder, out, 3))


@pytest.fixture
def host(dist: Path, bundle: SmallParts) -> Iterator[FaultyHost]:
    folders = {"/": dist, "/bundle/": bundle.folder, "/twin/": bundle.folder, "/models/pico/": bundle.folder}
    with serve_with_faults(folders) as host:
        yield host


@pytest.fixture
def store(page: Page, host: FaultyHost) -> StorePage:
    return StorePage(page).open(host.url)


def open_panel(page: Page) -> Locator:
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Stored models…").click()
    return page.get_by_role("dialog", name="Stored models")


def names(entries: list[dict[str, Any]]) -> list[str]:
    return [entry["sha256"] for entry in entries]


def all_files(bundle: SmallParts) -> list[dict[str, Any]]:
    manifest = bundle.manifest
    return [manifest["graphs"]["wasm"], manifest["tokenizer"], manifest["chat_template"], *bundle.parts]


def test_a_person_checks_a_model_and_what_is_damaged_is_fetched_again(
    page: Page, host: FaultyHost, bundle: SmallParts
) -> None:
    page.goto(host.url + "index.html?backend=wasm")
    ChatPage(page).wait_until_ready()
    panel = open_panel(page)
    model = panel.get_by_role("listitem", name="pico")
    expect(model).to_contain_text("This chat's model.")
    expect(model).not_to_contain_text("In use in")
    expect(panel).to_contain_text("may keep up to")
    model.get_by_role("button", name="Verify pico").press("Enter")
    expect(model.get_by_role("status")).to_have_text(re.compile(r"^All .* are right\.$"))
    expect(model.get_by_role("button", name="Verify pico")).to_be_focused()
    damaged = bundle.parts[5]
    page.evaluate(FLIP, damaged["sha256"])
    model.get_by_role("button", name="Verify pico").click()
    expect(model.get_by_role("status")).to_contain_text(f"1 file ({damaged['file']}, ")
    expect(model).to_contain_text("Incomplete")
    assert damaged["sha256"] not in page.evaluate(KEPT)
    host.clear()
    page.reload()
    ChatPage(page).wait_until_ready()
    assert host.bytes_sent(damaged["file"]) == PART_BYTES
    assert sum(host.bytes_sent(part["file"]) for part in bundle.parts) == PART_BYTES


def test_a_person_deletes_the_model_in_use_and_the_chat_goes_on(page: Page, host: FaultyHost) -> None:
    page.goto(host.url + "index.html?backend=wasm")
    chat = ChatPage(page)
    chat.wait_until_ready()
    panel = open_panel(page)
    model = panel.get_by_role("listitem", name="pico")
    model.get_by_role("button", name="Delete pico").press("Enter")
    expect(model).to_contain_text(
        "This chat goes on with what is in memory; the next load downloads it again."
    )
    model.get_by_role("button", name="Keep it").press("Enter")
    expect(model.get_by_role("button", name="Delete pico")).to_be_focused()
    model.get_by_role("button", name="Delete pico").press("Enter")
    expect(model.get_by_role("button", name="Delete it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel.get_by_role("status")).to_have_text(re.compile(r"^pico is deleted: .* are free\.$"))
    expect(panel).to_contain_text("No models are kept.")
    expect(panel.get_by_role("button", name="Close stored models")).to_be_focused()
    assert page.evaluate(KEPT) == []
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")


def test_another_tab_that_uses_a_model_is_said(page: Page, host: FaultyHost) -> None:
    other = page.context.new_page()
    for tab in (other, page):
        tab.goto(host.url + "index.html?backend=wasm")
        ChatPage(tab).wait_until_ready()
    model = open_panel(page).get_by_role("listitem", name="pico")
    expect(model).to_contain_text("This chat's model. In use in another tab.")
    other.close()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Stored models…").click()
    expect(model).not_to_contain_text("In use in")


def test_files_that_another_model_needs_stay(store: StorePage, bundle: SmallParts) -> None:
    assert [store.load(path)["sha256"] for path in ("bundle/", "twin/")] == [bundle.sha256] * 2
    listed = store.call("listStoredModels")["models"]
    assert [(model["isComplete"], model["ownBytes"]) for model in listed] == [(True, 0), (True, 0)]
    assert store.call("deleteStoredModel", "bundle/") == 0
    assert sorted(store.page.evaluate(KEPT)) == sorted(names(all_files(bundle)))
    freed = store.call("deleteStoredModel", "twin/")
    assert freed == sum(entry["bytes"] for entry in all_files(bundle))
    assert store.page.evaluate(KEPT) == []
    assert "No model of the address" in store.call("deleteStoredModel", "twin/")["error"]


def test_a_model_that_is_being_loaded_is_not_deleted(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    other = StorePage(store.page.context.new_page()).open(host.url)
    hold = Fault(hold_at=PART_BYTES // 2)
    host.add_fault(bundle.parts[3]["file"], hold)
    store.start()
    assert hold.reached.wait(30)
    error = other.call("deleteStoredModel", "bundle/")["error"]
    assert error.startswith("StoredModelError: The model of ")
    assert "is being loaded or checked" in error
    check = other.call("verifyStoredModel", "bundle/")
    assert bundle.parts[3]["sha256"] in names(check["missing"])
    assert check["altered"] == []
    hold.released.set()
    assert store.finish()["sha256"] == bundle.sha256
    check = other.call("verifyStoredModel", "bundle/")
    assert (check["altered"], check["missing"]) == ([], [])
    assert check["checkedBytes"] == sum(entry["bytes"] for entry in all_files(bundle))


def test_a_new_version_fetches_what_changed_and_frees_what_it_replaced(
    store: StorePage, host: FaultyHost, bundle: SmallParts, next_version: SmallParts
) -> None:
    store.load()
    host.clear()
    host.folders["/bundle/"] = next_version.folder
    result = store.load()
    assert result["sha256"] == next_version.sha256 != bundle.sha256
    changed = next_version.parts[3]
    asked = [sent.path for sent in host.sent if sent.path.startswith("/bundle/")]
    assert asked == ["/bundle/manifest.json", f"/bundle/{changed['file']}"]
    assert host.bytes_sent(".bin") == changed["bytes"]
    assert sorted(store.page.evaluate(KEPT)) == sorted(names(all_files(next_version)))


def test_leftovers_are_listed_and_go_when_a_model_needs_the_room(store: StorePage) -> None:
    store.page.evaluate(LEFTOVER, 20 * PART_BYTES)
    assert store.call("listStoredModels")["leftoverBytes"] == 20 * PART_BYTES
    narrow_estimate(store.page, {"quota": 30 * PART_BYTES, "usage": 30 * PART_BYTES - 1})
    assert store.load()["store"] == {"place": "device", "reason": None}
    assert store.call("listStoredModels")["leftoverBytes"] == 0


def test_an_update_that_is_cut_leaves_the_kept_model_of_use(
    store: StorePage, host: FaultyHost, bundle: SmallParts, next_version: SmallParts
) -> None:
    store.load()
    hold = Fault(hold_at=0)
    host.folders["/bundle/"] = next_version.folder
    host.add_fault(next_version.parts[3]["file"], hold)
    store.start()
    assert hold.reached.wait(30)
    store.page.evaluate("stop.abort(new Error('enough'))")
    store.finish()
    assert store.call("listStoredModels")["leftoverBytes"] == 0
    host.add_fault("/bundle/manifest.json", Fault(status=503))
    assert store.load()["sha256"] == bundle.sha256
    host.clear()
    assert store.load()["sha256"] == next_version.sha256
    assert sorted(store.page.evaluate(KEPT)) == sorted(names(all_files(next_version)))


def test_a_model_that_does_not_fit_is_told_with_those_that_could_go(
    store: StorePage, host: FaultyHost, bundle: SmallParts, tmp_path: Path
) -> None:
    other = SmallParts(change_part(bundle.folder, tmp_path / "other", 3))
    manifest = json.loads((other.folder / "manifest.json").read_text("utf-8"))
    (other.folder / "manifest.json").write_text(json.dumps({**manifest, "name": "older"}))
    host.folders["/older/"] = other.folder
    store.load("older/")
    narrow_estimate(store.page, {"quota": 1_000_000, "usage": 1_000_000})
    result = store.load()
    assert result["sha256"] == bundle.sha256
    assert result["store"]["place"] == "memory"
    assert result["store"]["reason"].endswith(
        "Deleting older (65.5 kB) in the Settings under “Stored models” makes room."
    )
    assert store.call("deleteStoredModel", "older/") == PART_BYTES


def test_storage_that_runs_full_is_given_the_room_of_leftovers(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    store.page.evaluate(LEFTOVER, 3_000_000)
    held = Fault(hold_at=0)
    host.add_fault(bundle.parts[-1]["file"], held)
    store.start()
    assert held.reached.wait(30)
    set_quota(store.page, host, 3_000_000)
    held.released.set()
    result = store.finish()
    assert result["sha256"] == bundle.sha256
    assert result["store"] == {"place": "device", "reason": None}
    host.clear()
    assert store.load()["sha256"] == bundle.sha256
    assert host.bytes_sent(".bin") == 0


LEFTOVER = """async (bytes) => {
  const root = await navigator.storage.getDirectory();
  const store = await root.getDirectoryHandle("pagelm-store-1", { create: true });
  const parts = await store.getDirectoryHandle("parts", { create: true });
  const file = await (await parts.getFileHandle("0".repeat(64), { create: true })).createWritable();
  await file.write(new Uint8Array(bytes));
  await file.close();
}"""


def narrow_estimate(page: Page, estimate: dict[str, int]) -> None:
    """What the store's worker is told of its room from now on: Chromium tells more than it grants."""
    script = NARROW % json.dumps(estimate)
    page.route(
        "**/store-worker.js",
        lambda route: route.fulfill(body=script + route.fetch().text(), content_type="text/javascript"),
    )
