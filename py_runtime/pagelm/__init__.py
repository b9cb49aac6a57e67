"""pagelm: Qwen3 inside a web page, driven by Python (the runtime)."""
