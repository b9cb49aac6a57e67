"""A person goes on from an earlier answer, changes a question, and finds every chat again."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from browser.chat_page import ChatPage


def open_quiet_chat(open_chat: Callable[..., ChatPage]) -> ChatPage:
    chat = open_chat("?backend=wasm")
    chat.set_sampling(temperature="0")
    return chat


def go_to_chat(chat: ChatPage, name: str) -> None:
    chat.page.get_by_role("button", name="Chats", exact=True).click()
    chat.page.get_by_role("dialog", name="Chats").get_by_role("button", name=name).first.click()


def test_a_branch_shares_what_was_said_and_goes_its_own_way(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_quiet_chat(open_chat)
    chat.ask("What is 27 + 38?")
    chat.ask("and plus 12?")
    chat.answers.first.get_by_role("button", name="Branch").click()
    expect(chat.answers).to_have_count(1)
    expect(chat.composer).to_be_focused()
    expect(chat.text_of(chat.ask("and plus 20?"))).to_have_text("65 + 20 = 85")
    go_to_chat(chat, "and plus 12?")
    expect(chat.questions.last).to_contain_text("and plus 12?")
    expect(chat.text_of(chat.answers.last)).to_have_text("65 + 12 = 77")
    chat.page.reload()
    go_to_chat(chat, "and plus 20?")
    expect(chat.text_of(chat.answers.last)).to_have_text("65 + 20 = 85")


def test_a_question_is_changed_in_a_branch(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_quiet_chat(open_chat)
    chat.ask("What is 27 + 38?")
    chat.questions.first.get_by_role("button", name="Edit the question in a branch").click()
    expect(chat.answers).to_have_count(0)
    expect(chat.composer).to_have_value("What is 27 + 38?")
    expect(chat.text_of(chat.ask("What is 27 + 39?"))).to_have_text("27 + 39 = 66")
    go_to_chat(chat, "What is 27 + 38?")
    expect(chat.text_of(chat.answers.first)).to_have_text("27 + 38 = 65")


def test_a_new_chat_keeps_the_old_one_until_it_is_deleted(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_quiet_chat(open_chat)
    chat.ask("What is 27 + 38?")
    chat.page.get_by_role("button", name="New chat").click()
    expect(chat.answers).to_have_count(0)
    chat.page.get_by_role("button", name="Chats", exact=True).click()
    delete = chat.page.get_by_role("button", name="Delete “What is 27 + 38?”")
    delete.click()
    chat.page.get_by_role("button", name="Really delete “What is 27 + 38?”").click()
    expect(chat.page.get_by_role("dialog", name="Chats").get_by_role("listitem")).to_have_count(1)


def test_a_person_hears_that_chats_are_no_longer_kept(open_chat: Callable[..., ChatPage]) -> None:
    chat = open_quiet_chat(open_chat)
    chat.page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('full'); }; }")
    chat.ask("What is 27 + 38?")
    expect(chat.page.get_by_role("alert")).to_contain_text("This tab's storage is full")
