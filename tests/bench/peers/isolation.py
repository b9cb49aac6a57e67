"""What a host sends for pages with threads; no policy, which the peers' blob workers would break."""

from __future__ import annotations

ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
