"""`pagelm serve`: serves one folder to this machine's browsers, and nothing outside of it."""

from pagelm_builder.serve.application import create_app
from pagelm_builder.serve.server import serve

__all__ = ["create_app", "serve"]
