"""What runs when a better backend fails: said in a notice, and nothing where that backend was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from playwright.sync_api import Locator, Page, expect

from altered_bundle import alter_bundle, set_attribute
from browser import gpu_faults
from browser.chat_page import ChatPage

OpenChat = Callable[..., ChatPage]


def alert(page: Page) -> Locator:
    return page.get_by_role("alert").filter(visible=True)


def expect_right_answer(chat: ChatPage) -> None:
    chat.set_sampling(temperature="0")
    chat.set_thinking(False)
    expect(chat.text_of(chat.ask("Reverse the word stressed"))).to_have_text("desserts")


def expect_what_runs(page: Page, *texts: str) -> None:
    page.get_by_role("button", name="Settings").click()
    for text in texts:
        expect(page.get_by_role("dialog")).to_contain_text(text)
    page.keyboard.press("Escape")


def test_a_gpu_without_half_precision_computes_in_single(page: Page, open_chat: OpenChat) -> None:
    gpu_faults.put_into_worker(page, gpu_faults.HARDWARE)
    chat = open_chat()
    expect(page.get_by_text("was dropped")).to_have_count(0)
    expect_what_runs(
        page,
        "WebGPU runs in single precision, because webgpu-f16 needs the GPU feature shader-f16.",
        "acme gen-9; half precision (shader-f16): no",
        "tokens/s, measured while loading",
    )
    expect_right_answer(chat)


def test_a_browser_without_webgpu_computes_on_wasm(page: Page, open_chat: OpenChat) -> None:
    gpu_faults.put_into_worker(page, gpu_faults.NO_WEBGPU)
    chat = open_chat()
    expect(alert(page)).to_have_count(0)
    expect_what_runs(page, "WASM runs because this browser does not offer WebGPU to this page.")
    expect_right_answer(chat)


def test_half_precision_that_does_not_start_leaves_single(page: Page, open_chat: OpenChat) -> None:
    gpu_faults.put_into_worker(page, gpu_faults.HARDWARE, gpu_faults.SHADER_F16)
    chat = open_chat()
    expect(chat.note("WebGPU in half precision was dropped: the GPU refuses a device")).to_be_visible()
    expect(chat.note("WebGPU in single precision runs instead.")).to_be_visible()
    expect_right_answer(chat)


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (gpu_faults.NO_DEVICE, "the GPU refuses a device: OperationError: no more devices"),
        (gpu_faults.BAD_SHADERS, "No cached or pending pipeline"),
        (gpu_faults.NO_GPU_MEMORY, "the GPU reported an error: no room for the buffer"),
    ],
    ids=["device refused", "shaders refused", "memory refused"],
)
def test_a_gpu_that_does_not_start_leaves_wasm(
    page: Page, open_chat: OpenChat, fault: str, problem: str
) -> None:
    weights: list[str] = []
    page.on("request", lambda request: weights.append(request.url) if "/weights/" in request.url else None)
    gpu_faults.put_into_worker(page, gpu_faults.HARDWARE, fault)
    chat = open_chat()
    expect(chat.note("WebGPU in single precision was dropped: ")).to_be_visible()
    expect(chat.note("WASM runs instead.")).to_be_visible()
    expect_what_runs(page, "WASM runs because", "WebGPU in single precision, dropped", problem)
    expect_right_answer(chat)
    assert len(weights) == len(set(weights)), "weights are fetched once, whatever is tried"


def test_a_gpu_that_computes_wrongly_without_an_error_leaves_wasm(page: Page, open_chat: OpenChat) -> None:
    """A real fault, which moves none of the check's tokens: onnxruntime's attention on narrow subgroups."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    gpu_faults.put_into_worker(page, gpu_faults.HARDWARE, gpu_faults.SAY_DESTROYED)
    gpu_faults.replace_in_module(page, "gpu-device.js", gpu_faults.NARROW_SUBGROUPS)
    chat = open_chat()
    note = (
        "WebGPU in single precision was dropped: the graph webgpu-f32 computes wrongly on this device. "
        "WASM runs instead."
    )
    expect(chat.note(note)).to_be_visible()
    expect_what_runs(
        page,
        "ahead by 16.7 logits, as its export says; it is 510, ahead by 16.",
        "5 compared with what its export computed: they agree.",
    )
    expect_right_answer(chat)
    assert "device destroyed" in said


def test_half_precision_that_computes_wrongly_leaves_single(
    page: Page, dist: Path, tmp_path: Path, open_chat: OpenChat
) -> None:
    """A graph with another epsilon in the place of webgpu-f16's, on a device that can run it."""

    def widen(graph: onnx.GraphProto) -> None:
        for node in graph.node:
            if node.op_type == "GroupQueryAttention":
                set_attribute(node, "qk_norm_epsilon", 50.0)

    copy = alter_bundle(dist / "models" / "pico", tmp_path / "pico", "webgpu-f32", widen)
    altered = json.loads((copy / "manifest.json").read_text("utf-8"))["graphs"]["webgpu-f32"]
    manifest = json.loads((dist / "models/pico/manifest.json").read_text("utf-8"))
    manifest["graphs"]["webgpu-f16"] = altered
    page.route("**/models/pico/manifest.json", lambda route: route.fulfill(json=manifest))
    page.route(f"**/{altered['file']}", lambda route: route.fulfill(path=copy / altered["file"]))
    gpu_faults.put_into_worker(page, gpu_faults.HARDWARE)
    chat = open_chat()
    expect(chat.note("WebGPU in half precision was dropped: the graph webgpu-f16 computes")).to_be_visible()
    expect(chat.note("WebGPU in single precision runs instead.")).to_be_visible()
    expect_right_answer(chat)


def test_a_gpu_that_was_asked_for_and_computes_wrongly_is_not_used(page: Page, site_url: str) -> None:
    gpu_faults.replace_in_module(page, "gpu-device.js", gpu_faults.NARROW_SUBGROUPS)
    page.goto(site_url + "?backend=webgpu-f32")
    expect(alert(page)).to_contain_text("WrongTokensError", timeout=90_000)
    expect(alert(page)).to_contain_text("Choose WASM in the Settings")


def test_webgpu_that_was_asked_for_is_never_exchanged(page: Page, site_url: str) -> None:
    gpu_faults.put_into_worker(page, gpu_faults.NO_DEVICE)
    page.goto(site_url + "?backend=webgpu")
    expect(alert(page)).to_contain_text("the GPU refuses a device")
    expect(alert(page)).to_contain_text("choose WASM in the Settings")
    expect(alert(page)).to_contain_text("BackendUnavailableError")
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("combobox", name="Backend").select_option("wasm")
    page.keyboard.press("Escape")
    chat = ChatPage(page)
    chat.wait_until_ready()
    expect_right_answer(chat)


def test_wasm_without_memory_is_named_and_says_what_to_do(page: Page, site_url: str) -> None:
    gpu_faults.put_into_worker(page, gpu_faults.NO_SHARED_MEMORY)
    page.goto(site_url + "?backend=wasm")
    expect(alert(page)).to_contain_text("DeviceMemoryError", timeout=60_000)
    expect(alert(page)).to_contain_text("there is no memory for a session of graphs/wasm")
    expect(alert(page)).to_contain_text("Close other tabs and programs and reload")
    expect(alert(page).get_by_role("button", name="Try again")).to_be_visible()
