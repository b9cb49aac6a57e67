"""How weights become int4 (round_to_nearest) and, from those, int8 for the W8A8 graph (expansion)."""
