"""The store with little room, with none, and with files it did not write: rows of docs/reliability.md."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.chat_page import ChatPage
from browser.faulty_host import Fault, FaultyHost, serve_with_faults
from browser.store_page import SmallParts, StorePage, set_quota
from pagelm_builder.verify.chromium import find_chromium, launch_arguments
from recut_bundle import recut_bundle

PART_BYTES = 64 * 1024

# Whole, longer and partial files with wrong bytes under the right names, a torn entry, one of another format.
STRANGE = """async ({ parts, bundle }) => {
  const root = await navigator.storage.getDirectory();
  const write = async (folder, name, bytes) => {
    const file = await (await folder.getFileHandle(name, { create: true })).createWritable();
    await file.write(bytes);
    await file.close();
  };
  const older = await root.getDirectoryHandle("pagelm-store-0", { create: true });
  await write(older, "weights.bin", new Uint8Array(1000));
  const store = await root.getDirectoryHandle("pagelm-store-1", { create: true });
  const folder = await store.getDirectoryHandle("parts", { create: true });
  await write(folder, parts[0].sha256, new Uint8Array(parts[0].bytes));
  await write(folder, parts[1].sha256, new Uint8Array(parts[1].bytes + 1));
  await write(folder, parts[2].sha256, new Uint8Array(100));
  await write(folder, "notes.txt", new Uint8Array(5));
  const models = await store.getDirectoryHandle("models", { create: true });
  const { sha256Of } = await import(new URL("sha256.js", document.baseURI).href);
  const url = new URL(bundle, document.baseURI).href;
  const name = (await sha256Of(new TextEncoder().encode(url))).slice(0, 16);
  await write(models, `${name}.json`, '{"format": 0, "name": ');
  await write(models, "0000000000000000.json", '{"format": 0, "files": "none"}');
}"""


@pytest.fixture(scope="module")
def bundle(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> SmallParts:
    out = tmp_path_factory.mktemp("small-parts") / "bundle"
    return SmallParts(recut_bundle(dist / "models" / "pico", out, PART_BYTES))


@pytest.fixture
def host(dist: Path, bundle: SmallParts) -> Iterator[FaultyHost]:
    with serve_with_faults({"/": dist, "/bundle/": bundle.folder, "/models/pico/": bundle.folder}) as host:
        yield host


@pytest.fixture
def store(page: Page, host: FaultyHost) -> StorePage:
    return StorePage(page).open(host.url)


def test_files_that_something_else_left_are_never_trusted(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    store.page.evaluate(STRANGE, {"parts": bundle.parts, "bundle": "bundle/"})
    result = store.load()
    assert result["sha256"] == bundle.sha256
    assert result["store"] == {"place": "device", "reason": None}
    for part in bundle.parts[:3]:
        assert host.bytes_sent(part["file"]) >= PART_BYTES - 100
    host.clear()
    assert store.load()["sha256"] == bundle.sha256
    assert host.bytes_sent(".bin") == 0


@pytest.mark.parametrize("held_files", [0, 6])
def test_storage_that_runs_full_costs_only_that_the_rest_is_not_kept(
    store: StorePage, host: FaultyHost, bundle: SmallParts, held_files: int
) -> None:
    released = threading.Event()
    holds = [Fault(hold_at=0, released=released) for _ in range(held_files)]
    for part, hold in zip(bundle.parts[3:], holds, strict=False):
        host.add_fault(part["file"], hold)
    if not holds:
        set_quota(store.page, host, 1000)
    store.start()
    for hold in holds:
        assert hold.reached.wait(30)
    set_quota(store.page, host, 1000)
    released.set()
    result = store.finish()
    assert result["sha256"] == bundle.sha256
    assert result["store"]["place"] == "memory"
    assert "storage ran full" in result["store"]["reason"]
    set_quota(store.page, host, None)
    host.clear()
    assert store.load()["store"] == {"place": "device", "reason": None}
    assert (host.bytes_sent(".bin") < sum(part["bytes"] for part in bundle.parts)) == (held_files > 0)


def test_loading_that_is_cancelled_goes_on_when_it_is_tried_again(
    page: Page, host: FaultyHost, bundle: SmallParts
) -> None:
    hold = Fault(hold_at=PART_BYTES // 2)
    host.add_fault(bundle.parts[3]["file"], hold)
    page.goto(host.url + "index.html?backend=wasm")
    assert hold.reached.wait(60)
    page.get_by_role("button", name="Cancel loading").click()
    alert = page.get_by_role("alert").filter(visible=True)
    expect(alert).to_contain_text("Loading was stopped")
    alert.get_by_role("button", name="Try again").click()
    ChatPage(page).wait_until_ready()
    weights = sum(part["bytes"] for part in bundle.parts)
    sent = sum(host.bytes_sent(part["file"]) for part in bundle.parts)
    assert weights <= sent < weights + PART_BYTES


def test_a_browser_that_keeps_nothing_says_so_and_answers(
    browser: Browser, host: FaultyHost, tmp_path: Path
) -> None:
    preferences = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(preferences))
    context = browser.browser_type.launch_persistent_context(
        tmp_path, executable_path=find_chromium(), args=launch_arguments()
    )
    try:
        page = context.new_page()
        page.goto(host.url + "index.html?backend=wasm")
        chat = ChatPage(page)
        chat.wait_until_ready()
        note = chat.note("the model is in memory only, and the next visit downloads it again")
        expect(note).to_be_visible()
        chat.set_sampling(temperature="0")
        expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")
    finally:
        context.close()
