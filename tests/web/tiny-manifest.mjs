// @ts-check
/** A manifest of format 1 that can be used, as small as one can be. */

const file = (/** @type {string} */ name) => {
  const sha256 = "0123456789abcdef".repeat(4);
  return { file: name, bytes: 1, sha256 };
};

export const TINY_MANIFEST = {
  format: 1,
  name: "tiny",
  model: {
    vocab_size: 8,
    num_hidden_layers: 1,
    num_key_value_heads: 1,
    head_dim: 2,
    max_position_embeddings: 64,
  },
  thinking: false,
  generation: {},
  tokenizer: file("tokenizer/tokenizer.0123456789abcdef.bin"),
  chat_template: file("tokenizer/chat_template.0123456789abcdef.jinja"),
  weights: { bytes: 1, parts: [file("weights/000.0123456789abcdef.bin")] },
  graphs: {
    wasm: {
      ...file("graphs/wasm.0123456789abcdef.onnx"),
      external_data: "weights.bin",
      key_value_dtype: "float32",
      required_features: [],
      largest_binding_bytes: 0,
      storage_buffers: 0,
      candidates: 64,
    },
  },
  quantization: { method: "rtn", bits: 4, head_bits: 4, block_size: 32, symmetric: true },
};
