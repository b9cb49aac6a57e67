"""`pagelm chat`: a bundle answers in a terminal, through pagelm's public names."""
