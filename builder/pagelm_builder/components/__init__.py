"""Each file emits one subgraph of the decoder."""
