"""Figures of the whole path on the embedded model: `make bench`. Ratios hold between machines."""
