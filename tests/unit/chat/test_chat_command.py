"""`pagelm chat` as scripts use it: --prompt, a pipe, --json, exit status; and errors by name."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Callable
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest

from fakes import model_on, scripted, write_bundle
from pagelm import LanguageModel, SamplingOptions
from pagelm_builder import cli

THOUGHTFUL = "<think>\n2 and 2\n</think>\n\n4."
Asked = list[dict[str, Any]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Loads a scripted model instead of a bundle; remembers what its replies were asked with."""
    calls: Asked = []
    reply = LanguageModel.reply

    async def load(folder: object, **options: object) -> LanguageModel:
        return model_on(scripted(THOUGHTFUL, THOUGHTFUL))

    def note(self: LanguageModel, messages: list[dict[str, str]], **options: Any) -> object:
        calls.append({"messages": messages, **options})
        return reply(self, messages, **options)

    monkeypatch.setattr(LanguageModel, "load", load)
    monkeypatch.setattr(LanguageModel, "reply", note)
    return calls


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Puts bytes on standard input."""
    return lambda data: monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data), encoding="utf-8"))


def test_a_prompt_is_answered_on_standard_output(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chat", "b", "--prompt", "2 + 2?"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "4.\n"
    assert captured.err == "2 and 2\n\n"


def test_what_is_piped_in_is_one_question(
    asked: Asked, pipe: Callable[[bytes], None], capsys: pytest.CaptureFixture[str]
) -> None:
    pipe("Was ist\n2 + 2, ö?\n".encode())
    assert cli.main(["chat", "b"]) == 0
    assert asked[0]["messages"] == [{"role": "user", "content": "Was ist\n2 + 2, ö?"}]
    assert capsys.readouterr().out == "4.\n"


def test_json_is_one_object_and_nothing_else(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chat", "b", "--json", "--prompt", "2 + 2?"]) == 0
    captured = capsys.readouterr()
    said = json.loads(captured.out)
    assert (said["reasoning"], said["text"], said["finish_reason"]) == ("2 and 2", "4.", "stop")
    assert said["usage"]["context_size"] == 512
    assert captured.err == ""


def test_options_reach_the_model_and_the_rest_is_the_bundles(asked: Asked) -> None:
    options = ["--system", "Be brief.", "--no-thinking", "--top-p", "0.5", "--seed", "3"]
    cli.main(["chat", "b", "--prompt", "2?", *options, "--max-new-tokens", "9"])
    [call] = asked
    assert call["messages"][0] == {"role": "system", "content": "Be brief."}
    assert not call["enable_thinking"]
    assert call["sampling"] == SamplingOptions(0.7, 20, 0.5, 0.0, 3)
    assert call["max_new_tokens"] == 9


@pytest.mark.parametrize(("options", "wanted"), [([], False), (["--prompt-lookup"], True)])
def test_tokens_are_guessed_where_that_is_asked_for(asked: Asked, options: list[str], wanted: bool) -> None:
    cli.main(["chat", "b", "--prompt", "2?", *options])
    assert [call["prompt_lookup"] for call in asked] == [wanted]


def test_an_answer_cut_short_says_so_beside_it(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["chat", "b", "--prompt", "2?", "--max-new-tokens", "12"]) == 0
    assert "no more tokens" in capsys.readouterr().err


def test_an_interrupted_answer_ends_with_the_status_of_one(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LanguageModel, "reply", interrupt)
    assert cli.main(["chat", "b", "--prompt", "2?"]) == 130


@pytest.mark.parametrize(
    ("arguments", "piped", "message"),
    [
        (["b", "--prompt", " "], b"", "QuestionError: --prompt holds no question"),
        (["b"], b"\n", "QuestionError: standard input holds no question"),
        (["b"], b"\xff", "QuestionError: standard input is not UTF-8: invalid start byte at byte 0"),
        (["b", "--prompt", "x", "--top-k", "-1"], b"", "SamplingError: top_k"),
        (["b", "--prompt", "x", "--max-new-tokens", "0"], b"", "SamplingError: max_new_tokens"),
    ],
)
def test_what_cannot_be_asked_is_a_named_error(
    asked: Asked,
    pipe: Callable[[bytes], None],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    piped: bytes,
    message: str,
) -> None:
    pipe(piped)
    assert cli.main(["chat", *arguments]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith(f"pagelm: {message}")
    assert captured.out == ""


def test_a_budget_for_a_model_that_does_not_think_is_refused(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def load(folder: Path, **options: Any) -> LanguageModel:
        return model_on(scripted("4."), thinking=False)

    monkeypatch.setattr(LanguageModel, "load", load)
    assert cli.main(["chat", "b", "--prompt", "2?", "--thinking-budget", "5"]) == 1
    assert "ThinkingError: thinking_budget is 5" in capsys.readouterr().err
    assert asked == []


def test_json_without_a_question_is_refused_before_anybody_types(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert cli.main(["chat", "b", "--json"]) == 1
    assert "QuestionError: --json" in capsys.readouterr().err


def test_a_missing_package_says_which_extra_brings_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "pagelm._backend_native", raising=False)
    assert cli.main(["chat", str(write_bundle(tmp_path)), "--prompt", "x"]) == 1
    assert "BackendUnavailableError: onnxruntime is not installed" in (err := capsys.readouterr().err)
    assert "pip install 'pagelm[native]'" in err


def test_a_name_that_is_nowhere_says_how_to_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["chat", "pico", "--prompt", "x"]) == 1
    assert "there is no bundle named pico" in (told := capsys.readouterr().err)
    assert "pagelm export pico --out build/bundles/pico" in told


def test_a_folder_without_a_bundle_is_a_named_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["chat", str(tmp_path), "--prompt", "x"]) == 1
    assert capsys.readouterr().err.startswith("pagelm: ManifestError: ")


def test_a_person_at_a_terminal_gets_a_conversation(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = iter(["2 + 2?", "again?"])

    def next_line(prompt: str = "") -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(builtins, "input", next_line)
    assert cli.main(["chat", "b"]) == 0
    assert capsys.readouterr().out == "4.\n4.\n"
    assert len(asked) == 2


def test_an_answer_has_the_form_that_is_asked_for(
    asked: Asked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sum.json").write_text('{"const": [4]}')
    assert cli.main(["chat", "b", "--prompt", "2 + 2?", "--json-schema", str(tmp_path / "sum.json")]) == 0
    assert capsys.readouterr().out == "[4]\n"
    assert cli.main(["chat", "b", "--prompt", "2 + 2?", "--regex", "4!"]) == 0
    assert capsys.readouterr().out == "4!\n"


@pytest.mark.parametrize(
    ("content", "options", "problem"),
    [
        ("{", ["--json-schema", "FILE"], "QuestionError: --json-schema: "),
        (None, ["--json-schema", "FILE"], "QuestionError: --json-schema: "),
        ("{}", ["--json-schema", "FILE", "--regex", "a"], "both given"),
        ('{"not": {}}', ["--json-schema", "FILE"], "GrammarError: the schema's #/not is not supported"),
        (None, ["--regex", "(?=a)"], "GrammarError: the pattern has a lookahead"),
    ],
)
def test_a_form_that_cannot_be_is_refused_before_anybody_is_asked(
    asked: Asked,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str | None,
    options: list[str],
    problem: str,
) -> None:
    file = tmp_path / "schema.json"
    if content is not None:
        file.write_text(content)
    options = [str(file) if option == "FILE" else option for option in options]
    assert cli.main(["chat", "b", "--prompt", "2?", *options]) == 1
    assert problem in capsys.readouterr().err
    assert asked == []
