"""Runs a bundle as people will, in Chromium and on CPython, and compares what they say: `pagelm verify`."""
