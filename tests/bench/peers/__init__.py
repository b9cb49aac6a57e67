"""pagelm beside its peers, on the same weights, in one browser run: `make bench-peers`."""
