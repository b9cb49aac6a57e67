// @ts-check
/** What a manifest has to say of a model and of a graph, in tests that are about something else. */

export const MODEL = {
  vocab_size: 8,
  num_hidden_layers: 1,
  num_key_value_heads: 1,
  head_dim: 2,
  max_position_embeddings: 64,
};

export const GRAPH = {
  key_value_dtype: "float32",
  required_features: [],
  largest_binding_bytes: 0,
  storage_buffers: 0,
  candidates: 2,
};
