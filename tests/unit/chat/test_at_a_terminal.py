"""`pagelm chat` in a process of its own, at a pseudo-terminal and in a pipe, over a small real bundle."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from random_bundle import export_random_bundle

pty, fcntl, termios = (
    pytest.importorskip(name, reason="this system has no pseudo-terminals")
    for name in ("pty", "fcntl", "termios")
)
if not Path("/proc/self/stat").exists():
    pytest.skip("this system does not tell what a process waits for", allow_module_level=True)

COMMAND = [sys.executable, "-m", "pagelm_builder.cli", "chat"]
PATIENCE_SECONDS = 60
PROMPT = "> "


@pytest.fixture(scope="module")
def random_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_random_bundle(tmp_path_factory.mktemp("chat"))


class Person:
    """Types at a pseudo-terminal and reads what it shows."""

    def __init__(self, keyboard: int) -> None:
        self._keyboard = keyboard
        self.seen = ""

    def press(self, keys: str) -> None:
        os.write(self._keyboard, keys.encode())

    def interrupt(self, process: subprocess.Popen[bytes]) -> None:
        """Press Ctrl+C once the program waits for keys: readline does not notice what comes before."""
        status = Path(f"/proc/{process.pid}/stat")
        deadline = monotonic() + PATIENCE_SECONDS
        while status.read_text().rpartition(") ")[2][0] != "S":
            assert monotonic() < deadline, "the program never waits"
            sleep(0.01)
        self.press("\x03")

    def wait_for(self, text: str, *, after: int = 0) -> int:
        """Read on until `text` stands at or behind a place; returns the place behind it."""
        deadline = monotonic() + PATIENCE_SECONDS
        while (place := self.seen.find(text, after)) < 0:
            assert monotonic() < deadline, f"{text!r} never came: {self.seen!r}"
            self._read()
        return place + len(text)

    def _read(self) -> None:
        if select.select([self._keyboard], [], [], 1)[0]:
            self.seen += os.read(self._keyboard, 4096).decode(errors="replace")


@pytest.fixture
def person(random_bundle: Path) -> Iterator[tuple[Person, subprocess.Popen[bytes]]]:
    keyboard, screen = pty.openpty()
    # Ctrl+C reaches who has the terminal: the program, in a session of its own
    options = ["--max-new-tokens", "8", "--no-thinking", "--seed", "1"]
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    with subprocess.Popen(
        [*COMMAND, str(random_bundle), *options],
        stdin=screen,
        stdout=screen,
        stderr=screen,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    ) as process:
        os.close(screen)
        yield Person(keyboard), process
        process.kill()
    os.close(keyboard)


def test_a_conversation_outlives_an_interrupt_and_ends_with_the_input(
    person: tuple[Person, subprocess.Popen[bytes]],
) -> None:
    typist, process = person
    typist.wait_for(PROMPT)
    typist.press("hello\n")
    answered = typist.wait_for("in context]")
    prompted = typist.wait_for(PROMPT, after=answered)
    typist.press("half a li")
    typed = typist.wait_for("half a li", after=prompted)
    typist.interrupt(process)
    typist.wait_for(PROMPT, after=typed)
    typist.press("again\n")
    answered = typist.wait_for("in context]", after=typed)
    typist.wait_for(PROMPT, after=answered)
    typist.press("\x04")
    assert process.wait(PATIENCE_SECONDS) == 0
    assert "\x1b[2m" in typist.seen
    assert "Traceback" not in typist.seen


def test_in_a_pipe_there_are_no_colours(random_bundle: Path) -> None:
    run = subprocess.run(
        [*COMMAND, str(random_bundle), "--max-new-tokens", "8"],
        input="hello",
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    assert run.stdout.endswith("\n")
    assert "\x1b[2m" not in run.stderr


def test_a_reader_that_leaves_early_is_no_traceback(random_bundle: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, str(random_bundle), "--prompt", "hello", "--no-thinking"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.wait(PATIENCE_SECONDS) == 1
        assert b"Traceback" not in process.stderr.read()
