"""The `pagelm` command: what it calls with which arguments, and how an error leaves it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from pagelm_builder import cli, export, serve, site
from pagelm_builder.commands import export as export_command
from pagelm_builder.errors import BuildError
from pagelm_builder.progress_line import ProgressLine
from pagelm_builder.quantize.block_format import WeightFormat
from pagelm_builder.site import upload
from pagelm_builder.weights_address import parse_weights_address

Calls = list[tuple[tuple[object, ...], dict[str, object]]]


@pytest.fixture
def exports(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What `export_bundle` is called with, instead of doing it."""
    calls: Calls = []

    def note(*arguments: object, **options: object) -> object:
        for unasked in ("progress", "weight_format", "origin"):
            del options[unasked]
        calls.append((arguments, options))
        return arguments[1]

    monkeypatch.setattr(export, "export_bundle", note)
    monkeypatch.setattr(export_command, "describe", lambda bundle: "(what it weighs)")
    return calls


def test_help_lists_the_commands_and_what_they_do(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    assert left.value.code == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    described = {line[0]: line[1] for line in lines if len(line) == 2}
    assert described["export"].startswith("turn a checkpoint into a bundle")
    assert described["site"].startswith("put page, runtime and bundles")
    assert described["serve"].startswith("serve such a folder")
    assert described["chat"].startswith("chat with a bundle")


@pytest.mark.parametrize(
    "command", ["export", "site", "serve", "chat", "eval", "inspect", "verify", "models"]
)
def test_help_of_a_command_explains_each_argument(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    out = capsys.readouterr().out
    assert f"usage: pagelm {command}" in out
    [actions] = [
        action.choices[command]._actions  # type: ignore[index]
        for action in cli.make_parser()._actions
        if action.choices
    ]
    assert [action.dest for action in actions if not action.help] == []


def test_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"pagelm {version('pagelm')}\n"


@pytest.mark.parametrize("arguments", [[], ["export"], ["export", "pico"], ["site"], ["fly"]], ids=" ".join)
def test_arguments_that_make_no_sense_end_in_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    assert left.value.code == 2
    assert "usage: pagelm" in capsys.readouterr().err


def test_pico_is_the_embedded_checkpoint(exports: Calls, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "pico", "--out", "b"]) == 0
    [((source, out), options)] = exports
    assert isinstance(source, Path)
    assert json.loads((source / "config.json").read_text("utf-8"))["architectures"] == ["Qwen3ForCausalLM"]
    assert (source / "model.safetensors").is_file()
    assert source.parent == Path(cli.__file__).parent / "pico"
    assert (out, options) == (Path("b"), {"name": "pico", "method": "rtn", "calibration": None})
    assert capsys.readouterr().out == "wrote b\n(what it weighs)\n"


def test_a_folder_of_the_same_name_is_reached_by_its_path(exports: Calls) -> None:
    cli.main(["export", "./pico", "--out", "b"])
    [((source, _), options)] = exports
    assert (source, options["name"]) == (Path("pico"), None)


def test_method_and_text_are_passed_on(exports: Calls) -> None:
    cli.main(["export", "pico", "--out", "b", "--quantize", "gptq", "--calibration", "mine.txt"])
    [(_, options)] = exports
    assert (options["method"], options["calibration"]) == ("gptq", Path("mine.txt"))


def test_a_name_is_left_to_the_export_unless_given(exports: Calls, tmp_path: Path) -> None:
    cli.main(["export", str(tmp_path / "Qwen3-0.6B"), "--out", "b"])
    cli.main(["export", str(tmp_path), "--out", "b", "--name", "mine"])
    assert [options["name"] for _, options in exports] == [None, "mine"]


def test_formats_are_those_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(
        export, "export_bundle", lambda *arguments, **options: asked.append(options["weight_format"])
    )
    monkeypatch.setattr(export_command, "describe", lambda bundle: "")
    cli.main(["export", "pico", "--out", "b"])
    cli.main(["export", "pico", "--out", "b", "--block-size", "64", "--head-bits", "8"])
    assert asked == [WeightFormat(4, 32), WeightFormat(8, 64)]


def test_an_export_says_what_its_bundle_weighs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "pico", "--out", str(tmp_path / "b")]) == 0
    out = capsys.readouterr().out
    assert "weights: 0.6 MB in 1 parts; 4 bits in blocks of 32, head 4 bits; largest WebGPU binding" in out
    assert "wasm against native: kl_divergence_mean 0.00" in out
    assert "more than WebGPU guarantees" not in out


