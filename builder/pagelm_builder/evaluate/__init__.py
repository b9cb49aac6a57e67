"""How far a bundle's graph is from the checkpoint that it was made of: `pagelm eval`."""
