"""A person bounds the thinking and holds answers to a form; what cannot be is said beside its field."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from browser.chat_page import ChatPage

SUM = '{"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}'


def open_settings(chat: ChatPage) -> Locator:
    chat.page.get_by_role("button", name="Settings", exact=True).click()
    return chat.page.get_by_role("dialog", name="Settings")


def close_settings(chat: ChatPage) -> None:
    chat.page.get_by_role("button", name="Close settings").click()


def test_the_slider_bounds_the_thinking_and_the_answer_says_so(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    settings = open_settings(chat)
    slider = settings.get_by_role("slider")
    expect(slider).to_have_attribute("aria-valuetext", "no limit")
    slider.press("Home")
    slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "16 tokens")
    expect(settings.get_by_role("textbox", name="Thinking budget")).to_have_value("16")
    close_settings(chat)
    answer = chat.ask("What is 2748 + 3865?")
    expect(answer).to_contain_text("Its thinking was cut short by the budget.")
    settings = open_settings(chat)
    slider.press("End")
    expect(settings.get_by_role("textbox", name="Thinking budget")).to_have_value("")
    close_settings(chat)
    expect(chat.ask("What is 2748 + 3865?")).not_to_contain_text("cut short")


def test_answers_are_json_of_a_schema(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    chat.set_thinking(False)
    settings = open_settings(chat)
    settings.get_by_label("Form of answers").select_option("JSON schema")
    settings.get_by_role("textbox", name="JSON schema").fill(SUM)
    close_settings(chat)
    expect(chat.page.get_by_text("Answers are JSON of your schema")).to_be_visible()
    answer = chat.ask("What is 2 + 3?")
    expect(answer.locator("pre code")).to_contain_text('"sum": ')
    open_settings(chat).get_by_label("Form of answers").select_option("Pattern")
    chat.page.get_by_role("textbox", name="Pattern of the whole answer").fill("[0-9]!")
    close_settings(chat)
    answer = chat.ask("What is 2 + 3?")
    assert len(chat.text_of(answer).inner_text()) == 2
    expect(chat.text_of(answer)).to_contain_text("!")


def test_a_form_that_cannot_be_is_said_at_its_field_and_asks_nothing(
    open_chat: Callable[..., ChatPage],
) -> None:
    chat = open_chat("?backend=wasm")
    settings = open_settings(chat)
    settings.get_by_label("Form of answers").select_option("JSON schema")
    field = settings.get_by_role("textbox", name="JSON schema")
    field.fill('{"not": {}}')
    expect(settings.get_by_text("GrammarError: the schema's #/not is not supported")).to_be_visible()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill('{"not"')
    expect(settings.get_by_text("The schema is no JSON")).to_be_visible()
    close_settings(chat)
    chat.composer.fill("What is 2 + 3?")
    chat.composer.press("Enter")
    expect(chat.page.get_by_role("alert")).to_contain_text("The schema is no JSON")
    expect(chat.composer).to_have_value("What is 2 + 3?")
    field = open_settings(chat).get_by_role("textbox", name="JSON schema")
    field.fill(SUM)
    expect(field).to_have_attribute("aria-invalid", "false")
