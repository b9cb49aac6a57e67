"""transformers.js, in Chromium, loads what `--layout transformers-js` writes and answers as pagelm does.

Outside `make test`, as its packages weigh half a gigabyte: `make test-peers`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from bench.peers.isolation import ISOLATION
from bench.peers.packages import link_transformers_js
from browser.plain_host import serve_plainly
from graph_sessions import Decoder
from pagelm import LanguageModel, ReasoningDelta, SamplingOptions, TextDelta
from pagelm.tokenizer import Tokenizer
from pagelm_builder.embedded_model import embedded_checkpoint
from pagelm_builder.export import export_bundle
from pagelm_builder.sources.open_source import open_source
from pagelm_builder.transformers_js.agreement import EXACT_NATIVE
from pagelm_builder.transformers_js.export import export_transformers_js
from pagelm_builder.verify.chromium import open_chromium
from tiny_checkpoints import TINY_LLAMA, random_arrays
from tiny_gguf import write_gguf

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "build" / "peers" / "node_modules"
QUESTIONS = ("Reverse the word stone", "What is 27 + 38?")
MODULE = ROOT / "tests" / "bench" / "peers" / "transformers-js.js"

ANSWER = """async ([model, device, question, enable_thinking]) => {
  const { loadModel } = await import("/transformers-js.js");
  const generator = await loadModel({ model, device, threads: 2 });
  const messages = [{ role: "user", content: question }];
  const options = { max_new_tokens: 200, do_sample: false, tokenizer_encode_kwargs: { enable_thinking } };
  const [{ generated_text }] = await generator(messages, options);
  return generated_text.at(-1).content;
}"""
CONTINUE = """async ([model, text, count]) => {
  const { loadModel } = await import("/transformers-js.js");
  const generator = await loadModel({ model, device: "wasm", threads: 1 });
  const inputs = generator.tokenizer(text, { add_special_tokens: false });
  const options = { max_new_tokens: count, do_sample: false, eos_token_id: null };
  const sequences = await generator.model.generate({ ...inputs, ...options });
  return [inputs.input_ids, sequences].map((tensor) => Array.from(tensor.data, Number));
}"""

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is served: the packages, and models beside them."""
    if not PACKAGES.is_dir():
        pytest.fail("build/peers/ is not there: run `make test-peers`, which fills it first")
    folder = tmp_path_factory.mktemp("host")
    link_transformers_js(folder, PACKAGES)
    (folder / MODULE.name).symlink_to(MODULE)
    (folder / "index.html").write_text("<!doctype html>", encoding="utf-8")
    export_transformers_js(embedded_checkpoint(), folder / "peer-models" / "pico")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serve_plainly(folder, ISOLATION) as address:
        yield address


@pytest.fixture(scope="module")
def replies(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], tuple[str, str]]:
    """pagelm's reasoning and text on onnxruntime for CPython, by question and whether it thinks."""
    bundle = export_bundle(embedded_checkpoint(), tmp_path_factory.mktemp("bundle") / "pico")
    return {
        (question, thinking): asyncio.run(greedy_reply(bundle, question, enable_thinking=thinking))
        for question in QUESTIONS
        for thinking in (True, False)
    }


async def greedy_reply(bundle: Path, question: str, *, enable_thinking: bool) -> tuple[str, str]:
    chat = (await LanguageModel.load(bundle)).chat(enable_thinking=enable_thinking)
    sampling = SamplingOptions(temperature=0)
    reasoning, text = "", ""
    async for event in chat.send(question, sampling=sampling):
        if isinstance(event, ReasoningDelta):
            reasoning += event.text
        elif isinstance(event, TextDelta):
            text += event.text
    return reasoning, text


@pytest.fixture(scope="module")
def browser(replies: object) -> Iterator[Browser]:
    """Opened last: Playwright's loop stays in the thread."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(600_000)
    elsewhere: list[str] = []
    page.on("request", lambda request: elsewhere.append(request.url))
    page.goto(address)
    yield page
    context.close()
    assert [url for url in elsewhere if not url.startswith((address, "blob:", "data:"))] == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_thinking_and_answer_are_those_of_pagelm(
    page: Page, replies: dict[tuple[str, bool], tuple[str, str]], question: str
) -> None:
    reasoning, text = replies[question, True]
    answer = page.evaluate(ANSWER, ["pico", "wasm", question, True])
    assert answer == f"<think>\n{reasoning}\n</think>\n\n{text}"


@pytest.mark.parametrize("device", ["wasm", "webgpu"])
def test_an_answer_without_thinking_is_that_of_pagelm(
    page: Page, replies: dict[tuple[str, bool], tuple[str, str]], device: str
) -> None:
    answer = page.evaluate(ANSWER, ["pico", device, QUESTIONS[0], False])
    assert answer == replies[QUESTIONS[0], False][1]


def test_a_gguf_files_tokenizer_and_weights_in_several_files_arrive(page: Page, folder: Path) -> None:
    arrays = random_arrays(TINY_LLAMA)
    source = write_gguf(folder / "tiny.gguf", TINY_LLAMA, arrays)
    out = export_transformers_js(source, folder / "peer-models" / "tiny", largest_file_bytes=30_000)
    assert (out / "onnx" / "model_q4.onnx_data_1").is_file()
    text = "<|im_start|>user\nWhat is 27 + 38?<|im_end|>\n"
    input_ids, sequence = page.evaluate(CONTINUE, ["tiny", text, 8])
    with open_source(source) as opened:
        tokenizer = Tokenizer.from_bytes(opened.tokenizer.binary)
    assert input_ids == tokenizer.encode(text, allow_special=True)
    decoder = Decoder(TINY_LLAMA, EXACT_NATIVE, arrays)
    expected = list(input_ids)
    step = input_ids
    for _ in range(8):
        expected.append(int(decoder.logits(step).argmax()))
        step = expected[-1:]
    assert sequence == expected
