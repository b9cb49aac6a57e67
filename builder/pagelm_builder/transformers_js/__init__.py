"""A checkpoint as a folder that @huggingface/transformers loads: the same int4 weights, another graph."""