def test_site_passes_bundles_in_order(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: Calls = []

    def note(*arguments: object, **options: object) -> object:
        calls.append((arguments, options))
        return arguments[0]

    monkeypatch.setattr(site, "build_site", note)
    assert cli.main(["site", "a", "b", "--out", "d", "--node-modules", "n"]) == 0
    [((out, bundles), options)] = calls
    assert (out, bundles, options["node_modules"]) == (Path("d"), [Path("a"), Path("b")], Path("n"))
    assert (options["host_compresses"], options["compression"]) == (True, "fast")
    assert capsys.readouterr().out.startswith("wrote d: ")


def test_site_can_be_told_that_the_weights_are_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[dict[str, object]] = []

    def note(*arguments: object, **options: object) -> object:
        calls.append(options)
        return arguments[0]

    monkeypatch.setattr(site, "build_site", note)
    monkeypatch.setattr(upload, "describe_upload", lambda bundles, weights: [f"{bundles} {weights.folder}"])
    assert cli.main(["site", "a", "--base-url", "https://w.example.org/m"]) == 0
    assert calls[0]["weights"] == parse_weights_address("https://w.example.org/m/")
    assert "https://w.example.org/m/" in capsys.readouterr().out
    assert cli.main(["site", "a", "--base-url", ""]) == 1
    assert "AddressError" in capsys.readouterr().err
    assert len(calls) == 1


def test_site_can_be_told_what_the_host_does_and_how_hard_to_compress(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[dict[str, object]] = []

    def note(*arguments: object, **options: object) -> None:
        calls.append(options)

    monkeypatch.setattr(site, "build_site", note)
    assert cli.main(["site", "a", "--no-host-compresses", "--compression", "smallest"]) == 0
    assert (calls[0]["host_compresses"], calls[0]["compression"]) == (False, "smallest")


def test_serve_listens_on_loopback_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Calls = []
    monkeypatch.setattr(serve, "serve", lambda *arguments, **options: calls.append((arguments, options)))
    cli.main(["serve"])
    cli.main(["serve", "d", "--host", "::1", "--port", "0", "--allow-origin", "https://example.org/"])
    cli.main(["serve", "--allow-origin", "*", "--allow-host", "a.example", "--allow-host", "B"])
    plain = {"host": "127.0.0.1", "port": 8000, "allowed_origin": None, "allowed_hosts": []}
    other = {"host": "::1", "port": 0, "allowed_origin": "https://example.org", "allowed_hosts": []}
    assert calls == [
        ((Path("dist"),), plain),
        ((Path("d"),), other),
        ((Path("dist"),), {**plain, "allowed_origin": "*", "allowed_hosts": ["a.example", "b"]}),
    ]
    assert cli.main(["serve", "--allow-host", "http://a.example"]) == 1
    assert cli.main(["serve", "--allow-origin", "example.org"]) == 1


def test_an_error_is_one_line_on_stderr_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise BuildError("a library said:\n\n  no", expected="yes", remedy="Ask again.")

    monkeypatch.setattr(export, "export_bundle", fail)
    assert cli.main(["export", "pico", "--out", "b"]) == 1
    captured = capsys.readouterr()
    assert captured.err == "pagelm: BuildError: a library said: no (expected yes). Ask again.\n"
    assert captured.out == ""


def test_an_error_that_pagelm_did_not_foresee_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(export, "export_bundle", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["export", "pico", "--out", "b"])


def test_an_interrupt_ends_with_the_status_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(serve, "serve", interrupt)
    assert cli.main(["serve"]) == 130


@pytest.mark.parametrize(
    ("kind", "problem"), [("nothing", "is not there"), ("file", "does not begin with GGUF")]
)
def test_a_source_that_is_no_folder_is_a_named_error(
    kind: str, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "model"
    if kind == "file":
        source.write_text("")
    assert cli.main(["export", str(source), "--out", str(tmp_path / "out" / "bundle")]) == 1
    assert capsys.readouterr().err.startswith(
        f"pagelm: CheckpointError: {source} {problem} (expected a folder"
    )
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_config_is_a_named_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", str(tmp_path), "--out", str(tmp_path / "bundle")]) == 1
    expected = f"pagelm: ConfigError: {tmp_path / 'config.json'} is missing"
    assert capsys.readouterr().err.startswith(expected)
    assert list(tmp_path.iterdir()) == []


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    ProgressLine()("weights", 1, 2)
    assert capsys.readouterr().err == ""


def test_progress_overwrites_its_line_and_ends_it_with_the_stage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = ProgressLine()
    progress("weights", 1, 2)
    progress("weights", 2, 2)
    assert capsys.readouterr().err == "\r\x1b[2Kweights 1/2\r\x1b[2Kweights 2/2\n"


def test_the_command_itself_imports_no_piece_that_a_subcommand_needs() -> None:
    heavy = {"onnx", "onnx_ir", "onnxruntime", "numpy", "fastapi", "uvicorn", "torch", "safetensors"}
    script = f"import sys, pagelm_builder.cli; print({heavy} & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout + run.stderr == "set()\n"
