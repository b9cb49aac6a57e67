"""The builder: from a checkpoint to a bundle, from a bundle to a site. CPython only."""
