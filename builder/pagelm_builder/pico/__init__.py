"""pico: the small Qwen3 that this repository trains, its problems and its evaluation."""
