"""A person stops, retries, copies, starts anew, reloads, changes settings, and does it all by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from browser.chat_page import LOAD_MS, ChatPage
from pagelm.saved_chat import read_chat


def test_stop_ends_an_answer_half_way_and_the_next_one_is_right(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=webgpu")  # in software: slow enough for a person to be in time
    chat.set_sampling(temperature="0")
    answer = chat.send("Reverse the word strawberry")
    expect(answer.get_by_role("region", name="Reasoning")).to_be_visible()
    chat.composer.press("Escape")
    chat.wait_for_end(answer)
    expect(answer).to_contain_text("Stopped")
    expect(chat.text_of(answer)).to_be_empty()
    expect(chat.composer).to_be_focused()
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")


def test_retry_draws_the_last_answer_anew(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    figures = chat.ask("What is 27 + 38?").get_by_role("list", name="Statistics")
    seed = figures.get_by_role("listitem").filter(has_text="Seed")
    first = seed.inner_text()
    chat.answers.last.get_by_role("button", name="Retry").click()
    expect(seed).not_to_have_text(first)
    expect(chat.answers).to_have_count(1)
    expect(chat.text_of(chat.answers.last)).to_have_text("27 + 38 = 65")


def test_copy_puts_the_answer_without_the_reasoning_on_the_clipboard(
    open_chat: Callable[..., ChatPage],
) -> None:
    chat = open_chat("?backend=wasm")
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.set_sampling(temperature="0")
    chat.ask("What is 27 + 38?").get_by_role("button", name="Copy answer").click()
    copied = chat.page.evaluate("() => navigator.clipboard.readText()")
    assert copied == "27 + 38 = 65"


def test_new_chat_forgets_the_last_one(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.ask("What is 27 + 38?")
    chat.page.get_by_role("button", name="New chat").click()
    expect(chat.answers).to_have_count(0)
    expect(chat.composer).to_be_focused()
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("and plus 12?"))).not_to_have_text("65 + 12 = 77")


def test_a_reload_keeps_the_chat_and_its_follow_up_works(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    chat.ask("What is 27 + 38?")
    chat.page.reload()
    expect(chat.answers).to_have_count(1)
    expect(chat.text_of(chat.answers.first)).to_have_text("27 + 38 = 65")
    chat.wait_until_ready()
    expect(chat.text_of(chat.ask("and plus 12?"))).to_have_text("65 + 12 = 77")


def test_a_reload_during_an_answer_keeps_what_there_was_of_it(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=webgpu")  # in software: slow enough to be in time
    answer = chat.send("What is 4827 + 938?")
    reasoning = answer.get_by_role("region", name="Reasoning")
    expect(reasoning).to_contain_text("4827")
    chat.page.reload()
    expect(chat.questions.first).to_contain_text("What is 4827 + 938?")
    expect(chat.answers.first).to_contain_text("Stopped.")
    chat.answers.first.get_by_role("button", name="Thought").click()
    expect(reasoning).to_contain_text("4827")
    chat.page.goto(chat.page.url.replace("webgpu", "wasm"))
    chat.wait_until_ready()
    chat.set_sampling(temperature="0")
    expect(chat.text_of(chat.ask("What is 27 + 38?"))).to_have_text("27 + 38 = 65")


def test_a_setting_out_of_range_says_so_and_can_be_reset(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.page.get_by_role("button", name="Settings").click()
    field = chat.page.get_by_role("textbox", name="Temperature")
    field.fill("-1")
    expect(field).to_have_attribute("aria-invalid", "true")
    chat.page.get_by_role("button", name="Reset to defaults").click()
    expect(field).to_have_value("")


def test_the_same_seed_gives_the_same_answer(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="2", seed="7", top_k="64", top_p="1")
    first = chat.ask("Tell me a story")
    first.get_by_role("button", name="Thought").click()
    before = first.inner_text()
    chat.page.get_by_role("button", name="New chat").click()
    expect(chat.answers).to_have_count(0)
    second = chat.ask("Tell me a story")
    second.get_by_role("button", name="Thought").click()
    assert spoken(before) == spoken(second.inner_text())


def spoken(answer: str) -> list[str]:
    """The lines of an answer without times and speeds."""
    return [line for line in answer.splitlines() if "Thought" not in line and "tokens" not in line]


def test_another_backend_is_chosen_in_the_settings_and_survives_a_reload(
    open_chat: Callable[..., ChatPage],
) -> None:
    chat = open_chat("?backend=webgpu")
    chat.ask("What is 2 + 3?")
    chat.page.get_by_role("button", name="Settings").click()
    chat.page.get_by_role("combobox", name="Backend").select_option("WASM")
    expect(chat.page.get_by_role("dialog")).to_contain_text("graph wasm", timeout=LOAD_MS)
    chat.page.get_by_role("button", name="Close settings").click()
    expect(chat.backend_badge).to_contain_text("WASM")
    expect(chat.answers).to_have_count(1)
    chat.page.reload()
    chat.wait_until_ready()
    expect(chat.backend_badge).to_contain_text("WASM")


def test_everything_is_reached_by_keyboard(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.composer.focus()
    chat.page.keyboard.type("Reverse the word stressed")
    chat.page.keyboard.press("Tab")
    expect(chat.thinking_switch).to_be_focused()
    chat.page.keyboard.press("Space")
    expect(chat.thinking_switch).to_have_attribute("aria-checked", "false")
    chat.page.keyboard.press("Tab")
    expect(chat.page.get_by_role("button", name="Tools")).to_be_focused()
    chat.page.keyboard.press("Tab")
    chat.page.keyboard.press("Enter")
    chat.wait_for_end(chat.answers.last)
    expect(chat.text_of(chat.answers.last)).to_have_text("desserts")
    expect(chat.composer).to_be_focused()


def test_a_chat_beyond_the_context_goes_on_without_its_oldest_turns(
    open_chat: Callable[..., ChatPage],
) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0", max_new_tokens="8")
    chat.set_thinking(False)
    filler = "Reverse the word lemon. " * 90
    meter = chat.page.get_by_role("meter", name="Context")
    expect(meter).to_have_js_property("max", 4096)
    for _ in range(5):
        chat.ask(filler)
    notice = chat.page.get_by_text("the model no longer sees what stands above")
    expect(notice.filter(visible=True)).to_have_count(1)
    expect(chat.questions).to_have_count(5)


def test_a_chat_is_saved_as_a_file_and_goes_on_from_it(
    open_chat: Callable[..., ChatPage], tmp_path: Path
) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    chat.ask("What is 27 + 38?")
    chat.page.get_by_role("button", name="Settings").click()
    with chat.page.expect_download() as download:
        chat.page.get_by_role("button", name="Save as a file").click()
    saved = tmp_path / download.value.suggested_filename
    download.value.save_as(saved)
    assert read_chat(saved.read_text(), model="pico").messages[-1]["content"] == "27 + 38 = 65"
    chat.page.get_by_role("button", name="Close settings").click()
    chat.page.get_by_role("button", name="New chat").click()
    expect(chat.answers).to_have_count(0)
    chat.page.get_by_role("button", name="Settings").click()
    with chat.page.expect_file_chooser() as chooser:
        chat.page.get_by_role("button", name="Open a file").click()
    chooser.value.set_files(saved)
    expect(chat.answers).to_have_count(1)
    expect(chat.text_of(chat.ask("and plus 12?"))).to_have_text("65 + 12 = 77")


def test_a_file_that_is_no_chat_is_refused_with_what_to_do(
    open_chat: Callable[..., ChatPage], tmp_path: Path
) -> None:
    chat = open_chat("?backend=wasm")
    other = tmp_path / "other.json"
    other.write_text("{}")
    chat.page.get_by_role("button", name="Settings").click()
    with chat.page.expect_file_chooser() as chooser:
        chat.page.get_by_role("button", name="Open a file").click()
    chooser.value.set_files(other)
    expect(chat.page.get_by_role("alert")).to_contain_text("The saved chat cannot be opened")
