"""`pagelm site`: one static folder with the page, Python, onnxruntime-web and models, of one origin."""

from pagelm_builder.site.assemble import build_site

__all__ = ["build_site"]
