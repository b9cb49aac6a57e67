"""The W8A8 layer by itself, on activations chosen to break a scale per tensor."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
from numpy.typing import NDArray

from pagelm_builder.components.emitter import GraphEmitter
from pagelm_builder.components.linear import Linear, emit_linear
from pagelm_builder.decoder import IR_VERSION, OPSETS
from pagelm_builder.variant import WASM
from pagelm_builder.weights import EXPANDED_FILE, Region

INPUTS, OUTPUTS = 64, 32


def run_w8a8(
    hidden: NDArray[np.float32],
    weight: NDArray[np.int8],
    scales: NDArray[np.float32],
    factors: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    size = weight.nbytes
    regions = {
        "layer.int8": Region("layer.int8", EXPANDED_FILE, ir.DataType.INT8, weight.shape, 0, size),
        "layer.int8_scales": Region(
            "layer.int8_scales", EXPANDED_FILE, ir.DataType.FLOAT, scales.shape, size, scales.nbytes
        ),
    }
    data = weight.tobytes() + scales.tobytes()
    if factors is not None:
        regions["layer.inputs.factors"] = Region(
            "layer.inputs.factors", EXPANDED_FILE, ir.DataType.FLOAT, (INPUTS,), len(data), factors.nbytes
        )
        data += factors.tobytes()
    emitter = GraphEmitter(WASM, regions)
    value = ir.Value(
        name="hidden", type=ir.TensorType(ir.DataType.FLOAT), shape=ir.Shape([1, "sequence", INPUTS])
    )
    result = emit_linear(emitter, value, Linear("/layer", "layer", OUTPUTS, INPUTS))
    result.type = ir.TensorType(ir.DataType.FLOAT)
    graph = ir.Graph(
        [value],
        [result],
        nodes=emitter.nodes,
        initializers=list(emitter.initializers.values()),
        opset_imports=OPSETS,
        name="linear",
    )
    options = ort.SessionOptions()
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.add_external_initializers_from_files_in_memory([EXPANDED_FILE], [data], [len(data)])
    model = ir.to_proto(ir.Model(graph, ir_version=IR_VERSION)).SerializeToString()
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(None, {"hidden": hidden})[0]
    return found


def example() -> tuple[NDArray[np.float32], NDArray[np.int8], NDArray[np.float32]]:
    random = np.random.default_rng(0)
    hidden = random.standard_normal((1, 3, INPUTS)).astype(np.float32)
    weight = random.integers(-127, 128, (INPUTS, OUTPUTS)).astype(np.int8)
    return hidden, weight, random.uniform(0.001, 0.01, OUTPUTS).astype(np.float32)


def test_a_loud_token_takes_no_precision_from_the_others() -> None:
    hidden, weight, scales = example()
    quiet = run_w8a8(hidden, weight, scales)
    hidden[0, 1] *= 1000
    found = run_w8a8(hidden, weight, scales)
    np.testing.assert_array_equal(found[0, [0, 2]], quiet[0, [0, 2]])


def test_products_are_those_of_the_rounded_activations() -> None:
    hidden, weight, scales = example()
    step = np.maximum(np.abs(hidden).max(-1, keepdims=True) * np.float32(1 / 127), np.float32(1e-30))
    codes = np.floor(hidden / step + np.float32(128.5)) - 128
    expected = (codes.astype(np.int64) @ weight.astype(np.int64)) * step * scales
    np.testing.assert_allclose(run_w8a8(hidden, weight, scales), expected, rtol=1e-5, atol=1e-5)


def test_silent_token_gives_zero() -> None:
    hidden, weight, scales = example()
    hidden[0, 2] = 0
    assert (run_w8a8(hidden, weight, scales)[0, 2] == 0).all()


def test_a_loud_channel_with_a_factor_takes_no_precision_from_the_others() -> None:
    hidden, weight, scales = example()
    factors = np.ones(INPUTS, np.float32)
    factors[7] = 0.125
    plain = run_w8a8(hidden, weight, scales)
    hidden[..., 7] *= 8
    np.testing.assert_array_equal(run_w8a8(hidden, weight, scales, factors), plain)
