"""What a bundle is asked: its own examples in each mode, and no prompt twice."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from fakes import CHAT_TEMPLATE, tokenizer_bytes
from pagelm.manifest import load_manifest
from pagelm.manifest_values import BundleFile
from pagelm_builder.verify.prompts import GENERAL, make_long_prompt, make_prompts


def test_examples_are_asked_in_both_modes(bundle: Path) -> None:
    manifest = replace(load_manifest(bundle), examples=("One?", "Two?"))
    prompts = make_prompts(bundle, manifest)
    assert [(prompt.text, prompt.enable_thinking) for prompt in prompts] == [
        ("One?", True),
        ("One?", False),
        ("Two?", True),
        ("Two?", False),
    ]
    assert prompts[0].messages == [{"role": "user", "content": "One?"}]
    assert bytes(prompts[0].input_ids[1:10]) == b"user\nOne?"


def test_a_model_that_does_not_think_is_asked_without(bundle: Path) -> None:
    manifest = replace(load_manifest(bundle), examples=("One?",), thinking=False)
    assert [prompt.enable_thinking for prompt in make_prompts(bundle, manifest)] == [False]


def test_a_question_that_switches_thinking_off_is_asked_once(bundle: Path) -> None:
    manifest = replace(load_manifest(bundle), examples=("One? /no_think",))
    [prompt] = make_prompts(bundle, manifest)
    without = replace(manifest, thinking=False)
    assert prompt.input_ids == make_prompts(bundle, without)[0].input_ids


def test_without_examples_general_questions_are_asked(bundle: Path) -> None:
    texts = {prompt.text for prompt in make_prompts(bundle, load_manifest(bundle))}
    assert texts == set(GENERAL)


def test_a_template_without_modes_gives_each_prompt_once(bundle: Path, tmp_path: Path) -> None:
    template = CHAT_TEMPLATE.replace("{% if not enable_thinking %}", "{% if false %}").encode()
    (tmp_path / "t.jinja").write_bytes(template)
    (tmp_path / "t.bin").write_bytes(tokenizer_bytes())

    def entry(name: str) -> BundleFile:
        data = (tmp_path / name).read_bytes()
        return BundleFile(name, len(data), hashlib.sha256(data).hexdigest())

    manifest = replace(
        load_manifest(bundle), examples=("One?",), tokenizer=entry("t.bin"), chat_template=entry("t.jinja")
    )
    [prompt] = make_prompts(tmp_path, manifest)
    assert prompt.enable_thinking


def test_a_long_prompt_joins_texts_until_it_is_long_enough(bundle: Path) -> None:
    manifest = replace(load_manifest(bundle), examples=("One?", "Two?"))
    assert make_long_prompt(bundle, manifest, 1).text == "One?"
    longer = len(make_long_prompt(bundle, manifest, 1).input_ids) + 1
    assert make_long_prompt(bundle, manifest, longer).text == "One?\nTwo?"
    assert make_long_prompt(bundle, manifest, 10_000).text == "\n".join(("One?", "Two?", *GENERAL))
