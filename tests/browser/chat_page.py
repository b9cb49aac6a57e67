"""The chat page as a person meets it: by roles and names, never by class or id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

ANSWER_MS = 60_000
LOAD_MS = 90_000


@dataclass(frozen=True, slots=True)
class ChatPage:
    """One open chat page."""

    page: Page

    @property
    def composer(self) -> Locator:
        return self.page.get_by_label("Message")

    @property
    def stop_button(self) -> Locator:
        return self.page.get_by_role("button", name="Stop", exact=True)

    @property
    def thinking_switch(self) -> Locator:
        return self.page.get_by_role("switch", name="Thinking")

    @property
    def answers(self) -> Locator:
        return self.page.get_by_role("article", name="Answer")

    @staticmethod
    def text_of(answer: Locator) -> Locator:
        """The answer itself, without reasoning, what came before calls of tools, and figures."""
        return answer.locator(".plm-markdown").last

    @property
    def questions(self) -> Locator:
        return self.page.get_by_role("article", name="Question")

    @property
    def backend_badge(self) -> Locator:
        return self.page.get_by_role("button", name="Backend:")

    def note(self, text: str) -> Locator:
        """What the page says that is no error."""
        return self.page.get_by_role("status").filter(has_text=text)

    def wait_until_ready(self) -> None:
        """Until the badge names the backend: it does when the model has loaded."""
        expect(self.backend_badge).to_be_visible(timeout=LOAD_MS)

    def set_thinking(self, enabled: bool) -> None:
        if self.thinking_switch.get_attribute("aria-checked") != str(enabled).lower():
            self.thinking_switch.click()
        expect(self.thinking_switch).to_have_attribute("aria-checked", str(enabled).lower())

    def set_sampling(self, **values: str) -> None:
        """Fill settings by their labels' first words, e.g. `temperature="0"`."""
        self.page.get_by_role("button", name="Settings").click()
        for name, value in values.items():
            self.page.get_by_role("textbox", name=name.replace("_", " ")).fill(value)
        self.page.get_by_role("button", name="Close settings").click()

    def send(self, question: str) -> Locator:
        """Ask without waiting for the end; returns the answer's article."""
        before = self.answers.count()
        self.composer.fill(question)
        self.composer.press("Enter")
        expect(self.answers).to_have_count(before + 1)
        return self.answers.nth(before)

    def ask(self, question: str) -> Locator:
        """Ask and wait until the answer is complete."""
        answer = self.send(question)
        self.wait_for_end(answer)
        return answer

    def wait_for_end(self, answer: Locator) -> None:
        expect(answer).to_have_attribute("aria-busy", "false", timeout=ANSWER_MS)

    def ask_all(self, messages: Sequence[dict[str, str]]) -> Locator:
        """Ask the user's messages one after the other; returns the last answer."""
        for message in messages:
            if message["role"] == "user":
                answer = self.ask(message["content"])
        return answer
