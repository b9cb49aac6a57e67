"""The folder for transformers.js: its files, a graph that answers as the bundle's, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from graph_sessions import Decoder
from pagelm.tokenizer import Tokenizer
from pagelm_builder.byte_level_bpe import to_vocabulary
from pagelm_builder.cli import main
from pagelm_builder.components import embedding
from pagelm_builder.config import ModelConfig
from pagelm_builder.errors import OutputExistsError, VerificationError
from pagelm_builder.quantize.block_format import WeightFormat
from pagelm_builder.sources.open_source import open_source
from pagelm_builder.transformers_js.agreement import EXACT_NATIVE
from pagelm_builder.transformers_js.export import export_transformers_js
from tiny_checkpoints import SHAPES, TINY, TINY_LLAMA3, random_arrays, write_checkpoint
from tiny_gguf import write_gguf

IDS = [5, 17, 300, 42, 9, 9, 511, 0, 77, 123]
Json = dict


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("source") / "tiny", dtype=np.float32)


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_transformers_js(checkpoint, tmp_path_factory.mktemp("out") / "tiny")


def read(path: Path) -> Json:
    return json.loads(path.read_text(encoding="utf-8"))


class Run:
    """One sequence, fed as transformers.js feeds it, from the files on disk."""

    def __init__(self, folder: Path) -> None:
        path = folder / "onnx" / "model_q4.onnx"
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        # what src/models/modeling_utils.js makes of the session's metadata: 0 for each dimension with a name
        self.past = {
            value.name: np.zeros([size if isinstance(size, int) else 0 for size in value.shape], np.float32)
            for value in self.session.get_inputs()
            if value.name.startswith("past_key_values")
        }
        self.length = 0

    def logits(self, input_ids: Sequence[int], keep: int = 1) -> NDArray[np.float32]:
        """`[kept, vocab_size]`"""
        self.length += len(input_ids)
        feeds = {
            "input_ids": np.array([input_ids], np.int64),
            "attention_mask": np.ones((1, self.length), np.int64),
            "num_logits_to_keep": np.array(keep, np.int64),
            **self.past,
        }
        names = [output.name for output in self.session.get_outputs()]
        found = dict(zip(names, self.session.run(names, feeds), strict=True))
        self.past = {name: found[name.replace("past_key_values", "present")] for name in self.past}
        return found["logits"][0]


def test_the_folder_has_the_files_that_transformers_js_asks_for(exported: Path) -> None:
    assert {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()} == {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "onnx/model_q4.onnx",
        "onnx/model_q4.onnx_data",
    }


def test_config_is_the_checkpoints_and_says_where_the_weights_are(checkpoint: Path, exported: Path) -> None:
    config = read(exported / "config.json")
    own = read(checkpoint / "config.json")
    assert {key: config[key] for key in own} == own
    assert config["transformers.js_config"] == {
        "dtype": "q4",
        "use_external_data_format": {"model_q4.onnx": 1},
    }
    assert config["pagelm"]["quantization"]["method"] == "rtn"


def test_tokenizer_files_are_the_checkpoints_with_its_template(checkpoint: Path, exported: Path) -> None:
    assert (exported / "tokenizer.json").read_bytes() == (checkpoint / "tokenizer.json").read_bytes()
    settings = read(exported / "tokenizer_config.json")
    with open_source(checkpoint) as source:
        assert settings["chat_template"] == source.tokenizer.chat_template
        assert read(exported / "generation_config.json")["eos_token_id"] == list(
            source.tokenizer.eos_token_ids
        )


def test_a_template_in_its_own_file_is_taken_in(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "source", dtype=np.float32)
    settings = read(folder / "tokenizer_config.json")
    template = settings.pop("chat_template")
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    out = export_transformers_js(folder, tmp_path / "out")
    assert read(out / "tokenizer_config.json")["chat_template"] == template


def test_named_tokens_that_are_objects_become_texts(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "source", dtype=np.float32)
    settings = read(folder / "tokenizer_config.json")
    content = settings["eos_token"]
    settings["eos_token"] = {"content": content, "lstrip": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    out = export_transformers_js(folder, tmp_path / "out")
    assert read(out / "tokenizer_config.json")["eos_token"] == content


def test_keys_and_values_have_literal_heads_and_widths(exported: Path) -> None:
    shapes = {value.name: value.shape for value in Run(exported).session.get_inputs()}
    for layer in range(TINY.num_hidden_layers):
        for part in ("key", "value"):
            shape = shapes[f"past_key_values.{layer}.{part}"]
            assert shape == [1, TINY.num_key_value_heads, "past", TINY.head_dim]


def test_the_graph_asks_for_no_operator_that_the_wasm_build_lacks(exported: Path) -> None:
    graph = onnx.load(exported / "onnx" / "model_q4.onnx", load_external_data=False).graph
    operators = {node.op_type for node in graph.node}
    assert "GatherBlockQuantized" not in operators
    assert "MatMulNBits" in operators


@pytest.mark.parametrize("shape", SHAPES)
def test_logits_are_those_of_the_bundles_native_graph(shape: str, tmp_path: Path) -> None:
    config = SHAPES[shape]
    if config.rope_divisors is None:
        source = write_checkpoint(tmp_path / "tiny", config, dtype=np.float32)
    else:
        source = write_gguf(tmp_path / "tiny.gguf", config)
    run = Run(export_transformers_js(source, tmp_path / "out"))
    native = Decoder(config, EXACT_NATIVE, random_arrays(config))
    for step in (IDS[:6], *([token_id] for token_id in IDS[6:])):
        np.testing.assert_allclose(run.logits(step)[0], native.logits(step), rtol=1e-5, atol=1e-5)


def test_as_many_logits_are_kept_as_are_asked_for(exported: Path) -> None:
    every = Run(exported).logits(IDS, 0)
    assert every.shape == (len(IDS), TINY.vocab_size)
    run = Run(exported)
    np.testing.assert_allclose(run.logits(IDS, 3), every[-3:], rtol=1e-5, atol=1e-5)
    one_by_one = Run(exported)
    for number, token_id in enumerate(IDS):
        np.testing.assert_allclose(one_by_one.logits([token_id])[0], every[number], rtol=1e-4, atol=1e-5)


def test_two_sequences_at_once_are_refused(exported: Path) -> None:
    run = Run(exported)
    feeds = {
        "input_ids": np.array([IDS, IDS], np.int64),
        "attention_mask": np.ones((2, len(IDS)), np.int64),
        "num_logits_to_keep": np.array(1, np.int64),
        **run.past,
    }
    with pytest.raises(Exception, match="invalid dimensions"):
        run.session.run(["logits"], feeds)


@pytest.mark.parametrize("form", [WeightFormat(8, 32), WeightFormat(4, 16), WeightFormat(8, 64)], ids=str)
def test_every_weight_format_is_looked_up(form: WeightFormat, tmp_path: Path) -> None:
    # the export ends with a comparison with the native graph, whose lookup is onnxruntime's own
    wide: ModelConfig = replace(TINY, hidden_size=128, intermediate_size=128)
    source = write_checkpoint(tmp_path / "wide", wide, dtype=np.float32)
    out = export_transformers_js(source, tmp_path / "out", weight_format=form)
    assert read(out / "config.json")["pagelm"]["quantization"]["head_bits"] == form.head_bits


def test_weights_in_several_files_answer_alike(checkpoint: Path, exported: Path, tmp_path: Path) -> None:
    out = export_transformers_js(checkpoint, tmp_path / "out", largest_file_bytes=30_000)
    count = read(out / "config.json")["transformers.js_config"]["use_external_data_format"]["model_q4.onnx"]
    names = sorted(path.name for path in (out / "onnx").iterdir())
    assert len(names) == count + 1 > 2
    assert f"model_q4.onnx_data_{count - 1}" in names
    np.testing.assert_array_equal(Run(out).logits(IDS), Run(exported).logits(IDS))


def test_a_gguf_file_gives_config_and_tokenizer_from_its_metadata(tmp_path: Path) -> None:
    source = write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA3)
    out = export_transformers_js(source, tmp_path / "out")
    config = read(out / "config.json")
    assert (config["model_type"], config["head_dim"]) == ("llama", TINY_LLAMA3.head_dim)
    assert config["num_hidden_layers"] == TINY_LLAMA3.num_hidden_layers
    with open_source(source) as opened:
        own = Tokenizer.from_bytes(opened.tokenizer.binary)
        ends = opened.tokenizer.eos_token_ids
    tokenizer = Tokenizer(to_vocabulary(read(out / "tokenizer.json")))
    text = "<|im_start|>user\nWhat is 27 + 38?<|im_end|>"
    assert tokenizer.encode(text, allow_special=True) == own.encode(text, allow_special=True)
    settings = read(out / "tokenizer_config.json")
    assert tokenizer.encode(settings["eos_token"], allow_special=True) == [ends[0]]


def test_a_gguf_file_that_asks_to_be_sampled_is(tmp_path: Path) -> None:
    changes = {"general__sampling__temp": 0.5, "general__sampling__top_k": 7}
    out = export_transformers_js(write_gguf(tmp_path / "tiny.gguf", TINY_LLAMA3, **changes), tmp_path / "out")
    generation = read(out / "generation_config.json")
    assert (generation["do_sample"], generation["temperature"], generation["top_k"]) == (True, 0.5, 7)


def test_a_graph_that_answers_otherwise_is_not_written(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(emitter, codes):  # type: ignore[no-untyped-def]
        mask = emitter.constant(np.array(15, np.uint8), "mask")
        low = emitter.op("BitwiseAnd", [codes, mask], name="low")
        return emitter.op("Concat", [low, low], name="pair", attributes={"axis": -1})

    monkeypatch.setattr(embedding, "_emit_nibbles", swapped)
    with pytest.raises(VerificationError, match="logits after prefill and decode deviate"):
        export_transformers_js(checkpoint, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_export_is_replaced_and_another_folder_is_not(checkpoint: Path, tmp_path: Path) -> None:
    out = export_transformers_js(checkpoint, tmp_path / "out", name="first")
    export_transformers_js(checkpoint, out, name="second")
    assert read(out / "config.json")["pagelm"]["name"] == "second"
    with pytest.raises(OutputExistsError, match="is not an export in this layout"):
        export_transformers_js(checkpoint, checkpoint)


def test_the_command_writes_it_and_says_how_to_load_it(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", str(checkpoint), "--layout", "transformers-js", "--out", str(out)]) == 0
    assert 'pipeline("text-generation", "out", { dtype: "q4" })' in capsys.readouterr().out
    # a bundle may not take its place
    assert main(["export", str(checkpoint), "--out", str(out)]) == 1
    assert "is not a pagelm bundle" in capsys.readouterr().err
    assert (out / "onnx" / "model_q4.onnx").is_file()
