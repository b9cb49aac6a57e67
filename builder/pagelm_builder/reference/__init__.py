"""The decoder in numpy and float32: what a quantized one is calibrated with and compared to."""
