"""A module for each subcommand of `pagelm`: `add_parser` declares its arguments, `run` calls what does it."""
