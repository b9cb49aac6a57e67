"""Structured output: answers that follow a JSON Schema or a regular expression, token by token.

    schema, pattern ─► expressions ─► automaton (bytes) ─► token_filter (vocabulary) ─► answer_constraint

A schema or a pattern becomes an expression over bytes; an automaton reads it lazily; the filter says which
tokens may follow. Knows nothing of logits and backends.
"""
