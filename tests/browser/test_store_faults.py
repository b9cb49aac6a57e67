"""The store on a host that goes wrong, and with tabs that come and go: rows of docs/reliability.md."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from browser.faulty_host import Fault, FaultyHost, serve_with_faults
from browser.store_page import SmallParts, StorePage
from recut_bundle import recut_bundle

PART_BYTES = 64 * 1024


@pytest.fixture(scope="module")
def bundle(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> SmallParts:
    out = tmp_path_factory.mktemp("small-parts") / "bundle"
    return SmallParts(recut_bundle(dist / "models" / "pico", out, PART_BYTES))


@pytest.fixture(scope="module")
def running_host(dist: Path, bundle: SmallParts) -> Iterator[FaultyHost]:
    with serve_with_faults({"/": dist, "/bundle/": bundle.folder}) as host:
        yield host


@pytest.fixture
def host(running_host: FaultyHost) -> FaultyHost:
    running_host.clear()
    return running_host


@pytest.fixture
def store(page: Page, host: FaultyHost) -> StorePage:
    return StorePage(page).open(host.url)


def test_a_part_that_is_cut_goes_on_where_it_was(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    name = bundle.parts[2]["file"]
    for tenth in range(1, 10):
        host.clear()
        host.add_fault(name, Fault(cut_at=PART_BYTES * tenth // 10))
        result = store.load()
        assert result["sha256"] == bundle.sha256
        assert host.starts(name)[0] == 0 < host.starts(name)[1]
        assert host.bytes_sent(name) < 1.1 * PART_BYTES
        store.clear()


def test_a_host_without_ranges_sends_the_cut_part_again_and_no_other(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    name = bundle.parts[2]["file"]
    for tenth in range(1, 10):
        host.clear()
        host.ranges = False
        cut = PART_BYTES * tenth // 10
        host.add_fault(name, Fault(cut_at=cut))
        assert store.load()["sha256"] == bundle.sha256
        assert host.bytes_sent(name) == cut + PART_BYTES
        assert host.bytes_sent(".bin") == everything(bundle, ".bin") + cut
        store.clear()


@pytest.mark.parametrize(
    "fault",
    [
        Fault(flip=PART_BYTES // 2),
        Fault(status=404),
        Fault(status=500),
        Fault(length=PART_BYTES - 1),
        Fault(headers={"content-encoding": "gzip"}),
    ],
    ids=["one bit", "404", "500", "short", "wrong Content-Encoding"],
)
def test_one_bad_answer_costs_that_part_again(
    store: StorePage, host: FaultyHost, bundle: SmallParts, fault: Fault
) -> None:
    name = bundle.parts[4]["file"]
    host.add_fault(name, fault)
    result = store.load()
    assert result["sha256"] == bundle.sha256
    assert result["store"] == {"place": "device", "reason": None}
    assert len(host.starts(name)) > 1
    others = [sent.path for sent in host.sent if sent.path.endswith(".bin") and not sent.path.endswith(name)]
    assert len(others) == len(set(others)) == len(bundle.parts)  # one of them the tokenizer


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (Fault(flip=7), "PartAlteredError", "arrived with a sha256 of"),
        (Fault(status=404), "PartMissingError", "HTTP status 404"),
        (Fault(status=500), "PartMissingError", "The server is in trouble: try again later."),
        (Fault(length=PART_BYTES - 1), "PartAlteredError", f"expected {PART_BYTES} bytes"),
        (Fault(headers={"content-encoding": "gzip"}), "PartMissingError", "Content-Encoding"),
    ],
    ids=["one bit", "404", "500", "short", "wrong Content-Encoding"],
)
def test_an_answer_that_stays_bad_is_named_and_nothing_wrong_is_kept(
    store: StorePage, host: FaultyHost, bundle: SmallParts, fault: Fault, error: str, words: str
) -> None:
    name = bundle.parts[4]["file"]
    host.add_fault(name, fault, times=20)
    result = store.load()
    assert result["error"].startswith(f"{error}: {name}")
    assert words in result["error"]
    before = [sent.path for sent in host.sent if sent.bytes]
    host.clear()
    assert store.load()["sha256"] == bundle.sha256
    # Not one of those that came through is asked for again, but for those that were stopped half way.
    whole = {path for path in before if host.bytes_sent(path) == 0}
    assert len(whole) > len(bundle.parts) // 2


def test_a_host_that_falls_silent_is_asked_again(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    name = bundle.parts[1]["file"]
    silence = Fault(hold_at=PART_BYTES // 2)
    host.add_fault(name, silence)
    assert store.load(stallMs=300)["sha256"] == bundle.sha256
    assert sorted(host.starts(name)) == [0, PART_BYTES // 2]


def test_a_host_that_drips_is_waited_for_with_its_rate_until_a_person_has_enough(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    name = bundle.parts[-1]["file"]
    host.add_fault(name, Fault(drip_from=100))
    store.start(stallMs=1000)
    # The rate of the last seconds, once the fast ones are forgotten.
    store.page.wait_for_function(
        "transfers.at(-1)?.bytesPerSecond < 100 && transfers.at(-1).secondsLeft > 10"
    )
    cancel_load(store)
    assert store.load()["sha256"] == bundle.sha256
    # What was cancelled is noted when the host hears of it, perhaps after the rest was sent.
    assert [start > 100 for start in sorted(host.starts(name))] in ([True], [False, True])


def test_a_server_that_restarts_costs_less_than_a_part_for_each_connection(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    hold = Fault(hold_at=PART_BYTES // 2)
    host.add_fault(bundle.parts[-2]["file"], hold)
    store.start(delayMs=100, attempts=8)
    assert hold.reached.wait(30)
    hold.released.set()
    host.stop()
    restart = threading.Timer(0.3, host.start)
    restart.start()
    result = store.finish()
    restart.join()
    assert result["sha256"] == bundle.sha256
    assert host.bytes_sent(".bin") < everything(bundle, ".bin") + PART_BYTES


def test_what_is_kept_needs_no_server(store: StorePage, host: FaultyHost, bundle: SmallParts) -> None:
    assert store.load()["last"]["storedBytes"] == 0
    host.clear()
    host.add_fault("manifest.json", Fault(status=503))
    result = store.load()
    assert result["sha256"] == bundle.sha256
    assert result["store"]["place"] == "device"
    assert "could not be reached: this is the copy that the browser has kept" in result["store"]["reason"]
    assert result["last"]["storedBytes"] == result["last"]["totalBytes"]
    assert host.bytes_sent(".bin") == 0


def reload_page(store: StorePage) -> StorePage:
    store.page.reload()
    return store


def close_tab(store: StorePage) -> StorePage:
    second = StorePage(store.page.context.new_page()).open(store.page.url.removesuffix("site.json"))
    store.page.close()
    return second


def crash_tab(store: StorePage) -> StorePage:
    second = StorePage(store.page.context.new_page()).open(store.page.url.removesuffix("site.json"))
    with store.page.expect_event("crash"), suppress(PlaywrightError):
        store.page.goto("chrome://crash")
    return second


def cancel_load(store: StorePage) -> StorePage:
    store.page.evaluate("stop.abort(new Error('enough'))")
    assert store.finish() == {"error": "Error: enough"}
    return store


@pytest.mark.parametrize("leave", [reload_page, close_tab, crash_tab, cancel_load])
def test_a_download_that_was_left_goes_on_with_less_than_a_part_again(
    store: StorePage, host: FaultyHost, bundle: SmallParts, leave: Callable[[StorePage], StorePage]
) -> None:
    hold = hold_half_of(bundle.parts[-2]["file"], host)
    store.start()
    assert hold.reached.wait(30)
    missing = PART_BYTES // 2 + 1
    store.page.wait_for_function(
        "missing => transfers.some((now) => now.loadedBytes > now.totalBytes - missing)", arg=missing
    )
    second = leave(store)
    assert second.load()["sha256"] == bundle.sha256
    assert host.bytes_sent(".bin") < everything(bundle, ".bin") + PART_BYTES


def test_what_was_cancelled_in_the_middle_of_a_part_goes_on_there(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    name = bundle.parts[-2]["file"]
    hold = hold_half_of(name, host)
    store.start()
    assert hold.reached.wait(30)
    store.page.wait_for_function("transfers.at(-1)?.loadedBytes > 0.9 * transfers.at(-1).totalBytes")
    cancel_load(store)
    assert store.load()["sha256"] == bundle.sha256
    assert PART_BYTES // 2 in host.starts(name)


def test_two_tabs_at_once_download_once(store: StorePage, host: FaultyHost, bundle: SmallParts) -> None:
    hold = hold_half_of(bundle.parts[3]["file"], host)
    other = StorePage(store.page.context.new_page()).open(host.url)
    store.start()
    assert hold.reached.wait(30)
    other.start()
    other.page.wait_for_function("transfers.some(({ waitingFor }) => waitingFor === 'another-tab')")
    hold.released.set()
    assert [tab.finish()["sha256"] for tab in (store, other)] == [bundle.sha256] * 2
    assert host.bytes_sent(".bin") == everything(bundle, ".bin")


def test_a_tab_that_waits_takes_over_when_the_other_one_dies(
    store: StorePage, host: FaultyHost, bundle: SmallParts
) -> None:
    hold = hold_half_of(bundle.parts[3]["file"], host)
    other = StorePage(store.page.context.new_page()).open(host.url)
    store.start()
    assert hold.reached.wait(30)
    other.start()
    other.page.wait_for_function("transfers.some(({ waitingFor }) => waitingFor === 'another-tab')")
    store.page.close()
    assert other.finish()["sha256"] == bundle.sha256
    assert host.bytes_sent(".bin") < everything(bundle, ".bin") + PART_BYTES


def hold_half_of(name: str, host: FaultyHost) -> Fault:
    hold = Fault(hold_at=PART_BYTES // 2)
    host.add_fault(name, hold)
    return hold


def everything(bundle: SmallParts, ending: str) -> int:
    """Bytes of all files of a load that end so."""
    manifest = bundle.manifest
    entries = [*bundle.parts, manifest["tokenizer"], manifest["graphs"]["wasm"], manifest["chat_template"]]
    return sum(entry["bytes"] for entry in entries if entry["file"].endswith(ending))
